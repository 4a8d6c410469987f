"""A message that we write ourselves: fields folded and encoded, parts, multiparts.

Lines end with CR LF and stay below 998 octets. Values may come from peers: no control character of theirs gets into a
field, so none of them can make another one.

Standards: RFC 5322 §2.1.1 and §2.2.3, RFC 2045 §6.7, RFC 2046 §5.1, RFC 2047 §2, RFC 6532 §3.2.
Faults:    none.
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Final

from posthaus.mail.address import Address
from posthaus.mail.word import encode_phrase, encode_words

_FIELD_COLUMNS: Final = 76  # RFC 2047 §2, for lines with an encoded-word; RFC 5322 §2.1.1 would have 78
_WORD_OCTETS: Final = 900  # a longer word is cut, or no line could hold it
_LINE_OCTETS: Final = 998
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LINE_END = re.compile(rb"\r\n|\r|\n")


def visible(text: str) -> str:
    """Text of a peer in one line: each row of control characters is one space."""
    return _CONTROL.sub(" ", text).strip()


def field(name: str, text: str) -> bytes:
    """An unstructured field; what is outside of ASCII becomes encoded-words."""
    return raw_field(name, encode_words(visible(text)))


def address_field(name: str, display: str, address: Address) -> bytes:
    """A field with one address; its localpart stays UTF-8, as RFC 6532 §3.2 has it."""
    path = b"<" + visible(str(address)).encode("utf-8") + b">"
    return raw_field(name, encode_phrase(visible(display)) + b" " + path if display else path)


def raw_field(name: str, value: bytes) -> bytes:
    """A field of a value that is fit as it is, folded at its spaces."""
    lines: list[bytes] = []
    line = name.encode("ascii") + b":"
    for word in value.split():
        for piece in [word[at : at + _WORD_OCTETS] for at in range(0, len(word), _WORD_OCTETS)]:
            if len(line) + 1 + len(piece) > _FIELD_COLUMNS:
                lines.append(line)
                line = b""
            line += b" " + piece
    lines.append(line)
    return b"\r\n".join(lines) + b"\r\n"


def crlf(octets: bytes) -> bytes:
    """Every line end as CR LF, a bare CR and a bare LF too."""
    count = octets.count(b"\r\n")
    if octets.count(b"\n") == count == octets.count(b"\r"):
        return octets
    return _LINE_END.sub(b"\r\n", octets)


def part(media_type: str, body: bytes, *, encoding: str = "", description: str = "") -> bytes:
    """An entity: its MIME fields, the empty line, its body. Without a named encoding it is 7bit or 8bit."""
    told = encoding or ("7bit" if body.isascii() else "8bit")
    head = raw_field("Content-Type", media_type.encode("ascii"))
    if description:
        head += field("Content-Description", description)
    return head + raw_field("Content-Transfer-Encoding", told.encode("ascii")) + b"\r\n" + body


def text_part(text: str, *, description: str = "") -> bytes:
    """Plain text for people, in 7bit where it is ASCII, else quoted-printable."""
    body = crlf(text.encode("utf-8", "replace"))
    if body.isascii() and all(len(line) <= _LINE_OCTETS for line in body.split(b"\r\n")):
        return part("text/plain; charset=us-ascii", body, description=description)
    body = crlf(binascii.b2a_qp(body, istext=True))  # where the text has no line end, it breaks lines with LF alone
    return part("text/plain; charset=utf-8", body, encoding="quoted-printable", description=description)


def multipart(subtype: str, parts: Sequence[bytes], boundary: str, parameters: str = "") -> bytes:
    """The entity of several; `boundary` is chance of enough letters that no part can have it."""
    head = raw_field("Content-Type", f'multipart/{subtype}; boundary="{boundary}"{parameters}'.encode("ascii"))
    mark = b"--" + boundary.encode("ascii")
    if any(not one.isascii() for one in parts):
        head += b"Content-Transfer-Encoding: 8bit\r\n"
    body = b"".join([mark + b"\r\n" + one + b"\r\n" for one in parts])
    return head + b"\r\n" + body + mark + b"--\r\n"


def message(fields: Iterable[bytes], entity: bytes) -> bytes:
    """The message: its fields, then the MIME fields and the body of the entity."""
    return b"".join(fields) + b"MIME-Version: 1.0\r\n" + entity
