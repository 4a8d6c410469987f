import pytest

from posthaus.mail.thread import base_subject, message_id, message_ids, split_subject

# RFC 5256 §2.1, each rule alone and together
SUBJECTS = [
    ("", "", False),
    ("plain", "plain", False),
    ("  two \t words\r\n", "two words", False),
    ("Re: a", "a", True),
    ("RE:a", "a", True),
    ("re : a", "a", True),
    ("Re: Re: Fwd: FW: a", "a", True),
    ("Re[2]: a", "a", True),
    ("Re [x] : a", "a", True),
    ("Fwd: a", "a", True),
    ("Fw: a", "a", True),
    ("Fwds: a", "Fwds: a", False),
    ("AW: a", "AW: a", False),
    ("a (fwd)", "a", True),
    ("a (FWD) (fwd) ", "a", True),
    ("a(fwd)", "a", True),
    ("(fwd)", "", True),
    ("[list] a", "a", False),
    ("[list]a", "a", False),
    ("[list] [other] a", "a", False),
    ("[list] Re: a", "a", True),
    ("Re: [list] a", "a", True),
    ("Re: [list] Re: [list] a", "a", True),
    ("[list]", "[list]", False),
    ("Re: [list]", "[list]", True),
    ("[a][b]", "[b]", False),
    ("[list] Re:", "", True),
    ("[not closed a", "[not closed a", False),
    ("[a[b] c", "[a[b] c", False),
    ("[fwd: a]", "a", True),
    ("[Fwd: Re: [list] a (fwd)] (fwd)", "a", True),
    ("[fwd: [fwd: a]]", "a", True),
    ("[fwd: a] b", "b", False),
    ("Re: [fwd: a]", "a", True),
    ("[fwd: a", "[fwd: a", False),
    ("re", "re", False),
    ("Re: Grüße", "Grüße", True),
    ("time: 10:30", "time: 10:30", False),
    ("Re: ", "", True),
]


@pytest.mark.parametrize(("subject", "wanted", "is_reply"), SUBJECTS)
def test_base_subject(subject: str, wanted: str, is_reply: bool) -> None:
    assert split_subject(subject) == (wanted, is_reply)
    assert base_subject(subject) == wanted


@pytest.mark.parametrize(
    "subject", ["Re: " * 100_000, "[a]" * 100_000, "[" * 100_000, "(fwd)" * 100_000, "[fwd:" * 100_000]
)
def test_heavy_subjects(subject: str) -> None:
    base_subject(subject)


IDS = [
    (b"<a@b>", "a@b"),
    (b" (x) <a@b> y", "a@b"),
    (b'<"01KF8JCEOCBS0045PS"@xxx.yyy.com>', "01KF8JCEOCBS0045PS@xxx.yyy.com"),  # RFC 5256 §2.2
    (b'<"a b"@c>', '"ab"@c'),
    (b"<a\tb@c>", "ab@c"),
    (b"a@b", "a@b"),
    (b"no id", ""),
    (b"", ""),
    (b"<>", ""),
    (b"<never ends", ""),
    (b"<" + b"x" * 2_000 + b"@y>", ""),
    ("<ü@b>".encode(), "ü@b"),
    (b"<\xfc\0@b>", "ü\ufffd@b"),
]


@pytest.mark.parametrize(("value", "wanted"), IDS)
def test_message_id(value: bytes, wanted: str) -> None:
    assert message_id(value) == wanted


REFERENCES = [
    (b"", ()),
    (b"<a@b> <c@d>", ("a@b", "c@d")),
    (b"<a@b><c@d>,<a@b> junk <e@f", ("a@b", "c@d")),
    (b"Your message of Monday <a@b>", ("a@b",)),
    (b"a@b", ()),
]


@pytest.mark.parametrize(("value", "wanted"), REFERENCES)
def test_message_ids(value: bytes, wanted: tuple[str, ...]) -> None:
    assert message_ids(value) == wanted


def test_of_too_many_the_last_count() -> None:
    ids = message_ids(b"".join(b"<%d@x>" % n for n in range(5_000)))
    assert (len(ids), ids[-1]) == (1_000, "4999@x")
