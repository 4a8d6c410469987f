import itertools
import random

import pytest

from posthaus.mail.fieldcache import COMMON, build, compile, pick
from posthaus.mail.header import read_header
from posthaus.mail.headerpick import pick as pick_of_header

HEAD = (
    b"Received: x\r\n y\r\nFrom: a\r\nX-Other: z\r\nTo: b\r\nSubject: c\r\n\td\r\nDATE: e\r\nto : f\r\njunk\r\n"
    b"Message-ID: <g>\r\nX-Mailer: h\r\nReferences: i\r\nContent-Type: j\r\n\r\n"
)
WANTED = [
    (),
    (b"from",),
    (b"FROM", b"Date"),
    (b"to",),
    (b"subject", b"x-mailer"),
    (b"from", b"subject", b"references"),
    (b"to", b"date", b"x-mailer", b"content-type"),
    (b"cc", b"bcc"),
    COMMON,
]


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize(
    "head", [HEAD, HEAD.replace(b"\r\n", b"\n"), HEAD[:-2], HEAD[:-4], b"", b"\r\n", b"X-Only: x\r\n\r\n"]
)
def test_as_from_the_header(head: bytes, wanted: tuple[bytes, ...]) -> None:
    fields, index = build(read_header(head))
    assert pick(fields, index, wanted) == pick_of_header(head, wanted)


def test_all_choices_of_a_header() -> None:
    fields, index = build(read_header(HEAD))
    names = [b"from", b"to", b"subject", b"date", b"message-id", b"x-mailer", b"references", b"content-type"]
    for size in range(len(names) + 1):
        for wanted in itertools.combinations(names, size):
            assert pick(fields, index, wanted) == pick_of_header(HEAD, wanted)


def test_one_request_for_many_messages() -> None:
    chance = random.Random(7)
    fast = compile((b"From", b"Subject", b"List-Id", b"User-Agent"))
    assert fast is not None
    for _ in range(500):
        names = chance.choices([b"From", b"Subject", b"List-Id", b"X-No", b"To", b"User-Agent"], k=chance.randrange(12))
        head = b"".join(b"%b: %b\r\n" % (name, b"x" * chance.randrange(50)) for name in names) + b"\r\n"
        fields, index = build(read_header(head))
        assert fast(fields, index) == pick_of_header(head, (b"from", b"subject", b"list-id", b"user-agent"))


@pytest.mark.parametrize(
    "name", [b"received", b"return-path", b"delivered-to", b"authentication-results", b"x-no-such"]
)
def test_what_is_not_kept(name: bytes) -> None:
    assert compile((b"from", name)) is None
    assert pick(b"", b"", (name,)) is None


def test_names() -> None:
    assert len(set(COMMON)) == len(COMMON) < 256
    assert all(name == name.lower() for name in COMMON)
    assert COMMON[:3] == (b"from", b"to", b"cc")  # stored numbers do not move
