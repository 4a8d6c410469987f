"""Reading SEARCH: options, charset, and the tree of keys, without recursion.

Openers (parenthesis, NOT, OR) go on a stack, and each finished key falls through it as far as it completes what is
open. Parentheses and NOT are bounded together, keys and OR together, and OR of OR is made flat; so no tree is deeper
than twice IMAP_NESTING.

Standards: RFC 9051 §6.4.4, RFC 4731 §3.1, RFC 5032 §3, RFC 5182 §2, RFC 7162 §3.1.5, RFC 8474 §5.3, RFC 8514 §4.3,
           RFC 5267 §5, RFC 5465 §7, RFC 5466 §4, RFC 6203 §6, RFC 7377 §4, RFC 9394 §3.1, RFC 9738 §3.2.
Faults:    ParseFault; NO [BADCHARSET ...] for a charset that we cannot read.
"""

import re
from collections.abc import Callable

from posthaus.base.limit import IMAP_COMMAND_OCTETS, IMAP_FUZZY_KEYS, IMAP_NESTING, IMAP_NOTIFY_GROUPS, IMAP_SEARCH_KEYS
from posthaus.proto.imap.code import LIMIT, bad_charset
from posthaus.proto.imap.command import MultiSearch, Search
from posthaus.proto.imap.date import parse_date
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.framing import Frame, Framing
from posthaus.proto.imap.framing import Header as LiteralHeader
from posthaus.proto.imap.key import (
    All,
    Anywhere,
    Body,
    Clock,
    Dated,
    EmailId,
    Filter,
    Flagged,
    Header,
    Key,
    Larger,
    ModSeq,
    Not,
    Numbers,
    Order,
    Return,
    SaveDateSupported,
    Smaller,
    ThreadId,
    Uids,
    Younger,
    count_fuzzy,
    either,
    every,
    fuzzy,
    negate,
)
from posthaus.proto.imap.mailboxfilter import MailboxFilter, Which, take_filter
from posthaus.proto.imap.number import MAX_NUMBER, SequenceSet, parse_set
from posthaus.proto.imap.partial import Partial, take_partial
from posthaus.proto.imap.section import Attribute, take_attributes
from posthaus.proto.imap.token import ATOM_CHAR, Cursor

CHARSETS = {
    "US-ASCII": "ascii",
    "UTF-8": "utf-8",
    "ISO-8859-1": "latin-1",
    "ISO-8859-2": "iso8859-2",
    "ISO-8859-15": "iso8859-15",
    "ISO-2022-JP": "iso2022_jp",
    "WINDOWS-1251": "cp1251",
    "WINDOWS-1252": "cp1252",
    "KOI8-R": "koi8-r",
    "SHIFT_JIS": "shift_jis",
    "EUC-JP": "euc_jp",
    "EUC-KR": "euc_kr",
    "GB2312": "gb2312",
    "GBK": "gbk",
    "GB18030": "gb18030",
    "BIG5": "big5",
}
_BAD_CHARSET = bad_charset(CHARSETS)
_OBJECT_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}").fullmatch
_WHICH = (Return.ALL, Return.PARTIAL)
FILTER_NAME = re.compile(rb"(?:(?!/)" + ATOM_CHAR + rb")++").fullmatch  # RFC 5466 §4
_SOURCES = frozenset(Which) - {Which.SELECTED_DELAYED}
_SET_START = re.compile(rb"[0-9*$]").match


def parse_search(cursor: Cursor, tag: bytes, uid: bool) -> Search:
    """search = "SEARCH" [search-return-opts] SP search-program"""
    cursor.space()
    returns, partial, attributes = skip_returns(cursor)
    codec = "utf-8"  # RFC 9051 §6.4.4; RFC 3501 says US-ASCII, of which it is the extension
    if skip_word(cursor, b"CHARSET"):
        codec = take_charset(cursor)
        cursor.space()
    key, has_modseq = take_program(cursor, codec)
    check_relevancy(key, returns)
    return Search(tag, uid, key, returns, has_modseq, partial, attributes)


