"""Texts of one message as SEARCH compares them: decoded, folded, made when they are first asked for.

Headers are compared with encoded-words decoded and lines unfolded; bodies with transfer encoding and charset taken off.
HTML is searched as it is written, and as it is read where words of what is looked for may be kept apart by tags. Case
is folded in all scripts, and what looks the same is the same (NFKC): a space is a no-break space.

Standards: RFC 9051 §6.4.4 (BODY, FROM, HEADER, SENTON, SUBJECT, TEXT); RFC 2047; RFC 5256 §3 (unusable dates).
Faults:    none.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

from posthaus.base.limit import HTML_OCTETS
from posthaus.mail import fieldcache
from posthaus.mail.date import parse_date
from posthaus.mail.decode import decode_body, decode_text
from posthaus.mail.header import Header, read_header, unfold
from posthaus.mail.html import html_to_text
from posthaus.mail.structure import Part
from posthaus.mail.word import decode_words
from posthaus.proto.imap.key import Order

Cut = Callable[[int, int], bytes]  # octets of the blob from an offset to an offset

_WORD = re.compile(r"[a-z0-9]+")
_DAY_S = 86_400
_ZONE_DAYS = 5  # no zone that can be written moves a date so far
_ONLY_BLANK_OCTETS = 2  # an empty line


def fold(text: str) -> str:
    return text.lower() if text.isascii() else normalize("NFKC", text).casefold()


@dataclass(frozen=True, slots=True)
class Needle:
    """What is looked for."""

    text: str  # folded
    octets: bytes | None  # the same, where it is ASCII
    words: tuple[str, ...]  # of ASCII letters and digits

    @classmethod
    def of(cls, text: str) -> "Needle":
        folded = fold(text)
        return cls(folded, folded.encode("ascii") if folded.isascii() else None, tuple(_WORD.findall(folded)))


# -- fields of the header ------------------------------------------------------------------------------------------


def is_kept(name: bytes) -> bool:
    """Is this (lower-case) field among those that stand apart from the header?"""
    return name in _KEPT


_KEPT = frozenset(fieldcache.COMMON)


@lru_cache(maxsize=200)
def _pick(name: bytes) -> fieldcache.Pick:
    pick = fieldcache.compile((name,))
    assert pick is not None
    return pick


def _holds(header: Header, name: bytes, needle: Needle) -> bool:
    return any(needle.text in fold(decode_words(value)) for value in header.values(name))


class Facts:
    """The commonly asked fields, and the date."""

    __slots__ = ("_fields", "_index", "_sent_at")

    def __init__(self, fields: bytes, index: bytes, sent_at: int | None) -> None:
        self._fields = fields
        self._index = index
        self._sent_at = sent_at

    def holds(self, name: bytes, needle: Needle) -> bool:
        raw = _pick(name)(self._fields, self._index)
        if len(raw) <= _ONLY_BLANK_OCTETS:
            return False
        # Most messages are told apart by this; the name and the joints may deceive, so a hit is looked at again.
        if (
            needle.octets is not None
            and raw.isascii()
            and b"=?" not in raw
            and needle.octets not in unfold(raw).lower()
        ):
            return False
        return _holds(read_header(raw), name, needle)

    def is_sent(self, order: Order, day: int) -> bool:
        """By the Date field as it is written, time and zone disregarded; never where it names no date."""
        if self._sent_at is None:
            return False
        sent = self._sent_at // _DAY_S
        if abs(sent - day) <= _ZONE_DAYS:
            date = parse_date(read_header(_pick(b"date")(self._fields, self._index)).value(b"date") or b"")
            sent = sent if date is None else date.day
        return sent < day if order is Order.BEFORE else sent >= day if order is Order.SINCE else sent == day


class Head:
    """The whole header, for fields that few ask for."""

    __slots__ = ("_header", "_lower", "_octets")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._lower = b""
        self._header: Header | None = None

    def holds(self, name: bytes, needle: Needle) -> bool:
        if not self._lower:
            self._lower = self._octets.lower()
        if name not in self._lower:
            return False
        if self._header is None:
            self._header = read_header(self._octets)
        return _holds(self._header, name, needle)


# -- bodies --------------------------------------------------------------------------------------------------------


def leaves(root: Part) -> list[Part]:
    """Parts whose body is text, in their order."""
    # reports are parts of type message; a multipart that could not be taken apart is read as it stands
    return [part for part in parts(root) if not part.parts and part.type in (b"text", b"message", b"multipart")]


def parts(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(part.parts))


class _Text:
    """The text of one part."""

    __slots__ = ("_read", "_written", "source")

    def __init__(self, text: str, *, is_html: bool) -> None:
        self.source = fold(text)
        self._written = text if is_html else ""
        self._read: str | None = None

    def holds(self, needle: Needle) -> bool:
        if needle.text in self.source:
            return True
        if not self._written or needle.words == (needle.text,):
            return False  # one plain word is not taken apart by tags
        if not all(word in self.source for word in needle.words):
            return False
        if self._read is None:
            self._read = " ".join(fold(html_to_text(self._written[:HTML_OCTETS])).split())
        return needle.text in self._read


class Words:
    """All that TEXT and BODY look at."""

    __slots__ = ("_cut", "_head", "_headers", "_root", "_texts", "_unread")

    def __init__(self, root: Part, head: bytes, cut: Cut) -> None:
        self._root = root
        self._head = head  # of the message, with what we put in front
        self._cut = cut
        self._headers: str | None = None
        self._texts: list[_Text] = []
        self._unread = iter(leaves(root))

    def holds(self, needle: Needle, *, anywhere: bool) -> bool:
        """In the body, or anywhere: in any header of it too."""
        if anywhere:
            if self._headers is None:
                self._headers = self._read_headers()
            if needle.text in self._headers:
                return True
        # RFC 9051 §6.4.4: BODY matches no header field, be it of a part or of a message inside
        return any(text.holds(needle) for text in self._texts) or self._read_on(needle)

    def _read_headers(self) -> str:
        inner = [self._cut(part.header_start, part.body_start) for part in parts(self._root) if part is not self._root]
        return "\n".join([fold(_header_text(header)) for header in (self._head, *inner) if header])

    def _read_on(self, needle: Needle) -> bool:
        """Reads further parts until one has it."""
        for part in self._unread:
            body = decode_body(self._cut(part.body_start, part.body_end), part.encoding)
            text = _Text(decode_text(body, part.charset), is_html=part.subtype == b"html")
            self._texts.append(text)
            if text.holds(needle):
                return True
        return False


def _header_text(header: bytes) -> str:
    """All fields, decoded, lines that were folded made one."""
    for end in (b"\r\n ", b"\r\n\t", b"\n ", b"\n\t"):
        header = header.replace(end, end[-1:])
    return decode_words(header)
