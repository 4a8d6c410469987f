"""The state table: which command is refused in which state, and how; and the limits of a session.

A state that is not named for a command allows it. RSET, NOOP, HELP, VRFY, EXPN and QUIT are welcome at any time
(RFC 5321 §4.1.4), and so is EHLO, which then acts like RSET.

Standards: RFC 5321 §4.1.4 and §3.3, RFC 3030 §2, RFC 3207 §4, RFC 4954 §4, RFC 2033 §4.2.
Faults:    none.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

from posthaus.base import limit
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply


class State(IntEnum):
    """How far the session and its transaction are. Numbers, because an Enum's hash is slow."""

    GREETING = 0  # 220 is not said yet
    FRESH = 1  # no EHLO yet
    READY = 2  # no transaction
    MAIL = 3  # MAIL was accepted
    RCPT = 4  # at least one RCPT was accepted
    CHUNKS = 5  # BDAT began; only BDAT goes on


class Mode(Enum):
    """What the next octets are."""

    LINES = 1
    DATA = 2
    CHUNK = 3
    SASL = 4
    CLOSED = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one session; what the peer is told stands in Offer."""

    command_octets: int = limit.SMTP_COMMAND_OCTETS
    auth_line_octets: int = limit.SMTP_AUTH_LINE_OCTETS
    text_line_octets: int = limit.SMTP_TEXT_LINE_OCTETS
    errors: int = limit.SMTP_SESSION_ERRORS
    fruitless: int = limit.SMTP_COMMANDS_WITHOUT_PROGRESS
    discard_octets: int = limit.SMTP_DISCARD_OCTETS


_ANY: dict[State, Reply] = {}
_OUTSIDE = {  # only between two transactions
    State.FRESH: reply.EHLO_FIRST,
    State.MAIL: reply.IN_TRANSACTION,
    State.RCPT: reply.IN_TRANSACTION,
    State.CHUNKS: reply.IN_TRANSACTION,
}
_BDAT = {State.FRESH: reply.EHLO_FIRST, State.READY: reply.MAIL_FIRST, State.MAIL: reply.RCPT_FIRST}

ORDER: dict[bytes, dict[State, Reply]] = {
    b"EHLO": _ANY,
    b"HELO": _ANY,
    b"LHLO": _ANY,
    b"MAIL": {**_OUTSIDE, **dict.fromkeys((State.MAIL, State.RCPT, State.CHUNKS), reply.NESTED_MAIL)},
    b"RCPT": {State.FRESH: reply.EHLO_FIRST, State.READY: reply.MAIL_FIRST, State.CHUNKS: reply.CHUNKS_BEGAN},
    b"DATA": {**_BDAT, State.CHUNKS: reply.CHUNKS_BEGAN},
    b"BDAT": _BDAT,
    b"RSET": _ANY,
    b"NOOP": _ANY,
    b"HELP": _ANY,
    b"VRFY": _ANY,
    b"EXPN": _ANY,
    b"STARTTLS": _OUTSIDE,
    b"AUTH": _OUTSIDE,
    b"QUIT": _ANY,
}

FRUITLESS = frozenset(b"EHLO HELO LHLO MAIL RSET NOOP HELP VRFY EXPN STARTTLS AUTH".split())
"""Commands that bring no message nearer; too many of them without one end the session."""
