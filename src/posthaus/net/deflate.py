"""The compressing layer of one connection: raw deflate in both directions, a flush after each write.

What comes in is unpacked in pieces, so a few octets that stand for very many (a bomb) are never in memory at once: the
session takes a piece, and what is left of the input waits as if it had just come. Our own window is a small one: it is
kept for as long as the connection lasts.

Standards: RFC 4978 §4, RFC 1951.
Faults:    DeflateFault.
"""

import zlib

from posthaus.base import limit

_LEVEL = 3  # half the time of the default, for a twentieth more octets
_WINDOW_BITS = 13  # 8 KB, and 32 KB of memory with it; the peer's may be 15
_MEMORY_LEVEL = 6


class DeflateFault(ConnectionError):
    """What came is not deflated, or the peer has ended the stream of it."""


class Deflate:
    """Begun where both sides have agreed; there is no way back."""

    __slots__ = ("_in", "_out")

    def __init__(self) -> None:
        self._in = zlib.decompressobj(-zlib.MAX_WBITS)
        self._out = zlib.compressobj(_LEVEL, zlib.DEFLATED, -_WINDOW_BITS, _MEMORY_LEVEL)

    def seal(self, octets: bytes) -> bytes:
        """All of it, so that the peer can read all of it now."""
        return self._out.compress(octets) + self._out.flush(zlib.Z_SYNC_FLUSH)

    def open(self, octets: bytes) -> tuple[bytes, bytes | None]:
        """A piece, and what is to be opened after it: None where nothing is left, maybe b"" where something is."""
        most = limit.INFLATE_OCTETS
        try:
            piece = self._in.decompress(octets, most)
        except zlib.error as e:
            raise DeflateFault("not deflated") from e
        if self._in.eof:
            raise DeflateFault("the compressed stream has ended")
        return piece, self._in.unconsumed_tail if self._in.unconsumed_tail or len(piece) == most else None
