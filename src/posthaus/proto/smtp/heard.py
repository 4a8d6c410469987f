"""What the SMTP client engine tells its session.

Standards: RFC 5321 §4.1.1, RFC 3030 §2.
Faults:    none; values.
"""

from enum import Enum

from posthaus.base.value import value
from posthaus.proto.smtp.replyread import Heard


class Ask(Enum):
    """What a reply answers; the value is for people."""

    GREETING = "connecting"
    EHLO = "EHLO"
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    PROBE = "MAIL or RCPT"
    DATA = "DATA"
    CHUNK = "BDAT"
    END = "the end of data"
    RSET = "RSET"
    QUIT = "QUIT"
    NOTHING = "nothing"  # said unasked: "421 timeout"


Verdict = tuple[Ask, Heard] | None
"""The reply that decided about a recipient, and what it answers; None: there was none."""


@value
class Replied:
    """The reply to a command outside of a transaction."""

    ask: Ask
    reply: Heard


@value
class ContentDue:
    """The octets of the message are wanted now."""


@value
class Settled:
    """The transaction is over: one verdict for each recipient, in their order."""

    verdicts: tuple[Verdict, ...]


@value
class Broken:
    """The host says what is no SMTP; nothing more can be asked."""

    why: str


@value
class Gone:
    """The stream has ended."""


Told = Replied | ContentDue | Settled | Broken | Gone
