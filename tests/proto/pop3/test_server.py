"""The POP3 engine: dialogues, each fed whole, octet by octet, and with a tail."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthaus.proto.line import NEED_DATA
from posthaus.proto.misuse import Misuse
from posthaus.proto.pop3.command import Apop, Auth, Dele, List, Top, Uidl
from posthaus.proto.pop3.event import End, Event, Password, Quit, Reset, Response, Retrieve, Stat, Stls
from posthaus.proto.pop3.reply import render_multiline
from posthaus.proto.pop3.server import Offer, Pop3Server, State

STAMP = b"<1896.697170952@dbc.mtview.ca.us>"
OPEN = Offer(("SCRAM-SHA-256", "PLAIN"), is_clear_allowed=True)
CLEAR = Offer(("SCRAM-SHA-256",), has_stls=True)


def answer(engine: Pop3Server, event: Event) -> None:
    """A session that knows one user, one password and three messages."""
    match event:
        case Retrieve(numbers):
            for number in numbers:
                if 0 < number <= 3:
                    engine.send(render_multiline(b"+OK 4 octets\r\n", b".%d\r\n" % number))
                else:
                    engine.send(b"-ERR no such message\r\n")
        case Password("tim", "tanstaaf") | Apop("tim", b"c4c9334bac560ecc979e58001b3e22fb"):
            engine.accept()
        case Response(b"\0tim\0tanstaaf") | Auth("PLAIN", b"\0tim\0tanstaaf"):
            engine.accept()
        case Auth("PLAIN", None):
            engine.challenge(b"")
        case Auth("CRAM-MD5", None):
            engine.challenge(STAMP)
        case Password() | Apop() | Auth() | Response():
            engine.send(b"-ERR [AUTH] no\r\n")
        case Quit():
            engine.close(b"+OK bye\r\n")
        case End():
            pass
        case _:
            engine.send(b"+OK %s\r\n" % type(event).__name__.encode())


def drive(engine: Pop3Server, events: list[Event]) -> bytes:
    """Until the engine wants octets, or is over."""
    while (event := engine.next_event()) is not NEED_DATA:
        if isinstance(event, Retrieve):
            events += [Retrieve((number,)) for number in event.numbers]  # runs depend on how octets come in
        else:
            events.append(event)
        if isinstance(event, End):
            break
        answer(engine, event)
    return engine.outgoing()


def feed(make: Callable[[], Pop3Server], octets: bytes) -> tuple[list[Event], bytes]:
    """Whole, octet by octet, and with a tail that is no whole line; all must agree."""
    results = []
    for pieces in ([octets], [octets[i : i + 1] for i in range(len(octets))], [octets + b"NOO"]):
        engine, events = make(), list[Event]()
        out = drive(engine, events)
        for piece in pieces:
            if engine.state is not State.OVER:
                engine.receive(piece)
                out += drive(engine, events)
        results.append((events, out))
    assert results[0] == results[1]
    assert results[0] == results[2]
    return results[0]


def dialogue(text: str, offer: Offer = OPEN, stamp: bytes | None = None) -> list[Event]:
    """Lines "C: ..." and "S: ..." of a dialogue; the greeting comes before."""
    lines = [line.strip() for line in text.strip().splitlines()]
    said = "".join(f"{line[3:]}\r\n" for line in lines if line.startswith("C:"))
    wanted = "".join(f"{line[3:]}\r\n" for line in lines if line.startswith("S:"))
    events, out = feed(lambda: Pop3Server(offer, stamp=stamp), said.encode())
    greeting, _, rest = out.decode().partition("\r\n")
    assert greeting.startswith("+OK Posthaus ready")
    assert [line.rstrip() for line in rest.splitlines()] == [line.rstrip() for line in wanted.splitlines()]
    return events


DIALOGUES = {
    "whole session": """
        C: USER tim
        S: +OK
        C: PASS tanstaaf
        S: +OK logged in
        C: STAT
        S: +OK Stat
        C: LIST
        S: +OK List
        C: UIDL 2
        S: +OK Uidl
        C: RETR 1
        S: +OK 4 octets
        S: ..1
        S: .
        C: DELE 1
        S: +OK Dele
        C: RETR 9
        S: -ERR no such message
        C: TOP 1 10
        S: +OK Top
        C: NOOP
        S: +OK
        C: RSET
        S: +OK Reset
        C: QUIT
        S: +OK bye
    """,
    "pipelined RETR with faults between keep their order": """
        C: AUTH PLAIN AHRpbQB0YW5zdGFhZg==
        S: +OK logged in
        C: RETR 1
        C: RETR 2
        C: FOO
        C: RETR 3
        C: RETR 4
        C: QUIT
        S: +OK 4 octets
        S: ..1
        S: .
        S: +OK 4 octets
        S: ..2
        S: .
        S: -ERR unknown command
        S: +OK 4 octets
        S: ..3
        S: .
        S: -ERR no such message
        S: +OK bye
    """,
    "states": """
        C: STAT
        S: -ERR not in this state
        C: RETR 1
        S: -ERR not in this state
        C: NOOP
        S: -ERR not in this state
        C: PASS x
        S: -ERR USER first
        C: USER a
        S: +OK
        C: PASS b
        S: -ERR [AUTH] no
        C: PASS tanstaaf
        S: -ERR USER first
        C: STLS
        S: -ERR no TLS here
        C: APOP tim c4c9334bac560ecc979e58001b3e22fb
        S: -ERR no APOP here
        C: USER tim
        S: +OK
        C: PASS tanstaaf
        S: +OK logged in
        C: USER tim
        S: -ERR not in this state
        C: AUTH PLAIN
        S: -ERR not in this state
        C: STLS
        S: -ERR not in this state
        C: UTF8
        S: -ERR not in this state
        C: QUIT
        S: +OK bye
    """,
    "QUIT in AUTHORIZATION": """
        C: QUIT
        S: +OK bye
    """,
    "AUTH with challenge": """
        C: AUTH PLAIN
        S: +
        C: AHRpbQB0YW5zdGFhZg==
        S: +OK logged in
    """,
    "AUTH cancelled and broken": """
        C: AUTH CRAM-MD5
        S: + PDE4OTYuNjk3MTcwOTUyQGRiYy5tdHZpZXcuY2EudXM+
        C: *
        S: -ERR cancelled
        C: AUTH PLAIN
        S: +
        C: !
        S: -ERR not base64
        C: AUTH PLAIN
        S: +
        C: AGE=
        S: -ERR [AUTH] no
        C: AUTH
        S: +OK mechanisms follow
        S: SCRAM-SHA-256
        S: PLAIN
        S: .
        C: QUIT
        S: +OK bye
    """,
    "LANG and UTF8": """
        C: UTF8
        S: +OK
        C: LANG
        S: +OK languages follow
        S: en English
        S: .
        C: LANG *
        S: +OK en language is English
        C: LANG tlh
        S: -ERR no such language
        C: LANG x y
        S: -ERR wrong arguments
    """,
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue(name: str) -> None:
    dialogue(DIALOGUES[name])


def test_events() -> None:
    events = dialogue(DIALOGUES["whole session"])
    assert events == [
        Password("tim", "tanstaaf"),
        Stat(),
        List(None),
        Uidl(2),
        Retrieve((1,)),
        Dele(1),
        Retrieve((9,)),
        Top(1, 10),
        Reset(),
        Quit(),
    ]
    assert dialogue(DIALOGUES["QUIT in AUTHORIZATION"]) == [Quit()]


def test_apop() -> None:
    """RFC 1939 §7"""
    events = dialogue(
        """
        C: APOP tim c4c9334bac560ecc979e58001b3e22fb
        S: +OK logged in
        """,
        stamp=STAMP,
    )
    assert events == [Apop("tim", b"c4c9334bac560ecc979e58001b3e22fb")]
    assert Pop3Server(OPEN, stamp=STAMP).outgoing() == b"+OK Posthaus ready " + STAMP + b"\r\n"


COMMON = [
    "TOP",
    "UIDL",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "EXPIRE NEVER",
    "LOGIN-DELAY 0",
    "UTF8 USER",
    "LANG",
]
CAPABILITIES = [
    (OPEN, False, [*COMMON, "USER", "SASL SCRAM-SHA-256 PLAIN", "IMPLEMENTATION Posthaus"]),
    (OPEN, True, [*COMMON, "USER", "SASL SCRAM-SHA-256 PLAIN", "IMPLEMENTATION Posthaus"]),
    (CLEAR, False, [*COMMON, "SASL SCRAM-SHA-256", "STLS", "IMPLEMENTATION Posthaus"]),
    (CLEAR, True, [*COMMON, "SASL SCRAM-SHA-256", "IMPLEMENTATION Posthaus"]),
    (Offer(), False, [*COMMON, "IMPLEMENTATION Posthaus"]),
]


@pytest.mark.parametrize(("offer", "is_in", "wanted"), CAPABILITIES)
def test_capabilities(offer: Offer, is_in: bool, wanted: list[str]) -> None:
    engine = Pop3Server(offer)
    if is_in:
        engine.receive(b"AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n")
        drive(engine, [])
    engine.outgoing()
    engine.receive(b"CAPA\r\n")
    lines = drive(engine, []).decode().splitlines()
    assert lines == ["+OK capabilities follow", *wanted, "."]


def test_no_password_in_the_clear() -> None:
    events = dialogue(
        """
        C: USER tim
        S: -ERR no password in the clear; STLS first
        C: PASS tanstaaf
        S: -ERR no password in the clear; STLS first
        """,
        CLEAR,
    )
    assert events == []


def test_stls_forgets_and_drops() -> None:
    """RFC 2595 §4, and the injection of commands before the handshake"""
    engine = Pop3Server(Offer(has_stls=True, is_clear_allowed=True))
    engine.receive(b"USER evil\r\nUTF8\r\nSTLS\r\nUSER evil\r\nPASS evil\r\nNO")
    assert engine.next_event() == Stls()
    engine.send(b"+OK begin TLS\r\n")
    engine.outgoing()
    engine.after_tls()
    engine.offer = OPEN
    engine.receive(b"PASS evil\r\n")
    assert engine.next_event() is NEED_DATA
    assert engine.outgoing() == b"-ERR USER first\r\n"


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.0\r\nUSER tim\r\n"])
def test_browser_gets_nothing(line: bytes) -> None:
    engine = Pop3Server(OPEN)
    engine.outgoing()
    engine.receive(line)
    assert engine.next_event() == End("http")
    assert engine.outgoing() == b""
    assert engine.next_event() is NEED_DATA


LINES = [
    (b"NOOP\n", b"-ERR lines end with CR LF\r\n"),
    (b"NO\rOP\r\n", b"-ERR lines end with CR LF\r\n"),
    (b"USER " + b"x" * 13_000 + b"\r\n", b"-ERR line too long\r\n"),
    (b"AUTH PLAIN\r\n" + b"A" * 13_000 + b"\r\n", b"+ \r\n-ERR line too long\r\n"),
]


@pytest.mark.parametrize(("octets", "wanted"), LINES)
def test_line_faults(octets: bytes, wanted: bytes) -> None:
    events, out = feed(lambda: Pop3Server(OPEN), octets)
    assert out.partition(b"\r\n")[2] == wanted
    assert all(isinstance(event, Auth) for event in events)


def test_line_limits() -> None:
    """RFC 2449 §4: 255 octets with CR LF; more for passwords before log-in."""
    engine = Pop3Server(OPEN)
    engine.receive(b"USER tim\r\nPASS " + b"x" * 1024 + b"\r\n")
    assert engine.next_event() == Password("tim", "x" * 1024)
    engine.accept()
    engine.outgoing()
    engine.receive(b"LANG " + b" " * 248 + b"\r\n" + b"LANG " + b" " * 249 + b"\r\n")
    assert engine.next_event() is NEED_DATA
    assert engine.outgoing().endswith(b".\r\n-ERR line too long\r\n")


def test_endless_line() -> None:
    engine = Pop3Server(OPEN, login_line_octets=100)
    for _ in range(70):
        engine.receive(b"x" * 100)
        event = engine.next_event()
        if event is not NEED_DATA:
            break
    assert event == End("endless-line")


def test_too_many_faults() -> None:
    engine = Pop3Server(OPEN, most_faults=3)
    engine.outgoing()
    engine.receive(b"FOO\r\nBAR\r\nUTF8\r\n" + b"BAZ\r\n" * 3)
    assert engine.next_event() == End("too-many-faults")
    assert engine.outgoing() == b"-ERR unknown command\r\n" * 2 + b"+OK\r\n" + b"-ERR unknown command\r\n" * 2 + (
        b"-ERR too many faults\r\n"
    )


def test_end_of_stream() -> None:
    engine = Pop3Server(OPEN)
    engine.receive(b"CAPA\r\nUSE")
    engine.receive(b"")
    assert engine.next_event() == End("eof")
    assert engine.outgoing().endswith(b".\r\n")
    engine = Pop3Server(OPEN)
    engine.receive(b"QUIT\r\n")
    engine.receive(b"")
    assert engine.next_event() == Quit()


def test_runs_are_bounded() -> None:
    engine = Pop3Server(OPEN, most_together=2)
    engine.receive(b"AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n" + b"RETR 1\r\n" * 5)
    events: list[Event] = []
    while (event := engine.next_event()) is not NEED_DATA:
        events.append(event)
        answer(engine, event)
    assert events[1:] == [Retrieve((1, 1)), Retrieve((1, 1)), Retrieve((1,))]


def test_misuse() -> None:
    engine = Pop3Server(OPEN)
    with pytest.raises(Misuse):
        engine.send(b"+OK\r\n")
    engine.receive(b"QUIT\r\n")
    engine.next_event()
    with pytest.raises(Misuse):
        engine.next_event()


def test_octets_in_pieces_and_pending() -> None:
    engine = Pop3Server(OPEN)
    engine.receive(b"AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\nRETR 1\r\n")
    answer(engine, engine.next_event())  # type: ignore[arg-type]
    engine.outgoing()
    assert engine.next_event() == Retrieve((1,))
    engine.begin_octets(b"+OK\r\n")
    engine.more(b"a\r\n")
    engine.more(b".\r\n")
    assert engine.pending_octets == 11
    assert engine.outgoing() == b"+OK\r\na\r\n.\r\n"
    assert engine.pending_octets == 0


# -- property ------------------------------------------------------------------------------------------------------

WORDS = [
    "USER tim",
    "PASS tanstaaf",
    "AUTH PLAIN",
    "AUTH PLAIN =",
    "AHRpbQB0YW5zdGFhZg==",
    "*",
    "APOP tim x",
    "CAPA",
    "NOOP",
]
WORDS += [
    "STAT",
    "LIST",
    "UIDL 1",
    "RETR 1",
    "RETR 2",
    "RETR 9",
    "TOP 1 0",
    "DELE 1",
    "RSET",
    "LANG",
    "UTF8",
    "QUIT",
    "FOO",
    "",
]
LINE = st.one_of(st.sampled_from(WORDS).map(str.encode), st.binary(max_size=20))
ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b""])


@given(st.lists(st.tuples(LINE, ENDS), max_size=25), st.lists(st.integers(1, 12), min_size=1))
@settings(deadline=None)
def test_cutting_changes_nothing(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    octets = b"".join([line + end for line, end in lines])

    def pieces() -> Iterator[bytes]:
        at = turn = 0
        while at < len(octets):
            step = cuts[turn % len(cuts)]
            yield octets[at : at + step]
            at, turn = at + step, turn + 1

    results = []
    for parts in ([octets] if octets else [], list(pieces())):
        engine, events = Pop3Server(OPEN, stamp=STAMP), list[Event]()
        out = drive(engine, events)
        for part in parts:
            if engine.state is not State.OVER:
                engine.receive(part)
                out += drive(engine, events)
        results.append((events, out, engine.state))
    assert results[0] == results[1]
