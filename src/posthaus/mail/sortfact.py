"""What the keys of SORT look at: numbers, and texts folded as they are compared; of many messages at once.

Standards: RFC 5256 §2.2, §3; RFC 5957 §3; RFC 5255 §4.2 (i;unicode-casemap).
Faults:    none.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from posthaus.mail import fieldcache, structure
from posthaus.mail.addresslist import HeaderAddress, first_address
from posthaus.mail.casemap import casemap
from posthaus.mail.decode import decode_text
from posthaus.mail.header import read_header
from posthaus.mail.word import decode_words

# Of what is kept (store/sortfact.py): raise the last number when a fact changes or comes, and all is made anew.
VERSION: Final = structure.VERSION << 16 | 1

NUMBERS: Final = (b"ARRIVAL", b"DATE", b"SIZE")
TEXTS: Final = (b"SUBJECT", b"FROM", b"TO", b"CC", b"DISPLAYFROM", b"DISPLAYTO")
# What is read of a message for each (store/fetch.py).
COLUMNS: Final[dict[bytes, tuple[str, ...]]] = {
    b"ARRIVAL": ("received",),
    b"DATE": ("sent_at", "received"),
    b"SIZE": ("size",),
    b"SUBJECT": ("base_subject",),
    b"FROM": ("fields", "field_index"),
    b"TO": ("fields", "field_index"),
    b"CC": ("fields", "field_index"),
    b"DISPLAYFROM": ("fields", "field_index"),
    b"DISPLAYTO": ("fields", "field_index"),
}
_FIELDS: Final = {b"CC": b"cc", b"FROM": b"from", b"TO": b"to", b"DISPLAYFROM": b"from", b"DISPLAYTO": b"to"}
_PLAIN_OCTETS: Final = 1_000  # a field of one line is no longer (RFC 5322 §2.1.1)


def columns_of(names: Sequence[bytes]) -> tuple[str, ...]:
    """What is read of a message for all of these."""
    return tuple(dict.fromkeys(column for name in names for column in COLUMNS[name]))


def facts(name: bytes, columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Of some messages: integers, or texts as they are compared. columns: COLUMNS[name], a sequence each."""
    if name == b"DATE":
        return [received if sent_at is None else sent_at for sent_at, received in zip(*columns, strict=True)]
    if name == b"SUBJECT":
        return _each(casemap, columns[0])
    field = _FIELDS.get(name)
    if field is None:
        return columns[0]
    told = _display if name.startswith(b"DISPLAY") else _mailbox
    return _each(lambda octets: _address(field, octets, told), list(map(_pick(field), *columns)))


def _each(work: Callable[[Any], str], values: Sequence[Any]) -> list[str]:
    """Done once for those that are the same."""
    made = {value: work(value) for value in set(values)}
    return [made[value] for value in values]


@lru_cache
def _pick(field: bytes) -> fieldcache.Pick:
    pick = fieldcache.compile((field,))
    assert pick is not None
    return pick


def _address(field: bytes, octets: bytes, told: Callable[[HeaderAddress], str]) -> str:
    """RFC 5256 §3: of the first address, which is a group where a group comes first. octets: all fields of this name,
    and the empty line."""
    if octets.count(b"\n") == 2 and octets.endswith(b"\r\n\r\n") and len(octets) <= _PLAIN_OCTETS:
        value: bytes | None = octets[octets.find(b":") + 1 :].strip()  # one field, on one line, as nearly all are
    else:
        value = read_header(octets).value(field)
    one = first_address(value) if value else None
    return "" if one is None else casemap(told(one))


def _mailbox(one: HeaderAddress) -> str:
    """RFC 5256 §3: addr-mailbox"""
    return decode_text(one.localpart or b"")


def _display(one: HeaderAddress) -> str:
    """RFC 5957 §3: its display name, or else its address."""
    name = decode_words(one.display).strip() if one.display else ""
    if name or one.domain is None:
        return name or decode_words(one.localpart or b"")
    return f"{decode_text(one.localpart or b'')}@{decode_text(one.domain)}"
