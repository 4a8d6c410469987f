"""Lines: whole, octet by octet, and with a tail."""

import pytest

from posthaus.proto.line import NEED_DATA, LineFault, Lines, Need

Line = bytes | LineFault

TABLE: list[tuple[bytes, list[Line]]] = [
    (b"", []),
    (b"a", []),
    (b"a\r", []),
    (b"a\r\n", [b"a"]),
    (b"\r\n", [b""]),
    (b"a\r\nb\r\n\r\nc", [b"a", b"b", b""]),
    (b"a\nb\r\n", [LineFault.BARE_LF, b"b"]),
    (b"\n", [LineFault.BARE_LF]),
    (b"a\rb\r\nc\r\n", [LineFault.BARE_CR, b"c"]),
    (b"a\r\r\n", [LineFault.BARE_CR]),
    (b"12345678\r\n", [b"12345678"]),
    (b"123456789\r\nb\r\n", [LineFault.TOO_LONG, b"b"]),
    (b"1" * 100 + b"\r\nb\r\n", [LineFault.TOO_LONG, b"b"]),
    (b"1" * 639 + b"\r\nb\r\n", [LineFault.TOO_LONG, b"b"]),
    (b"\0\xff\r\n", [b"\0\xff"]),
]


def read(pieces: list[bytes]) -> list[Line]:
    lines, found = Lines(), list[Line]()
    for piece in pieces:
        lines.receive(piece)
        while (line := lines.next_line(10)) is not NEED_DATA:
            assert not isinstance(line, Need)
            found.append(line)
    return found


@pytest.mark.parametrize(("octets", "wanted"), TABLE)
def test_lines(octets: bytes, wanted: list[Line]) -> None:
    assert read([octets]) == wanted
    assert read([octets[i : i + 1] for i in range(len(octets))]) == wanted
    assert read([octets + b"\r\nx"])[: len(wanted)] == wanted or not octets.endswith(b"\n")


def test_a_line_without_end_is_a_flood_and_is_not_kept() -> None:
    lines = Lines()
    for _ in range(65):
        lines.receive(b"x" * 10)
        found = lines.next_line(10)
        assert len(lines) <= 10
    assert found is LineFault.ENDLESS
    assert read([b"x" * 700]) == [LineFault.ENDLESS]
    assert read([b"x" * 700 + b"\r\n"]) == [LineFault.ENDLESS]


def test_raw_octets_behind_a_line() -> None:
    lines = Lines()
    lines.receive(b"a\r\nraw\nrawb\r\n")
    assert lines.next_line(10) == b"a"
    assert lines.take(4) == b"raw\n"
    octets, start = lines.peek()
    assert octets[start:] == b"rawb\r\n"
    lines.advance(start + 3)
    assert len(lines) == 3
    assert lines.next_line(10) == b"b"
    assert lines.take(5) == b""
    lines.receive(b"x")
    lines.clear()
    assert lines.next_line(10) is NEED_DATA
