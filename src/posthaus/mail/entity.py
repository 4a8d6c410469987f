"""What the MIME fields of one header say: media type, parameters, transfer encoding, disposition and the rest.

Header octets up to a limit are remembered with their reading: "Content-Type: text/plain; charset=utf-8 ..." comes with
every other message, and is read once.

Standards: RFC 2045 §5, §5.2, §6; RFC 2046 §5.1; RFC 2183; RFC 3282; RFC 2557; RFC 1864.
Faults:    none. A Content-Type that cannot be read is text/plain in us-ascii (RFC 2045 §5.2).
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from posthaus.base.limit import MIME_HEADER_OCTETS, MIME_PARAMETERS
from posthaus.base.value import value
from posthaus.mail.header import Header, read_header, value_of
from posthaus.mail.parameter import Parameters, parse_parameters

_TOKEN = rb"[!#$%&'*+.^_`{|}~0-9A-Za-z-]++"
_TYPE = re.compile(rb"(" + _TOKEN + rb")[ \t]*+/[ \t]*+(" + _TOKEN + rb")").match
_FIRST_TOKEN = re.compile(_TOKEN).match
_LANGUAGES = re.compile(rb"[0-9A-Za-z-]+").findall
_COMMENT = re.compile(rb"\([^()]*+\)")
_CHARSET = re.compile(rb"[!-~]{1,60}").fullmatch
_CHARSET_NAMES: Final = (b"charset", b"charset*")
_MEMO_OCTETS: Final = 400


@value(eq=False)  # compared and hashed by identity: equal headers give the same object
class Entity:
    """MIME facts of one header; type, subtype, encoding, charset and disposition in lower case."""

    type: bytes
    subtype: bytes
    parameters: Parameters
    boundary: bytes  # b"" if none
    charset: bytes  # as declared, b"" if not
    encoding: bytes
    content_id: bytes | None
    description: bytes | None
    md5: bytes | None
    disposition: bytes | None
    disposition_parameters: Parameters
    languages: tuple[bytes, ...]
    location: bytes | None
    is_remembered: bool = False  # short and met again: worth remembering what is made of it


US_ASCII: Final[Parameters] = ((b"charset", b"us-ascii"),)
PLAIN: Final = Entity(b"text", b"plain", US_ASCII, b"", b"", b"7bit", None, None, None, None, (), (), None)
DIGEST: Final = replace(
    PLAIN, type=b"message", subtype=b"rfc822", parameters=()
)  # RFC 2046 §5.1.5: default in a digest


def entity_of(head: bytes, default: Entity = PLAIN) -> Entity:
    """Reading of a header's octets; `default` holds where it has no Content-Type."""
    if len(head) <= _MEMO_OCTETS:
        return _remembered(head, default)
    return read_entity(read_header(head, MIME_HEADER_OCTETS), default)


@lru_cache(maxsize=2048)
def _remembered(head: bytes, default: Entity) -> Entity:
    return replace(read_entity(read_header(head), default), is_remembered=True)


def read_entity(header: Header, default: Entity = PLAIN) -> Entity:
    """MIME facts among the fields of a header."""
    first = header.first
    type_, subtype, parameters = default.type, default.subtype, default.parameters
    boundary = charset = b""
    raw = first.get(b"content-type")
    if raw is not None:
        type_, subtype, parameters = parse_type(value_of(raw))
        for name, value in parameters:
            if name == b"boundary":
                boundary = value.rstrip()  # RFC 2046 §5.1.1: it does not end with a space
            elif name == b"charset":
                charset = value.strip().lower()
        if type_ == b"text" and subtype == b"plain" and not any(name in _CHARSET_NAMES for name, _ in parameters):
            # RFC 2046 §4.1.2 names a default for text/plain. text/html has none of its own that anybody keeps to
            # (Dovecot says us-ascii, Cyrus nothing): nothing is added there.
            parameters += US_ASCII
        if charset and not _CHARSET(charset):
            charset = b""
    raw = first.get(b"content-transfer-encoding")
    encoding = _encoding(value_of(raw)) if raw is not None else b"7bit"
    raw = first.get(b"content-disposition")
    disposition, disposition_parameters = (None, ()) if raw is None else parse_disposition(value_of(raw))
    raw = first.get(b"content-language")
    languages = () if raw is None else tuple(_LANGUAGES(_COMMENT.sub(b"", value_of(raw)))[:MIME_PARAMETERS])
    return Entity(
        type_, subtype, parameters, boundary, charset, encoding,
        header.value(b"content-id"), header.value(b"content-description"), header.value(b"content-md5"),
        disposition, disposition_parameters, languages, header.value(b"content-location"),
    )  # fmt: skip


def parse_type(value: bytes) -> tuple[bytes, bytes, Parameters]:
    """content := "Content-Type" ":" type "/" subtype *(";" parameter)"""
    found = _TYPE(value)
    if found is None and b"(" in value:
        value = _COMMENT.sub(b"", value).lstrip()
        found = _TYPE(value)
    if found is None:
        # "Content-Type: text" and its kind: RFC 2045 §5.2.
        return b"text", b"plain", tuple(pair for pair in parse_parameters(value) if pair[0] != b"boundary")
    return found[1].lower(), found[2].lower(), parse_parameters(value[found.end() :])


def parse_disposition(value: bytes) -> tuple[bytes | None, Parameters]:
    """disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm)"""
    found = _FIRST_TOKEN(value)
    if found is None:
        return None, ()
    rest = value[found.end() :]
    if rest.lstrip().startswith(b"="):  # "Content-Disposition: filename=a.pdf": RFC 2183 §2.8, treat as attachment
        return b"attachment", parse_parameters(value)
    return found[0].lower(), parse_parameters(rest)


def _encoding(value: bytes) -> bytes:
    found = _FIRST_TOKEN(value) or _FIRST_TOKEN(_COMMENT.sub(b"", value).strip(b' \t"'))
    return found[0].lower() if found else b"7bit"
