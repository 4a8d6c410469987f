"""The engine: dialogues, each heard whole, octet by octet and with a tail; states, refusals, limits."""

import tracemalloc
from collections.abc import Callable

import pytest

from posthaus.proto.imap import command as c
from posthaus.proto.imap.capability import Offer
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
from posthaus.proto.imap.literal import Limits
from posthaus.proto.imap.parse import State
from posthaus.proto.imap.quirk import STRICT
from posthaus.proto.imap.server import Engine
from posthaus.proto.imap.token import Literal
from posthaus.proto.line import NEED_DATA
from posthaus.proto.misuse import Misuse

Heard = tuple[list[Event], bytes]
Dialogue = Callable[..., Heard]
_EARLY, _AUTH, _SELECTED = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED
_TLS = Offer(tls=True, mechanisms=("PLAIN", "SCRAM-SHA-256"))
_CLEAR = Offer(starttls=True, mechanisms=("SCRAM-SHA-256",))


def _engine(state: State = _SELECTED, offer: Offer = _TLS) -> Engine:
    engine = Engine(offer)
    engine.state = state
    return engine


def _next(engine: Engine, octets: bytes) -> Event | None:
    engine.receive(octets)
    event = engine.next_event()
    return None if event is NEED_DATA else event


# -- commands and states -------------------------------------------------------------------------------------------


def test_a_session(dialogue: Dialogue) -> None:
    events, out = dialogue(
        b"a1 CAPABILITY\r\na2 LOGIN {3}\r\njoe {3+}\r\npwd\r\na3 SELECT INBOX\r\na4 FETCH 1 FLAGS\r\na5 CLOSE\r\n",
        state=_EARLY,
    )
    assert events[:3] == [c.Capability(b"a1"), c.Login(b"a2", b"joe", b"pwd"), c.Select(b"a3", "INBOX")]
    assert [type(event) for event in events[3:]] == [c.Fetch, c.Close]
    assert out == b"a1 OK done\r\n+ OK\r\n" + b"".join(b"a%d OK done\r\n" % n for n in range(2, 6))


@pytest.mark.parametrize(
    ("state", "line", "out"),
    [
        (_EARLY, b"a SELECT x", b"a BAD log in first\r\n"),
        (_EARLY, b"a FETCH 1 FLAGS", b"a BAD log in first\r\n"),
        (_AUTH, b"a FETCH 1 FLAGS", b"a BAD select a mailbox first\r\n"),
        (_AUTH, b"a UNSELECT", b"a BAD select a mailbox first\r\n"),
        (_AUTH, b"a LOGIN x y", b"a BAD you are logged in\r\n"),
        (_SELECTED, b"a STARTTLS", b"a BAD you are logged in\r\n"),
        (_SELECTED, b"a NOPE", b"a BAD no such command\r\n"),
        (_SELECTED, b"a", b"a BAD a tag and a command expected\r\n"),
        (_SELECTED, b"+ NOOP", b"* BAD a tag and a command expected\r\n"),
        (_SELECTED, b"a \x00", b"a BAD NUL or a bare CR in the line\r\n"),
        (_SELECTED, b"a SELECT &x", b"a NO [CANNOT] no mailbox name: not modified UTF-7\r\n"),
        (_EARLY, b"a AUTHENTICATE NOPE", b"a NO no such mechanism here\r\n"),
        (_EARLY, b"a STARTTLS", b"a BAD no TLS here\r\n"),
    ],
)
def test_refusals(dialogue: Dialogue, state: State, line: bytes, out: bytes) -> None:
    assert dialogue(line + b"\r\n", state=state) == ([], out)


def test_log_in_in_the_clear(dialogue: Dialogue) -> None:
    for line in (b"a LOGIN x y\r\n", b"a AUTHENTICATE PLAIN AAAA\r\n"):
        assert dialogue(line, state=_EARLY, offer=_CLEAR) == ([], b"a NO [PRIVACYREQUIRED] log in over TLS\r\n")
    events, _ = dialogue(b"a AUTHENTICATE SCRAM-SHA-256 bg==\r\n", state=_EARLY, offer=_CLEAR)
    assert events == [c.Authenticate(b"a", "SCRAM-SHA-256", b"n")]