def parse_esearch(cursor: Cursor, tag: bytes, uid: bool) -> MultiSearch:
    """esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program"""
    cursor.space()
    filters: tuple[MailboxFilter, ...] = ()
    if skip_word(cursor, b"IN"):
        filters = _take_sources(cursor)
        cursor.space()
    returns, partial, _ = skip_returns(cursor)
    codec = "utf-8"
    if skip_word(cursor, b"CHARSET"):
        codec = take_charset(cursor)
        cursor.space()
    key, has_modseq = take_program(cursor, codec)
    check_relevancy(key, returns)
    return MultiSearch(tag, filters, key, returns or frozenset({Return.ALL}), has_modseq, partial)


def _take_sources(cursor: Cursor) -> tuple[MailboxFilter, ...]:
    """ "(" filter-mailboxes *(SP filter-mailboxes) ")"; RFC 7377 §4 has no scope option to go with them"""
    cursor.expect(b"(")
    filters = [take_filter(cursor, _SOURCES)]
    while not cursor.skip(b")"):
        cursor.space()
        filters.append(take_filter(cursor, _SOURCES))
        if len(filters) > IMAP_NOTIFY_GROUPS:
            raise ParseFault("too many filters of mailboxes", code=LIMIT)
    return tuple(filters)


def parse_stored(octets: bytes) -> tuple[Key, bool]:
    """A search that is kept under a name, with its literals: the key, and whether MODSEQ is in it."""
    framing = Framing()
    framing.receive(octets + b"\r\n")
    while isinstance(piece := framing.next(IMAP_COMMAND_OCTETS), LiteralHeader):
        framing.keep()
    if not isinstance(piece, Frame) or isinstance(framing.next(IMAP_COMMAND_OCTETS), Frame):
        raise ParseFault("not one search")
    cursor = Cursor(piece.text, piece.literals, utf8=True)
    codec = "utf-8"
    if skip_word(cursor, b"CHARSET"):
        codec = take_charset(cursor)
        cursor.space()
    return take_program(cursor, codec)


def take_program(cursor: Cursor, codec: str) -> tuple[Key, bool]:
    """The keys, up to the end of the command, and whether MODSEQ is one of them."""
    reader = _Reader(cursor, codec)
    key = reader.read()
    if count_fuzzy(key) > IMAP_FUZZY_KEYS:
        raise ParseFault("too many FUZZY keys", code=LIMIT)
    cursor.end()
    return key, reader.has_modseq


def check_relevancy(key: Key, returns: frozenset[Return] | None) -> None:
    """RFC 6203 §4: only what is fuzzy is more or less relevant."""
    if returns is not None and Return.RELEVANCY in returns and not count_fuzzy(key):
        raise ParseFault("RELEVANCY needs FUZZY")


def skip_word(cursor: Cursor, word: bytes) -> bool:
    """Step over the word and its space, if it stands here."""
    size = len(word)
    if cursor.text[cursor.at : cursor.at + size + 1].upper() != word + b" ":
        return False
    cursor.at += size
    cursor.space()
    return True


def skip_returns(cursor: Cursor) -> tuple[frozenset[Return] | None, Partial | None, tuple[Attribute, ...]]:
    """search-return-opts = "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP, if it stands here"""
    if not skip_word(cursor, b"RETURN"):
        return None, None, ()
    cursor.expect(b"(")
    returns: list[Return] = []
    partial = None
    attributes: tuple[Attribute, ...] = ()
    while not cursor.skip(b")"):
        if returns:
            cursor.space()
        returns.append(_take_return(cursor))
        if returns[-1] is Return.PARTIAL:
            cursor.space()
            partial = take_partial(cursor)
        elif returns[-1] is Return.UPDATE and (cursor.peek(b" (") or cursor.peek(b"(")):
            cursor.space()
            attributes = take_attributes(cursor)  # RFC 5465 §7
    if sum(one in _WHICH for one in returns) > 1:
        raise ParseFault("one PARTIAL, or one ALL")  # RFC 9394 §3.1
    cursor.space()
    return frozenset(returns) or frozenset({Return.ALL}), partial, attributes  # RFC 4731 §3.1: () is ALL


def _take_return(cursor: Cursor) -> Return:
    try:
        return Return(cursor.take_word())
    except ValueError as e:
        raise ParseFault("no such SEARCH return option") from e


