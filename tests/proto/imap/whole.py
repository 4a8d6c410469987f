"""A whole command as its value, whatever the state of the session."""

from collections.abc import Sequence

from posthaus.proto.imap.command import Command
from posthaus.proto.imap.parse import parse_head
from posthaus.proto.imap.quirk import LENIENT, Quirk
from posthaus.proto.imap.token import Cursor, Literal


def parse_command(
    text: bytes,
    literals: Sequence[Literal] = (),
    *,
    utf8: bool = False,
    quirks: frozenset[Quirk] = LENIENT,
) -> Command:
    head = parse_head(text)
    return head.rule.parse(Cursor(text, literals, utf8=utf8, quirks=quirks, at=head.end), head.tag, head.uid)
