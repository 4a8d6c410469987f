"""Binary parts as base64, so that every reader can have them: octets to octets, on the way into the store.

A message that came with BODY=BINARYMIME or as a literal8 may hold what neither BODY[] nor RETR can carry. This is the
one exception to the rule that a message is kept as it came:

  - A leaf whose encoding is "binary", or whose body has NUL, becomes base64; its content stays what it was.
  - "binary" of a multipart or of a message becomes "8bit": these may not be encoded (RFC 2045 §6.4), and once their
    leaves are, they are no more than 8bit.
  - NUL elsewhere becomes "?": in headers, between parts, in an encoding nobody knows, and in what was not divided into
    parts. It is replaced and not dropped, for two halves could become a field or a delimiter that nobody sent.
  - All other octets are the same; a message with nothing to do is the same object.

Standards: RFC 3030 §3, RFC 2045 §2.9, §6.4, §6.8, RFC 3516 §4.3, RFC 9051 §4.3, RFC 5322 §4.
Faults:    none, whatever the octets.
"""

import binascii
import re
from typing import Final

from posthaus.base.limit import MIME_HEADER_OCTETS, MIME_PARTS
from posthaus.mail.decode import ENCODINGS, decode_body
from posthaus.mail.entity import entity_of, read_entity
from posthaus.mail.header import head_end, read_header
from posthaus.mail.scan import scan
from posthaus.mail.structure import Part

_FIELD = re.compile(rb"(?im)^content-transfer-encoding[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?")
_VERSION = re.compile(rb"(?im)^mime-version[ \t]*:").search
_LINE_OCTETS: Final = 76  # RFC 2045 §6.8
_COMPOSITE: Final = (b"multipart", b"message")


def reencode(octets: bytes) -> bytes:
    """The message without NUL and without binary parts."""
    has_nul = b"\0" in octets
    if not has_nul and b"binary" not in octets.lower():
        return octets
    root = scan(octets, entity=read_entity(read_header(octets[: head_end(octets)])))
    out: list[bytes] = []
    at = 0
    for part in _fit_to_touch(root):
        patched = _patched(octets, part, at_root=part is root)
        if patched is not None:
            start, end, new = patched
            out += (_without_nul(octets[at:start]), new)
            at = end
    if not out and not has_nul:
        return octets
    out.append(_without_nul(octets[at:]))
    return b"".join(out)


def _fit_to_touch(root: Part) -> list[Part]:
    """All parts in the order in which they begin, without the last one where it holds what was not divided."""
    found = []
    waiting = [root]
    while waiting:
        part = waiting.pop()
        found.append(part)
        waiting.extend(reversed(part.parts))
    return found[:-1] if len(found) >= MIME_PARTS else found


def _patched(octets: bytes, part: Part, *, at_root: bool) -> tuple[int, int, bytes] | None:
    """(start, end, what stands there now), None for a part that may stay."""
    head = octets[part.header_start : part.body_start]
    if part.parts or entity_of(head[:MIME_HEADER_OCTETS]).type in _COMPOSITE:
        if part.encoding != b"binary":
            return None
        return part.header_start, part.body_start, _labelled(_without_nul(head), b"8bit", at_root)
    body = octets[part.body_start : part.body_end]
    if part.encoding not in ENCODINGS or (part.encoding != b"binary" and b"\0" not in body):
        return None
    lines = _base64_lines(decode_body(body, part.encoding))
    if part.body_end == len(octets) and body:
        lines += b"\r\n"  # else the line end of the delimiter follows
    return part.header_start, part.body_end, _labelled(_without_nul(head), b"base64", at_root) + lines


def _labelled(head: bytes, encoding: bytes, at_root: bool) -> bytes:
    """The header with this encoding in the place of its own; in front where it has none."""
    line = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    found = _FIELD.search(head, 0, MIME_HEADER_OCTETS)
    if found is not None:
        return head[: found.start()] + line + _FIELD.sub(b"", head[found.end() :])
    if at_root and not _VERSION(head):
        line = b"MIME-Version: 1.0\r\n" + line  # RFC 2045 §4: without it the fields mean nothing
    return line + _FIELD.sub(b"", head)


def _base64_lines(octets: bytes) -> bytes:
    encoded = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join([encoded[at : at + _LINE_OCTETS] for at in range(0, len(encoded), _LINE_OCTETS)])


def _without_nul(octets: bytes) -> bytes:
    return octets.replace(b"\0", b"?")
