"""One table: what the lower floors raise, and what a POP3 client is told.

Standards: RFC 2449 §8.1, RFC 3206 §4.
Faults:    none.
"""

from posthaus.base.error import Refusal, Trouble
from posthaus.flow.identity import (
    BadCredentials,
    BadExchange,
    ClearTextRefused,
    NoSuchMechanism,
    TooManyGuesses,
)
from posthaus.proto.pop3 import reply
from posthaus.store.error import Locked

_REPLIES: dict[type[Exception], bytes] = {
    BadCredentials: reply.BAD_CREDENTIALS,
    BadExchange: reply.BAD_EXCHANGE,
    ClearTextRefused: reply.CLEAR_TEXT,
    NoSuchMechanism: reply.NO_MECHANISM,
    TooManyGuesses: reply.TOO_MANY_GUESSES,
    Locked: reply.IN_USE,
}


def reply_to(fault: Refusal | Trouble) -> bytes:
    """Troubles may pass, [SYS/TEMP]; refusals without a row of their own will not, [SYS/PERM]."""
    known = _REPLIES.get(type(fault))
    if known is not None:
        return known
    return reply.TEMPORARY if isinstance(fault, Trouble) else reply.PERMANENT