def take_charset(cursor: Cursor) -> str:
    name = cursor.take_astring().decode("ascii", "replace").upper()
    codec = CHARSETS.get(name)
    if codec is None:
        raise ParseFault("no such charset here", code=_BAD_CHARSET, bad=False)
    return codec


class _Reader:
    """Reads one search program."""

    __slots__ = ("codec", "cursor", "has_modseq", "keys", "nesting")

    def __init__(self, cursor: Cursor, codec: str) -> None:
        self.cursor = cursor
        self.codec = codec
        self.keys = 0  # leaves and ORs so far
        self.nesting = 0  # parentheses and NOTs that are open
        self.has_modseq = False

    def read(self) -> Key:
        """search-key *(SP search-key); trailing space is left standing."""
        cursor = self.cursor
        opened: list[tuple[bytes, list[Key]]] = [(b"", [])]  # what is open, and the keys it has so far
        while True:
            opener = self._take_opener()
            if opener:
                opened.append((opener, []))
                continue
            key = self._close(opened, self._take_leaf())
            if key is not None:
                return key
            cursor.space()

    def _close(self, opened: list[tuple[bytes, list[Key]]], key: Key) -> Key | None:
        """Let a finished key fall through the stack; the whole program where it reaches the bottom and the end."""
        cursor = self.cursor
        while True:
            kind, keys = opened[-1]
            keys.append(key)
            if kind == b"FUZZY":
                key = fuzzy(key)
                self.nesting -= 1
            elif kind == b"NOT":
                key = negate(key)
                self.nesting -= 1
            elif kind == b"OR" and len(keys) == 2:
                key = either(keys[0], keys[1])
            elif kind == b"(" and cursor.skip(b")"):
                key = every(keys)
                self.nesting -= 1
            elif not kind and not cursor.more():
                return every(keys)
            else:
                return None
            opened.pop()

    def _take_opener(self) -> bytes:
        cursor = self.cursor
        if skip_word(cursor, b"OR"):
            self._count()
            return b"OR"
        opener = b"(" if cursor.skip(b"(") else b""
        for word in (b"NOT", b"FUZZY"):
            if not opener and skip_word(cursor, word):
                opener = word
        if opener:
            self.nesting += 1
            if self.nesting > IMAP_NESTING:
                raise ParseFault("nested too deeply", code=LIMIT)
        return opener

    def _take_leaf(self) -> Key:
        cursor = self.cursor
        self._count()
        if _SET_START(cursor.text, cursor.at):
            return Numbers(parse_set(cursor.take_set()))
        word = cursor.take_word()
        key = _BARE.get(word)
        if key is not None:
            return key
        field = _FIELDS.get(word)
        if field is not None:
            return Header(field, self.next_text())
        read = _READ.get(word)
        if read is None:
            raise ParseFault("no such SEARCH key")
        return read(self)

    def _count(self) -> None:
        self.keys += 1
        if self.keys > IMAP_SEARCH_KEYS:
            raise ParseFault("too many SEARCH keys", code=LIMIT)

    # -- arguments ------------------------------------------------------------------------------------------------

    def next_text(self) -> str:
        """SP astring, in the charset."""
        octets = self.cursor.next_astring()
        try:
            return octets.decode(self.codec)
        except UnicodeDecodeError as e:
            raise ParseFault("the string is not in that charset") from e

    def next_number(self) -> int:
        self.cursor.space()
        return self.cursor.take_number()

    def next_interval(self) -> int:
        """interval = nz-number"""
        seconds = self.next_number()
        if not 0 < seconds <= MAX_NUMBER:
            raise ParseFault("an interval is above 0")
        return seconds

    def next_object_id(self) -> bytes:
        identity = self.cursor.next_astring()
        if _OBJECT_ID(identity) is None:
            raise ParseFault("not an object id")
        return identity


def _read_header(reader: _Reader) -> Key:
    """ "HEADER" SP header-fld-name SP astring"""
    name = reader.cursor.next_astring()
    if not name or not name.isascii():
        raise ParseFault("no name of a header field")
    return Header(name.decode("ascii").lower(), reader.next_text())


def _read_uid(reader: _Reader) -> Key:
    reader.cursor.space()
    return Uids(parse_set(reader.cursor.take_set()))


