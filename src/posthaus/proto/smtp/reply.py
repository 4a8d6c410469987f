"""Replies: code, enhanced code, text; and every reply text of the house, by name.

A text is generic: it tells the peer what to do, never what we know (no names of software, files or accounts). What we
log is another field. A reply can never hold CR, LF or octets beyond ASCII, and no line is longer than the limit.

Standards: RFC 5321 §4.2, RFC 2034, RFC 3463, RFC 5248, RFC 4954 §4 and §6, RFC 3030 §3, RFC 7505, RFC 7372.
Faults:    none.
"""

import base64
import re
from dataclasses import field

from posthaus.base import limit
from posthaus.base.value import value

_UNFIT = re.compile(r"[^\x20-\x7e]")


@value
class Reply:
    """One reply; `wire` is rendered once. `enhanced` is "" where RFC 2034 §4 wants none (2xx to EHLO, 3xx)."""

    code: int
    enhanced: str
    lines: tuple[str, ...]
    wire: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        head = f"{self.enhanced} " if self.enhanced else ""
        room = limit.SMTP_REPLY_OCTETS - len(head) - 6
        texts = [head + _UNFIT.sub("?", line)[:room] for line in self.lines] or [head]
        rendered = [f"{self.code}-{text}\r\n" for text in texts[:-1]]
        rendered.append(f"{self.code} {texts[-1]}\r\n")
        object.__setattr__(self, "wire", "".join(rendered).encode("ascii"))

    @property
    def is_positive(self) -> bool:
        return self.code < 400

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500

    @property
    def text(self) -> str:
        return " ".join(self.lines)


def _reply(code: int, enhanced: str, *lines: str) -> Reply:
    return Reply(code, enhanced, lines)


# -- the session ---------------------------------------------------------------------------------------------------
OK = _reply(250, "2.0.0", "OK")
BYE = _reply(221, "2.0.0", "Bye")
HELP = _reply(214, "2.0.0", "See RFC 5321")
NOT_AVAILABLE = _reply(421, "4.3.2", "Service not available, try again later")
TIMEOUT = _reply(421, "4.4.2", "Timeout, closing the connection")
TOO_MANY_ERRORS = _reply(421, "4.7.0", "Too many errors, closing the connection")
TOO_MANY_COMMANDS = _reply(421, "4.7.0", "Too many commands without a message, closing the connection")
TOO_MANY_TRANSACTIONS = _reply(421, "4.7.0", "Too many messages in this session, come again")
TOO_MUCH_DISCARDED = _reply(421, "4.7.0", "Too many refused octets, closing the connection")
NOT_SMTP = _reply(521, "5.5.1", "This is not the protocol spoken here")
SHUTTING_DOWN = _reply(421, "4.3.2", "Shutting down, try again later")


def greeting(hostname: str) -> Reply:
    return Reply(220, "", (f"{hostname} ESMTP",))


def ehlo(hostname: str, keywords: tuple[str, ...]) -> Reply:
    return Reply(250, "", (hostname, *keywords))


# -- grammar and order (the engine) --------------------------------------------------------------------------------
UNKNOWN_COMMAND = _reply(500, "5.5.1", "Command not recognized")
NOT_IMPLEMENTED = _reply(502, "5.5.1", "Command not implemented")
LINE_TOO_LONG = _reply(500, "5.5.2", "Line too long")
BARE_CR = _reply(500, "5.5.2", "A bare CR is not allowed")
BARE_LF = _reply(521, "5.5.2", "A bare LF is not allowed, closing the connection")
SYNTAX = _reply(501, "5.5.4", "Syntax error in the argument")
NO_ARGUMENT = _reply(501, "5.5.4", "This command takes no argument")
NAME_NEEDED = _reply(501, "5.5.4", "A domain or address literal is needed")
PARAMETER_SYNTAX = _reply(501, "5.5.4", "Syntax error in a parameter")
PARAMETER_UNKNOWN = _reply(555, "5.5.4", "Parameter not recognized or not implemented")
CHUNK_SYNTAX = _reply(501, "5.5.4", "Chunk size not understood, closing the connection")
BAD_REVERSE_PATH = _reply(501, "5.1.7", "Syntax error in the reverse-path")
BAD_FORWARD_PATH = _reply(501, "5.1.3", "Syntax error in the forward-path")
REVERSE_PATH_NEEDS_SMTPUTF8 = _reply(550, "5.6.7", "The reverse-path needs SMTPUTF8")
FORWARD_PATH_NEEDS_SMTPUTF8 = _reply(553, "5.6.7", "The forward-path needs SMTPUTF8")
EHLO_FIRST = _reply(503, "5.5.1", "Say EHLO first")
MAIL_FIRST = _reply(503, "5.5.1", "MAIL first")
RCPT_FIRST = _reply(503, "5.5.1", "No valid recipients")
NESTED_MAIL = _reply(503, "5.5.1", "A transaction is open already")
IN_TRANSACTION = _reply(503, "5.5.1", "Not during a transaction")
CHUNKS_BEGAN = _reply(503, "5.5.1", "The message comes in chunks, go on with BDAT")
BINARY_NEEDS_BDAT = _reply(503, "5.5.1", "BINARYMIME needs BDAT")
HELLO_AGAIN_LMTP = _reply(500, "5.5.1", "This is LMTP, say LHLO")

