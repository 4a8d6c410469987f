"""FETCH of a message whose body lies outside the database: in pieces, with back-pressure.

Standards: RFC 9051 §6.4.5.
Faults:    StoreDown; the session ends then, because a literal was promised that cannot be sent.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from posthaus.mail import structure
from posthaus.proto.imap import render
from posthaus.proto.imap.section import Binary, BinarySize, Section, Text
from posthaus.serve.imap.attribute import Batch, Plan, Writer, decoded, picked, span_text

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_PIECE_OCTETS = 256 * 1024


async def send_line(session: "ImapSession", how: Plan, number: int, one: Batch) -> None:
    """The response for one message."""
    line = [how.start % number]
    for i, writer in enumerate(how.writers):
        if i:
            line.append(b" ")
        if writer.section is None:
            columns = writer.make(one)
            line.append(writer.form % tuple([c[0] for c in columns]))
            continue
        line.append(_label(writer) + b" ")
        if isinstance(writer.section, Section) and not writer.section.fields:
            await _send_section(session, writer.section, one, line)
        else:
            line.append(await _small(session, writer.section, one))
    line.append(b")\r\n")
    await session.send(b"".join(line))


def _label(writer: Writer) -> bytes:
    assert writer.section is not None
    return writer.section.label


def _spot(section: Section, one: Batch) -> tuple[bytes, int, int] | None:
    """What comes before (the prefix), and from where to where in the blob; None where there is no such part."""
    prefix, head = one["prefix"][0], one["head"][0]
    if not section.path:
        end = one["size"][0] - len(prefix)
        return (b"", len(head), end) if section.text is Text.TEXT else (prefix, 0, end)
    found = structure.span(structure.unpack(one["structure"][0]), section.path, span_text(section))
    return None if found is None else (b"", *found)


async def _send_section(session: "ImapSession", section: Section, one: Batch, line: list[bytes]) -> None:
    spot = _spot(section, one)
    if spot is None:
        line.append(b"NIL")
        return
    prefix, start, end = spot
    if section.partial is not None:
        first, count = section.partial
        skipped = min(first, len(prefix))
        prefix = prefix[skipped : first + count]
        start = min(end, start + first - skipped)
        end = min(end, start + count - len(prefix))
    line.append(b"{%d}\r\n" % (len(prefix) + end - start))
    line.append(prefix)
    await session.send(b"".join(line))
    line.clear()
    async for piece in _pieces(session, one, start, end):
        await session.send(piece)


async def _pieces(session: "ImapSession", one: Batch, start: int, end: int) -> AsyncIterator[bytes]:
    """Octets start to end of the blob: the header is at hand, the body is not."""
    head: bytes = one["head"][0]
    n = len(head)
    if start < n:
        yield head[start:end]
        start = n
    while start < end:
        stop = min(end, start + _PIECE_OCTETS)
        yield await session.site.blobs.read(one["place"][0], start - n, stop - n)
        start = stop


async def _small(session: "ImapSession", section: Section | Binary | BinarySize, one: Batch) -> bytes:
    """What must be had whole before it can be written: header fields of a part, decoded content."""
    root = structure.unpack(one["structure"][0])
    part = structure.lookup(root, section.path)
    if isinstance(section, Section):
        spot = _spot(section, one)
        if spot is None:
            return b"NIL"
        octets = b"".join([piece async for piece in _pieces(session, one, spot[1], spot[2])])
        header = picked(section, octets)
        if section.partial is not None:
            header = header[section.partial[0] : section.partial[0] + section.partial[1]]
        return render.literal(header)
    if part is None:
        return b"NIL" if isinstance(section, Binary) else b"0"
    if section.path:
        octets = b"".join([piece async for piece in _pieces(session, one, part.body_start, part.body_end)])
        content = octets if part.is_multipart else await asyncio.to_thread(decoded, part, octets)
    else:  # RFC 9051 §6.4.5: BINARY[] is BODY[]
        content = one["prefix"][0] + b"".join([piece async for piece in _pieces(session, one, 0, root.body_end)])
    if isinstance(section, BinarySize):
        return b"%d" % len(content)
    if section.partial is not None:
        content = content[section.partial[0] : section.partial[0] + section.partial[1]]
    return render.binary(content)
