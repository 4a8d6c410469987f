"""Reading GETMETADATA and SETMETADATA, and names of entries wherever they stand.

The grammar of RFC 5464 §5 has the options of GETMETADATA before the mailbox, its examples have them after it; both are
read.

Standards: RFC 5464 §3.2, §4.2, §4.3, §5; RFC 9590 §4.
Faults:    ParseFault.
"""

import re

from posthaus.base.limit import IMAP_DEEP_ENTRIES, IMAP_ENTRIES, IMAP_ENTRY_OCTETS
from posthaus.proto.imap.code import LIMIT
from posthaus.proto.imap.command import Depth, GetMetadata, SetMetadata
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.token import SLOT, Cursor

_ENTRY = re.compile(rb"(?:/[^/\x00-\x1f*%\x7f-\xff]++)++").fullmatch
_OPTIONS = re.compile(rb"\([A-Za-z]").match  # the name of an entry begins with a slash
_DEPTHS = {b"0": Depth.ENTRY, b"1": Depth.CHILDREN, b"INFINITY": Depth.ALL}


def parse_getmetadata(cursor: Cursor, tag: bytes, uid: bool) -> GetMetadata:
    """getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries"""
    cursor.space()
    max_size, depth = None, Depth.ENTRY
    has_options = cursor.peek(b"(")
    if has_options:
        max_size, depth = _take_options(cursor)
        mailbox = cursor.next_mailbox()
        cursor.space()
    else:
        mailbox = cursor.take_mailbox()
        cursor.space()
        if _OPTIONS(cursor.text, cursor.at):
            max_size, depth = _take_options(cursor)
            cursor.space()
    entries = take_entries(cursor)
    if depth is not Depth.ENTRY and len(entries) > IMAP_DEEP_ENTRIES:
        raise ParseFault("too many entries", code=LIMIT)
    cursor.end()
    return GetMetadata(tag, mailbox, entries, max_size, depth)


def _take_options(cursor: Cursor) -> tuple[int | None, Depth]:
    """ "(" getmetadata-option *(SP getmetadata-option) ")" """
    cursor.expect(b"(")
    max_size, depth = None, Depth.ENTRY
    while True:
        word = cursor.take_word()
        cursor.space()
        if word == b"MAXSIZE":
            max_size = cursor.take_number()
        elif word == b"DEPTH":
            found = _DEPTHS.get(cursor.take_word())
            if found is None:
                raise ParseFault("DEPTH is 0, 1 or infinity")
            depth = found
        else:
            raise ParseFault("no such GETMETADATA option")
        if cursor.skip(b")"):
            return max_size, depth
        cursor.space()


def take_entries(cursor: Cursor) -> tuple[str, ...]:
    """entries = entry / "(" entry *(SP entry) ")", each once, as they were written"""
    if not cursor.skip(b"("):
        return (_take_entry(cursor),)
    entry = _take_entry(cursor)
    entries = {entry.lower(): entry}
    while not cursor.skip(b")"):
        cursor.space()
        entry = _take_entry(cursor)
        entries.setdefault(entry.lower(), entry)
        _check_count(len(entries))
    return tuple(entries.values())


def _take_entry(cursor: Cursor) -> str:
    return parse_entry(cursor.take_astring())


def parse_entry(octets: bytes) -> str:
    """The name of an entry; RFC 5464 §3.2 says what it may have."""
    if len(octets) > IMAP_ENTRY_OCTETS or _ENTRY(octets) is None:
        raise ParseFault("no name of an entry")
    return octets.decode("ascii")


def _check_count(count: int) -> None:
    if count > IMAP_ENTRIES:
        raise ParseFault("too many entries", code=LIMIT)


def parse_setmetadata(cursor: Cursor, tag: bytes, uid: bool) -> SetMetadata:
    """setmetadata = "SETMETADATA" SP mailbox SP "(" entry SP value *(SP entry SP value) ")" """
    mailbox = cursor.next_mailbox()
    cursor.space()
    cursor.expect(b"(")
    values: dict[str, bytes | None] = {}
    while True:
        entry = _take_entry(cursor).lower()
        cursor.space()
        if entry in values:
            raise ParseFault("an entry has one value")
        values[entry] = _take_value(cursor)
        _check_count(len(values))
        if cursor.skip(b")"):
            break
        cursor.space()
    cursor.end()
    return SetMetadata(tag, mailbox, values)


def _take_value(cursor: Cursor) -> bytes | None:
    """value = nstring / literal8"""
    if not cursor.skip(b"~" + SLOT):
        return cursor.take_nstring()
    octets = cursor.take_literal().octets
    if octets is None:
        raise ParseFault("no message may stand here")
    return octets
