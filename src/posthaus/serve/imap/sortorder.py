"""The order that the keys of SORT make of messages.

What the keys look at never changes, so a message that comes to a sorted list finds its place by bisection, and the
others keep theirs.

Standards: RFC 5256 §2.2, §3; RFC 5957 §3; RFC 5051 in spirit (mail/text.py fold).
Faults:    StoreDown, StoreBusy.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from posthaus.mail import fieldcache
from posthaus.mail.addresslist import HeaderAddress, parse_address_list
from posthaus.mail.decode import decode_text
from posthaus.mail.header import read_header
from posthaus.mail.text import fold
from posthaus.mail.uidset import from_sorted
from posthaus.mail.word import decode_words
from posthaus.proto.imap.command import SortKey
from posthaus.store import search as rows
from posthaus.store.tx import Row

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_BATCH = 500  # messages read at once

_COLUMNS: dict[bytes, tuple[str, ...]] = {
    b"ARRIVAL": ("received",),
    b"CC": ("fields", "field_index"),
    b"DATE": ("sent_at", "received"),
    b"FROM": ("fields", "field_index"),
    b"SIZE": ("size",),
    b"SUBJECT": ("base_subject",),
    b"TO": ("fields", "field_index"),
    b"DISPLAYFROM": ("fields", "field_index"),
    b"DISPLAYTO": ("fields", "field_index"),
    b"RELEVANCY": (),
}
_FIELDS = {b"CC": b"cc", b"FROM": b"from", b"TO": b"to", b"DISPLAYFROM": b"from", b"DISPLAYTO": b"to"}


def in_order(
    keys: Sequence[SortKey], columns: tuple[str, ...], found: Sequence[Row], scores: Mapping[int, int]
) -> list[int]:
    """UIDs; what the keys say the same of stays in the order of the mailbox (RFC 5256 §3)."""
    if not found:
        return []
    order: Sequence[int] = range(len(found))
    values = dict(zip(columns, list(zip(*found, strict=True))[1:], strict=True))
    for key in reversed(keys):
        if key.name == b"RELEVANCY":  # RFC 6203 §5: what fits best comes first
            order = sorted(order, key=lambda at: -scores.get(found[at][0], 0), reverse=key.is_reverse)
            continue
        by = [_value(key.name, *row) for row in zip(*[values[c] for c in _COLUMNS[key.name]], strict=True)]
        order = sorted(order, key=by.__getitem__, reverse=key.is_reverse)
    return [found[at][0] for at in order]


def _value(name: bytes, *row: Any) -> Any:
    if name == b"DATE":
        sent_at, received = row
        return received if sent_at is None else sent_at
    if name == b"SUBJECT":
        return _collated(row[0])
    field = _FIELDS.get(name)
    return row[0] if field is None else _address(field, *row, display=name.startswith(b"DISPLAY"))


def _address(field: bytes, fields: bytes, index: bytes, *, display: bool) -> str:
    """RFC 5256 §3: addr-mailbox of the first address, which is a group's name where a group comes first; RFC 5957 §3:
    its display name, or else its address."""
    pick = fieldcache.compile((field,))
    value = read_header(pick(fields, index)).value(field) if pick is not None else None
    for one in parse_address_list(value) if value else ():
        if one.localpart is not None:
            return _collated(_display(one) if display else decode_text(one.localpart))
    return ""


def _display(one: HeaderAddress) -> str:
    name = decode_words(one.display).strip() if one.display else ""
    if name or one.domain is None:
        return name or decode_words(one.localpart or b"")
    return f"{decode_text(one.localpart or b'')}@{decode_text(one.domain)}"


def _collated(text: str) -> str:
    """To compare by: capitals, as letters come before "[" and "^" then (RFC 5051 §2, RFC 4790 §9.2.1)."""
    return fold(text).upper()


def columns_of(keys: Sequence[SortKey]) -> tuple[str, ...]:
    """What is read of a message, besides its UID."""
    return tuple(dict.fromkeys(c for key in keys for c in _COLUMNS[key.name]))


async def read(session: "ImapSession", uids: Sequence[int], columns: tuple[str, ...]) -> list[Row]:
    """Rows of rising UIDs."""
    found: list[Row] = []
    for at in range(0, len(uids), _BATCH):
        ranges = from_sorted(uids[at : at + _BATCH])
        found += await session.site.store.read(rows.wide, session.selected.mailbox, ranges, ("uid", *columns))
        await asyncio.sleep(0)
    return found


async def place(session: "ImapSession", keys: Sequence[SortKey], ordered: Sequence[int], uid: int) -> int | None:
    """The index at which a UID belongs into those that are in order; None where the message is gone."""
    own = await _ranks(session, keys, uid)
    if own is None:
        return None
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        other = await _ranks(session, keys, ordered[middle])
        at = middle
        while other is None and at > low:  # expunged, and the client does not know it yet: ask its neighbour
            at -= 1
            other = await _ranks(session, keys, ordered[at])
        if other is None:
            low = middle + 1
        elif _is_before(keys, own, other):
            high = at
        else:
            low = middle + 1
    return low


async def _ranks(session: "ImapSession", keys: Sequence[SortKey], uid: int) -> list[Any] | None:
    """The value of each key, and the UID."""
    columns = columns_of(keys)
    found = await session.site.store.read(rows.wide, session.selected.mailbox, [(uid, uid)], columns)
    if not found:
        return None
    values = dict(zip(columns, found[0], strict=True))
    return [*[_value(key.name, *[values[c] for c in _COLUMNS[key.name]]) for key in keys], uid]


def _is_before(keys: Sequence[SortKey], one: Sequence[Any], other: Sequence[Any]) -> bool:
    for key, a, b in zip(keys, one, other, strict=False):
        if a != b:
            return bool(a < b) != key.is_reverse
    return bool(one[-1] < other[-1])
