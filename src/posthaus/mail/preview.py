"""The first characters of the text of a message, for lists.

Of a message of any size only the first kilobytes of its first text part are decoded for the preview.

Standards: RFC 8970 §3 (PREVIEW), RFC 8621 §4.1.4 (preview).
Faults:    none; "" where there is no text.
"""

import re
from collections.abc import Iterator
from typing import Final

from posthaus.base.limit import PREVIEW_CHARACTERS, PREVIEW_HTML_TAGS, PREVIEW_OCTETS, PREVIEW_PARTS
from posthaus.mail.decode import decode_body, decode_text
from posthaus.mail.html import declared_charset, html_to_text
from posthaus.mail.structure import Part

_STEPS: Final = (640, 8_192, PREVIEW_OCTETS)  # octets decoded, until they give enough characters
_HTML_STEPS: Final = (8_192, PREVIEW_OCTETS)
# Soft hyphen, joiners, word joiner, BOM and their kind: senders fill the preview of other clients with them.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\ufeff]+"
)


def preview(octets: bytes, part: Part) -> str:
    """The first characters of the text of a message, on one line."""
    for tried, leaf in enumerate(_texts(part)):
        if tried >= PREVIEW_PARTS:
            break
        text = _first_characters(octets, leaf)
        if text:
            return text
    return ""


def _texts(part: Part) -> Iterator[Part]:
    """Text parts in their order, attachments left out."""
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if one.parts:
            waiting.extend(reversed(one.parts))
        elif one.type == b"text" and (one.entity is None or one.entity.disposition != b"attachment"):
            yield one


def _first_characters(octets: bytes, part: Part) -> str:
    text = ""
    is_html = part.subtype == b"html"
    for step in _HTML_STEPS if is_html else _STEPS:
        end = min(part.body_end, part.body_start + step)
        body = decode_body(octets[part.body_start : end], part.encoding)
        if is_html:
            charset = part.charset or declared_charset(body)
            text = html_to_text(decode_text(body, charset, cut=True), PREVIEW_HTML_TAGS)
        else:
            text = decode_text(body, part.charset, cut=True)
        if not text.isascii():
            text = _INVISIBLE.sub("", text)
        text = " ".join(text.split())[:PREVIEW_CHARACTERS]
        if len(text) == PREVIEW_CHARACTERS or end == part.body_end:
            break
    return text
