"""What the engine tells a session besides commands.

Standards: RFC 9051 §4.3, §6.2.2; RFC 2177 §3; RFC 7888 §4.
Faults:    none.
"""

from dataclasses import field
from enum import Enum

from posthaus.base.value import value
from posthaus.proto.imap.command import Append, Command, Replace
from posthaus.proto.imap.token import Literal


@value
class LiteralHeader:
    """A message of an APPEND is announced; nothing of it is read before engine.literal() says what to do with it.

    `append` is the command as far as it is known: all but these octets, and what comes behind them.
    """

    tag: bytes
    name: bytes  # of the command
    size: int
    non_sync: bool  # the client does not wait: a refusal costs the reading of all its octets
    binary: bool
    index: int  # of the literal in its command, from 0
    append: Append | Replace

    @property
    def is_first(self) -> bool:
        """Does the first message of its command begin here?"""
        messages = self.append.messages
        if len(messages) == len(messages[0].parts) == 1:  # nearly always
            return True
        return sum([isinstance(part, Literal) for new in self.append.messages for part in new.parts]) == 1


@value
class LiteralChunk:
    """Octets of a literal that is spooled. The Append follows when all have come."""

    octets: bytes = field(repr=False)


@value
class LiteralDropped:
    """A literal was spooled, and then its command turned out to be none: the spool is waste."""

    tag: bytes


@value
class SaslResponse:
    """The answer to engine.challenge(), decoded."""

    tag: bytes
    octets: bytes = field(repr=False)


@value
class SaslCancelled:
    """The client has sent "*" or no base64, and has had its BAD: the exchange is over."""

    tag: bytes


@value
class IdleEnd:
    """IDLE is over. Where `done` is false something else than DONE came, and has had its BAD."""

    tag: bytes
    done: bool


class Why(Enum):
    """Why a connection ends."""

    STREAM = "the peer has ended the stream"
    LOGOUT = "logout"
    BYE = "bye"  # said by the session
    TOO_MANY_FAULTS = "too many faults"
    NOT_IMAP = "not IMAP"  # HTTP or TLS on a clear port


@value
class End:
    """The last event: send what is due to go out, and close."""

    why: Why


class Accept(Enum):
    """Answers to a LiteralHeader: keep the octets in the Append, or hand them out in chunks."""

    MEMORY = "memory"
    SPOOL = "spool"


@value
class Refuse:
    """The other answer to a LiteralHeader."""

    text: str
    code: bytes | None = None
    bad: bool = False


Event = Command | LiteralHeader | LiteralChunk | LiteralDropped | SaslResponse | SaslCancelled | IdleEnd | End
