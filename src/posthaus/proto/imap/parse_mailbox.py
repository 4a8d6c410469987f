"""Reading the commands about mailboxes: SELECT, CREATE, LIST, STATUS and their like.

Standards: RFC 9051 §6.3, RFC 3501 §6.3, RFC 4466 §2, RFC 5258 §6, RFC 5819 §4, RFC 6154 §6, RFC 7162 §7,
           RFC 9590 §4, RFC 8440 §5.
Faults:    ParseFault.
"""

from collections.abc import Callable
from typing import TypeVar

from posthaus.base.limit import IMAP_LIST_PATTERNS
from posthaus.proto.imap.code import LIMIT
from posthaus.proto.imap.command import (
    Create,
    Delete,
    List,
    Lsub,
    QResync,
    Rename,
    Select,
    Status,
    Subscribe,
    Unsubscribe,
)
from posthaus.proto.imap.command_acl import GetAcl, MyRights
from posthaus.proto.imap.command_quota import GetQuotaRoot
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.number import MAX_NUMBER, SequenceSet, parse_uids
from posthaus.proto.imap.parse_metadata import take_entries
from posthaus.proto.imap.token import Cursor

STATUS_ITEMS = frozenset(
    {
        b"MESSAGES",
        b"RECENT",  # RFC 3501 §6.3.10
        b"UIDNEXT",
        b"UIDVALIDITY",
        b"UNSEEN",
        b"DELETED",
        b"SIZE",  # RFC 8438
        b"HIGHESTMODSEQ",  # RFC 7162 §3.1.7
        b"APPENDLIMIT",  # RFC 7889 §3.2
        b"MAILBOXID",  # RFC 8474 §4.3
        b"DELETED-STORAGE",  # RFC 9208 §4.1.4
    }
)
_SELECTS = frozenset({b"SUBSCRIBED", b"REMOTE", b"RECURSIVEMATCH", b"SPECIAL-USE"})
_BASES = frozenset({b"SUBSCRIBED", b"SPECIAL-USE"})
_RETURNS = frozenset({b"SUBSCRIBED", b"CHILDREN", b"SPECIAL-USE", b"STATUS", b"METADATA", b"MYRIGHTS"})
_Named = TypeVar("_Named", bound=Delete | Subscribe | Unsubscribe | GetQuotaRoot | GetAcl | MyRights)


def named(build: Callable[[bytes, str], _Named]) -> Callable[[Cursor, bytes, bool], _Named]:
    """A parser for a command whose only argument is a mailbox."""

    def parse(cursor: Cursor, tag: bytes, uid: bool) -> _Named:
        mailbox = cursor.next_mailbox()
        cursor.end()
        return build(tag, mailbox)

    return parse


# -- SELECT and EXAMINE --------------------------------------------------------------------------------------------


def parse_select(cursor: Cursor, tag: bytes, uid: bool) -> Select:
    """select = "SELECT" SP mailbox [select-params]"""
    return _parse_select(cursor, tag, read_only=False)


def parse_examine(cursor: Cursor, tag: bytes, uid: bool) -> Select:
    """examine = "EXAMINE" SP mailbox [select-params]"""
    return _parse_select(cursor, tag, read_only=True)


def _parse_select(cursor: Cursor, tag: bytes, *, read_only: bool) -> Select:
    mailbox = cursor.next_mailbox()
    if not cursor.more():
        cursor.end()
        return Select(tag, mailbox, read_only)
    cursor.space()
    cursor.expect(b"(")
    condstore, qresync = False, None
    while True:
        word = cursor.take_word()
        if word == b"CONDSTORE":
            condstore = True
        elif word == b"QRESYNC" and qresync is None:
            qresync = _take_qresync(cursor)
        else:
            raise ParseFault("no such SELECT parameter")
        if cursor.skip(b")"):
            break
        cursor.space()
    cursor.end()
    return Select(tag, mailbox, read_only, condstore, qresync)


def _take_qresync(cursor: Cursor) -> QResync:
    """SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP "(" known-sequence-set SP known-uid-set ")"] ")" """
    cursor.space()
    cursor.expect(b"(")
    uidvalidity = cursor.take_number()
    cursor.space()
    modseq = cursor.take_number()
    if not 0 < uidvalidity <= MAX_NUMBER or modseq == 0:
        raise ParseFault("UIDVALIDITY and MODSEQ are above 0")
    known, match = None, None
    if not cursor.skip(b")"):
        cursor.space()
        if not cursor.peek(b"("):
            known = parse_uids(cursor.take_set())
            if not cursor.peek(b")"):
                cursor.space()
        if cursor.peek(b"("):
            match = _take_match(cursor)
        cursor.expect(b")")
    return QResync(uidvalidity, modseq, known, match)


def _take_match(cursor: Cursor) -> tuple[SequenceSet, SequenceSet]:
    cursor.expect(b"(")
    numbers = parse_uids(cursor.take_set())
    cursor.space()
    uids = parse_uids(cursor.take_set())
    cursor.expect(b")")
    return numbers, uids