def test_states() -> None:
    engine = _engine(_EARLY)
    _next(engine, b"a LOGIN x y\r\n")
    engine.no(b"a", "no")
    assert engine.state is _EARLY
    _next(engine, b"a LOGIN x y\r\n")
    engine.ok(b"a", "in")
    assert engine.state is _AUTH
    _next(engine, b"b SELECT x\r\n")
    engine.ok(b"b", "selected", b"READ-WRITE")
    assert engine.state is _SELECTED
    _next(engine, b"c SELECT y\r\n")
    engine.no(b"c", "no such mailbox", b"NONEXISTENT")  # RFC 9051 §6.3.2: and nothing is selected
    assert engine.state is _AUTH
    _next(engine, b"d EXAMINE x\r\n")
    engine.ok(b"d", "selected")
    _next(engine, b"e UNSELECT\r\n")
    engine.ok(b"e", "done")
    assert engine.state is _AUTH
    _next(engine, b"f SELECT x\r\n")
    engine.ok(b"f", "selected")
    engine.unselect()
    assert engine.state is _AUTH


def test_nothing_is_read_beyond_a_select() -> None:
    engine = _engine(_AUTH)
    assert isinstance(_next(engine, b"a SELECT x\r\nb FETCH 1 FLAGS\r\n"), c.Select)
    assert engine.next_event() is NEED_DATA
    engine.ok(b"a", "selected")
    assert isinstance(engine.next_event(), c.Fetch)


def test_others_may_be_taken_ahead() -> None:
    engine = _engine()
    engine.receive(b"a NOOP\r\nb EXPUNGE\r\n")
    assert isinstance(engine.next_event(), c.Noop)
    assert isinstance(engine.next_event(), c.Expunge)
    engine.ok(b"b", "done")
    engine.ok(b"a", "done")
    assert engine.outgoing() == b"b OK done\r\na OK done\r\n"
    assert engine.outgoing() == b""


def test_answers_to_nothing_are_defects() -> None:
    engine = _engine()
    acts: list[Callable[[], None]] = [
        lambda: engine.ok(b"a", "done"),
        lambda: engine.challenge(b""),
        engine.idle,
        lambda: engine.literal(Accept.MEMORY),
    ]
    for act in acts:
        with pytest.raises(Misuse):
            act()


def test_greeting() -> None:
    engine = Engine(_CLEAR)
    engine.greet("ready")
    out = engine.outgoing()
    assert out.startswith(b"* OK [CAPABILITY IMAP4rev2 IMAP4rev1 ")
    assert out.endswith(b"LOGINDISABLED LITERAL+ ENABLE ID IDLE AUTH=SCRAM-SHA-256] ready\r\n")
    engine.greet("ready", preauth=True)
    assert engine.outgoing().startswith(b"* PREAUTH [")
    assert engine.state is _AUTH


def test_enable() -> None:
    engine = _engine(_AUTH)
    assert isinstance(_next(engine, b"a ENABLE IMAP4rev2\r\nb SELECT &x\r\n"), c.Enable)
    engine.enabled((b"IMAP4REV2",))
    engine.ok(b"a", "enabled")
    assert engine.outgoing() == b"* ENABLED IMAP4REV2\r\na OK enabled\r\n"
    assert engine.next_event() == c.Select(b"b", "&x")
    assert engine.utf8
    assert engine.rev2


def test_logout(dialogue: Dialogue) -> None:
    events, out = dialogue(b"a LOGOUT\r\nb NOOP\r\n", ends=True)
    assert events == [c.Logout(b"a"), End(Why.LOGOUT)]
    assert out == b"* BYE until soon\r\na OK bye\r\n"


