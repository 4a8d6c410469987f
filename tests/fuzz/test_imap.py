"""Any octets at all: nothing raises, pieces make no difference, what is rendered is read back as it was."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.proto.imap.whole import parse_command

from posthaus.proto.imap import command as c
from posthaus.proto.imap import mutf7
from posthaus.proto.imap.capability import Offer
from posthaus.proto.imap.date import parse_date_time, render_date_time
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
)
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.framing import Frame, Framing, Header
from posthaus.proto.imap.literal import Limits
from posthaus.proto.imap.number import SequenceSet, parse_set
from posthaus.proto.imap.parse import RULES, State
from posthaus.proto.imap.quirk import STRICT
from posthaus.proto.imap.render import astring, mailbox, render_uids, string
from posthaus.proto.imap.server import Engine
from posthaus.proto.imap.token import Cursor, Literal
from posthaus.proto.line import NEED_DATA

WORDS = [
    *RULES,
    *(b"a", b"b1", b"*", b"+", b"1", b"0", b"1:*", b"4294967296", b"$", b"INBOX", b"NIL", b"&APw-", b"&", b"UID "),
    *(b" ", b" ", b" ", b"  ", b"(", b")", b"[", b"]", b"<0.1>", b'"', b'"x"', b"\\", b"\\Seen", b"\\Recent", b"\r\n"),
    *(
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"\xc3\xbc",
        b"\xff",
        b"{0}\r\n",
        b"{3}\r\nabc",
        b"{3+}\r\nabc",
        b"~{2+}\r\n",
    ),
    *(b"{999999}\r\n", b"{99+}\r\n", b"DONE", b"=", b"AAAA", b"PLAIN", b"RETURN", b"STATUS", b"MESSAGES", b"FLAGS"),
    *(b"BODY", b"BODY.PEEK", b"HEADER.FIELDS", b"BINARY", b"OR", b"NOT", b"FROM", b"SINCE", b"1-Jan-2020", b"CHARSET"),
    *(b"/private/x", b"/shared", b"MAXSIZE", b"DEPTH", b"infinity", b"METADATA", b"FILTER"),
    *(
        b"SORT",
        b"THREAD",
        b"REVERSE",
        b"DISPLAYFROM",
        b"SUBJECT",
        b"REFERENCES",
        b"ORDEREDSUBJECT",
        b"REFS",
        b"PARTIAL",
    ),
    *(b"UNCHANGEDSINCE", b"CHANGEDSINCE", b"VANISHED", b"MODSEQ", b"(QRESYNC (1 1 1:4 (1 2)))", b"-1:-100", b"SAVE"),
    *(b"UTF-8", b"QRESYNC", b"CONDSTORE", b"IMAP4rev2", b"UTF8", b'" 1-Jan-2020 00:00:00 +0000"', b"+FLAGS.SILENT"),
]
_OCTETS = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join),
    st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: b"a " + b" ".join(words) + b"\r\n"),
)
_STATES = st.sampled_from([State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED])
_LIMITS = Limits(line_octets=150, early_line_octets=100, sasl_line_octets=50, literal_octets=20, literals=3, faults=5)
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_NUMBERS = st.integers(0, 4294967295)
_RANGES = st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1, max_size=20)


def _answer(engine: Engine, event: Event) -> None:
    match event:
        case LiteralHeader(size=size):
            engine.literal(Refuse("no") if size > 50 else Accept.SPOOL if size % 2 else Accept.MEMORY)
        case c.Authenticate() | SaslResponse(octets=b"\0\0\0"):
            engine.challenge(b"?")
        case c.Idle():
            engine.idle()
        case IdleEnd(done=False) | LiteralChunk() | LiteralDropped() | SaslCancelled() | End():
            pass
        case c.Enable(names=names):
            engine.enabled(names)
            engine.ok(event.tag, "done")
        case c.Create() | c.Noop() | c.Compress():  # behind the OK of COMPRESS all is deflated, which nothing here is
            engine.no(event.tag, "no")
        case _:
            engine.ok(event.tag, "done")


def play(octets: bytes, size: int, state: State) -> tuple[list[Event], bytes]:
    engine = Engine(Offer(clear_allowed=True, mechanisms=("PLAIN",)), limits=_LIMITS)
    engine.state = state
    events: list[Event] = []
    out = b""
    pieces = [octets[i : i + size] for i in range(0, len(octets), size)]
    for piece in [*pieces, b""]:
        engine.receive(piece)
        while (event := engine.next_event()) is not NEED_DATA:
            last = events[-1] if events else None
            if isinstance(event, LiteralChunk) and isinstance(last, LiteralChunk):
                events[-1] = LiteralChunk(last.octets + event.octets)
            else:
                events.append(event)
            _answer(engine, event)
        out += engine.outgoing()
    return events, out


@given(_OCTETS, _STATES, st.integers(2, 20))
@settings(deadline=None)
def test_pieces_make_no_difference(octets: bytes, state: State, size: int) -> None:
    whole = play(octets, max(1, len(octets)), state)
    assert play(octets, 1, state) == whole
    assert play(octets, size, state) == whole
    assert isinstance(whole[0][-1], End) or c.StartTls in map(type, whole[0])
    assert whole[1].endswith(b"\r\n") or not whole[1]


@given(st.sampled_from(sorted(RULES)), st.booleans(), st.lists(st.sampled_from(WORDS), max_size=20), st.booleans())
@settings(deadline=None)
def test_no_command_raises(name: bytes, uid: bool, words: list[bytes], utf8: bool) -> None:
    text = b"a " + (b"UID " if uid else b"") + name + b" " + b" ".join(words)
    literals = [Literal(b"x", 1), Literal(None, 5), Literal(b"\xff", 1, binary=True)]
    for quirks in (STRICT, None):
        try:
            if quirks is None:
                parse_command(text, literals, utf8=utf8)
            else:
                parse_command(text, literals, utf8=utf8, quirks=quirks)
        except ParseFault as fault:
            assert fault.text.isascii()
            assert fault.text.isprintable()


@given(_RANGES)
def test_sets(ranges: list[tuple[int, int]]) -> None:
    octets = b",".join([_number(low) if low == high else _number(low) + b":" + _number(high) for low, high in ranges])
    assert parse_set(octets) == SequenceSet(tuple(ranges))


def _number(number: int) -> bytes:
    return b"%d" % number if number else b"*"


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=8), st.integers(0, 40))
def test_resolve(ranges: list[tuple[int, int]], maximum: int) -> None:
    wanted: set[int] = set()
    for low, high in ranges:
        if (low or maximum) and (high or maximum):
            ends = sorted((low or maximum, high or maximum))
            wanted.update(range(ends[0], ends[1] + 1))
    numbers = SequenceSet(tuple(ranges))
    resolved = numbers.resolve(maximum)
    assert [n for low, high in resolved for n in range(low, high + 1)] == sorted(wanted)
    assert all(a[1] + 1 < b[0] for a, b in pairwise(resolved))
    assert list(numbers.numbers(maximum)) == sorted(n for n in wanted if n <= maximum)


@given(st.sets(st.integers(1, 300)))
def test_uids(uids: set[int]) -> None:
    rising = sorted(uids)
    rendered = render_uids(rising)
    assert (list(parse_set(rendered).numbers(300)) if rendered else []) == rising


def _read_back(octets: bytes) -> Cursor:
    """The rendered string as a client would send it."""
    framing = Framing()
    framing.receive(octets + b"\r\n")
    while not isinstance(piece := framing.next(1 << 20), Frame):
        assert isinstance(piece, Header)
        framing.keep()
    return Cursor(piece.text, piece.literals, quirks=STRICT)


@given(st.binary(max_size=50) | st.text(max_size=20).map(lambda t: t.encode("utf-8", "replace")))
def test_strings(octets: bytes) -> None:
    assert _read_back(string(octets)).take_string() == octets
    assert _read_back(astring(octets)).take_astring() == octets


@given(_NAMES, st.booleans())
def test_mailbox_names(name: str, utf8: bool) -> None:
    cursor = _read_back(b" " + mailbox(name, utf8=utf8))
    cursor.utf8 = utf8
    assert cursor.next_mailbox() == ("INBOX" if name.upper() == "INBOX" and name.isascii() else name)


@given(_NAMES)
def test_modified_utf7(name: str) -> None:
    assert mutf7.decode(mutf7.encode(name)) == name


@given(st.binary(max_size=20) | st.text("&-,/AZaz09+", max_size=12).map(str.encode))
def test_one_spelling(octets: bytes) -> None:
    try:
        name = mutf7.decode(octets)
    except mutf7.NotModifiedUtf7:
        return
    assert mutf7.encode(name) == octets


@given(st.integers(-62135596800, 253402300799))
def test_date_time(seconds: int) -> None:
    assert parse_date_time(render_date_time(seconds)[1:-1]) == seconds