# -- transactions --------------------------------------------------------------------------------------------------
SENDER_OK = _reply(250, "2.1.0", "OK")
RECIPIENT_OK = _reply(250, "2.1.5", "OK")
START_DATA = _reply(354, "", "End data with <CR><LF>.<CR><LF>")
CHUNK_OK = _reply(250, "2.0.0", "Chunk taken")
TOO_LARGE = _reply(552, "5.3.4", "Message larger than the limit")
TOO_MANY_RECIPIENTS = _reply(452, "4.5.3", "Too many recipients in one transaction")
BARE_IN_DATA = _reply(550, "5.6.11", "Bare CR or bare LF in the message")
DATA_LINE_TOO_LONG = _reply(554, "5.6.0", "A line of the message is too long")
HEADER_TOO_LARGE = _reply(552, "5.3.4", "Header larger than the limit")
LOOP = _reply(554, "5.4.6", "Too many hops, this message goes in circles")
CANNOT_VRFY = _reply(252, "2.5.0", "Cannot verify, but will take mail for valid recipients")
NO_EXPN = _reply(502, "5.7.0", "Lists are not shown")


def accepted(tid: str) -> Reply:
    return Reply(250, "2.0.0", (f"OK, kept as {tid}",))


# -- will (the policies) -------------------------------------------------------------------------------------------
NO_SUCH_USER = _reply(550, "5.1.1", "No such mailbox")
HOLD_TOO_LONG = _reply(501, "5.5.4", "A message is not held for so long")
HOLD_IS_PAST = _reply(501, "5.5.4", "This time is past already")
HOLD_BEHIND_DEADLINE = _reply(501, "5.5.4", "It would be held until after its deadline")
HOLD_TOO_MUCH = _reply(552, "5.7.16", "Too much is held for you already, try again when some of it is sent")
HOLD_NEEDS_AUTH = _reply(530, "5.7.0", "Authentication required to have a message held")
DELIVER_BY_TOO_SOON = _reply(555, "5.5.4", "The deadline is nearer than the minimum")
PRIORITY_LOWERED = _reply(250, "2.3.6", "0 is its priority: a higher one needs authentication")
ACCOUNT_DISABLED = _reply(550, "5.2.1", "This mailbox takes no mail")
OVER_QUOTA = _reply(452, "4.2.2", "This mailbox is full")
RELAYING_DENIED = _reply(550, "5.7.1", "Relaying denied")
ALIAS_LOOP = _reply(554, "5.4.6", "This address leads to itself")
SENDING_LIMIT = _reply(450, "4.7.1", "Your limit of recipients is reached, try again later")
CLIENT_HELD = _reply(550, "5.7.1", "Sending is stopped for your address, please ask your postmaster")
SENDING_HELD = _reply(550, "5.7.1", "Sending is stopped for your account, please ask your postmaster")


def suppressed(why: str) -> Reply:
    """Why, from store/suppression.py."""
    return Reply(550, "5.1.1", (why,))


NOT_YOUR_ADDRESS = _reply(553, "5.7.1", "This reverse-path is not an address of yours")
NOT_OUR_DOMAIN = _reply(553, "5.7.1", "Without log-in mail is taken only from addresses of this house")
NOT_YOUR_AUTHOR = _reply(550, "5.7.1", "The From address is not one of yours")
NO_AUTHOR = _reply(550, "5.6.0", "A From field with one valid address is needed")
CANNOT_NOW = _reply(451, "4.3.0", "Cannot do this now, try again later")
NO_SPACE = _reply(452, "4.3.1", "No space at present, try again later")

# -- AUTH and STARTTLS ---------------------------------------------------------------------------------------------
AUTH_REQUIRED = _reply(530, "5.7.0", "Authentication required")
AUTH_NEEDS_TLS = _reply(538, "5.7.11", "Encryption required for AUTH, STARTTLS first")
AUTHENTICATED = _reply(235, "2.7.0", "Authenticated")
BAD_CREDENTIALS = _reply(535, "5.7.8", "Name or password wrong")
TOO_MANY_GUESSES = _reply(421, "4.7.0", "Too many attempts, try again later")
AUTH_TROUBLE = _reply(454, "4.7.0", "Cannot authenticate now, try again later")
AUTH_CANCELLED = _reply(501, "5.7.0", "Authentication cancelled")
AUTH_BAD_RESPONSE = _reply(501, "5.5.2", "Not a response of this mechanism")
AUTH_NOT_BASE64 = _reply(501, "5.5.2", "Not base64")
AUTH_TOO_LONG = _reply(500, "5.5.6", "Authentication exchange line is too long")
AUTH_ALREADY = _reply(503, "5.5.1", "Authenticated already")
MECHANISM_UNKNOWN = _reply(504, "5.5.4", "Mechanism not available")
READY_FOR_TLS = _reply(220, "2.0.0", "Go ahead")
TLS_ALREADY = _reply(503, "5.5.1", "TLS is active already")
TLS_NOT_AVAILABLE = _reply(454, "4.7.0", "TLS not available at present")


def challenge(octets: bytes) -> Reply:
    """334 with the challenge in base64. Not cut at the limit of a reply: RFC 4954 §4 allows 12,288 octets."""
    reply = Reply(334, "", ("",))
    object.__setattr__(reply, "wire", b"334 " + base64.b64encode(octets) + b"\r\n")
    return reply
