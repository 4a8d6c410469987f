"""POP3 command lines."""

import pytest

from posthaus.proto.pop3.command import (
    Apop,
    Auth,
    Bare,
    Command,
    CommandFault,
    Dele,
    Lang,
    List,
    Pass,
    Retr,
    Top,
    Uidl,
    User,
    parse_command,
    parse_response,
)

GOOD: list[tuple[bytes, Command]] = [
    (b"RETR 1", Retr(1)),
    (b"retr 12 ", Retr(12)),
    (b"DELE 999999999", Dele(999_999_999)),
    (b"LIST", List(None)),
    (b"LIST 3", List(3)),
    (b"Uidl", Uidl(None)),
    (b"UIDL 3", Uidl(3)),
    (b"TOP 1 0", Top(1, 0)),
    (b"USER mrose", User("mrose")),
    (b"USER j\xc3\xbcrgen@b\xc3\xbccher.example ", User("jürgen@bücher.example")),
    (b"PASS a b ", Pass("a b ")),
    (b"PASS  lead", Pass(" lead")),
    (b"PASS \xff", Pass("\ufffd")),
    (b"APOP mrose c4c9334bac560ecc979e58001b3e22fb", Apop("mrose", b"c4c9334bac560ecc979e58001b3e22fb")),
    (b"AUTH", Auth("", None)),
    (b"AUTH plain", Auth("PLAIN", None)),
    (b"AUTH SCRAM-SHA-256 =", Auth("SCRAM-SHA-256", b"")),
    (b"AUTH PLAIN AHRpbQB0YW5zdGFhZg==", Auth("PLAIN", b"\0tim\0tanstaaf")),
    (b"LANG", Lang(None)),
    (b"LANG *", Lang("*")),
    (b"LANG EN-gb", Lang("en-gb")),
    (b"quit", Bare.QUIT),
    (b"STAT ", Bare.STAT),
    (b"UTF8", Bare.UTF8),
]
BAD = [
    (b"", CommandFault.UNKNOWN),
    (b"XYZZY", CommandFault.UNKNOWN),
    (b"RETR\t1", CommandFault.UNKNOWN),
    (b" RETR 1", CommandFault.UNKNOWN),
    (b"LAST", CommandFault.UNKNOWN),
    (b"RETR", CommandFault.ARGUMENTS),
    (b"RETR -1", CommandFault.ARGUMENTS),
    (b"RETR 1 2", CommandFault.ARGUMENTS),
    (b"RETR 9999999999", CommandFault.ARGUMENTS),
    (b"RETR \xc2\xb2", CommandFault.ARGUMENTS),
    (b"DELE x", CommandFault.ARGUMENTS),
    (b"LIST x", CommandFault.ARGUMENTS),
    (b"UIDL 1 1", CommandFault.ARGUMENTS),
    (b"TOP 1", CommandFault.ARGUMENTS),
    (b"TOP 1 x", CommandFault.ARGUMENTS),
    (b"QUIT now", CommandFault.ARGUMENTS),
    (b"USER", CommandFault.ARGUMENTS),
    (b"USER  ", CommandFault.ARGUMENTS),
    (b"PASS", CommandFault.ARGUMENTS),
    (b"APOP mrose", CommandFault.ARGUMENTS),
    (b"APOP mrose 123", CommandFault.ARGUMENTS),
    (b"AUTH PLAIN !", CommandFault.ARGUMENTS),
    (b"AUTH PL;AIN", CommandFault.ARGUMENTS),
    (b"LANG x y", CommandFault.ARGUMENTS),
    (b"GET / HTTP/1.1", CommandFault.HTTP),
    (b"POST / HTTP/1.1", CommandFault.HTTP),
]


@pytest.mark.parametrize(("line", "wanted"), GOOD)
def test_good(line: bytes, wanted: Command) -> None:
    assert parse_command(line) == wanted


@pytest.mark.parametrize(("line", "wanted"), BAD)
def test_bad(line: bytes, wanted: CommandFault) -> None:
    assert parse_command(line) is wanted


@pytest.mark.parametrize(
    ("line", "wanted"), [(b"", b""), (b"AGE=", b"\0a"), (b"*", None), (b"AGE", None), (b"A GE", None)]
)
def test_response(line: bytes, wanted: bytes | None) -> None:
    assert parse_response(line) == wanted