def _next_uid(reader: _Reader) -> int:
    uid = reader.next_number()
    if not 0 < uid <= MAX_NUMBER:
        raise ParseFault("not a UID")
    return uid


def _read_uid_after(reader: _Reader) -> Key:
    """ "UIDAFTER" SP uniqueid: above it, though "*" be below (RFC 9738 §3.2)"""
    uid = _next_uid(reader)
    return Uids(SequenceSet(((uid + 1, MAX_NUMBER),))) if uid < MAX_NUMBER else Not(All())


def _read_uid_before(reader: _Reader) -> Key:
    """ "UIDBEFORE" SP uniqueid"""
    uid = _next_uid(reader)
    return Uids(SequenceSet(((1, uid - 1),))) if uid > 1 else Not(All())


def _read_modseq(reader: _Reader) -> Key:
    """search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer"""
    cursor = reader.cursor
    cursor.space()
    if cursor.peek(b'"'):
        cursor.take_astring()
        if cursor.next_atom().upper() not in (b"PRIV", b"SHARED", b"ALL"):
            raise ParseFault("no such entry type")
        cursor.space()
    reader.has_modseq = True
    return ModSeq(cursor.take_number())


def _read_filter(reader: _Reader) -> Key:
    """ "FILTER" SP filter-name"""
    name = reader.cursor.next_atom()
    if FILTER_NAME(name) is None:
        raise ParseFault("no name of a filter")
    return Filter(name.decode("ascii").lower())


def _dated(clock: Clock, order: Order) -> Callable[[_Reader], Key]:
    return lambda reader: Dated(clock, order, parse_date(reader.cursor.next_astring()))


_SEEN, _RECENT = Flagged(b"\\Seen"), Flagged(b"\\Recent")
_BARE: dict[bytes, Key] = {
    b"ALL": All(),
    b"ANSWERED": Flagged(b"\\Answered"),
    b"DELETED": Flagged(b"\\Deleted"),
    b"DRAFT": Flagged(b"\\Draft"),
    b"FLAGGED": Flagged(b"\\Flagged"),
    b"RECENT": _RECENT,
    b"SEEN": _SEEN,
    b"UNANSWERED": Not(Flagged(b"\\Answered")),
    b"UNDELETED": Not(Flagged(b"\\Deleted")),
    b"UNDRAFT": Not(Flagged(b"\\Draft")),
    b"UNFLAGGED": Not(Flagged(b"\\Flagged")),
    b"UNSEEN": Not(_SEEN),
    b"OLD": Not(_RECENT),  # RFC 3501 §6.4.4, as NEW
    b"NEW": every([_RECENT, Not(_SEEN)]),
    b"SAVEDATESUPPORTED": SaveDateSupported(),
}
_FIELDS = {b"FROM": "from", b"TO": "to", b"CC": "cc", b"BCC": "bcc", b"SUBJECT": "subject"}
_DATES = {
    prefix + order.name.encode("ascii"): _dated(clock, order)
    for prefix, clock in ((b"", Clock.INTERNAL), (b"SENT", Clock.SENT), (b"SAVED", Clock.SAVED))
    for order in Order
}
_READ: dict[bytes, Callable[[_Reader], Key]] = {
    **_DATES,
    b"BODY": lambda reader: Body(reader.next_text()),
    b"TEXT": lambda reader: Anywhere(reader.next_text()),
    b"HEADER": _read_header,
    b"KEYWORD": lambda reader: Flagged(reader.cursor.next_atom()),
    b"UNKEYWORD": lambda reader: Not(Flagged(reader.cursor.next_atom())),
    b"LARGER": lambda reader: Larger(reader.next_number()),
    b"SMALLER": lambda reader: Smaller(reader.next_number()),
    b"UID": _read_uid,
    b"UIDAFTER": _read_uid_after,
    b"UIDBEFORE": _read_uid_before,
    b"YOUNGER": lambda reader: Younger(reader.next_interval()),
    b"OLDER": lambda reader: Not(Younger(reader.next_interval())),
    b"MODSEQ": _read_modseq,
    b"EMAILID": lambda reader: EmailId(reader.next_object_id()),
    b"FILTER": _read_filter,
    b"THREADID": lambda reader: ThreadId(reader.next_object_id()),
}
