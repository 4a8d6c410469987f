"""GETQUOTA, GETQUOTAROOT and SETQUOTA."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.proto.imap import command_quota as q
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.quirk import STRICT


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b'G0001 GETQUOTA "!partition/sda4"', q.GetQuota(b"G0001", b"!partition/sda4")),  # RFC 9208 §4.1.1
        (b'a getquota ""', q.GetQuota(b"a", b"")),
        (b"G0002 GETQUOTAROOT inbox", q.GetQuotaRoot(b"G0002", "INBOX")),
        (b'S0000 SETQUOTA "" (STORAGE 512)', q.SetQuota(b"S0000", b"", ((b"STORAGE", 512),))),
        (b"S SETQUOTA x (storage 1 MESSAGE 2)", q.SetQuota(b"S", b"x", ((b"STORAGE", 1), (b"MESSAGE", 2)))),
        (b"S SETQUOTA x ()", q.SetQuota(b"S", b"x", ())),
    ],
)
def test_valid(text: bytes, command: q.QuotaCommand) -> None:
    assert parse_command(text, quirks=STRICT) == command


@pytest.mark.parametrize(
    "text",
    [
        b"a GETQUOTA",
        b"a GETQUOTA x y",
        b"a GETQUOTAROOT",
        b"a SETQUOTA x",
        b"a SETQUOTA x (STORAGE)",
        b"a SETQUOTA x (STORAGE 1",
        b"a SETQUOTA x (" + b" ".join([b"A 1"] * 21) + b")",
    ],
)
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text, quirks=STRICT)