def test_bye() -> None:
    engine = _engine()
    engine.bye("going down", b"UNAVAILABLE")
    assert _next(engine, b"a NOOP\r\n") == End(Why.BYE)
    assert engine.next_event() is NEED_DATA
    assert engine.outgoing() == b"* BYE [UNAVAILABLE] going down\r\n"
    with pytest.raises(Misuse):
        engine.send(b"* 1 EXISTS\r\n")


def test_end_of_stream() -> None:
    engine = _engine()
    engine.receive(b"a NOOP\r\nb NO")
    engine.receive(b"")
    assert engine.next_event() == c.Noop(b"a")
    assert engine.next_event() == End(Why.STREAM)
    assert engine.next_event() is NEED_DATA


# -- other protocols, faults, limits -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.0\r\n", b"OPTIONS * HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n", b"\x16\x03\x01"],
)
def test_other_protocols(dialogue: Dialogue, octets: bytes) -> None:
    assert dialogue(octets + b"a NOOP\r\n", state=_EARLY, ends=True) == ([End(Why.NOT_IMAP)], b"")


def test_too_many_faults(dialogue: Dialogue) -> None:
    limits = Limits(faults=3)
    events, out = dialogue(b"a X\r\nb X\r\nc NOOP\r\n" + b"d X\r\n" * 5, limits=limits, ends=True)
    assert events == [c.Noop(b"c"), End(Why.TOO_MANY_FAULTS)]
    assert out.endswith(b"d BAD no such command\r\n" * 3 + b"* BYE too many faults\r\n")


def test_faults_found_by_the_session_count() -> None:
    engine = Engine(_TLS, limits=Limits(faults=1))
    _next(engine, b"a NOOP\r\n")
    engine.bad(b"a", "no")
    assert engine.next_event() == End(Why.TOO_MANY_FAULTS)


def test_line_limit(dialogue: Dialogue) -> None:
    limits = Limits(line_octets=300, early_line_octets=100)
    line = b"a ID (" + b" " * 200 + b")\r\n"
    assert dialogue(line, limits=limits, state=_EARLY) == ([], b"a BAD the line is too long\r\n")
    assert dialogue(line, limits=limits)[1].startswith(b"a BAD ")
    assert b"too long" not in dialogue(line, limits=limits)[1]
    assert dialogue(b"a" * 500 + b"\r\n", limits=limits) == ([], b"* BAD the line is too long\r\n")


def test_bare_lf(dialogue: Dialogue) -> None:
    assert dialogue(b"a NOOP\n")[0] == [c.Noop(b"a")]
    assert dialogue(b"a NOOP\n", quirks=STRICT) == ([], b"a BAD a line ends with CRLF\r\n")


# -- literals ------------------------------------------------------------------------------------------------------


def _append(mailbox: str, message: Literal, *flags: bytes) -> c.Append:
    return c.Append(b"a", mailbox, (c.NewMessage(flags, None, (message,)),))


def test_append_in_memory(dialogue: Dialogue) -> None:
    events, out = dialogue(b"a APPEND x (\\Seen) {5}\r\nhello\r\n")
    append = _append("x", Literal(None, 5), b"\\Seen")
    assert events == [
        LiteralHeader(b"a", b"APPEND", 5, False, False, 0, append),
        _append("x", Literal(b"hello", 5), b"\\Seen"),
    ]
    assert out == b"+ OK\r\na OK done\r\n"


def test_append_spooled(dialogue: Dialogue) -> None:
    message = b"x" * 300 + b"\r\n{3}\r\n\0"
    size = len(message)
    events, out = dialogue(b"a APPEND {5}\r\ninbox ~{%d+}\r\n%b\r\n" % (size, message))
    append = _append("INBOX", Literal(None, size, True))
    assert events == [
        LiteralHeader(b"a", b"APPEND", size, True, True, 1, append),
        LiteralChunk(message),
        append,
    ]
    assert out == b"+ OK\r\na OK done\r\n"


