"""GETMETADATA, SETMETADATA, LIST RETURN (METADATA ...): the examples of the RFCs, and what is no command."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.base.limit import IMAP_DEEP_ENTRIES, IMAP_ENTRIES, IMAP_ENTRY_OCTETS
from posthaus.proto.imap import command as c
from posthaus.proto.imap.command import Depth
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.token import Literal


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b'a GETMETADATA "" /shared/comment', c.GetMetadata(b"a", "", ("/shared/comment",))),
        (b'a GETMETADATA "INBOX" /private/comment', c.GetMetadata(b"a", "INBOX", ("/private/comment",))),
        (
            b'a GETMETADATA "INBOX" (/private/Comment "/shared/comment" /private/comment)',
            c.GetMetadata(b"a", "INBOX", ("/private/Comment", "/shared/comment")),
        ),
        (
            b'a GETMETADATA "INBOX" (MAXSIZE 1024) (/shared/comment /private/comment)',  # the example of §4.2.1
            c.GetMetadata(b"a", "INBOX", ("/shared/comment", "/private/comment"), 1024),
        ),
        (
            b'a GETMETADATA (DEPTH 1) "INBOX" (/private/filters/values)',
            c.GetMetadata(b"a", "INBOX", ("/private/filters/values",), None, Depth.CHILDREN),
        ),
        (
            b"a GETMETADATA (depth Infinity maxsize 0) x (/private)",
            c.GetMetadata(b"a", "x", ("/private",), 0, Depth.ALL),
        ),
        (
            b'a SETMETADATA INBOX (/private/comment "My comment" /SHARED/Comment NIL)',
            c.SetMetadata(b"a", "INBOX", {"/private/comment": b"My comment", "/shared/comment": None}),
        ),
        (b'a SETMETADATA "" (/private/x "")', c.SetMetadata(b"a", "", {"/private/x": b""})),
        (
            b'A00 LIST "" % RETURN (METADATA ("/shared/vendor/cmu/cyrus-imapd/color"))',  # RFC 9590 §5
            c.List(
                b"A00",
                "",
                ("%",),
                returns=frozenset({b"METADATA"}),
                extended=True,
                metadata=("/shared/vendor/cmu/cyrus-imapd/color",),
            ),
        ),
    ],
)
def test_commands(text: bytes, command: c.Command) -> None:
    assert parse_command(text) == command


def test_values_in_literals() -> None:
    text, octets = b"a SETMETADATA x (/private/a \x00 /private/b ~\x00)", b"\x00\xff"
    command = parse_command(text, [Literal(b"two\r\nlines", 10), Literal(octets, 2, binary=True)])
    assert command == c.SetMetadata(b"a", "x", {"/private/a": b"two\r\nlines", "/private/b": octets})


@pytest.mark.parametrize(
    "text",
    [
        b"a GETMETADATA INBOX",
        b"a GETMETADATA /private/comment",
        b"a GETMETADATA INBOX ()",
        b"a GETMETADATA INBOX comment",
        b"a GETMETADATA INBOX /private/",
        b"a GETMETADATA INBOX /private//comment",
        b"a GETMETADATA INBOX /",
        b'a GETMETADATA INBOX "/private/*"',
        b'a GETMETADATA INBOX "/private/%"',
        b'a GETMETADATA INBOX "/private/\x01"',
        b"a GETMETADATA INBOX /private/a /private/b",
        b"a GETMETADATA (DEPTH 2) INBOX /private/a",
        b"a GETMETADATA (SIZE 2) INBOX /private/a",
        b"a GETMETADATA () INBOX /private/a",
        b"a GETMETADATA (MAXSIZE) INBOX /private/a",
        b"a GETMETADATA INBOX /" + b"x" * IMAP_ENTRY_OCTETS,
        b"a GETMETADATA INBOX (" + b" ".join([b"/private/%d" % i for i in range(IMAP_ENTRIES + 1)]) + b")",
        b"a GETMETADATA (DEPTH 1) INBOX ("
        + b" ".join([b"/private/%d" % i for i in range(IMAP_DEEP_ENTRIES + 1)])
        + b")",
        b"a SETMETADATA INBOX ()",
        b"a SETMETADATA INBOX (/private/a)",
        b"a SETMETADATA INBOX (/private/a b)",
        b'a SETMETADATA INBOX (/private/a "1" /PRIVATE/a "2")',
        b'a SETMETADATA INBOX /private/a "1"',
        b'a LIST "" % RETURN (METADATA)',
        b'a LIST "" % RETURN (METADATA ())',
    ],
)
def test_what_is_no_command(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text)


def test_no_literal8_that_was_spooled() -> None:
    with pytest.raises(ParseFault):
        parse_command(b"a SETMETADATA x (/private/b ~\x00)", [Literal(None, 2, binary=True)])
