"""A submitted message made fit: who may be its author, Date and Message-ID where they are missing, no Bcc.

Every other octet stays as the client sent it, so a client's own signature holds; a message that needs nothing is the
same object. Fields are put in front, where RFC 5322 §3.6 lets them stand.

Standards: RFC 6409 §6.1, §8.2 and §8.3, RFC 5322 §3.6.2, §3.6.3 and §3.6.4.
Faults:    none; authors() gives None where the From field is missing or cannot be read.
"""

from posthaus.base import limit
from posthaus.mail.address import Address, AddressFault, parse_address
from posthaus.mail.addresslist import MISSING_DOMAIN, MISSING_LOCALPART
from posthaus.mail.date import render_date
from posthaus.mail.envelopeline import addresses_of
from posthaus.mail.header import Header

_DROPPED = (b"bcc", b"resent-bcc")
_UNWANTED = (b"return-path",)  # RFC 5321 §4.4: a message that is not delivered yet has none


def authors(header: Header) -> tuple[Address, ...] | None:
    """The addresses of From; None if there is not just one readable From field, or more than is read."""
    if header.names.count(b"from") != 1 or len(header.names) >= limit.HEADER_FIELDS:
        return None
    listed = addresses_of(header, b"from")
    if len(listed) >= limit.HEADER_ADDRESSES or len(header.first[b"from"]) > limit.ADDRESS_LIST_OCTETS:
        return None
    found = []
    for one in listed:
        if one.localpart is None or one.domain is None:
            continue  # begin or end of a group: RFC 6854 allows them, and they name nobody
        if one.localpart == MISSING_LOCALPART or one.domain == MISSING_DOMAIN:
            return None  # what the ENVELOPE of a broken address shows is nobody's address
        try:
            found.append(parse_address(_spec(one.localpart, one.domain), smtputf8=True, odd_dots=True))
        except AddressFault:
            return None
    return tuple(found) or None


def make_fit(header: Header, *, at: int, message_id: str) -> tuple[bytes, bytes] | None:
    """(fields to put in front, the header without what is dropped); None if nothing needs to change."""
    added = b""
    if b"date" not in header.first:
        added += b"Date: " + render_date(at) + b"\r\n"
    if b"message-id" not in header.first:
        added += f"Message-ID: <{message_id}>\r\n".encode("ascii", "replace")
    is_dropped = any(name in header.first for name in _DROPPED + _UNWANTED)
    if not added and not is_dropped:
        return None
    kept = [
        raw
        for raw, name in zip(header.raws, header.names, strict=True)
        if name not in _DROPPED and name not in _UNWANTED
    ]
    return added, b"".join(kept) + header.blank


def blind(header: Header) -> bytes:
    """The Bcc fields as they came: the author's own copy keeps them (RFC 5322 §3.6.3)."""
    raws = zip(header.raws, header.names, strict=True)
    return b"".join([raw.rstrip(b"\r\n") + b"\r\n" for raw, name in raws if name == b"bcc"])


def _spec(localpart: bytes, domain: bytes) -> bytes:
    """addr-spec of an address as a header has it: its localpart stands there without its quoting."""
    try:
        return str(Address(localpart.decode(), "")).encode() + b"@" + domain
    except UnicodeDecodeError:
        return localpart + b"@" + domain
