"""The POP3 engine: what a client may say when, without sockets and without mail.

Octets go in by receive(), events come out of next_event(), replies go back by send() and its kin, and all that is due
to go out is in outgoing(). What the engine can answer by itself (CAPA, NOOP, USER, LANG, every fault of grammar or
order) it answers by itself, in order. A run of pipelined RETR is one event, so that many messages can be read at once.

Standards: RFC 1939, RFC 2449, RFC 5034, RFC 2595 §4, RFC 6856, RFC 3206.
Faults:    Misuse, where the session answers what was not asked, or asks before it has answered (a defect).
"""

from base64 import b64encode
from dataclasses import dataclass
from enum import Enum

from posthaus.base import limit
from posthaus.proto.line import NEED_DATA, LineFault, Lines, Need
from posthaus.proto.misuse import Misuse
from posthaus.proto.pop3 import reply
from posthaus.proto.pop3.command import (
    Apop,
    Auth,
    Bare,
    Command,
    CommandFault,
    Dele,
    Lang,
    List,
    Pass,
    Retr,
    Top,
    Uidl,
    User,
    parse_command,
    parse_response,
)
from posthaus.proto.pop3.event import End, Event, Password, Quit, Reset, Response, Retrieve, Stat, Stls


class State(Enum):
    """RFC 1939 §3; EXCHANGE is AUTHORIZATION in the middle of AUTH, OVER is after the last reply."""

    AUTHORIZATION = "authorization"
    EXCHANGE = "exchange"
    TRANSACTION = "transaction"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the policy offers on this connection as it stands now."""

    mechanisms: tuple[str, ...] = ()
    is_clear_allowed: bool = False
    has_stls: bool = False


_BEFORE_LOGIN = frozenset((User, Pass, Apop, Auth, Bare.STLS, Bare.UTF8))
_AFTER_LOGIN = frozenset((List, Uidl, Retr, Dele, Top, Bare.STAT, Bare.NOOP, Bare.RSET))
_PARSED = Command | CommandFault | LineFault
_FAULTS = (CommandFault, LineFault)


class Pop3Server:
    """One connection. `stamp` offers APOP (RFC 1939 §7)."""

    def __init__(
        self,
        offer: Offer,
        *,
        stamp: bytes | None = None,
        line_octets: int = limit.POP3_LINE_OCTETS,
        login_line_octets: int = limit.POP3_LOGIN_LINE_OCTETS,
        most_faults: int = limit.POP3_BAD_COMMANDS,
        most_together: int = limit.POP3_BATCH_MESSAGES,
    ) -> None:
        self.offer = offer
        self.state = State.AUTHORIZATION
        self.owed = 0  # replies that the session owes
        self._stamp = stamp
        self._line_octets = line_octets
        self._login_line_octets = login_line_octets
        self._most_faults = most_faults
        self._most_together = most_together
        self._lines = Lines()
        self._has_end = False
        self._ahead: _PARSED | None = None  # read after a run of RETR, and not yet handled
        self._name: str | None = None  # of USER
        self._faults = 0  # in a row
        self._out: list[bytes] = []
        self.pending_octets = 0  # of outgoing()
        self._say(reply.render_greeting(stamp))

    # -- in --------------------------------------------------------------------------------------------------------

    def receive(self, octets: bytes) -> None:
        """Octets of the client; b"" is the end of the stream."""
        if octets:
            self._lines.receive(octets)
        else:
            self._has_end = True

    def next_event(self) -> Event | Need:
        """The next thing that the session must know. Parses no further than that."""
        if self.owed:
            raise Misuse("the session owes a reply")
        while self.state is not State.OVER:
            if self.state is State.EXCHANGE:
                event = self._exchange()
            else:
                parsed = self._parsed()
                event = parsed if isinstance(parsed, Need) else self._handle(parsed)
            if event is NEED_DATA and self._has_end:
                return self._end("eof")
            if event is not None:
                return event
        return NEED_DATA

    def after_tls(self) -> None:
        """RFC 2595 §4: forget all that was learnt in the clear; octets that stand here were not protected."""
        self._lines.clear()
        self._ahead = None
        self._name = None
        self.state = State.AUTHORIZATION

    # -- out -------------------------------------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """One whole reply. After an event of log-in: it failed."""
        self._pay()
        if self.state is State.EXCHANGE:
            self.state = State.AUTHORIZATION
        self._say(octets)

    def begin_octets(self, title: bytes) -> None:
        """One multi-line reply in pieces: then more() any number of times, the last with reply.END."""
        self._pay()
        self._say(title)

    def more(self, stuffed: bytes) -> None:
        self._say(stuffed)

    def challenge(self, octets: bytes) -> None:
        """RFC 5034 §4: the server's part of an AUTH exchange."""
        self._pay()
        self.state = State.EXCHANGE
        self._say(b"+ %s\r\n" % b64encode(octets))

    def accept(self) -> None:
        """The client has logged in and the maildrop is open."""
        self._pay()
        self.state = State.TRANSACTION
        self._name = None
        self._say(reply.LOGGED_IN)

    def close(self, octets: bytes) -> None:
        """The last reply."""
        self._pay()
        self.state = State.OVER
        self._say(octets)

    def outgoing(self) -> bytes:
        """All that is due to go out; it is forgotten here."""
        octets = b"".join(self._out)
        self._out.clear()
        self.pending_octets = 0
        return octets

    def _say(self, octets: bytes) -> None:
        self._out.append(octets)
        self.pending_octets += len(octets)

    def _pay(self) -> None:
        if not self.owed:
            raise Misuse("no reply is owed")
        self.owed -= 1

    # -- lines -----------------------------------------------------------------------------------------------------

    def _parsed(self) -> _PARSED | Need:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            return ahead
        if not self._lines:
            return NEED_DATA
        # RFC 2449 §4 bounds commands by 255 octets; passwords and AUTH responses may be longer.
        most = self._line_octets if self.state is State.TRANSACTION else self._login_line_octets
        line = self._lines.next_line(most)
        return parse_command(line) if isinstance(line, bytes) else line

    def _exchange(self) -> Event | Need | None:
        """continue-req / base64 / "*" (RFC 5034 §4)"""
        line = self._lines.next_line(self._login_line_octets)
        if isinstance(line, Need):
            return line
        if isinstance(line, bytes):
            octets = parse_response(line)
            if octets is not None:
                return self._ask(Response(octets))
            answer = reply.CANCELLED if line == b"*" else reply.BAD_BASE64
        else:
            answer = reply.TOO_LONG
        self.state = State.AUTHORIZATION
        return self._fault(answer)

    # -- commands --------------------------------------------------------------------------------------------------

    def _handle(self, parsed: _PARSED) -> Event | None:
        """An event, or None where the engine has answered by itself."""
        if isinstance(parsed, _FAULTS):
            return self._refuse(parsed)
        kind = parsed if isinstance(parsed, Bare) else type(parsed)
        if kind in (_AFTER_LOGIN if self.state is State.AUTHORIZATION else _BEFORE_LOGIN):
            return self._fault(reply.NOT_NOW)
        self._faults = 0
        match parsed:
            case Retr():  # first: it comes by thousands
                return self._retrieve(parsed)
            case Bare():
                return self._bare(parsed)
            case User() | Pass() | Apop() | Auth():
                return self._login(parsed)
            case Lang(tag):
                self._say(_answer_lang(tag))
                return None
            case _:
                return self._ask(parsed)

    def _retrieve(self, first: Retr) -> Event:
        numbers = [first.number]
        while len(numbers) < self._most_together:
            parsed = self._parsed()
            if not isinstance(parsed, Retr):
                self._ahead = None if isinstance(parsed, Need) else parsed
                break
            numbers.append(parsed.number)
        self.owed = len(numbers)
        return Retrieve(tuple(numbers))

    def _bare(self, command: Bare) -> Event | None:
        match command:
            case Bare.QUIT:
                return self._ask(Quit())
            case Bare.STAT:
                return self._ask(Stat())
            case Bare.RSET:
                return self._ask(Reset())
            case Bare.STLS:
                if self.offer.has_stls:
                    return self._ask(Stls())
                self._say(reply.NO_TLS)
            case Bare.CAPA:
                self._say(self._capabilities())
            case Bare.UTF8:
                # RFC 6856 §2.1 not: who does not ask gets the same octets; a message is never rewritten on its way.
                self._say(reply.DONE)
            case Bare.NOOP:
                self._say(reply.DONE)
        return None

    def _login(self, command: User | Pass | Apop | Auth) -> Event | None:
        name, self._name = self._name, None
        match command:
            case User() | Pass() if not self.offer.is_clear_allowed:
                self._say(reply.CLEAR_TEXT)
            case User(name):
                self._name = name
                self._say(reply.DONE)  # RFC 1939 §7: also for names that do not exist
            case Pass(password):
                if name is not None:
                    return self._ask(Password(name, password))
                self._say(reply.NEED_USER)
            case Apop():
                if self._stamp is not None:
                    return self._ask(command)
                self._say(reply.NO_APOP)
            case Auth("", _):
                names = "".join(f"{name}\r\n" for name in self.offer.mechanisms)
                self._say(reply.MECHANISMS + names.encode() + reply.END)
            case Auth():
                return self._ask(command)
        return None

    def _capabilities(self) -> bytes:
        """RFC 2449 §5; the table of what we announce"""
        offer = self.offer
        lines = [
            "TOP",  # RFC 2449 §6.1
            "UIDL",  # RFC 2449 §6.8
            "RESP-CODES",  # RFC 2449 §6.4
            "AUTH-RESP-CODE",  # RFC 3206 §6
            "PIPELINING",  # RFC 2449 §6.6
            "EXPIRE NEVER",  # RFC 2449 §6.7
            "LOGIN-DELAY 0",  # RFC 2449 §6.5
            "UTF8 USER",  # RFC 6856 §2
            "LANG",  # RFC 6856 §3
            *(("USER",) if offer.is_clear_allowed else ()),  # RFC 2449 §6.2
            *((" ".join(("SASL", *offer.mechanisms)),) if offer.mechanisms else ()),  # RFC 5034 §3
            # RFC 2595 §4: no more once TLS is there, and in AUTHORIZATION only
            *(("STLS",) if offer.has_stls and self.state is State.AUTHORIZATION else ()),
            "IMPLEMENTATION Posthaus",  # RFC 2449 §6.9
        ]
        return reply.CAPABILITIES + "".join(f"{line}\r\n" for line in lines).encode() + reply.END

    def _ask(self, event: Event) -> Event:
        self.owed = 1
        return event

    # -- faults ----------------------------------------------------------------------------------------------------

    def _refuse(self, fault: CommandFault | LineFault) -> Event | None:
        match fault:
            case CommandFault.HTTP if self.state is State.AUTHORIZATION:
                return self._end("http")  # without a word
            case LineFault.ENDLESS:
                return self._end("endless-line")
            case LineFault.TOO_LONG:
                return self._fault(reply.TOO_LONG)
            case LineFault.BARE_CR | LineFault.BARE_LF:
                return self._fault(reply.BAD_LINE)
            case CommandFault.ARGUMENTS:
                return self._fault(reply.ARGUMENTS)
            case _:
                return self._fault(reply.UNKNOWN)

    def _fault(self, answer: bytes) -> Event | None:
        self._faults += 1
        if self._faults < self._most_faults:
            self._say(answer)
            return None
        self._say(reply.TOO_MANY_FAULTS)
        return self._end("too-many-faults")

    def _end(self, why: str) -> Event:
        self.state = State.OVER
        return End(why)


def _answer_lang(tag: str | None) -> bytes:
    """RFC 6856 §3.2; "*" and i-default are what we speak anyway"""
    if tag is None:
        return reply.LANGUAGES
    return reply.LANGUAGE_SET if tag in ("*", "en", "i-default") or tag.startswith("en-") else reply.NO_LANGUAGE
