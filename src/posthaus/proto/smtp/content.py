"""Message octets on their way out: what is in them, and how they go over the wire. The counterpart of body.py.

A Survey is made before MAIL, for it decides what MAIL says; nothing with a bare CR or a bare LF gets further, because
two hosts may not agree where its lines, and so its end, are (SMTP smuggling). All work is done by find, count and
replace over whole pieces, never by line, and no octet is changed: dots are stuffed and nothing else.

Standards: RFC 5321 §2.3.8, §4.1.1.4 and §4.5.2, RFC 3030 §2, RFC 6531 §3.2.
Faults:    Survey.is_bare.
"""

_BLANK = b"\r\n\r\n"


class Survey:
    """What is in a message, piece by piece."""

    __slots__ = ("_in_header", "_tail", "is_bare", "is_eightbit", "is_header_eightbit", "size")

    def __init__(self, octets: bytes = b"") -> None:
        self.size = 0
        self.is_eightbit = False  # octets beyond ASCII anywhere
        self.is_header_eightbit = False  # octets beyond ASCII in the header: UTF-8, or junk
        self.is_bare = False  # a CR or an LF that is no CR LF
        self._in_header = True
        self._tail = b"\r\n"  # the last octets, at most three; a message without a header begins with its blank line
        if octets:
            self.add(octets)

    def add(self, piece: bytes) -> None:
        if not piece:
            return
        self.size += len(piece)
        if not piece.isascii():
            self.is_eightbit = True
        if self._in_header:
            self._add_header(piece)
        ends = piece.count(b"\r\n")
        lone_cr, lone_lf = piece.count(b"\r") - ends, piece.count(b"\n") - ends
        if lone_cr or lone_lf or self._tail[-1:] == b"\r":
            self._add_odd(piece, lone_cr, lone_lf)
        self._tail = piece[-3:] if len(piece) >= 3 else (self._tail + piece)[-3:]

    def _add_header(self, piece: bytes) -> None:
        joined = self._tail + piece
        end = joined.find(_BLANK)
        if not joined[: end if end >= 0 else len(joined)].isascii():
            self.is_header_eightbit = True
        self._in_header = end < 0

    def _add_odd(self, piece: bytes, lone_cr: int, lone_lf: int) -> None:
        """A CR as the last octet of a piece, and an LF as the first of the next, are one CR LF."""
        if self._tail[-1:] == b"\r":
            if piece[:1] == b"\n":
                lone_lf -= 1
            else:
                self.is_bare = True
        if piece[-1:] == b"\r":
            lone_cr -= 1
        if lone_cr or lone_lf:
            self.is_bare = True

    @property
    def lacks_end(self) -> bool:
        """The last line does not end with CR LF."""
        return self._tail[-2:] != b"\r\n"

    def finish(self) -> "Survey":
        """No more pieces: a CR at the very end is a bare one."""
        if self._tail[-1:] == b"\r":
            self.is_bare = True
        return self


class Stuffer:
    """Octets of DATA, stuffed, in pieces. Only for octets whose Survey has found no bare CR and no bare LF."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last octets that went out; DATA's own line comes before the first

    def feed(self, piece: bytes) -> bytes:
        if not piece:
            return b""
        stuffed = piece.replace(b"\r\n.", b"\r\n..") if b"\r\n." in piece else piece
        if piece[:1] == b"." and self._tail == b"\r\n":
            stuffed = b"." + stuffed
        elif piece[:2] == b"\n." and self._tail[-1:] == b"\r":
            stuffed = b"\n." + stuffed[1:]
        self._tail = piece[-2:] if len(piece) > 1 else (self._tail + piece)[-2:]
        return stuffed

    def end(self) -> bytes:
        """RFC 5321 §4.1.1.4: the end of data begins with the CR LF of the last line; we add it where it is missing."""
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"
