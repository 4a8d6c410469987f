"""The SMTP client engine: commands out in their order, replies in, each told with what it answers.

Sans-I/O and pull style, as the server's: receive() octets, next_event() until NEED_DATA, outgoing() to the host.
hello(), start_tls(), authenticate(), begin() and quit() say what to do next; the engine knows how: HELO where EHLO is
refused, several commands in one flight where the host has PIPELINING, BDAT where it has CHUNKING, RSET where a
transaction was left open, an empty message where DATA was taken though nobody was to get it (RFC 2920 §3.1). Nothing
the host sends raises.

421 ends the dialogue wherever it comes, and so does what is no reply; `undecided` recipients have no reply then.

Standards: RFC 5321 §3, §4.1 and §4.2, RFC 2920, RFC 3030 §2, RFC 3207 §4, RFC 4954 §4.
Faults:    Misuse, where the session speaks out of turn (a defect).
"""

import base64
import binascii
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum

from posthaus.base import limit
from posthaus.proto.line import NEED_DATA, Need
from posthaus.proto.misuse import Misuse
from posthaus.proto.sasl.client import SaslClient
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.smtp.content import Stuffer
from posthaus.proto.smtp.heard import Ask, Broken, ContentDue, Gone, Replied, Settled, Told, Verdict
from posthaus.proto.smtp.offered import NOTHING, Offered, parse_offered
from posthaus.proto.smtp.replyread import Heard, Replies, ReplyFault

Trace = Callable[[str, str], None]
"""Told of each line: ("C", what we say) and ("S", what the host says), without secrets and message octets."""


class _Way(Enum):
    """How the octets of the message go."""

    DATA = 1
    CHUNKS = 2  # BDAT when somebody will get it
    AHEAD = 3  # BDAT in one flight with MAIL and RCPT


