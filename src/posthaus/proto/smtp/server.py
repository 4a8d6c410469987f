"""The SMTP server engine: octets in, events out; grammar, order and limits are its own, will is the policy's.

Sans-I/O and pull style: receive() octets, next_event() until NEED_DATA, send() one answer for each event that waits for
one, outgoing() to the peer. Answers leave in the order of the commands, so pipelining needs nothing more. Nothing the
peer sends raises. A BDAT that is refused still has its octets swallowed, so that message data never becomes commands.

Standards: RFC 5321 §3, §4.1 and §4.3, RFC 1870, RFC 2033, RFC 2034, RFC 2920 §3.2, RFC 3030, RFC 3207 §4.2,
           RFC 4954 §4, RFC 9422.
Faults:    Misuse, where the session answers out of turn (a defect).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posthaus.proto.line import NEED_DATA, LineFault, Lines, Need
from posthaus.proto.misuse import Misuse
from posthaus.proto.smtp import command, event, reply
from posthaus.proto.smtp.body import Body
from posthaus.proto.smtp.event import Event, Quirk
from posthaus.proto.smtp.keyword import Offer, announce
from posthaus.proto.smtp.order import FRUITLESS, ORDER, Limits, Mode, State
from posthaus.proto.smtp.param import CommandFault
from posthaus.proto.smtp.reply import Reply

DEFAULT_LIMITS = Limits()
DEFAULT_OFFER = Offer()


class Server:
    """One connection's engine. The session may set `offer` at any time before an answer to EHLO."""

    def __init__(
        self,
        hostname: str,
        *,
        offer: Offer = DEFAULT_OFFER,
        limits: Limits = DEFAULT_LIMITS,
        lmtp: bool = False,
        tls: bool = False,
        strict: bool = False,
    ) -> None:
        self.hostname = hostname
        self.offer = offer
        self.lmtp = lmtp
        self.tls = tls
        self.quirks: set[Quirk] = set()
        self.errors = 0
        self._limits = limits
        self._strict = strict
        self._lines = Lines()
        self._out: list[bytes] = []
        self._ended = False
        self._mode = Mode.LINES
        self._state = State.GREETING
        self._awaited: Event | None = None  # the event that waits for its answer
        self._closing: str | None = None  # why, until Closing was given
        self._authenticated = False
        self._fruitless = 0
        self._transactions = 0
        self._discarded = 0
        self._body = Body(0)  # of the transaction; MAIL makes a new one
        self._over = False  # the end of data was read, and DataEnd is due
        self._left = 0  # octets to come of this BDAT chunk
        self._chunk_size = 0
        self._last = False
        self._refusal: Reply | None = None  # to be given when the chunk was swallowed
        self._reset()

    # -- octets --

    def receive(self, octets: bytes) -> None:
        """What came from the peer; b"" is the end of the stream."""
        if octets:
            self._lines.receive(octets)
        else:
            self._ended = True

    def outgoing(self) -> bytes:
        """All that is due to go out; it is forgotten here."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    @property
    def buffered(self) -> int:
        """Octets that came and were not read yet: before STARTTLS is answered there should be none."""
        return len(self._lines)

    def after_tls(self) -> None:
        """TLS is up: all that was learnt in the clear is forgotten, octets that came behind STARTTLS too."""
        # RFC 3207 §4.2: also the name of EHLO. What was injected before the handshake must never run after it.
        self._lines.clear()
        self._out.clear()
        self.tls = True
        self._authenticated = False
        self._state = State.FRESH
        self._mode = Mode.LINES
        self._reset()

    # -- events --

    def next_event(self) -> Event | Need:
        if self._awaited is not None or self._state is State.GREETING:
            raise Misuse("the last event was not answered")
        mode = self._mode
        if mode is Mode.CLOSED:
            why, self._closing = self._closing, None
            return event.Closing(why) if why is not None else NEED_DATA
        if mode is Mode.LINES:
            found = self._line()
        elif mode is Mode.DATA:
            found = self._data()
        else:
            found = self._chunk() if mode is Mode.CHUNK else self._sasl()
        if found is NEED_DATA and self._ended:
            self._mode = Mode.CLOSED
            return event.Gone()
        return found

    def _line(self) -> Event | Need:
        # A long line is read only from those who may send one (RFC 4954 §4).
        auth = self.offer.mechanisms and not self._authenticated
        line = self._lines.next_line(self._limits.auth_line_octets if auth else self._limits.command_octets)
        if not isinstance(line, bytes):
            return NEED_DATA if line is NEED_DATA else self._line_fault(line)
        verb, argument = command.split_command(line)
        if verb != b"AUTH" and len(line) + 2 > self._limits.command_octets:
            return self._fault(reply.LINE_TOO_LONG, verb)
        row = _COMMANDS.get(verb)
        if row is None:
            return self._unknown(verb)
        if row.fruitless:
            self._fruitless += 1
            if self._fruitless > self._limits.fruitless:
                return self._fault(reply.TOO_MANY_COMMANDS, verb)
        wrong = row.refused.get(self._state)
        if row.read is None:
            return self._bdat(argument, wrong)
        if wrong is not None:
            return self._fault(wrong, verb)
        try:
            found = row.read(self, argument)
        except CommandFault as fault:
            return self._fault(fault.answer, verb)
        self._awaited = found
        return found

    def _line_fault(self, fault: LineFault | Need) -> Event:
        if fault is LineFault.BARE_CR:
            return self._fault(reply.BARE_CR, b"")
        if fault is LineFault.TOO_LONG:
            return self._fault(reply.LINE_TOO_LONG, b"")
        # What follows a bare LF may be a command to us and was content to somebody else: nothing of it is read.
        return self._hang_up(reply.BARE_LF if fault is LineFault.BARE_LF else reply.LINE_TOO_LONG, b"")

    def _unknown(self, verb: bytes) -> Event:
        if self._state is State.FRESH and verb in command.HTTP:
            # A browser sent here by a third party: whatever it carries in its body must not be read as commands.
            return self._hang_up(reply.NOT_SMTP, verb)
        return self._fault(reply.UNKNOWN_COMMAND, verb)

    def _fault(self, answer: Reply, verb: bytes) -> Event:
        """Answer a fault ourselves; the last straw closes."""
        if answer.is_permanent:
            self.errors += 1
        if answer.code == 421:
            return self._hang_up(answer, verb)
        if self.errors > self._limits.errors:
            return self._hang_up(reply.TOO_MANY_ERRORS, verb)
        self._out.append(answer.wire)
        return event.Faulted(answer, verb[:20].decode("ascii", "backslashreplace"))

    def _hang_up(self, answer: Reply, verb: bytes) -> Event:
        self._out.append(answer.wire)
        self._shut(answer.text)
        return event.Faulted(answer, verb[:20].decode("ascii", "backslashreplace"))

    def _shut(self, why: str) -> None:
        self._mode = Mode.CLOSED
        self._closing = why
        self._lines.clear()

    def _note(self, quirk: Quirk) -> None:
        if self._strict:
            raise CommandFault(reply.SYNTAX)
        self.quirks.add(quirk)

    def _no_argument(self, argument: bytes) -> None:
        if argument:
            self._note(Quirk.ARGUMENT if argument.strip(b" ") else Quirk.TRAILING_SPACE)

    # -- one function for each command --

    def _hello(self, verb: str, argument: bytes) -> Event:
        if self.lmtp != (verb == "LHLO"):
            raise CommandFault(reply.HELLO_AGAIN_LMTP if self.lmtp else reply.UNKNOWN_COMMAND)
        return event.Ehlo(verb, command.parse_name(argument, self._note))

    def _mail(self, argument: bytes) -> Event:
        envelope = command.parse_mail(argument, self._note, self.offer)
        if envelope.size is not None and envelope.size > self.offer.size_octets:
            raise CommandFault(reply.TOO_LARGE)
        if self._transactions >= self.offer.transactions:
            raise CommandFault(reply.TOO_MANY_TRANSACTIONS)
        return event.Mail(envelope)

    def _rcpt(self, argument: bytes) -> Event:
        recipient = command.parse_rcpt(argument, self._note, smtputf8=self._smtputf8)
        if self._recipients >= self.offer.recipients:
            raise CommandFault(reply.TOO_MANY_RECIPIENTS)
        return event.Rcpt(recipient)

    def _begin_data(self, argument: bytes) -> Event:
        self._no_argument(argument)
        if self._binary:
            raise CommandFault(reply.BINARY_NEEDS_BDAT)
        return event.DataStart()

    def _bdat(self, argument: bytes, wrong: Reply | None) -> Event | Need:
        try:
            size, last = command.parse_chunk(argument)
        except CommandFault as fault:
            # Nobody knows where the chunk ends and the next command begins.
            return self._hang_up(fault.answer, b"BDAT")
        self._left, self._chunk_size, self._last, self._refusal = size, size, last, wrong
        if wrong is None:
            self._state = State.CHUNKS
        self._mode = Mode.CHUNK
        return self._chunk()

    def _rset(self, argument: bytes) -> Event:
        self._no_argument(argument)
        return event.Rset()

    def _quit(self, argument: bytes) -> Event:
        self._no_argument(argument)
        return event.Quit()

    def _vrfy(self, argument: bytes) -> Event:
        if not argument.strip(b" "):
            raise CommandFault(reply.SYNTAX)
        return event.Vrfy(argument)

    def _expn(self, argument: bytes) -> Event:
        if not argument.strip(b" "):
            raise CommandFault(reply.SYNTAX)
        return event.Expn(argument)

    def _starttls(self, argument: bytes) -> Event:
        if argument.strip(b" "):
            raise CommandFault(reply.NO_ARGUMENT)
        if self.tls:
            raise CommandFault(reply.TLS_ALREADY)
        if not self.offer.starttls:
            raise CommandFault(reply.NOT_IMPLEMENTED)
        return event.StartTls()

    def _auth(self, argument: bytes) -> Event:
        if self._authenticated:
            raise CommandFault(reply.AUTH_ALREADY)
        if not self.offer.mechanisms:
            raise CommandFault(reply.AUTH_NEEDS_TLS if self.offer.starttls else reply.NOT_IMPLEMENTED)
        mechanism, initial = command.parse_auth(argument)
        if mechanism not in self.offer.mechanisms:
            raise CommandFault(reply.MECHANISM_UNKNOWN)
        return event.Auth(mechanism, initial)

    # -- what is no command --

    def _data(self) -> Event | Need:
        if self._over:
            return self._end()
        octets, start = self._lines.peek()
        content, used, ended = self._body.read(octets, start)
        self._lines.advance(used)
        if content:
            self._over = ended  # told by the next call: a small message is one chunk and one end
            return event.DataChunk(content)
        if self._body.fault is not None and not ended:
            self._discarded += used - start
            if self._discarded > self._limits.discard_octets:
                return self._hang_up(reply.TOO_MUCH_DISCARDED, b"DATA")
        return self._end() if ended else NEED_DATA

    def _chunk(self) -> Event | Need:
        if self._left:
            piece = self._lines.take(self._left)
            if not piece:
                return NEED_DATA
            self._left -= len(piece)
            if self._refusal is None and self._body.count_chunk(len(piece)):
                return event.DataChunk(piece)
            self._discarded += len(piece)
            if self._discarded > self._limits.discard_octets:
                return self._hang_up(reply.TOO_MUCH_DISCARDED, b"BDAT")
            if self._left:
                return NEED_DATA
        self._mode = Mode.LINES
        if self._refusal is not None:
            return self._fault(self._refusal, b"BDAT")
        if self._last or self._body.fault is not None:
            return self._end()
        self._awaited = event.ChunkEnd(self._chunk_size)
        return self._awaited

    def _end(self) -> Event:
        self._mode = Mode.LINES
        fault, size = self._body.fault, self._body.size
        if fault is not None:
            self._state = State.READY
            self._reset()
            self._out.append(fault.wire)
            self.errors += 1
            return event.DataEnd(size, fault)
        self._awaited = event.DataEnd(size)
        return self._awaited

    def _sasl(self) -> Event | Need:
        line = self._lines.next_line(self._limits.auth_line_octets)
        if line is NEED_DATA:
            return NEED_DATA
        self._mode = Mode.LINES
        if not isinstance(line, bytes):
            if line is not LineFault.TOO_LONG:
                return self._line_fault(line)
            return self._cancelled(reply.AUTH_TOO_LONG)
        if line == b"*":
            return self._cancelled(reply.AUTH_CANCELLED)
        try:
            self._awaited = event.AuthResponse(command.parse_base64(line))
        except CommandFault as fault:
            return self._cancelled(fault.answer)
        return self._awaited

    def _cancelled(self, answer: Reply) -> Event:
        found = self._fault(answer, b"AUTH")
        return event.AuthCancelled() if self._mode is not Mode.CLOSED else found

    # -- answers --

    def greet(self, answer: Reply) -> None:
        """The very first reply; a negative one closes."""
        if self._state is not State.GREETING:
            raise Misuse("greeted already")
        self._state = State.FRESH
        self._out.append(answer.wire)
        if not answer.is_positive:
            self._shut(answer.text)

    def send(self, answer: Reply) -> None:
        """The answer to the last event."""
        asked = self._awaited
        if asked is None:
            raise Misuse("nothing waits for an answer")
        self._awaited = None
        if type(asked) is event.Ehlo and answer.code < 400:
            answer = reply.ehlo(self.hostname, () if asked.verb == "HELO" else announce(self.offer))
        self._out.append(answer.wire)
        if answer.code >= 421 and self._is_last(answer):
            return
        settle = _SETTLES.get(type(asked))
        if settle is not None:
            settle(self, asked, answer)

    def send_each(self, answers: Sequence[Reply]) -> None:
        """The answers to the end of data in LMTP: one for each recipient that was accepted (RFC 2033 §4.2)."""
        if not self.lmtp or type(self._awaited) is not event.DataEnd or len(answers) != self._recipients:
            raise Misuse("not one answer for each recipient")
        self._out.extend(answer.wire for answer in answers[:-1])
        self.send(answers[-1])

    def _is_last(self, answer: Reply) -> bool:
        """Count a refusal; whether the session is over with it."""
        if answer.code >= 500:
            self.errors += 1
            if self.errors > self._limits.errors:
                self._out.append(reply.TOO_MANY_ERRORS.wire)
                answer = reply.TOO_MANY_ERRORS
        if answer.code == 421:
            self._shut(answer.text)
        return answer.code == 421

    def close(self, answer: Reply) -> None:
        """Say 421 (or another last word) between two events and close."""
        self._awaited = None
        if self._mode is not Mode.CLOSED:
            self._out.append(answer.wire)
            self._shut(answer.text)

    def _reset(self) -> None:
        """No transaction."""
        self._recipients = 0
        self._smtputf8 = False
        self._binary = False
        self._over = False

    def _said_hello(self, asked: Event, answer: Reply) -> None:
        if answer.is_positive:
            self._state = State.READY
            self._reset()

    def _said_mail(self, asked: Event, answer: Reply) -> None:
        if answer.is_positive and isinstance(asked, event.Mail):
            self._reset()
            self._state = State.MAIL
            self._body = Body(self.offer.size_octets, self._limits.text_line_octets)
            self._smtputf8 = asked.envelope.smtputf8
            self._binary = asked.envelope.body == "BINARYMIME"

    def _said_rcpt(self, asked: Event, answer: Reply) -> None:
        if answer.is_positive:
            self._state = State.RCPT
            self._recipients += 1

    def _said_data(self, asked: Event, answer: Reply) -> None:
        if answer.code == 354:
            self._mode = Mode.DATA

    def _said_chunk(self, asked: Event, answer: Reply) -> None:
        if not answer.is_positive:
            # RFC 3030 §2: the transaction has failed; chunks on their way are swallowed for want of a MAIL.
            self._state = State.READY
            self._reset()

    def _said_end(self, asked: Event, answer: Reply) -> None:
        if answer.is_positive:
            self._transactions += 1
            self._fruitless = 0
        self._state = State.READY
        self._reset()

    def _said_rset(self, asked: Event, answer: Reply) -> None:
        if self._state is not State.FRESH:
            self._state = State.READY
        self._reset()

    def _said_auth(self, asked: Event, answer: Reply) -> None:
        if answer.code == 334:
            self._mode = Mode.SASL
        elif answer.is_positive:
            self._authenticated = True
            self._fruitless = 0

    def _said_quit(self, asked: Event, answer: Reply) -> None:
        self._shut("quit")


_READERS: dict[bytes, Callable[[Server, bytes], Event] | None] = {
    b"EHLO": lambda server, argument: server._hello("EHLO", argument),
    b"HELO": lambda server, argument: server._hello("HELO", argument),
    b"LHLO": lambda server, argument: server._hello("LHLO", argument),
    b"MAIL": Server._mail,
    b"RCPT": Server._rcpt,
    b"DATA": Server._begin_data,
    b"BDAT": None,  # read apart: its octets are swallowed whatever the order
    b"RSET": Server._rset,
    b"NOOP": lambda server, argument: event.Noop(),
    b"HELP": lambda server, argument: event.Help(),
    b"VRFY": Server._vrfy,
    b"EXPN": Server._expn,
    b"STARTTLS": Server._starttls,
    b"AUTH": Server._auth,
    b"QUIT": Server._quit,
}


@dataclass(frozen=True, slots=True)
class _Command:
    """All that is known of one command, in one look-up."""

    read: Callable[[Server, bytes], Event] | None
    refused: dict[State, Reply]
    fruitless: bool


_COMMANDS = {verb: _Command(read, ORDER[verb], verb in FRUITLESS) for verb, read in _READERS.items()}

_SETTLES: dict[type[Event], Callable[[Server, Event, Reply], None]] = {
    event.Ehlo: Server._said_hello,
    event.Mail: Server._said_mail,
    event.Rcpt: Server._said_rcpt,
    event.DataStart: Server._said_data,
    event.ChunkEnd: Server._said_chunk,
    event.DataEnd: Server._said_end,
    event.Rset: Server._said_rset,
    event.Auth: Server._said_auth,
    event.AuthResponse: Server._said_auth,
    event.Quit: Server._said_quit,
}
