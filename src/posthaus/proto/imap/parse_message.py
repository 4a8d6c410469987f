"""Reading the commands about messages: APPEND, REPLACE, FETCH, STORE, COPY, MOVE, EXPUNGE, UIDBATCHES.

Standards: RFC 9051 §6.3.12, §6.4; RFC 3516 §4.4; RFC 4315 §2.1; RFC 6851 §4; RFC 6855 §4; RFC 7162 §3.1.3, §3.1.4;
           RFC 3502 §6.3.11; RFC 4469 §5; RFC 8508 §5.
Faults:    ParseFault.
"""

import re

from posthaus.proto.imap.command import Append, Copy, Expunge, Fetch, Move, NewMessage, Replace, Store, UidBatches, Url
from posthaus.proto.imap.date import parse_date_time
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.number import MAX_NUMBER, SequenceSet, parse_set
from posthaus.proto.imap.quirk import Quirk
from posthaus.proto.imap.section import parse_fetch_list
from posthaus.proto.imap.token import SLOT, Cursor, Literal

_SP_SET = re.compile(rb" ([0-9:*,]+|\$)(?=[ (])").match
_SP_ONE = re.compile(rb" ([1-9]\d{0,9}|\*)(?= )").match
_BATCHES = re.compile(rb" ([1-9]\d{0,9})(?: ([1-9]\d{0,9}):([1-9]\d{0,9}))?").match
_CATENATE = re.compile(rb"CATENATE \(", re.IGNORECASE).match
_SIGNED_FLAGS = re.compile(rb"([+-]?)FLAGS(\.SILENT)?(?=[ (])", re.IGNORECASE).match
_DATE_TIME = re.compile(rb'"([^"\\]*)"').match


def parse_fetch(cursor: Cursor, tag: bytes, uid: bool) -> Fetch:
    """fetch = "FETCH" SP sequence-set SP fetch-list [fetch-modifiers]"""
    numbers = _next_set(cursor)
    items = parse_fetch_list(cursor)
    if items.vanished and not uid:
        raise ParseFault("VANISHED needs UID FETCH")  # RFC 7162 §3.2.6
    if items.partial is not None and not uid:
        raise ParseFault("PARTIAL needs UID FETCH")  # RFC 9394 §3.3
    return Fetch(tag, uid, numbers, items)


def parse_store(cursor: Cursor, tag: bytes, uid: bool) -> Store:
    """store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags"""
    numbers = _next_set(cursor)
    cursor.space()
    unchanged_since = None
    if cursor.skip(b"("):
        if cursor.take_word() != b"UNCHANGEDSINCE":
            raise ParseFault("no such STORE modifier")
        cursor.space()
        unchanged_since = cursor.take_number()
        cursor.expect(b")")
        cursor.space()
    m = _SIGNED_FLAGS(cursor.text, cursor.at)
    if m is None:
        raise ParseFault("FLAGS expected")
    cursor.at = m.end()
    cursor.space()
    flags = cursor.take_flags()
    cursor.end()
    return Store(tag, uid, numbers, m[1], m[2] is not None, flags, unchanged_since)


def parse_copy(cursor: Cursor, tag: bytes, uid: bool) -> Copy:
    """copy = "COPY" SP sequence-set SP mailbox"""
    numbers = _next_set(cursor)
    mailbox = cursor.next_mailbox()
    cursor.end()
    return Copy(tag, uid, numbers, mailbox)


def parse_move(cursor: Cursor, tag: bytes, uid: bool) -> Move:
    """move = "MOVE" SP sequence-set SP mailbox"""
    numbers = _next_set(cursor)
    mailbox = cursor.next_mailbox()
    cursor.end()
    return Move(tag, uid, numbers, mailbox)


def parse_expunge(cursor: Cursor, tag: bytes, uid: bool) -> Expunge:
    """ "EXPUNGE" / "UID EXPUNGE" SP sequence-set"""
    uids = None
    if uid:
        cursor.space()
        uids = parse_set(cursor.take_set())
    cursor.end()
    return Expunge(tag, uids)


