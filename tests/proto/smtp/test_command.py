"""Tests of posthaus.proto.smtp.command: values of good lines, replies to bad ones, and the quirks by name."""

import pytest

from posthaus.mail.address import Address
from posthaus.proto.smtp import command, reply
from posthaus.proto.smtp.event import Quirk
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.param import CommandFault
from posthaus.proto.smtp.reply import Reply


class Notes(list[Quirk]):
    """Remembers the quirks that were tolerated."""

    def __call__(self, quirk: Quirk, /) -> None:
        self.append(quirk)


SPLIT = [(b"noop", (b"NOOP", b"")), (b"Mail FROM:<>", (b"MAIL", b"FROM:<>")), (b"", (b"", b"")), (b" X", (b"", b"X"))]


@pytest.mark.parametrize(("line", "wanted"), SPLIT)
def test_split(line: bytes, wanted: tuple[bytes, bytes]) -> None:
    assert command.split_command(line) == wanted


NAMES: list[tuple[bytes, str, list[Quirk]]] = [
    (b"client.example", "client.example", []),
    (b"[192.0.2.1]", "[192.0.2.1]", []),
    (b"[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]", []),
    (b"my_laptop", "my_laptop", [Quirk.ODD_NAME]),
    (b" client.example ", "client.example", []),
]


@pytest.mark.parametrize(("argument", "name", "quirks"), NAMES)
def test_name(argument: bytes, name: str, quirks: list[Quirk]) -> None:
    notes = Notes()
    assert command.parse_name(argument, notes) == name
    assert notes == quirks


PATHS: list[tuple[bytes, Address | None, list[Quirk]]] = [
    (b"FROM:<>", None, []),
    (b"from:<Ann@Example.NET>", Address("Ann", "example.net"), []),
    (b'FROM:<"a b"@example.net>', Address("a b", "example.net"), []),
    (b"FROM: <ann@example.net>", Address("ann", "example.net"), [Quirk.SPACE_AFTER_COLON]),
    (b"FROM:ann@example.net", Address("ann", "example.net"), [Quirk.NO_BRACKETS]),
    (b"FROM:<@relay.example:ann@example.net>", Address("ann", "example.net"), [Quirk.SOURCE_ROUTE]),
    (b"FROM:<ann@example.net> ", Address("ann", "example.net"), [Quirk.TRAILING_SPACE]),
]


@pytest.mark.parametrize(("argument", "path", "quirks"), PATHS)
def test_reverse_path(argument: bytes, path: Address | None, quirks: list[Quirk]) -> None:
    notes = Notes()
    assert command.parse_mail(argument, notes, Offer()).reverse_path == path
    assert notes == quirks


BAD_MAIL: list[tuple[bytes, Reply]] = [
    (b"", reply.BAD_REVERSE_PATH),
    (b"TO:<ann@example.net>", reply.BAD_REVERSE_PATH),
    (b"FROM:<ann@example.net", reply.BAD_REVERSE_PATH),
    (b"FROM:<ann@>", reply.BAD_REVERSE_PATH),
    ("FROM:<jürgen@example.net>".encode(), reply.REVERSE_PATH_NEEDS_SMTPUTF8),
    (b"FROM:<ann@example.net> X-NEVER=1", reply.PARAMETER_UNKNOWN),
]


@pytest.mark.parametrize(("argument", "wanted"), BAD_MAIL)
def test_bad_reverse_path(argument: bytes, wanted: Reply) -> None:
    with pytest.raises(CommandFault) as fault:
        command.parse_mail(argument, Notes(), Offer())
    assert fault.value.answer == wanted


def test_postmaster_needs_no_domain() -> None:
    """RFC 5321 §4.5.1"""
    assert command.parse_rcpt(b"TO:<PostMaster>", Notes(), smtputf8=False).address == Address("postmaster", "")


CHUNKS = [(b"0 LAST", (0, True)), (b"17", (17, False)), (b"17  last ", (17, True))]


@pytest.mark.parametrize(("argument", "wanted"), CHUNKS)
def test_chunk(argument: bytes, wanted: tuple[int, bool]) -> None:
    assert command.parse_chunk(argument) == wanted


@pytest.mark.parametrize("argument", [b"", b"-1", b"many", b"1 FIRST", b"1LAST", b"9" * 21])
def test_bad_chunk(argument: bytes) -> None:
    with pytest.raises(CommandFault):
        command.parse_chunk(argument)


AUTHS: list[tuple[bytes, tuple[str, bytes | None]]] = [
    (b"plain", ("PLAIN", None)),
    (b"PLAIN =", ("PLAIN", b"")),
    (b"PLAIN AGEAYg==", ("PLAIN", b"\0a\0b")),
    (b"SCRAM-SHA-256 biws", ("SCRAM-SHA-256", b"n,,")),
]


@pytest.mark.parametrize(("argument", "wanted"), AUTHS)
def test_auth(argument: bytes, wanted: tuple[str, bytes | None]) -> None:
    """RFC 4954 §4"""
    assert command.parse_auth(argument) == wanted


@pytest.mark.parametrize("argument", [b"", b"PL@IN", b"PLAIN !!!!", b"PLAIN abc"])
def test_bad_auth(argument: bytes) -> None:
    with pytest.raises(CommandFault):
        command.parse_auth(argument)