class Client:
    """One connection's engine."""

    def __init__(self, hostname: str, *, trace: Trace | None = None) -> None:
        self.offered: Offered = NOTHING
        self.is_over = False
        """The host has said its last word, or something that is none."""
        self.replies = 0
        """How many have been heard: each has its own time."""
        self._hostname = hostname.encode()
        self._trace = trace
        self._replies = Replies()
        self._out: list[bytes] = []
        self._asked: deque[Ask] = deque([Ask.GREETING])
        self._ended = False
        self._sasl: SaslClient | None = None
        self._content_due = False
        self._dirty = False  # a transaction may be open at the host
        self._open = False  # a transaction is open here
        self._clear()

    def _clear(self) -> None:
        self._mail: Heard | None = None
        self._rcpts: list[Heard] = []
        self._last: tuple[Ask, Heard] | None = None  # what became of those that RCPT took
        self._lines: Sequence[bytes] = ()  # MAIL and RCPT that are not said yet
        self._count = 0  # recipients
        self._way = _Way.DATA
        self._stuffer = Stuffer()
        self._lacks_end = False
        self._sent_all = False

    # -- octets --

    def receive(self, octets: bytes) -> None:
        """What came from the host; b"" is the end of the stream."""
        if octets:
            self._replies.receive(octets)
        else:
            self._ended = True

    def outgoing(self) -> bytes:
        """All that is due to go out; it is forgotten here."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    @property
    def buffered(self) -> int:
        """Octets that came and were not read: behind the 220 to STARTTLS there must be none."""
        return len(self._replies)

    @property
    def is_answered(self) -> bool:
        """The host has said something to the transaction, other than that it has ended the session before."""
        return self._mail is not None and self._mail.code != 421

    @property
    def may_be_taken(self) -> bool:
        """All of the message is with the host, which has not said what became of it; or has said nothing at all, where
        its replies to one flight come together."""
        return self._sent_all and (self.awaited is Ask.END or self._mail is None)

    @property
    def awaited(self) -> Ask | None:
        """What is answered next; None where nothing is asked."""
        return self._asked[0] if self._asked else None

    @property
    def patience_s(self) -> float:
        """How long the next reply may take."""
        return _PATIENCE_S[self._asked[0]] if self._asked else limit.RELAY_COMMAND_TIMEOUT_S

    def after_tls(self) -> None:
        """TLS is up: all that was learnt in the clear is forgotten (RFC 3207 §4.2)."""
        self._replies.clear()
        self._out.clear()
        self.offered = NOTHING

    # -- what to do --

    def hello(self) -> None:
        self._idle()
        self._say(Ask.EHLO, b"EHLO %s\r\n" % self._hostname)

    def start_tls(self) -> None:
        self._idle()
        self._say(Ask.STARTTLS, b"STARTTLS\r\n")

    def authenticate(self, sasl: SaslClient) -> None:
        self._idle()
        self._sasl = sasl
        initial = sasl.initial()
        line = b"AUTH " + sasl.name.encode()
        if initial is not None:
            line += b" " + (base64.b64encode(initial) or b"=")
        self._say(Ask.AUTH, line + b"\r\n", f"AUTH {sasl.name}" + (" ***" if initial is not None else ""))

    def begin(
        self, mail: bytes, rcpts: Sequence[bytes], size: int, *, lacks_end: bool = False, may_go_ahead: bool = True
    ) -> None:
        """A transaction: the lines of MAIL and RCPT; `size` and `lacks_end` as the message's Survey says. may_go_ahead:
        a small message may go in one flight with them."""
        self._idle()
        self._clear()
        self._open = True
        self._count = len(rcpts)
        self._lacks_end = lacks_end
        pipelining = self.offered.pipelining
        if self.offered.chunking:
            is_ahead = pipelining and may_go_ahead and size <= limit.RELAY_AHEAD_OCTETS
            self._way = _Way.AHEAD if is_ahead else _Way.CHUNKS
        if self._dirty:
            self._say(Ask.RSET, b"RSET\r\n")
        self._dirty = True
        self._lines = [mail, *rcpts]
        if not pipelining:
            if not self._asked:
                self._say_next()
            return
        while self._lines:
            self._say_next()
        if self._way is _Way.DATA:
            self._say(Ask.DATA, b"DATA\r\n")
        self._content_due = self._way is _Way.AHEAD

    def probe(self, line: bytes) -> None:
        """MAIL or RCPT without a message behind it: whether the host would take one."""
        self._idle()
        self._dirty = True
        self._say(Ask.PROBE, line)

    def reset(self) -> None:
        self._idle()
        self._dirty = False
        self._say(Ask.RSET, b"RSET\r\n")

    def quit(self) -> None:
        self._say(Ask.QUIT, b"QUIT\r\n")

    # -- the message --

    @property
    def wants_content(self) -> bool:
        """More octets are of use: false when the host has refused the message meanwhile."""
        return self._open and not self._sent_all and not self.is_over and self._last is None

    def content(self, piece: bytes, *, last: bool) -> None:
        """A piece of the message, after ContentDue."""
        if not self._open or self._content_due:
            raise Misuse("no content is due")
        if self._way is _Way.DATA:
            self._out.append(self._stuffer.feed(piece))
            if last:
                self._out.append(self._stuffer.end())
                self._asked.append(Ask.END)
        else:
            if last and self._lacks_end:
                piece += b"\r\n"
            self._say(Ask.END if last else Ask.CHUNK, b"BDAT %d%s\r\n" % (len(piece), b" LAST" if last else b""))
            self._out.append(piece)
        self._sent_all = last
        if self._trace is not None:
            self._trace("C", f"({len(piece)} octets of the message)")

    # -- what happens --

    def next_event(self) -> Told | Need:
        if self._content_due:
            self._content_due = False
            return ContentDue()
        while not self.is_over:
            heard = self._replies.next_reply()
            if not isinstance(heard, Heard):
                return self._no_reply(heard)
            self.replies += 1
            if self._trace is not None:
                self._tell(heard)
            told = self._take(heard)
            if told is not None:
                return told
        return Gone() if self._ended else NEED_DATA

    def verdicts(self) -> tuple[Verdict, ...]:
        """What is known of each recipient; None where the host has not said how it ends."""
        if self._mail is not None and not self._mail.is_positive:
            return ((Ask.MAIL, self._mail),) * self._count
        said: list[Verdict] = [(Ask.RCPT, one) if not one.is_positive else self._last for one in self._rcpts]
        return tuple(said) + (None,) * (self._count - len(said))

    def _idle(self) -> None:
        if self._asked or self._open or self.is_over:
            raise Misuse("a reply is still awaited")

    def _say(self, ask: Ask, line: bytes, shown: str = "") -> None:
        self._asked.append(ask)
        self._out.append(line)
        if self._trace is not None:
            self._trace("C", shown or line[:-2].decode("utf-8", "replace"))

    def _say_next(self) -> None:
        """The next of MAIL and RCPT."""
        ask = Ask.MAIL if len(self._lines) > self._count else Ask.RCPT
        self._say(ask, self._lines[0])
        self._lines = self._lines[1:]

    def _tell(self, heard: Heard) -> None:
        assert self._trace is not None
        head = f"{heard.enhanced} " if heard.enhanced else ""
        for line in heard.lines[:-1]:
            self._trace("S", f"{heard.code}-{head}{line}")
        self._trace("S", f"{heard.code} {head}{heard.lines[-1]}".rstrip())

    def _no_reply(self, found: ReplyFault | Need) -> Told | Need:
        if isinstance(found, ReplyFault):
            return self._break(found.value)
        if self._ended:
            self.is_over = True
            return Gone()
        return NEED_DATA

    def _break(self, why: str) -> Told:
        self.is_over = True
        return Broken(why)

    def _take(self, heard: Heard) -> Told | None:
        """One reply; None where the session need not know of it yet."""
        ask = self._asked.popleft() if self._asked else Ask.NOTHING
        if ask is Ask.NOTHING or (heard.code == 421 and ask is not Ask.QUIT):
            self.is_over = True
            return self._settle_with(ask, heard) if self._open else Replied(ask, heard)
        if self._open:
            return self._in_transaction(ask, heard)
        if ask is Ask.EHLO and heard.is_permanent:
            # RFC 5321 §3.2: a host that knows no EHLO; one that does not want us says so to HELO again.
            self._say(Ask.HELO, b"HELO %s\r\n" % self._hostname)
            return None
        if ask in (Ask.EHLO, Ask.HELO) and heard.is_positive:
            self.offered = parse_offered(heard) if ask is Ask.EHLO else Offered(name=heard.lines[0].partition(" ")[0])
        if ask is Ask.AUTH:
            return self._in_exchange(heard)
        return Replied(ask, heard)

    def _in_exchange(self, heard: Heard) -> Told | None:
        sasl = self._sasl
        assert sasl is not None
        try:
            if heard.code == 334:
                answer = sasl.respond(base64.b64decode(heard.lines[-1].strip(), validate=True))
                self._say(Ask.AUTH, base64.b64encode(answer) + b"\r\n", "***")
                return None
            if heard.is_positive:
                sasl.finish()
        except (SaslFault, binascii.Error, ValueError) as fault:
            return self._break(f"log-in failed: {fault}")
        return Replied(Ask.AUTH, heard)

    # -- the transaction --

    def _in_transaction(self, ask: Ask, heard: Heard) -> Told | None:
        if ask is Ask.MAIL:
            self._mail = heard
        elif ask is Ask.RCPT:
            self._rcpts.append(heard)
        elif ask is Ask.DATA:
            return self._said_data(heard)
        elif ask is Ask.CHUNK:
            return self._said_chunk(heard)
        elif ask is Ask.END:
            self._last = self._last or (Ask.END, heard)
            self._dirty = self._way is not _Way.DATA and not heard.is_positive
            return self._settled()
        if self._asked:
            return None
        return self._go_on()

    def _go_on(self) -> Told | None:
        """All that was asked is answered: MAIL and RCPT that wait for it, then the message, if anybody gets it."""
        refused = self._mail is not None and not self._mail.is_positive
        if self._lines and not refused:
            self._say_next()
        elif refused or not any(one.is_positive for one in self._rcpts):
            return self._settled()
        elif self._way is _Way.DATA:
            self._say(Ask.DATA, b"DATA\r\n")
        elif self._way is _Way.CHUNKS:
            return ContentDue()
        return None

    def _said_data(self, heard: Heard) -> Told | None:
        if not heard.is_intermediate:
            self._last = (Ask.DATA, heard)
            # Only a host that is mixed up says 2xx to DATA; what it takes the next octets for, nobody knows.
            self.is_over = heard.is_positive
            return self._settled()
        if self._mail is not None and self._mail.is_positive and any(one.is_positive for one in self._rcpts):
            return ContentDue()
        # RFC 2920 §3.1: 354 though nobody was to get it. An empty message, and its reply tells nothing.
        self._out.append(b".\r\n")
        self._asked.append(Ask.END)
        self._sent_all = True
        return None

    def _said_chunk(self, heard: Heard) -> Told | None:
        """RFC 3030 §2: a chunk that is refused ends the transaction; those on their way are refused as well."""
        if not heard.is_positive and self._last is None:
            self._last = (Ask.CHUNK, heard)
        if self._last is not None and not self._asked:
            return self._settled()
        return None

    def _settle_with(self, ask: Ask, heard: Heard) -> Told:
        """421: this reply is what all get that have no other."""
        if ask is Ask.MAIL:
            self._mail = heard
        self._rcpts += [heard] * (self._count - len(self._rcpts))
        self._last = self._last or (ask, heard)
        return self._settled()

    def _settled(self) -> Told:
        self._open = False
        self._content_due = False
        return Settled(self.verdicts())


_PATIENCE_S = {
    Ask.GREETING: limit.RELAY_GREETING_TIMEOUT_S,
    Ask.EHLO: limit.RELAY_GREETING_TIMEOUT_S,
    Ask.HELO: limit.RELAY_GREETING_TIMEOUT_S,
    Ask.STARTTLS: limit.RELAY_GREETING_TIMEOUT_S,
    Ask.AUTH: limit.RELAY_GREETING_TIMEOUT_S,
    Ask.MAIL: limit.RELAY_COMMAND_TIMEOUT_S,
    Ask.RCPT: limit.RELAY_COMMAND_TIMEOUT_S,
    Ask.PROBE: limit.RELAY_COMMAND_TIMEOUT_S,
    Ask.RSET: limit.RELAY_COMMAND_TIMEOUT_S,
    Ask.DATA: limit.RELAY_DATA_TIMEOUT_S,
    Ask.CHUNK: limit.RELAY_END_TIMEOUT_S,
    Ask.END: limit.RELAY_END_TIMEOUT_S,
    Ask.QUIT: limit.RELAY_QUIT_TIMEOUT_S,
}
