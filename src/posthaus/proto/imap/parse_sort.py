"""Reading SORT and THREAD: what to order by, then a search program as SEARCH has it.

Standards: RFC 5256 §3, §5; RFC 5957 §3 (DISPLAYFROM, DISPLAYTO); RFC 5267 §3.2 (RETURN), §4.3.5, §5.
Faults:    ParseFault; NO [BADCHARSET ...] for a charset that we cannot read.
"""

from posthaus.base.limit import IMAP_SORT_KEYS
from posthaus.proto.imap.command import CancelUpdate, Sort, SortKey, Thread
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.key import count_fuzzy
from posthaus.proto.imap.parse_search import check_relevancy, skip_returns, take_charset, take_program
from posthaus.proto.imap.token import Cursor

ORDERS = frozenset(
    {b"ARRIVAL", b"CC", b"DATE", b"FROM", b"SIZE", b"SUBJECT", b"TO", b"DISPLAYFROM", b"DISPLAYTO", b"RELEVANCY"}
)
ALGORITHMS = frozenset({b"ORDEREDSUBJECT", b"REFERENCES", b"REFS"})


def parse_sort(cursor: Cursor, tag: bytes, uid: bool) -> Sort:
    """sort = ["UID" SP] "SORT" [search-return-opts] SP sort-criteria SP search-criteria"""
    cursor.space()
    returns, partial, attributes = skip_returns(cursor)
    keys = _take_keys(cursor)
    cursor.space()
    codec = take_charset(cursor)
    cursor.space()
    key, has_modseq = take_program(cursor, codec)
    check_relevancy(key, returns)
    if any(one.name == b"RELEVANCY" for one in keys) and not count_fuzzy(key):
        raise ParseFault("RELEVANCY needs FUZZY")  # RFC 6203 §5
    return Sort(tag, uid, keys, key, returns, has_modseq, partial, attributes)


def _take_keys(cursor: Cursor) -> tuple[SortKey, ...]:
    """sort-criteria = "(" sort-criterion *(SP sort-criterion) ")" """
    cursor.expect(b"(")
    keys: list[SortKey] = []
    while True:
        word = cursor.take_word()
        is_reverse = word == b"REVERSE"
        if is_reverse:
            cursor.space()
            word = cursor.take_word()
        if word not in ORDERS:
            raise ParseFault("no such SORT key")
        keys.append(SortKey(word, is_reverse))
        if len(keys) > IMAP_SORT_KEYS:
            raise ParseFault("too many SORT keys")
        if cursor.skip(b")"):
            return tuple(keys)
        cursor.space()


def parse_cancel_update(cursor: Cursor, tag: bytes, uid: bool) -> CancelUpdate:
    """cancelupdate = "CANCELUPDATE" 1*(SP quoted)"""
    tags: list[bytes] = []
    while not tags or cursor.more():
        cursor.space()
        tags.append(cursor.take_string())
    cursor.end()
    return CancelUpdate(tag, tuple(tags))


def parse_thread(cursor: Cursor, tag: bytes, uid: bool) -> Thread:
    """thread = ["UID" SP] "THREAD" SP thread-alg SP search-criteria"""
    algorithm = cursor.next_atom().upper()
    if algorithm not in ALGORITHMS:
        raise ParseFault("no such THREAD algorithm")
    cursor.space()
    codec = take_charset(cursor)
    cursor.space()
    key, _ = take_program(cursor, codec)
    return Thread(tag, uid, algorithm, key)