def parse_uid_batches(cursor: Cursor, tag: bytes, uid: bool) -> UidBatches:
    """message-batches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]"""
    m = _BATCHES(cursor.text, cursor.at)
    if m is None:
        raise ParseFault("so many messages, and perhaps the batches 1:10, expected")
    cursor.at = m.end()
    cursor.end()
    size, first, last = [None if word is None else int(word) for word in m.groups()]
    assert size is not None
    if max(size, first or 0, last or 0) > MAX_NUMBER:
        raise ParseFault("a number has 32 bits")
    return UidBatches(tag, size, None if first is None or last is None else (first, last))


def _next_set(cursor: Cursor) -> SequenceSet:
    m = _SP_SET(cursor.text, cursor.at)
    if m is None:
        cursor.space()
        return parse_set(cursor.take_set())
    cursor.at = m.end()
    return parse_set(m[1])


def parse_append(cursor: Cursor, tag: bytes, uid: bool) -> Append:
    """append = "APPEND" SP mailbox 1*append-message"""
    mailbox = cursor.next_mailbox()
    messages = [_next_message(cursor)]
    while cursor.more():
        messages.append(_next_message(cursor))
    cursor.end()
    return Append(tag, mailbox, tuple(messages))


def parse_replace(cursor: Cursor, tag: bytes, uid: bool) -> Replace:
    """replace = "REPLACE" SP seq-number SP mailbox append-message"""
    m = _SP_ONE(cursor.text, cursor.at)
    if m is None:
        raise ParseFault("the number of one message expected")
    cursor.at = m.end()
    mailbox = cursor.next_mailbox()
    message = _next_message(cursor)
    cursor.end()
    return Replace(tag, uid, parse_set(m[1]), mailbox, (message,))


def _next_message(cursor: Cursor) -> NewMessage:
    """append-message = [SP flag-list] [SP date-time] SP append-data (RFC 3502 §6.3.11)"""
    cursor.space()
    flags: tuple[bytes, ...] = ()
    at = None
    if cursor.peek(b"("):
        flags = cursor.take_flag_list()
        cursor.space()
    if cursor.peek(b'"'):
        at = _take_date_time(cursor)
        cursor.space()
    catenate = _CATENATE(cursor.text, cursor.at)
    if catenate is not None:
        cursor.at = catenate.end()
        return NewMessage(flags, at, _take_parts(cursor))
    utf8 = cursor.text[cursor.at : cursor.at + 6].upper() == b"UTF8 ("  # RFC 6855 §4
    if utf8:
        cursor.at += 6
        return NewMessage(flags, at, (_take_utf8(cursor),), True)
    return NewMessage(flags, at, (_take_message(cursor),))


def _take_message(cursor: Cursor) -> Literal:
    """literal / literal8"""
    cursor.skip(b"~")
    if not cursor.skip(SLOT):
        raise ParseFault("the message is a literal")
    return cursor.take_literal()


def _take_utf8(cursor: Cursor) -> Literal:
    """literal8 ")" """
    if not cursor.peek(b"~"):
        raise ParseFault("UTF8 takes a literal8")
    message = _take_message(cursor)
    _close(cursor)
    return message


def _take_parts(cursor: Cursor) -> tuple[Literal | Url, ...]:
    """cat-part *(SP cat-part) ")": TEXT SP literal, URL SP astring (RFC 4469 §5), UTF8 SP "(" literal8 ")" """
    parts: list[Literal | Url] = []
    while True:
        word = cursor.take_word()
        if word == b"TEXT":
            cursor.space()
            parts.append(_take_message(cursor))
        elif word == b"URL":
            parts.append(Url(cursor.next_astring()))
        elif word == b"UTF8":
            cursor.space()
            cursor.expect(b"(")
            parts.append(_take_utf8(cursor))
        else:
            raise ParseFault("TEXT or URL expected")
        if (cursor.so_far and cursor.at == len(cursor.text)) or cursor.skip(b")"):
            return tuple(parts)
        cursor.space()


def _close(cursor: Cursor) -> None:
    """ ")", or the end of what has come so far."""
    if not (cursor.so_far and cursor.at == len(cursor.text)):
        cursor.expect(b")")


def _take_date_time(cursor: Cursor) -> int:
    m = _DATE_TIME(cursor.text, cursor.at)
    if m is None:
        raise ParseFault("date-time expected")
    if m[1][1:2] == b"-":  # date-day-fixed has two places
        cursor.quirk(Quirk.SHORT_DAY, "a day has two places")
    cursor.at = m.end()
    return parse_date_time(m[1])
