"""What the SMTP server engine tells its session.

Every event but DataChunk, Faulted, AuthCancelled, Closing and Gone, and but a DataEnd that was refused already, waits
for exactly one answer by Server.send().

Standards: RFC 5321 §4.1.1, RFC 3030 §2, RFC 3207 §4, RFC 4954 §4.
Faults:    none.
"""

from dataclasses import dataclass
from enum import Enum

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


@dataclass(frozen=True, slots=True)
class Ehlo:
    """EHLO, HELO or LHLO. A positive answer is rendered by the engine, with the keywords on offer."""

    verb: str
    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Rcpt:
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class DataStart:
    """DATA; 354 begins the message. BDAT has no such event: its first chunk just comes."""


@dataclass(frozen=True, slots=True)
class DataChunk:
    """Octets of the message, as they shall be kept: without dot-stuffing."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class ChunkEnd:
    """A BDAT chunk that is not the last one is complete."""

    size_octets: int


@dataclass(frozen=True, slots=True)
class DataEnd:
    """The message is complete. `refused` is the reply that the engine has sent already; the octets are void then."""

    size_octets: int
    refused: Reply | None = None


@dataclass(frozen=True, slots=True)
class Rset:
    pass


@dataclass(frozen=True, slots=True)
class Noop:
    pass


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Vrfy:
    argument: bytes


@dataclass(frozen=True, slots=True)
class Expn:
    argument: bytes


@dataclass(frozen=True, slots=True)
class StartTls:
    pass


@dataclass(frozen=True, slots=True)
class Auth:
    """`initial` is None where the client gave no initial response, b"" where it gave an empty one."""

    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class AuthResponse:
    octets: bytes


@dataclass(frozen=True, slots=True)
class AuthCancelled:
    """The client sent "*", or what is no base64; the engine has answered."""


@dataclass(frozen=True, slots=True)
class Quit:
    pass


@dataclass(frozen=True, slots=True)
class Faulted:
    """A fault of grammar, order or limits that the engine has answered; for the log and for counting."""

    answer: Reply
    verb: str


@dataclass(frozen=True, slots=True)
class Closing:
    """The engine has said its last word: send what is due and close."""

    why: str


@dataclass(frozen=True, slots=True)
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
