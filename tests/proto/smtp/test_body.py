"""Data: dot-stuffing, the one end, and every way to smuggle a second message."""

import pytest

from posthaus.proto.smtp import reply
from posthaus.proto.smtp.body import Body
from posthaus.proto.smtp.reply import Reply


def read(
    octets: bytes, sizes: list[int], size_limit: int = 10**9, line_limit: int = 10**6
) -> tuple[bytes, bytes, Reply | None, bool]:
    """(content, what follows the end, fault, ended), fed in pieces of these sizes, the last one again and again."""
    body = Body(size_limit, line_limit)
    content, buffer, at, turn = b"", b"", 0, 0
    while at < len(octets):
        size = sizes[min(turn, len(sizes) - 1)]
        turn += 1
        buffer += octets[at : at + size]
        at += size
        while True:
            piece, used, ended = body.read(buffer, 0)
            content += piece
            buffer = buffer[used:]
            if ended:
                return content, buffer + octets[at:], body.fault, True
            if not piece:
                break
    return content, buffer, body.fault, False


WAYS = [[10**9], [1], [2], [3], [5], [7], [1, 10**9]]

MESSAGES = [
    (b".\r\n", b""),
    (b"\r\n.\r\n", b"\r\n"),
    (b"a\r\n.\r\n", b"a\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b".a\r\n.\r\n", b"a\r\n"),
    (b"a\r\n..b\r\n.\r\n", b"a\r\n.b\r\n"),
    (b"a\r\n.b\r\n..\r\n...\r\n.\r\n", b"a\r\nb\r\n.\r\n..\r\n"),
    (b"\r\n\r\n.\r\n", b"\r\n\r\n"),
    (b"\0\xff\r\n.\r\n", b"\0\xff\r\n"),
    (b"a.\r\n.\r\n", b"a.\r\n"),
    (b"." * 10 + b"\r\n.\r\n", b"." * 9 + b"\r\n"),
]


@pytest.mark.parametrize(("wire", "content"), MESSAGES)
@pytest.mark.parametrize("sizes", WAYS)
def test_unstuffing(wire: bytes, content: bytes, sizes: list[int]) -> None:
    assert read(wire + b"NEXT", sizes) == (content, b"NEXT", None, True)


# What some server somewhere has taken for the end of data.
SMUGGLING = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\r.\n",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
    b"\x00\r\n\x00.\x00\r\n",
    b"\r\n.\t\r\n",
    b"\r\n. \r\n",
    b"\n.\r\r\n",
    b"\r\n.\n\r\n",
]


@pytest.mark.parametrize("end", SMUGGLING)
@pytest.mark.parametrize("sizes", WAYS)
def test_nothing_else_ends_data(end: bytes, sizes: list[int]) -> None:
    inner = b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<victim@d.example>\r\nDATA\r\nevil\r\n"
    content, rest, fault, ended = read(b"good" + end + inner + b".\r\nQUIT\r\n", sizes)
    assert ended
    assert rest == b"QUIT\r\n"
    is_bare = end.replace(b"\r\n", b"").strip(b".\0 \t") != b""
    assert (fault is reply.BARE_IN_DATA) is is_bare
    if not is_bare:
        assert b"victim" in content


@pytest.mark.parametrize("octets", [b"\rx", b"x\ny", b"x\r", b"\n", b"\r\r\n", b"\n\r\n", b".\rx", b"..\n"])
@pytest.mark.parametrize("sizes", WAYS)
def test_bare_line_ends_are_refused_at_the_end(octets: bytes, sizes: list[int]) -> None:
    _, rest, fault, ended = read(octets + b"\r\n.\r\nNEXT", sizes)
    assert (rest, fault, ended) == (b"NEXT", reply.BARE_IN_DATA, True)


LINES = [
    (b"x" * 9 + b"\r\n", None),
    (b"x" * 10 + b"\r\n", reply.DATA_LINE_TOO_LONG),
    (b"a\r\n" + b"x" * 9 + b"\r\nb\r\n", None),
    (b"a\r\n" + b"x" * 10 + b"\r\nb\r\n", reply.DATA_LINE_TOO_LONG),
    (b"abc\r\n" * 50, None),
    (b"abc\r\n" * 50 + b"x" * 30 + b"\r\n" + b"abc\r\n" * 50, reply.DATA_LINE_TOO_LONG),
]


@pytest.mark.parametrize(("octets", "fault"), LINES)
@pytest.mark.parametrize("sizes", WAYS)
def test_long_lines(octets: bytes, fault: Reply | None, sizes: list[int]) -> None:
    assert read(octets + b".\r\n", sizes, line_limit=10)[2:] == (fault, True)


@pytest.mark.parametrize("sizes", WAYS)
def test_size_wins_over_other_faults(sizes: list[int]) -> None:
    assert read(b"x\ny" * 10 + b"\r\n.\r\n", sizes, size_limit=20)[2] is reply.TOO_LARGE
    assert read(b"..\r\n" * 5 + b".\r\n", sizes, size_limit=15)[2] is None
    assert read(b"..\r\n" * 5 + b".\r\n", sizes, size_limit=14)[2] is reply.TOO_LARGE


@pytest.mark.parametrize("sizes", WAYS)
def test_half_a_message_has_no_end(sizes: list[int]) -> None:
    for octets in (b"", b".", b".\r", b"a\r\n.", b"a\r\n.\r", b"a\r\n..\r\n"):
        assert read(octets, sizes)[3] is False
