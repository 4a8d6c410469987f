"""Rows of a message -> its text: what SEARCH reads where nothing is kept, and what the index keeps.

Standards: RFC 9051 §6.4.4.
Faults:    StoreDown from what lies outside.
"""

from dataclasses import dataclass

from posthaus.mail import structure
from posthaus.mail.structure import Part
from posthaus.mail.text import Cut, Text, cut_octets, cut_spans
from posthaus.store.blob import BlobStore, unpack
from posthaus.store.tx import Row

COLUMNS = ("structure", "prefix", "head", "body", "packing", "place")


@dataclass(frozen=True, slots=True)
class Outside:
    """A message whose body is still to be read."""

    root: Part
    prefix: bytes
    head: bytes
    place: str

    @property
    def size(self) -> int:
        """As Text.size."""
        return len(self.prefix) + len(self.head) + cut_octets(self.root)


def text_of(row: Row) -> Text | Outside:
    """A row of COLUMNS."""
    packed, prefix, head, body, packing, place = row
    root = structure.unpack(packed)
    if place:
        return Outside(root, prefix, head, place)
    return Text(root, prefix + head, _inside(head, unpack(body, packing)))


def _inside(head: bytes, body: bytes) -> Cut:
    n = len(head)

    def cut(start: int, end: int) -> bytes:
        if start >= n:
            return body[start - n : end - n]
        return head[start:end] if end <= n else head[start:] + body[: end - n]

    return cut


async def read_outside(blobs: BlobStore, one: Outside) -> Text:
    """Reads what a search looks at, and not the attachments."""
    n = len(one.head)
    octets: dict[tuple[int, int], bytes] = {}
    for start, end in cut_spans(one.root):
        inner = one.head[start:end]  # nothing but for odd mail
        if end > max(start, n):
            inner += await blobs.read(one.place, max(start, n) - n, end - n)
        octets[start, end] = inner
    return Text(one.root, one.prefix + one.head, lambda start, end: octets[start, end])