def test_append_refused(dialogue: Dialogue) -> None:
    events, out = dialogue(b"a APPEND x {5000}\r\n")
    assert isinstance(events[0], LiteralHeader)
    assert out == b"a NO [TOOBIG] too large\r\n"
    events, out = dialogue(b"a APPEND x {5000+}\r\n" + b"b NOOP\r\n" * 625 + b"\r\n")
    assert len(events) == 1
    assert out == b"a NO [TOOBIG] too large\r\n"


def test_append_with_a_fault_before_the_message(dialogue: Dialogue) -> None:
    assert dialogue(b"a APPEND x y {5}\r\n") == ([], b"a BAD the message is a literal\r\n")
    assert dialogue(b"a APPEND x (\\Seen {9+}\r\nb NOOP\r\n\n\r\n") == ([], b"a BAD flag list expected\r\n")


def test_append_with_a_fault_after_the_message(dialogue: Dialogue) -> None:
    events, out = dialogue(b"a APPEND x {200+}\r\n" + b"y" * 200 + b" more\r\n")
    assert events[1:] == [LiteralChunk(b"y" * 200), LiteralDropped(b"a")]
    assert out == b"a BAD the message is a literal\r\n"
    events, out = dialogue(b"a APPEND x {200+}\r\n" + b"y" * 200 + b" x {5+}\r\nhello\r\n")
    assert events[1:] == [LiteralChunk(b"y" * 200), LiteralDropped(b"a")]


def test_append_of_several(dialogue: Dialogue) -> None:
    events, out = dialogue(
        b"a APPEND x {200}\r\n" + b"y" * 200 + b" (\\Seen) {5}\r\nhello ~{201+}\r\n%b\r\n" % bytes(201)
    )
    heads = [event for event in events if isinstance(event, LiteralHeader)]
    assert [(head.size, head.index, head.is_first) for head in heads] == [
        (200, 0, True),
        (5, 1, False),
        (201, 2, False),
    ]
    assert events[-1] == c.Append(
        b"a",
        "x",
        (
            c.NewMessage((), None, (Literal(None, 200),)),
            c.NewMessage((b"\\Seen",), None, (Literal(b"hello", 5),)),
            c.NewMessage((), None, (Literal(None, 201, True),)),
        ),
    )
    assert out == b"+ OK\r\n+ OK\r\na OK done\r\n"


def test_append_before_log_in(dialogue: Dialogue) -> None:
    assert dialogue(b"a APPEND x {9+}\r\nb NOOP\r\n\n\r\n", state=_EARLY) == ([], b"a BAD log in first\r\n")


def test_literal_of_a_command_that_is_none(dialogue: Dialogue) -> None:
    assert dialogue(b"a NOPE {5}\r\n") == ([], b"a BAD no such command\r\n")
    assert dialogue(b"a NOPE {9+}\r\nb NOOP\r\n\n\r\n") == ([], b"a BAD no such command\r\n")


def test_literal_too_large(dialogue: Dialogue) -> None:
    assert dialogue(b"a LOGIN {5000}\r\n", state=_EARLY) == ([], b"a BAD [TOOBIG] the literal is too large\r\n")
    out = dialogue(b"a LOGIN {5000+}\r\n" + b"x" * 5000 + b" y\r\n", state=_EARLY)
    assert out == ([], b"a BAD [TOOBIG] the literal is too large\r\n")


def test_decisions() -> None:
    engine = _engine()
    event = _next(engine, b"a APPEND x {5}\r\nhello\r\n")
    assert isinstance(event, LiteralHeader)
    assert engine.next_event() is NEED_DATA
    assert engine.outgoing() == b""  # no "+" before the decision
    engine.literal(Refuse("no such mailbox", b"TRYCREATE"))
    assert engine.outgoing() == b"a NO [TRYCREATE] no such mailbox\r\n"


# -- AUTHENTICATE, IDLE, STARTTLS ----------------------------------------------------------------------------------


def test_authenticate(dialogue: Dialogue) -> None:
    events, out = dialogue(b"a AUTHENTICATE PLAIN\r\nbW9yZQ==\r\n\r\n", state=_EARLY)
    assert events == [
        c.Authenticate(b"a", "PLAIN", None),
        SaslResponse(b"a", b"more"),
        SaslResponse(b"a", b""),
    ]
    assert out == b"+ \r\n+ YW5kPw==\r\na OK done\r\n"


