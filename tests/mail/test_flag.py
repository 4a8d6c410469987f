import pytest

from posthaus.mail import flag
from posthaus.mail.flag import bit_of, is_keyword, parse_flags, render_flags


def test_names_stand_at_their_bits() -> None:
    assert [bit_of(name) for name in flag.NAMES] == list(range(flag.FIRST_KEYWORD_BIT))
    assert flag.NAMES[0] == b"\\Seen"
    assert flag.DELETED == 1 << 3
    assert flag.PHISHING == 1 << 9
    assert bit_of(b"\\sEEN") == 0
    assert bit_of(b"foo") is None


KEYWORDS = [
    (b"foo", True),
    (b"$Label1", True),
    (b"a[b", True),
    (b"~!@#&'+,-./:;<=>?^_`|}", True),
    (b"", False),
    (b"\\Foo", False),
    (b"a b", False),
    (b"a]", False),
    (b"a(b", False),
    (b"a{b", False),
    (b"a%b", False),
    (b"a*b", False),
    (b'a"b', False),
    (b"a\x7f", False),
    (b"a\n", False),
    ("ü".encode(), False),
    (b"x" * 100, True),
    (b"x" * 101, False),
]


@pytest.mark.parametrize(("name", "wanted"), KEYWORDS)
def test_is_keyword(name: bytes, wanted: bool) -> None:
    assert is_keyword(name) is wanted


FLAGS = [
    ([], 0, ()),
    ([b"\\SEEN", b"\\flagged"], flag.SEEN | flag.FLAGGED, ()),
    ([b"$forwarded", b"Foo", b"foo", b"bar"], flag.FORWARDED, ("Foo", "bar")),
    ([b"NonJunk", b"Junk"], flag.NOT_JUNK | flag.JUNK, ()),
    ([b"\\Recent", b"\\Unknown", b"a b"], 0, ()),
]


@pytest.mark.parametrize(("names", "bits", "keywords"), FLAGS)
def test_parse_flags(names: list[bytes], bits: int, keywords: tuple[str, ...]) -> None:
    assert parse_flags(names) == (bits, keywords)


RENDERED = [
    (0, {}, False, b""),
    (flag.SEEN | flag.FORWARDED | 1 << 10, {10: "foo"}, False, b"\\Seen $Forwarded foo"),
    (1 << 62 | 1 << 11, {10: "a", 11: "b", 62: "c"}, True, b"b c \\Recent"),
    (1 << 12, {}, False, b""),
    ((1 << 10) - 1, {}, False, b" ".join(flag.NAMES)),
]


@pytest.mark.parametrize(("flags", "keywords", "recent", "wanted"), RENDERED)
def test_render_flags(flags: int, keywords: dict[int, str], recent: bool, wanted: bytes) -> None:
    assert render_flags(flags, keywords, recent=recent) == wanted
