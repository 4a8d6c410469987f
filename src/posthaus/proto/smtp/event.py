"""What the SMTP server engine tells its session.

Every event but DataChunk, Faulted, AuthCancelled, Closing and Gone, and but a DataEnd that was refused already, waits
for exactly one answer by Server.send().

Standards: RFC 5321 §4.1.1, RFC 3030 §2, RFC 3207 §4, RFC 4954 §4.
Faults:    none.
"""

from enum import Enum

from posthaus.base.value import value
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.proto.smtp.reply import Reply


class Quirk(Enum):
    """A fault that is tolerated unless the engine is strict, with who needs it."""

    SPACE_AFTER_COLON = "space-after-colon"  # "MAIL FROM: <a@b>": Outlook, scanners, PHP's mailers
    NO_BRACKETS = "no-brackets"  # "RCPT TO:a@b": cameras, printers, people with telnet
    ODD_DOTS = "odd-dots"  # <a..b@>, <a.@>: addresses once given out by docomo and au
    ODD_NAME = "odd-name"  # EHLO with an underscore, a bare IP address, a NetBIOS name: half of all Windows hosts
    TRAILING_SPACE = "trailing-space"  # "DATA ", "QUIT ": RFC 5321 §4.1.1 wants it tolerated
    SOURCE_ROUTE = "source-route"  # <@a,@b:c@d>: read and ignored, RFC 5321 §4.1.2 and appendix C
    ARGUMENT = "argument"  # "RSET x", "QUIT now": old libraries


@value
class Ehlo:
    """EHLO, HELO or LHLO. A positive answer is rendered by the engine, with the keywords on offer."""

    verb: str
    name: str


@value
class Mail:
    envelope: Envelope


@value
class Rcpt:
    recipient: Recipient


@value
class DataStart:
    """DATA; 354 begins the message. BDAT has no such event: its first chunk just comes."""


@value
class DataChunk:
    """Octets of the message, as they shall be kept: without dot-stuffing."""

    octets: bytes


@value
class ChunkEnd:
    """A BDAT chunk that is not the last one is complete."""

    size_octets: int


@value
class DataEnd:
    """The message is complete. `refused` is the reply that the engine has sent already; the octets are void then."""

    size_octets: int
    refused: Reply | None = None


@value
class Rset:
    pass


@value
class Noop:
    pass


@value
class Help:
    pass


@value
class Vrfy:
    argument: bytes


@value
class Expn:
    argument: bytes


@value
class StartTls:
    pass


@value
class Auth:
    """`initial` is None where the client gave no initial response, b"" where it gave an empty one."""

    mechanism: str
    initial: bytes | None


@value
class AuthResponse:
    octets: bytes


@value
class AuthCancelled:
    """The client sent "*", or what is no base64; the engine has answered."""


@value
class Quit:
    pass


@value
class Faulted:
    """A fault of grammar, order or limits that the engine has answered; for the log and for counting."""

    answer: Reply
    verb: str


@value
class Closing:
    """The engine has said its last word: send what is due and close."""

    why: str


@value
class Gone:
    """The stream ended without QUIT."""


Event = (
    Ehlo
    | Mail
    | Rcpt
    | DataStart
    | DataChunk
    | ChunkEnd
    | DataEnd
    | Rset
    | Noop
    | Help
    | Vrfy
    | Expn
    | StartTls
    | Auth
    | AuthResponse
    | AuthCancelled
    | Quit
    | Faulted
    | Closing
    | Gone
)
