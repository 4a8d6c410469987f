"""The IMAP engine of a server: octets to commands, answers to octets, and which is allowed when.

It answers by itself what is no matter of will: grammar, order, literals that are too large, log-in in the clear. All
else is an event, and the session answers each command once, with ok(), no() or bad(). After a command that changes how
the next one is read (LOGIN, SELECT, ENABLE, STARTTLS, IDLE ...) nothing more is read until it is answered; other
commands may be taken out ahead and answered in any order that RFC 9051 §5.5 allows, which is the session's to judge.

Standards: RFC 9051 §3, §4.3, §5.5, §6, §7.1; RFC 3501 §3; RFC 2177 §3; RFC 4959 §3; RFC 7888 §4;
           RFC 9586 §3.
Faults:    Misuse, where the session answers what was not asked (a defect). Nothing for what a peer does.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from posthaus.proto.imap import capability, code, render, uidonly
from posthaus.proto.imap.command import (
    Authenticate,
    Close,
    Command,
    Compress,
    Enable,
    Idle,
    Login,
    Logout,
    Select,
    StartTls,
    Unauthenticate,
    Unselect,
)
from posthaus.proto.imap.event import (
    Accept,
    End,
    Event,
    IdleEnd,
    LiteralChunk,
    LiteralDropped,
    LiteralHeader,
    Refuse,
    SaslCancelled,
    SaslResponse,
    Why,
)
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.framing import Fault, Frame, Framing, Header
from posthaus.proto.imap.literal import DEFAULT_LIMITS, Limits, append_so_far, check_size
from posthaus.proto.imap.parse import Head, State, find_tag, parse_head
from posthaus.proto.imap.parse_access import decode_base64
from posthaus.proto.imap.quirk import LENIENT, Quirk
from posthaus.proto.imap.token import Cursor, Literal
from posthaus.proto.line import NEED_DATA, Need
from posthaus.proto.misuse import Misuse

# A browser that is made to speak to this port (cross-protocol attack) gives itself away in its first line.
_HTTP = re.compile(rb"(?:[A-Z]{3,7} \S+ |PRI \* )HTTP/\d").match
_GATES = (Login, Authenticate, Select, Close, Unselect, Enable, StartTls, Compress, Unauthenticate, Idle, Logout)


class _Mode(Enum):
    COMMAND = "reads commands"
    ANSWER = "waits for the session's answer"
    SASL = "reads a response to a challenge"
    IDLE = "reads DONE"
    TLS = "waits for after_tls()"
    ENDING = "has an End to tell"
    OVER = "is over"


class Engine:
    """One connection."""

    __slots__ = (
        "_ended",
        "_faults",
        "_framing",
        "_fresh",
        "_gate",
        "_limits",
        "_mode",
        "_note",
        "_open",
        "_out",
        "_quirks",
        "_why",
        "enabled_names",
        "offer",
        "state",
    )

    def __init__(
        self,
        offer: capability.Offer,
        *,
        limits: Limits = DEFAULT_LIMITS,
        quirks: frozenset[Quirk] = LENIENT,
        note: Callable[[Quirk], None] | None = None,
    ) -> None:
        self.offer = offer  # the session sets another where TLS changes the mechanisms
        self.state = State.NOT_AUTHENTICATED
        self.enabled_names: frozenset[bytes] = frozenset()
        self._limits = limits
        self._quirks = quirks
        self._note = note  # is told each leniency that was needed
        self._framing = Framing()
        self._out: list[bytes] = []
        self._mode = _Mode.COMMAND
        self._gate: Command | None = None  # the command whose answer decides how to go on
        self._open = 0  # commands that are not answered yet
        self._faults = 0  # one after the other
        self._fresh = True  # no line has come yet
        self._ended = False  # the peer has ended the stream
        self._why = Why.STREAM

    # -- octets in, events out ------------------------------------------------------------------------------------

    def receive(self, octets: bytes) -> None:
        """What came; b"" is the end of the stream."""
        if octets:
            self._framing.receive(octets)
        else:
            self._ended = True

    def next_event(self) -> Event | Need:
        """The next event; nothing is read beyond it."""
        while True:
            mode = self._mode
            if mode is _Mode.COMMAND:
                event = self._next_command()
            elif mode is _Mode.SASL:
                event = self._next_response()
            elif mode is _Mode.IDLE:
                event = self._next_done()
            elif mode is _Mode.ENDING:
                self._mode = _Mode.OVER
                return End(self._why)
            else:
                return NEED_DATA
            if event is not None:
                return event

    @property
    def utf8(self) -> bool:
        """Names of mailboxes are UTF-8 for this client, and no modified UTF-7 (RFC 9051 §5.1, RFC 6855 §3)."""
        return b"IMAP4REV2" in self.enabled_names or b"UTF8=ACCEPT" in self.enabled_names

    @property
    def uid_only(self) -> bool:
        """No message is called by its number (RFC 9586 §3)."""
        return b"UIDONLY" in self.enabled_names

    @property
    def rev2(self) -> bool:
        return b"IMAP4REV2" in self.enabled_names

    def capabilities(self) -> tuple[bytes, ...]:
        """What is announced now."""
        return capability.announced(self.offer, authenticated=self.state is not State.NOT_AUTHENTICATED)

    # -- answers --------------------------------------------------------------------------------------------------

    def outgoing(self) -> bytes:
        """All that is due to go out; it is forgotten here."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    def send(self, octets: bytes) -> None:
        """Whole response lines, rendered."""
        if self._mode is _Mode.OVER:
            raise Misuse("the connection is over")
        self._out.append(octets)

    def greet(self, text: str, *, preauth: bool = False) -> None:
        """* OK [CAPABILITY ...] or * PREAUTH: the first thing a client hears."""
        if preauth:
            self.state = State.AUTHENTICATED
        self._status(b"*", b"PREAUTH" if preauth else b"OK", text, code.capability(self.capabilities()))

    def ok(self, tag: bytes, text: str, code: bytes | None = None) -> None:
        """The command is done."""
        self._answer(tag, b"OK", text, code)
        gate = self._take_gate(tag)
        if isinstance(gate, Login | Authenticate | Close | Unselect):
            self.state = State.AUTHENTICATED
        elif isinstance(gate, Select):
            self.state = State.SELECTED
        elif isinstance(gate, StartTls):
            self._mode = _Mode.TLS
        elif isinstance(gate, Compress):  # RFC 4978 §3: what comes from here on is deflated
            self._framing.clear()
            self.offer = replace(self.offer, compressed=True)
        elif isinstance(gate, Unauthenticate):
            self.state = State.NOT_AUTHENTICATED
            self.enabled_names = frozenset()
        elif isinstance(gate, Logout):
            self._end(Why.LOGOUT)

    def no(self, tag: bytes, text: str, code: bytes | None = None) -> None:
        """The command cannot be done."""
        self._answer(tag, b"NO", text, code)
        if isinstance(self._take_gate(tag), Select):
            self.unselect()  # RFC 9051 §6.3.2: what was selected before is not any more

    def bad(self, tag: bytes, text: str, code: bytes | None = None) -> None:
        """The command is none; counts as a fault."""
        self._answer(tag, b"BAD", text, code)
        self._take_gate(tag)
        self._count_fault()

    def bye(self, text: str, code: bytes | None = None) -> None:
        """* BYE. In reply to LOGOUT its ok() follows; else it is the last word."""
        self._status(b"*", b"BYE", text, code)
        if not isinstance(self._gate, Logout):
            self._end(Why.BYE)

    def enabled(self, names: tuple[bytes, ...]) -> None:
        """* ENABLED, before the ok() of ENABLE: from here on these hold."""
        self.enabled_names |= frozenset(names)
        self.send(render.enabled(names))

    def unselect(self) -> None:
        """No mailbox is selected any more, for a reason that no command gave (it was deleted)."""
        if self.state is State.SELECTED:
            self.state = State.AUTHENTICATED

    def challenge(self, octets: bytes) -> None:
        """The next challenge of AUTHENTICATE; SaslResponse or SaslCancelled follows."""
        self._continue(Authenticate, _Mode.SASL)
        self._out.append(b"+ %b\r\n" % b2a_base64(octets, newline=False))

    def idle(self) -> None:
        """Begin to idle; IdleEnd follows, and then the ok() is due."""
        self._continue(Idle, _Mode.IDLE)
        self._out.append(b"+ idling\r\n")

    def literal(self, decision: Accept | Refuse) -> None:
        """What is to be done with the literal of the LiteralHeader."""
        header = self._framing.header
        if header is None:
            raise Misuse("no literal is announced")
        if isinstance(decision, Accept):
            self._accept(header, decision)
            return
        self._framing.refuse()
        fault = ParseFault(decision.text, code=decision.code, bad=decision.bad)
        self._refuse(find_tag(header.text), fault)

    def after_tls(self) -> None:
        """TLS is active: all that was learnt in the clear, and all that came in the clear, is forgotten."""
        self._framing.clear()
        self.offer = replace(self.offer, tls=True, starttls=False)
        self.state = State.NOT_AUTHENTICATED
        self.enabled_names = frozenset()
        self._mode = _Mode.COMMAND
        self._faults = 0
        self._fresh = True

    # -- commands -------------------------------------------------------------------------------------------------

    def _next_command(self) -> Event | Need | None:
        if self._fresh and self._framing.starts_with(b"\x16"):  # a TLS record: no answer in the clear helps there
            self._end(Why.NOT_IMAP)
            return None
        early = self.state is State.NOT_AUTHENTICATED
        piece = self._framing.next(self._limits.early_line_octets if early else self._limits.line_octets)
        if isinstance(piece, Frame):
            return self._read(piece)
        if isinstance(piece, bytes):
            return LiteralChunk(piece)
        if isinstance(piece, Header):
            return self._announced(piece)
        if isinstance(piece, Fault):
            self._refuse_line(piece)
            return None
        return self._need()

    def _read(self, frame: Frame) -> Event | None:
        text = frame.text
        if self._fresh and _HTTP(text):
            self._end(Why.NOT_IMAP)
            return None
        self._fresh = False
        try:
            if frame.bare_lf:
                self._tolerate(Quirk.BARE_LF, "a line ends with CRLF")
            if not text:
                self._tolerate(Quirk.EMPTY_LINE, "an empty line")
                self._count_fault()
                return None
            command = self._parse(text, frame.literals)
        except ParseFault as fault:
            self._refuse(find_tag(text), fault)
            spooled = any(literal.octets is None for literal in frame.literals)
            return LiteralDropped(find_tag(text) or b"*") if spooled else None
        self._faults = 0
        self._open += 1
        if isinstance(command, _GATES):
            self._gate = command
            self._mode = _Mode.ANSWER
        return command

    def _parse(self, text: bytes, literals: list[Literal]) -> Command:
        head = self._head(text)
        cursor = Cursor(text, literals, utf8=self.utf8, quirks=self._quirks, at=head.end)
        command = head.rule.parse(cursor, head.tag, head.uid)
        if cursor.seen and self._note is not None:
            for quirk in cursor.seen:
                self._note(quirk)
        if self.state is State.NOT_AUTHENTICATED:
            self._check_early(command)
        if self.uid_only:
            uidonly.check_command(command)
        return command

    def _head(self, text: bytes) -> Head:
        """Which command, if it is allowed in this state."""
        head = parse_head(text)
        if self.state not in head.rule.states:
            if self.state is State.NOT_AUTHENTICATED:
                raise ParseFault("log in first")
            before = State.NOT_AUTHENTICATED in head.rule.states
            raise ParseFault("you are logged in" if before else "select a mailbox first")
        if self.uid_only:
            uidonly.check_head(head)
        return head

    def _check_early(self, command: Command) -> None:
        """What depends on TLS and not on any user."""
        offer = self.offer
        if isinstance(command, StartTls) and (offer.tls or not offer.starttls):
            raise ParseFault("TLS is active" if offer.tls else "no TLS here")
        login = isinstance(command, Login)
        unknown = isinstance(command, Authenticate) and command.mechanism not in offer.mechanisms
        if (login or unknown) and not offer.may_log_in:
            raise ParseFault("log in over TLS", code=code.PRIVACYREQUIRED, bad=False)
        if unknown:
            raise ParseFault("no such mechanism here", bad=False)

    # -- literals -------------------------------------------------------------------------------------------------

    def _announced(self, header: Header) -> Event | None:
        """Decide on a literal, or ask about it where it is a message."""
        self._fresh = False
        try:
            head = self._head(header.text)
            append = append_so_far(head, header, utf8=self.utf8, quirks=self._quirks)
            if append is not None:
                index = len(header.literals)
                return LiteralHeader(head.tag, head.name, header.size, header.non_sync, header.binary, index, append)
            check_size(header, self._limits, early=self.state is State.NOT_AUTHENTICATED)
        except ParseFault as fault:
            spooled = any(literal.octets is None for literal in header.literals)
            self._framing.refuse()
            self._refuse(find_tag(header.text), fault)
            return LiteralDropped(find_tag(header.text) or b"*") if spooled else None
        self._accept(header, Accept.MEMORY)
        return None

    def _accept(self, header: Header, decision: Accept) -> None:
        if decision is Accept.MEMORY:
            self._framing.keep()
        else:
            self._framing.hand_out()
        if not header.non_sync:
            self._out.append(b"+ OK\r\n")

    # -- lines that are no commands -------------------------------------------------------------------------------

    def _next_response(self) -> Event | Need | None:
        line = self._framing.next_raw(self._limits.sasl_line_octets)
        if line is NEED_DATA:
            return self._need()
        tag = self._gate_tag()
        try:
            octets = self._raw(line)
            if octets != b"*":
                response = decode_base64(octets)
                self._mode = _Mode.ANSWER
                return SaslResponse(tag, response)
            self._close_gate(tag, ParseFault("cancelled"))
        except ParseFault as fault:
            self._close_gate(tag, fault)
            self._count_fault()
        return SaslCancelled(tag)

    def _next_done(self) -> Event | Need | None:
        line = self._framing.next_raw(self._limits.early_line_octets)
        if line is NEED_DATA:
            return self._need()
        tag = self._gate_tag()
        try:
            if self._raw(line).upper().rstrip(b" ") != b"DONE":
                raise ParseFault("DONE expected")
        except ParseFault as fault:
            self._close_gate(tag, fault)
            self._count_fault()
            return IdleEnd(tag, done=False)
        self._mode = _Mode.ANSWER
        return IdleEnd(tag, done=True)

    def _raw(self, line: tuple[bytes, bool] | Fault | Need) -> bytes:
        if not isinstance(line, tuple):
            raise ParseFault("the line is too long")
        octets, bare_lf = line
        if bare_lf:
            self._tolerate(Quirk.BARE_LF, "a line ends with CRLF")
        return octets

    # -- the inside -----------------------------------------------------------------------------------------------

    def _need(self) -> End | Need:
        if not self._ended:
            return NEED_DATA
        self._mode = _Mode.OVER
        return End(Why.STREAM)

    def _end(self, why: Why) -> None:
        """There is an End to tell, and nothing is read any more."""
        self.state = State.LOGOUT
        self._mode = _Mode.ENDING
        self._why = why
        self._gate = None
        self._framing.clear()

    def _tolerate(self, quirk: Quirk, text: str) -> None:
        if quirk not in self._quirks:
            raise ParseFault(text)
        if self._note is not None:
            self._note(quirk)

    def _continue(self, kind: type[Command], mode: _Mode) -> None:
        if self._mode is not _Mode.ANSWER or not isinstance(self._gate, kind):
            raise Misuse("nothing to continue")
        self._mode = mode

    def _gate_tag(self) -> bytes:
        return self._gate.tag if self._gate is not None else b"*"

    def _take_gate(self, tag: bytes) -> Command | None:
        """The command that all waits for, if it is the one now answered; reading goes on."""
        gate = self._gate
        if gate is None or gate.tag != tag:
            return None
        self._gate = None
        self._mode = _Mode.COMMAND
        return gate

    def _close_gate(self, tag: bytes, fault: ParseFault) -> None:
        """Answer the command that all waits for in the session's place."""
        self._answer(tag, b"BAD", fault.text, fault.code)
        self._take_gate(tag)

    def _answer(self, tag: bytes, word: bytes, text: str, code: bytes | None) -> None:
        if not self._open:
            raise Misuse("no command waits for an answer")
        self._open -= 1
        self._status(tag, word, text, code)

    def _status(self, tag: bytes, word: bytes, text: str, code: bytes | None) -> None:
        if code is None:
            self.send(b"%b %b %b\r\n" % (tag, word, render.text(text)))
        else:
            self.send(b"%b %b [%b] %b\r\n" % (tag, word, code, render.text(text)))

    def _refuse_line(self, fault: Fault) -> None:
        self._fresh = False
        # Without a space it may be half a tag.
        self._refuse(find_tag(fault.text) if b" " in fault.text else None, ParseFault(fault.why))

    def _refuse(self, tag: bytes | None, fault: ParseFault) -> None:
        """Answer a command that never gets to the session."""
        self._status(tag or b"*", b"BAD" if fault.bad else b"NO", fault.text, fault.code)
        if fault.bad:
            self._count_fault()

    def _count_fault(self) -> None:
        self._faults += 1
        if self._faults >= self._limits.faults:
            self._status(b"*", b"BYE", "too many faults", None)
            self._end(Why.TOO_MANY_FAULTS)
