"""BODYSTRUCTURE, and BODY without extension data, as they go to an IMAP client.

What depends on a part's header alone is remembered with its Entity. Every answer is valid grammar: strings by
mail/nstring.py, no multipart without parts and no message without one (mail/scan.py sees to both).

Standards: RFC 9051 §7.5.2, §9 (body, body-extension).
Faults:    none.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from posthaus.base.limit import HEADER_OCTETS, MIME_HEADER_OCTETS
from posthaus.mail.entity import Entity, entity_of
from posthaus.mail.envelopeline import render_envelope
from posthaus.mail.header import read_header
from posthaus.mail.nstring import nstring, string
from posthaus.mail.parameter import Parameters
from posthaus.mail.structure import Part

# What this file and mail/nstring.py write, and no more: strings, literals, atoms, parentheses.
_TOKEN = re.compile(rb' |"(?:[^"\\]++|\\.)*+"|\{(\d+)\}\r\n|[^ ()"{]+|[()]', re.DOTALL)


def render_bodystructure(octets: bytes, part: Part) -> bytes:
    """The answer to FETCH BODYSTRUCTURE. `octets` are those of the whole message."""
    # body = "(" (body-type-1part / body-type-mpart) ")"; recursion is as deep as the tree, and MIME_DEPTH bounds that
    entity = part.entity
    if entity is None:
        entity = entity_of(octets[part.header_start : min(part.body_start, part.header_start + MIME_HEADER_OCTETS)])
    if part.is_multipart:
        bodies = b"".join([render_bodystructure(octets, inner) for inner in part.parts])
        return b"(%b %b%b)" % (bodies, string(part.subtype), _multipart_tail(entity))
    head, tail = (_remembered if entity.is_remembered else _fields)(entity, part.type, part.subtype)
    size = part.body_end - part.body_start
    if part.is_message:
        inner = part.parts[0]
        head_octets = octets[inner.header_start : min(inner.body_start, inner.header_start + HEADER_OCTETS)]
        envelope = render_envelope(read_header(head_octets))
        return b"(%b %d %b %b %d%b)" % (head, size, envelope, render_bodystructure(octets, inner), part.lines, tail)
    if part.type == b"text":
        return b"(%b %d %d%b)" % (head, size, part.lines, tail)
    return b"(%b %d%b)" % (head, size, tail)


def plain(bodystructure: bytes) -> bytes:
    """A rendered BODYSTRUCTURE as BODY: without its extension data, and without the message."""
    return _plain(bodystructure, _parse(bodystructure))


def _fields(entity: Entity, type_: bytes, subtype: bytes) -> tuple[bytes, bytes]:
    """media-type and body-fields up to the size; body-ext-1part"""
    # body-ext-1part = body-fld-md5 SP body-fld-dsp SP body-fld-lang SP body-fld-loc
    head = b"%b %b %b %b %b %b" % (
        string(type_),
        string(subtype),
        _parameters(entity.parameters),
        nstring(entity.content_id),
        nstring(entity.description),
        string(entity.encoding),
    )
    return head, b" %b%b" % (nstring(entity.md5), _extension(entity))


@lru_cache(maxsize=2048)
def _remembered(entity: Entity, type_: bytes, subtype: bytes) -> tuple[bytes, bytes]:
    return _fields(entity, type_, subtype)


def _multipart_tail(entity: Entity) -> bytes:
    """body-ext-mpart = body-fld-param SP body-fld-dsp SP body-fld-lang SP body-fld-loc"""
    return b" %b%b" % (_parameters(entity.parameters), _extension(entity))


def _extension(entity: Entity) -> bytes:
    disposition = b"NIL"
    if entity.disposition is not None:
        disposition = b"(%b %b)" % (string(entity.disposition), _parameters(entity.disposition_parameters))
    languages = b"(%b)" % b" ".join([string(tag) for tag in entity.languages]) if entity.languages else b"NIL"
    return b" %b %b %b" % (disposition, languages, nstring(entity.location))


def _parameters(parameters: Parameters) -> bytes:
    """body-fld-param = "(" string SP string *(SP string SP string) ")" / nil"""
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join([b"%b %b" % (string(name), string(value)) for name, value in parameters])


# -- BODY out of BODYSTRUCTURE -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Item:
    """A string, number or NIL, or a list of such, with its place in the octets."""

    start: int
    end: int = 0
    items: "list[_Item]" = field(default_factory=list)
    is_list: bool = True


def _parse(octets: bytes) -> _Item:
    top = _Item(0, len(octets))
    path = [top]
    at = 0
    while found := _TOKEN.match(octets, at):
        start, at = at, found.end()
        mark = octets[start]
        if mark == 0x20:
            continue
        if mark == 0x28:
            item = _Item(start)
            path[-1].items.append(item)
            path.append(item)
        elif mark == 0x29:
            path.pop().end = at
        else:
            if found[1]:
                at += int(found[1])
            path[-1].items.append(_Item(start, at, is_list=False))
    return top.items[0]


def _plain(octets: bytes, body: _Item) -> bytes:
    items = body.items
    if items[0].is_list:
        bodies = [item for item in items if item.is_list]
        count = next(index for index, item in enumerate(items) if not item.is_list)
        subtype = items[count]
        return b"(%b %b)" % (
            b"".join([_plain(octets, item) for item in bodies[:count]]),
            octets[subtype.start : subtype.end],
        )
    type_, subtype_ = (octets[item.start : item.end] for item in items[:2])
    pieces = [octets[item.start : item.end] for item in items[:7]]
    if type_ == b'"text"':
        pieces.append(octets[items[7].start : items[7].end])
    elif type_ == b'"message"' and subtype_ in (b'"rfc822"', b'"global"'):
        envelope, inner, lines = items[7:10]
        pieces += [octets[envelope.start : envelope.end], _plain(octets, inner), octets[lines.start : lines.end]]
    return b"(%b)" % b" ".join(pieces)
