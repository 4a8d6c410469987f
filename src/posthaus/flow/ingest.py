"""The one door for messages: octets are prepared once and kept once.

SMTP, submission, IMAP APPEND, the import command: all come here. Small octets go into the database within the commit
that names them; large ones are written outside first, under a pending row, so that the commit never waits for them.
Nothing with NUL goes into the store: BODY[] and RETR could not carry it.

Standards: RFC 3030 §3, RFC 3516 §4.3, RFC 9051 §4.3.
Faults:    StoreFull, StoreDown, StoreBusy (Trouble); those of store/message.py.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext

from posthaus.base import limit
from posthaus.flow.site import Site
from posthaus.mail.header import Header
from posthaus.mail.prepare import outline as outline_octets
from posthaus.mail.prepare import prepare as prepare_octets
from posthaus.mail.prepared import Outline, Prepared
from posthaus.mail.reencode import reencode
from posthaus.store import blob
from posthaus.store.message import Content

_INLINE_PREPARE_OCTETS = 256 * 1024  # beyond, the scan takes milliseconds: a thread does it
_PIECE_OCTETS = 1024 * 1024


def turn(site: Site, size: int) -> AbstractAsyncContextManager[object]:
    """To be held from the reading of a message to its commit: few large ones are in memory at a time."""
    return site.large if size > _INLINE_PREPARE_OCTETS else nullcontext()


async def carried(octets: bytes | memoryview, *, binary: bool) -> bytes | memoryview:
    """Octets that every reader can be given: nearly always the same object. `binary`: it came with BINARYMIME."""
    if len(octets) <= _INLINE_PREPARE_OCTETS:
        return _carried(octets, binary)
    return await asyncio.to_thread(_carried, octets, binary)


def _carried(octets: bytes | memoryview, binary: bool) -> bytes | memoryview:
    return reencode(bytes(octets)) if binary or _has_nul(octets) else octets


def _has_nul(octets: bytes | memoryview) -> bool:
    return b"\0" in octets if isinstance(octets, bytes) else any(b"\0" in piece for piece in _pieces(octets))


async def prepare(octets: bytes | memoryview) -> Prepared:
    """All that later readers need, worked out once."""
    if len(octets) <= _INLINE_PREPARE_OCTETS:
        return prepare_octets(bytes(octets))
    return await asyncio.to_thread(lambda: prepare_octets(bytes(octets)))


async def outline(octets: bytes | memoryview, header: Header) -> Outline:
    """What is asked of a message that is only to be sent on, `header` being its own."""
    if isinstance(octets, bytes) and len(octets) <= _INLINE_PREPARE_OCTETS:
        return outline_octets(octets, header)
    return await prepare(octets)


async def content(site: Site, octets: bytes | memoryview, prepared: Outline, prefix: bytes) -> Content:
    """Fit for the store; large octets are outside when this returns."""
    head = bytes(octets[: prepared.head_octets])
    size = len(octets) - len(head)
    if size > limit.INLINE_OCTETS:
        pending = await keep_outside(site, octets[prepared.head_octets :], prepared)
        return Content(prepared, prefix, head, b"", blob.PLAIN, pending)
    body = bytes(octets[prepared.head_octets :])
    packing = blob.PLAIN
    if size >= blob.PACK_AT_ONCE_OCTETS:
        body, packing = blob.pack(body)
    return Content(prepared, prefix, head, body, packing)


async def keep_outside(site: Site, body: bytes | memoryview, prepared: Outline) -> int:
    """Writes a large body outside; the id of its pending row. If nobody names it, the sweep takes it away."""
    key = site.chance.octets(20).hex()
    pending = await site.store.write(blob.begin, key, prepared.size_octets, prepared.head_octets, int(site.clock.now()))
    await site.blobs.write(key, _pieces(body))
    return pending


def _pieces(body: bytes | memoryview) -> Iterator[bytes]:
    for at in range(0, len(body), _PIECE_OCTETS):
        yield bytes(body[at : at + _PIECE_OCTETS])