# -- CREATE, RENAME, STATUS ----------------------------------------------------------------------------------------


def parse_create(cursor: Cursor, tag: bytes, uid: bool) -> Create:
    """create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]"""
    mailbox = cursor.next_name()
    special_use: tuple[bytes, ...] = ()
    if cursor.more():
        cursor.space()
        cursor.expect(b"(")
        if cursor.take_word() != b"USE":
            raise ParseFault("no such CREATE parameter")
        cursor.space()
        special_use = cursor.take_flag_list()
        cursor.expect(b")")
    if any(not use.startswith(b"\\") for use in special_use):
        raise ParseFault("a special use begins with a backslash")
    cursor.end()
    return Create(tag, mailbox, special_use)


def parse_rename(cursor: Cursor, tag: bytes, uid: bool) -> Rename:
    """rename = "RENAME" SP mailbox SP mailbox"""
    mailbox = cursor.next_mailbox()
    to = cursor.next_mailbox()
    cursor.end()
    return Rename(tag, mailbox, to)


def parse_status(cursor: Cursor, tag: bytes, uid: bool) -> Status:
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" """
    mailbox = cursor.next_mailbox()
    cursor.space()
    items = _take_status_items(cursor)
    cursor.end()
    return Status(tag, mailbox, items)


def _take_status_items(cursor: Cursor) -> tuple[bytes, ...]:
    items = _take_words(cursor, STATUS_ITEMS, "no such STATUS item")
    if not items:
        raise ParseFault("which STATUS items?")
    return items


def _take_words(cursor: Cursor, known: frozenset[bytes], text: str) -> tuple[bytes, ...]:
    """ "(" [atom *(SP atom)] ")", each of them known, each once."""
    cursor.expect(b"(")
    words: list[bytes] = []
    while not cursor.skip(b")"):
        if words:
            cursor.space()
        word = cursor.take_word()
        if word not in known:
            raise ParseFault(text)
        words.append(word)
    return tuple(dict.fromkeys(words))


# -- LIST and LSUB -------------------------------------------------------------------------------------------------


def parse_lsub(cursor: Cursor, tag: bytes, uid: bool) -> Lsub:
    """lsub = "LSUB" SP mailbox SP list-mailbox"""
    reference = cursor.next_name()
    cursor.space()
    pattern = cursor.take_list_mailbox()
    cursor.end()
    return Lsub(tag, reference, pattern)


def parse_list(cursor: Cursor, tag: bytes, uid: bool) -> List:
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]"""
    selects: tuple[bytes, ...] = ()
    extended = cursor.peek(b" (")
    if extended:
        cursor.space()
        selects = _take_words(cursor, _SELECTS, "no such LIST selection option")
        if b"RECURSIVEMATCH" in selects and not _BASES.intersection(selects):
            raise ParseFault("RECURSIVEMATCH needs another option")  # RFC 5258 §3.1
    reference = cursor.next_name()
    cursor.space()
    several = cursor.peek(b"(")
    patterns = _take_patterns(cursor) if several else (cursor.take_list_mailbox(),)
    returns: tuple[bytes, ...] = ()
    status: tuple[bytes, ...] = ()
    metadata: tuple[str, ...] = ()
    if cursor.more():
        returns, status, metadata = _take_returns(cursor)
        extended = True
    cursor.end()
    return List(tag, reference, patterns, frozenset(selects), frozenset(returns), status, extended or several, metadata)


def _take_patterns(cursor: Cursor) -> tuple[str, ...]:
    """patterns = "(" list-mailbox *(SP list-mailbox) ")" """
    cursor.expect(b"(")
    patterns = [cursor.take_list_mailbox()]
    while not cursor.skip(b")"):
        cursor.space()
        patterns.append(cursor.take_list_mailbox())
        if len(patterns) > IMAP_LIST_PATTERNS:
            raise ParseFault("too many patterns", code=LIMIT)
    return tuple(patterns)


def _take_returns(cursor: Cursor) -> tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[str, ...]]:
    """SP "RETURN" SP "(" [return-option *(SP return-option)] ")", STATUS with its items, METADATA with its entries"""
    if cursor.next_atom().upper() != b"RETURN":
        raise ParseFault("RETURN expected")
    cursor.space()
    cursor.expect(b"(")
    returns: list[bytes] = []
    status: tuple[bytes, ...] = ()
    metadata: tuple[str, ...] = ()
    while not cursor.skip(b")"):
        if returns:
            cursor.space()
        word = cursor.take_word()
        if word not in _RETURNS:
            raise ParseFault("no such LIST return option")
        if word == b"STATUS":
            cursor.space()
            status = _take_status_items(cursor)
        elif word == b"METADATA":
            cursor.space()
            metadata = take_entries(cursor)
        returns.append(word)
    return tuple(returns), status, metadata
