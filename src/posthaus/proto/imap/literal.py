"""What is judged of a literal before it is read: its size, and the APPEND that it belongs to.

Standards: RFC 9051 §4.3, RFC 7888 §4, RFC 7889 §3, RFC 3502 §6.3.11.
Faults:    ParseFault: [TOOBIG] where the literal is too large, [LIMIT] where there are too many.
"""

from collections.abc import Callable
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.proto.imap.code import LIMIT, TOOBIG
from posthaus.proto.imap.command import Append, Replace
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.framing import Header
from posthaus.proto.imap.parse import Head
from posthaus.proto.imap.parse_message import parse_append, parse_replace
from posthaus.proto.imap.quirk import Quirk
from posthaus.proto.imap.token import SLOT, Cursor, Literal, NoMessage


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may cost."""

    line_octets: int = limit.IMAP_LINE_OCTETS
    early_line_octets: int = limit.IMAP_UNAUTHENTICATED_LINE_OCTETS  # before log-in
    sasl_line_octets: int = limit.IMAP_SASL_LINE_OCTETS
    command_octets: int = limit.IMAP_COMMAND_OCTETS
    literal_octets: int = limit.IMAP_LITERAL_OCTETS
    early_literal_octets: int = limit.IMAP_UNAUTHENTICATED_LITERAL_OCTETS
    literals: int = limit.IMAP_LITERALS
    faults: int = limit.IMAP_BAD_COMMANDS


DEFAULT_LIMITS = Limits()


def check_size(header: Header, limits: Limits, *, early: bool) -> None:
    """A literal that is kept in memory: alone and with the rest of its command within the limits, or ParseFault."""
    most = limits.early_literal_octets if early else limits.literal_octets
    total = len(header.text) + header.size + sum([one.size for one in header.literals if one.octets is not None])
    if header.size > most or total > limits.command_octets or len(header.literals) >= limits.literals:
        raise ParseFault("the literal is too large", code=TOOBIG)


_MESSAGES: dict[bytes, Callable[[Cursor, bytes, bool], Append | Replace]] = {
    b"APPEND": parse_append,
    b"REPLACE": parse_replace,
}


def append_so_far(head: Head, header: Header, *, utf8: bool, quirks: frozenset[Quirk]) -> Append | Replace | None:
    """The APPEND or REPLACE whose message is announced, with no octets yet; None where the literal is none.

    So a fault before the message is found before the message is sent.
    """
    parse = _MESSAGES.get(head.name)
    if parse is None:
        return None
    if len(header.literals) >= limit.IMAP_LITERALS:
        raise ParseFault("too many literals", code=LIMIT, bad=False)
    literals = [*header.literals, Literal(None, header.size, header.binary)]
    cursor = Cursor(header.text + SLOT, literals, utf8=utf8, quirks=quirks, at=head.end, so_far=True)
    try:
        return parse(cursor, head.tag, head.uid)
    except NoMessage:
        return None
