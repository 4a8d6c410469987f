"""HEADER.FIELDS and HEADER.FIELDS.NOT: some fields of a header, to the octet, in their order.

A line without a colon has no name: it is in no list of fields, and so in every HEADER.FIELDS.NOT. The empty line comes
last wherever the header has one.

Standards: RFC 9051 §6.4.5.
           RFC 9051 §6.4.5 not: of a header above HEADER_OCTETS only what lies below is searched for fields.
Faults:    none.
"""

from collections.abc import Collection

from posthaus.mail.header import read_header


def pick(head: bytes, wanted: Collection[bytes]) -> bytes:
    """HEADER.FIELDS (wanted) of a header with its empty line."""
    names = {name.lower() for name in wanted}
    header = read_header(head)
    kept = [raw for name, raw in zip(header.names, header.raws, strict=True) if name in names]
    return b"".join(kept) + header.blank


def pick_not(head: bytes, unwanted: Collection[bytes]) -> bytes:
    """HEADER.FIELDS.NOT (unwanted) of a header with its empty line."""
    names = {name.lower() for name in unwanted}
    header = read_header(head)
    kept = [raw for name, raw in zip(header.names, header.raws, strict=True) if name not in names or not name]
    return b"".join(kept) + header.blank
