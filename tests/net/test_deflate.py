"""The compressing layer: what one side seals the other opens, in pieces."""

import zlib

import pytest

from posthaus.base import limit
from posthaus.net.deflate import Deflate, DeflateFault


def test_each_write_can_be_read_at_once() -> None:
    ours, theirs = Deflate(), Deflate()
    for octets in (b"a1 NOOP\r\n", b"x" * 100_000, b"\0\xff"):
        assert theirs.open(ours.seal(octets)) == (octets, None)


def test_octet_by_octet() -> None:
    ours, theirs = Deflate(), Deflate()
    sealed = ours.seal(b"a1 NOOP\r\n")
    pieces = [theirs.open(sealed[i : i + 1]) for i in range(len(sealed))]
    assert b"".join([piece for piece, _ in pieces]) == b"a1 NOOP\r\n"
    assert all(rest is None for _, rest in pieces)


@pytest.mark.parametrize("more", [-1, 0, 1, 200, 50_000_000])
def test_a_bomb_comes_in_pieces(more: int) -> None:
    size = limit.INFLATE_OCTETS + more
    layer, total = Deflate(), 0
    rest: bytes | None = Deflate().seal(b"x" * size)
    while rest is not None:
        piece, rest = layer.open(rest)
        assert len(piece) <= limit.INFLATE_OCTETS
        total += len(piece)
    assert total == size


def test_faults() -> None:
    with pytest.raises(DeflateFault):
        Deflate().open(b"a1 NOOP\r\n" * 10)
    ended = zlib.compressobj(9, zlib.DEFLATED, -15)
    with pytest.raises(DeflateFault):
        Deflate().open(ended.compress(b"x") + ended.flush())
