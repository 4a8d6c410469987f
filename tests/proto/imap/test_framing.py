"""Framing: whole commands out of any pieces, literals kept, handed out and skipped."""

import pytest

from posthaus.proto.imap.framing import Fault, Frame, Framing, Header
from posthaus.proto.imap.token import Literal
from posthaus.proto.line import NEED_DATA
from posthaus.proto.misuse import Misuse

Heard = list[tuple[object, ...]]


def _hear(octets: bytes, decision: str, *, size: int, limit: int) -> Heard:
    framing = Framing()
    heard: Heard = []
    for start in range(0, len(octets), size):
        framing.receive(octets[start : start + size])
        while (piece := framing.next(limit)) is not NEED_DATA:
            match piece:
                case Frame():
                    heard.append(("frame", piece.text, tuple(piece.literals), piece.bare_lf))
                case Header():
                    heard.append(("header", piece.text, piece.size, piece.non_sync, piece.binary))
                    {"keep": framing.keep, "hand out": framing.hand_out, "refuse": framing.refuse}[decision]()
                case Fault():
                    heard.append(("fault", piece.why, piece.text))
                case bytes() if heard and heard[-1][0] == "chunk":
                    heard[-1] = ("chunk", heard[-1][1] + piece if isinstance(heard[-1][1], bytes) else piece)
                case _:
                    heard.append(("chunk", piece))
    return heard


def _three(octets: bytes, decision: str = "keep", limit: int = 100) -> Heard:
    whole = _hear(octets, decision, size=max(1, len(octets)), limit=limit)
    assert _hear(octets, decision, size=1, limit=limit) == whole
    tail = _hear(octets + b"t NOOP\r\n", decision, size=len(octets) + 8, limit=limit)
    assert tail == [*whole, ("frame", b"t NOOP", (), False)]
    return whole


@pytest.mark.parametrize(
    ("octets", "frames"),
    [
        (b"a NOOP\r\n", [("frame", b"a NOOP", (), False)]),
        (b"a NOOP\n\r\n", [("frame", b"a NOOP", (), True), ("frame", b"", (), False)]),
        (b"a {1}b\r\n", [("frame", b"a {1}b", (), False)]),
        (b"a {}\r\n", [("frame", b"a {}", (), False)]),
        (b"a {1-}\r\n", [("frame", b"a {1-}", (), False)]),
        (b"a {123456789012345678901}\r\n", [("frame", b"a {123456789012345678901}", (), False)]),
    ],
)
def test_lines(octets: bytes, frames: Heard) -> None:
    assert _three(octets) == frames


def test_keep() -> None:
    assert _three(b"a LOGIN {3}\r\nj\r\n ~{2+}\r\n\0x\r\n") == [
        ("header", b"a LOGIN ", 3, False, False),
        ("header", b"a LOGIN \0 ~", 2, True, True),
        ("frame", b"a LOGIN \0 ~\0", (Literal(b"j\r\n", 3), Literal(b"\0x", 2, True)), False),
    ]


def test_empty_literal() -> None:
    for decision in ("keep", "hand out"):
        heard = _three(b"a b {0}\r\n\r\n", decision)
        assert heard[-1][1] == b"a b \0"


def test_hand_out() -> None:
    assert _three(b"a APPEND x {6}\r\n{5+}\r\n\r\n", "hand out") == [
        ("header", b"a APPEND x ", 6, False, False),
        ("chunk", b"{5+}\r\n"),
        ("frame", b"a APPEND x \0", (Literal(None, 6),), False),
    ]


def test_refuse_waiting_client() -> None:
    assert _three(b"a x {6}\r\nb NOOP\r\n", "refuse") == [
        ("header", b"a x ", 6, False, False),
        ("frame", b"b NOOP", (), False),
    ]


@pytest.mark.parametrize(
    "octets",
    [
        b"a x {8+}\r\nb NOOP\r\n\r\n",
        b"a x {8+}\r\nb NOOP\r\n and more\r\n",
        b"a x {8+}\r\nb NOOP\r\n {8+}\r\nb NOOP\r\n\r\n",
        b"a x {8+}\r\nb NOOP\r\n ~{8+}\r\nb NOOP\r\n {0+}\r\n\r\n",
        b"a x {8+}\r\nb NOOP\r\n {8}\r\n",  # here the client waits, and hears the refusal
        b"a x {8+}\r\nb NOOP\r\n " + b"y" * 500 + b"{8+}\r\nb NOOP\r\n\r\n",
        b"a x {0+}\r\n\r\n",
    ],
)
def test_refuse_client_that_does_not_wait(octets: bytes) -> None:
    heard = _three(octets, "refuse")
    assert [piece[0] for piece in heard] == ["header"]


@pytest.mark.parametrize("size", [100, 101, 102, 103, 500])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_long_line(size: int, end: bytes) -> None:
    line = b"a " + b"x" * (size - 2)
    kind = _three(line + end)[0][0]
    assert kind == ("frame" if size <= 100 else "fault")


def test_long_line_with_literal() -> None:
    long = b"a " + b"x" * 300
    assert _three(long + b"{8+}\r\nb NOOP\r\n\r\n") == [("fault", "the line is too long", long[:100])]
    assert _three(long + b"{8}\r\n") == [("fault", "the line is too long", long[:100])]


def test_long_text_between_literals() -> None:
    heard = _three(b"a " + b"x" * 60 + b"{1}\r\ny" + b"x" * 60 + b"\r\n")
    assert [piece[0] for piece in heard] == ["header", "fault"]


@pytest.mark.parametrize("line", [b"a \0", b"a\rb", b"\0", b"a x\r"])
def test_nul_and_bare_cr(line: bytes) -> None:
    assert _three(line + b"\r\n") == [("fault", "NUL or a bare CR in the line", line)]
    header = line + b"{8+}"
    assert _three(header + b"\r\nb NOOP\r\n\r\n") == [("fault", "NUL or a bare CR in the line", header)]


def test_raw_lines() -> None:
    framing = Framing()
    framing.receive(b"{5+}\r\nDONE\n" + b"x" * 20 + b"\r\n*\r\nrest")
    assert framing.next_raw(10) == (b"{5+}", False)
    assert framing.next_raw(10) == (b"DONE", True)
    assert isinstance(framing.next_raw(10), Fault)
    assert framing.next_raw(10) == (b"*", False)
    assert framing.next_raw(10) is NEED_DATA


def test_decision_out_of_order() -> None:
    with pytest.raises(Misuse):
        Framing().keep()


def test_two_gigabytes_cost_nothing() -> None:
    framing = Framing()
    framing.receive(b"a APPEND x {2147483648+}\r\n")
    assert isinstance(framing.next(100), Header)
    framing.refuse()
    piece = bytes(1 << 20)
    for _ in range(1 << 11):
        framing.receive(piece)
        assert framing.next(100) is NEED_DATA
    framing.receive(b"\r\nb NOOP\r\n")
    frame = framing.next(100)
    assert isinstance(frame, Frame)
    assert frame.text == b"b NOOP"


def test_clear() -> None:
    framing = Framing()
    framing.receive(b"a x {5}\r\nhal")
    framing.next(100)
    framing.keep()
    framing.clear()
    framing.receive(b"b NOOP\r\n")
    frame = framing.next(100)
    assert isinstance(frame, Frame)
    assert frame.text == b"b NOOP"