def test_authenticate_refused(dialogue: Dialogue) -> None:
    _, out = dialogue(b"a AUTHENTICATE PLAIN\r\nd3Jvbmc=\r\n", state=_EARLY)
    assert out == b"+ \r\na NO [AUTHENTICATIONFAILED] no\r\n"


@pytest.mark.parametrize(
    ("line", "out"),
    [
        (b"*", b"a BAD cancelled\r\n"),
        (b"%%", b"a BAD not base64\r\n"),
        (b"b NOOP", b"a BAD not base64\r\n"),
        (b"x" * 200, b"a BAD the line is too long\r\n"),
    ],
)
def test_authenticate_cancelled(dialogue: Dialogue, line: bytes, out: bytes) -> None:
    limits = Limits(sasl_line_octets=100)
    events, said = dialogue(b"a AUTHENTICATE PLAIN\r\n" + line + b"\r\n", state=_EARLY, limits=limits)
    assert events[1:] == [SaslCancelled(b"a")]
    assert said == b"+ \r\n" + out


@pytest.mark.parametrize("done", [b"DONE", b"done", b"Done "])
def test_idle(dialogue: Dialogue, done: bytes) -> None:
    events, out = dialogue(b"a IDLE\r\n" + done + b"\r\n")
    assert events == [c.Idle(b"a"), IdleEnd(b"a", True)]
    assert out == b"+ idling\r\na OK done\r\n"


def test_idle_broken(dialogue: Dialogue) -> None:
    events, out = dialogue(b"a IDLE\r\nb NOOP\r\n")
    assert events == [c.Idle(b"a"), IdleEnd(b"a", False)]
    assert out == b"+ idling\r\na BAD DONE expected\r\n"


def test_responses_while_idling() -> None:
    engine = _engine()
    _next(engine, b"a IDLE\r\n")
    engine.idle()
    engine.send(b"* 4 EXISTS\r\n")
    assert engine.outgoing() == b"+ idling\r\n* 4 EXISTS\r\n"
    assert engine.next_event() is NEED_DATA


def test_starttls_forgets_what_came_in_the_clear() -> None:
    engine = Engine(_CLEAR)
    assert isinstance(_next(engine, b"a STARTTLS\r\nb LOGIN x y\r\n"), c.StartTls)
    engine.ok(b"a", "begin")
    assert engine.next_event() is NEED_DATA  # injected octets are not read in either state
    engine.receive(b"c LOGIN x y\r\n")
    engine.after_tls()
    assert engine.next_event() is NEED_DATA
    assert engine.offer.tls
    assert b"STARTTLS" not in engine.capabilities()
    assert _next(engine, b"d LOGIN x y\r\n") == c.Login(b"d", b"x", b"y")


def test_starttls_refused() -> None:
    engine = Engine(_CLEAR)
    _next(engine, b"a STARTTLS\r\n")
    engine.no(b"a", "not now")
    assert _next(engine, b"b NOOP\r\n") == c.Noop(b"b")


def test_starttls_twice(dialogue: Dialogue) -> None:
    assert dialogue(b"a STARTTLS\r\n", state=_EARLY, offer=_TLS) == ([], b"a BAD TLS is active\r\n")


# -- cost ----------------------------------------------------------------------------------------------------------


def test_an_idle_engine_is_small() -> None:
    offer = Offer(tls=True)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        engines = [Engine(offer) for _ in range(1_000)]
        for engine in engines:
            engine.state = State.SELECTED
            _next(engine, b"a NOOP\r\n")
            engine.ok(b"a", "done")
            _next(engine, b"a IDLE\r\n")
            engine.idle()
            engine.outgoing()
            assert engine.next_event() is NEED_DATA
        per_engine = (tracemalloc.get_traced_memory()[0] - before) / 1_000
    finally:
        tracemalloc.stop()
    assert per_engine < 1_500
