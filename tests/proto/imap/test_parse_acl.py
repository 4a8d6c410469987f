"""SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.mail.rights import parse_rights
from posthaus.proto.imap import command_acl as c
from posthaus.proto.imap.command_acl import Identifier
from posthaus.proto.imap.fault import ParseFault

FRED = Identifier("fred", False, b"fred")
NO_FRED = Identifier("fred", True, b"-fred")
DAVE = Identifier("dávid@example.test", False, "dávid@example.test".encode())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # RFC 4314 §3.1
        (b"A SETACL INBOX/Drafts fred +cda", c.SetAcl(b"A", "INBOX/Drafts", FRED, "+", parse_rights("kxtea"))),
        (b'A SETACL "a b" -fred -lr', c.SetAcl(b"A", "a b", NO_FRED, "-", parse_rights("lr"))),
        (b'A SETACL x fred ""', c.SetAcl(b"A", "x", FRED, "", 0)),
        (b"A SETACL x fred +", c.SetAcl(b"A", "x", FRED, "+", 0)),
        (b'A SETACL x "fred" "lrs"', c.SetAcl(b"A", "x", FRED, "", parse_rights("lrs"))),
        (b"A DELETEACL INBOX -fred", c.DeleteAcl(b"A", "INBOX", NO_FRED)),
        (b"A GETACL inbox", c.GetAcl(b"A", "INBOX")),
        (b"A LISTRIGHTS x fred", c.ListRights(b"A", "x", FRED)),
        (b"A MYRIGHTS x", c.MyRights(b"A", "x")),
    ],
)
def test_read(text: bytes, wanted: c.AclCommand) -> None:
    assert parse_command(text) == wanted


def test_identifiers_are_prepared() -> None:
    # RFC 4314 §3: SASLprep maps what looks alike
    text = 'A LISTRIGHTS x "da\u0301vid@example.test"'.encode()
    found = parse_command(text, utf8=True)
    assert isinstance(found, c.ListRights)
    assert found.identifier.name == DAVE.name
    assert found.identifier.octets == text.split(b'"')[1]


@pytest.mark.parametrize(
    "text",
    [
        b"A SETACL x fred lrQ",  # RFC 4314 §3.1: upper case
        b"A SETACL x fred lrq",  # and what is no right
        b"A SETACL x fred ++l",
        b"A SETACL x fred l r",
        b"A SETACL x fred",
        b'A SETACL x "" l',
        b"A SETACL x - l",
        b'A SETACL x "\x7f" l',
        b"A DELETEACL x",
        b"A DELETEACL x fred lr",
        b"A GETACL",
        b"A GETACL x y",
        b"A LISTRIGHTS x",
        b"A MYRIGHTS",
    ],
)
def test_refused(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text)


def test_identifiers_that_no_name_can_be() -> None:
    for octets in ("\u0627\u0031", "\ue000"):
        with pytest.raises(ParseFault):
            parse_command(f'A LISTRIGHTS x "{octets}"'.encode(), utf8=True)
