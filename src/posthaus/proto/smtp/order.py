"""The state table: which command is refused in which state, and how.

A state that is not named for a command allows it. RSET, NOOP, HELP, VRFY, EXPN and QUIT are welcome at any time
(RFC 5321 §4.1.4), and so is EHLO, which then acts like RSET.

Standards: RFC 5321 §4.1.4 and §3.3, RFC 3030 §2, RFC 3207 §4, RFC 4954 §4, RFC 2033 §4.2.
Faults:    none.
"""

from enum import IntEnum

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
