"""ID, AUTHENTICATE, LOGIN, ENABLE and the commands without arguments."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.base.limit import IMAP_ID_PAIRS
from posthaus.proto.imap import command as c
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.quirk import STRICT
from posthaus.proto.imap.token import Literal


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b"abcd CAPABILITY", c.Capability(b"abcd")),
        (b"a002 noop", c.Noop(b"a002")),
        (b"A023 LOGOUT", c.Logout(b"A023")),
        (b"a001 STARTTLS", c.StartTls(b"a001")),
        (b"a NAMESPACE", c.Namespace(b"a")),
        (b"FXXZ CHECK", c.Check(b"FXXZ")),
        (b"A341 CLOSE", c.Close(b"A341")),
        (b"A342 UNSELECT", c.Unselect(b"A342")),
        (b"A001 IDLE", c.Idle(b"A001")),
        (b"a COMPRESS deflate", c.Compress(b"a", b"DEFLATE")),  # RFC 4978 §3
        (b"a UNAUTHENTICATE", c.Unauthenticate(b"a")),
        (b"a LOGIN SMITH SESAME", c.Login(b"a", b"SMITH", b"SESAME")),  # RFC 9051 §6.2.3
        (b'a login "sm ith" ""', c.Login(b"a", b"sm ith", b"")),
        (b'a LOGIN a "p\\"w\\\\"', c.Login(b"a", b"a", b'p"w\\')),
        (b"a AUTHENTICATE GSSAPI", c.Authenticate(b"a", "GSSAPI", None)),
        (b"a AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=", c.Authenticate(b"a", "PLAIN", b"test\0test\0test")),
        (b"a authenticate scram-sha-256 =", c.Authenticate(b"a", "SCRAM-SHA-256", b"")),
        (b"t1 ENABLE CONDSTORE X-GOOD-IDEA", c.Enable(b"t1", (b"CONDSTORE", b"X-GOOD-IDEA"))),  # RFC 5161 §3.1
        (b"t1 enable imap4rev2 UTF8=ACCEPT imap4REV2", c.Enable(b"t1", (b"IMAP4REV2", b"UTF8=ACCEPT"))),
        (b"a023 ID NIL", c.Id(b"a023", None)),
        (b"a ID ()", c.Id(b"a", ())),
        (
            b'a023 ID ("name" "sodr" "version" "19.34" "vendor" NIL)',  # RFC 2971 §3.1
            c.Id(b"a023", ((b"name", b"sodr"), (b"version", b"19.34"), (b"vendor", None))),
        ),
    ],
)
def test_valid(text: bytes, command: c.Command) -> None:
    assert parse_command(text, quirks=STRICT) == command


@pytest.mark.parametrize(
    "text",
    [
        b"a NOOP x",
        b"a NOOP ",
        b"a LOGIN",
        b"a LOGIN x",
        b"a LOGIN x y z",
        b"a LOGIN (x) y",
        b"a LOGIN  x y",
        b'a LOGIN "x y',
        b'a LOGIN x"y" z',
        b"a LOGIN x*y z",
        b"a AUTHENTICATE",
        b"a AUTHENTICATE PLAIN ",
        b"a ENABLE",
        b"a AUTHENTICATE PLAIN x y",
        b"a AUTHENTICATE PLAIN dGV",
        b"a AUTHENTICATE PLAIN ====",
        b"a AUTHENTICATE $",
        b"a AUTHENTICATE PLAIN dGVz=dAA=",
        b"a AUTHENTICATE AVERYLONGNAMEOFAMECHANISM",
        b"a ENABLE (X)",
        b"a ENABLE ",
        b"a ID",
        b"a ID nope",
        b"a ID (",
        b'a ID ("a")',
        b'a ID ("a" "b"',
        b'a ID ("a" "b" )',
        b"a ID (a b)",
        b'a ID ("a" "b") x',
        b"a ID (" + b" ".join([b'"a" "b"'] * (IMAP_ID_PAIRS + 1)) + b")",
    ],
)
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text, quirks=STRICT)


def test_literals() -> None:
    literals = [Literal(b"FRED FOOBAR", 11), Literal(b"fat man", 7)]
    assert parse_command(b"A001 LOGIN \x00 \x00", literals) == c.Login(b"A001", b"FRED FOOBAR", b"fat man")
