"""SEARCH keys compiled: what is read of each message, and a judge that says yes, no, or "read more".

The judge is asked with the narrow columns of a message first, then with more and more costly ones, as long as it does
not know. So the body is read of those messages alone that nothing cheaper decides, however the keys are nested. What
all results must be (flags, a set of UIDs) is taken out of the tree, so the store can leave the others out.

Standards: RFC 9051 §6.4.4; RFC 3501 §6.4.4 (NEW, OLD, RECENT); RFC 5032; RFC 7162 §3.1.5; RFC 8474 §5.3; RFC 8514 §4.3.
           RFC 9051 §6.4.4 over §2.3.1.2: a message number that does not exist matches nothing; asking is no fault.
Faults:    none.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from posthaus.mail import uidset
from posthaus.mail.casemap import casemap
from posthaus.mail.flag import bit_of
from posthaus.mail.stem import Query
from posthaus.mail.text import searched
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import key
from posthaus.proto.imap.key import Clock, Key, Order
from posthaus.serve.imap.searchtext import SUBJECT_COLUMNS, Needle, is_kept
from posthaus.store.textindex import NEEDLE_CHARACTERS, NOTHING_KNOWN, Candidates

Judge = Callable[[Sequence[Any]], bool | None]

_EPOCH_DAY = 719_163  # ordinal of 1-Jan-1970
_DAY_S = 86_400


class Level(IntEnum):
    """What is read of a message besides its narrow columns, cheapest first."""

    FACTS = 1  # searchtext.Facts
    HEAD = 2  # searchtext.Head
    TEXT = 3  # mail.text.Text or Kept


@dataclass(frozen=True, slots=True)
class Scope:
    """What the keys mean in this session."""

    numbers: Callable[[key.Numbers], Ranges]  # message numbers as UIDs
    uids: Callable[[key.Uids], Ranges]
    keywords: Mapping[str, int]  # lower-case name -> bit
    recent_from: int | None  # None: nothing is \\Recent
    now: int
    candidates: Candidates = NOTHING_KNOWN  # of the needles that the index was asked for


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled search. A row is the narrow columns and then one value of each level, as far as it is read."""

    within: Ranges | None  # all results are of these UIDs; None: no such limit
    mask: int  # of all results, flags & mask are value
    value: int
    columns: tuple[str, ...]  # the UID first
    levels: tuple[Level, ...]
    judge: Judge | None  # None: the above says it all
    only: tuple[frozenset[int], int] | None = None  # all results are of these messages, or have an id above the number
    subject: str = ""  # all results have this in a subject, folded; SUBJECT_COLUMNS are read with it

    @property
    def is_all(self) -> bool:
        """Nothing is asked for: every message is a result."""
        return self.within is None and self.judge is None and not self.mask


# -- taking out what all results must be ---------------------------------------------------------------------------


def compile_search(search: Key, scope: Scope, *, also: tuple[str, ...] = ()) -> Plan:
    """`also` names narrow columns that the caller wants besides."""
    within: Ranges | None = None
    mask = value = 0
    rest: list[Key] = []
    for one in _conjuncts(search):
        bits = _flag_bits(one, scope)
        if bits is not None and not mask & bits[0] & (value ^ bits[1]):
            mask |= bits[0]
            value |= bits[1]
        elif isinstance(one, key.Numbers | key.Uids):
            uids = _uids(one, scope)
            within = uids if within is None else uidset.intersect(within, uids)
        elif not isinstance(one, key.All):
            rest.append(one)
    subject = next((casemap(one.text) for one in rest if isinstance(one, key.Header) and one.field == "subject"), "")
    maker = _Maker(rest, scope, (*also, *SUBJECT_COLUMNS) if subject else also)
    judge = maker.make(key.And(tuple(rest))) if rest else None
    return Plan(within, mask, value, maker.columns, maker.levels, judge, _only(rest, scope.candidates), subject)


def needles(search: Key) -> list[str]:
    """Folded texts that are looked for anywhere in the tree and are long enough for the index."""
    return list(dict.fromkeys([text for one in key.leaves(search) if (text := needle_of(one))]))


def needle_of(one: Key) -> str:
    """ "" for a key that the index knows nothing of."""
    if isinstance(one, key.Fuzzy):
        text = max(Query(casemap(one.key.text)).roots, key=len, default="")
    else:
        text = casemap(one.text) if isinstance(one, key.Header | key.Body | key.Anywhere) else ""
    return text if len(text) >= NEEDLE_CHARACTERS else ""


def _only(keys: Sequence[Key], candidates: Candidates) -> tuple[frozenset[int], int] | None:
    """What the index says of all results together."""
    known = [found for one in keys if (found := candidates.messages.get(needle_of(one))) is not None]
    return (frozenset.intersection(*known), candidates.upto) if known else None


def _conjuncts(search: Key) -> list[Key]:
    if isinstance(search, key.And):
        return [inner for one in search.keys for inner in _conjuncts(one)]
    return [search]


def _flag_bits(one: Key, scope: Scope) -> tuple[int, int] | None:
    """(mask, value) of a key that asks for one flag, or for its absence."""
    asked = one.key if isinstance(one, key.Not) else one
    if not isinstance(asked, key.Flagged):
        return None
    bit = _bit(asked, scope)
    return None if bit is None else (1 << bit, 0 if isinstance(one, key.Not) else 1 << bit)


def _bit(asked: key.Flagged, scope: Scope) -> int | None:
    """None for \\Recent, and for a keyword that no message of the mailbox has."""
    bit = bit_of(asked.flag)
    return scope.keywords.get(asked.flag.decode("ascii", "replace").lower()) if bit is None else bit


def _uids(one: key.Numbers | key.Uids, scope: Scope) -> Ranges:
    return scope.numbers(one) if isinstance(one, key.Numbers) else scope.uids(one)


# -- the judge -----------------------------------------------------------------------------------------------------


class _Maker:
    """Finds out first what all the keys read, then makes a function of them."""

    def __init__(self, keys: Sequence[Key], scope: Scope, also: tuple[str, ...]) -> None:
        self._scope = scope
        columns = ["uid", *also]
        levels: set[Level] = set()
        for one in key.leaves(key.And(tuple(keys))):
            need = _need(one)
            if isinstance(need, Level):
                levels.add(need)
            else:
                columns.append(need)
        if Level.TEXT in levels:
            columns += ("size", "message")  # bodies are read by so many octets at once; texts may be kept
        if scope.candidates.messages:
            columns.append("message")
        self.columns = tuple(dict.fromkeys(columns))
        self.levels = tuple(sorted(levels))

    def make(self, one: Key) -> Judge:
        if isinstance(one, key.And):
            return _every([self.make(inner) for inner in self._cheapest_first(one.keys)])
        if isinstance(one, key.Or):
            return _any([self.make(inner) for inner in self._cheapest_first(one.keys)])
        if isinstance(one, key.Not):
            return _not(self.make(one.key))
        return self._leaf(one)

    def _cheapest_first(self, keys: Sequence[Key]) -> list[Key]:
        return sorted(keys, key=_cost)

    def _at(self, need: str | Level) -> int:
        if isinstance(need, Level):
            return len(self.columns) + self.levels.index(need)
        return self.columns.index(need)

    def _leaf(self, one: Key) -> Judge:
        text = needle_of(one)
        possible = self._scope.candidates.messages.get(text) if text else None
        judge = self._plain_leaf(one)
        return judge if possible is None else self._indexed(judge, possible)

    def _indexed(self, judge: Judge, possible: Set[int]) -> Judge:
        """No without reading anything for what the index leaves out."""
        message, upto = self._at("message"), self._scope.candidates.upto
        return lambda row: judge(row) if row[message] > upto or row[message] in possible else False

    def _plain_leaf(self, one: Key) -> Judge:
        at = self._at(_need(one))
        scope = self._scope
        match one:
            case key.Numbers() | key.Uids():
                return _in(at, _uids(one, scope))
            case key.Flagged():
                return self._flagged(at, one)
            case key.Header():
                name, needle = one.field.encode("ascii"), Needle.of(one.text)
                return lambda row: None if len(row) <= at else row[at].holds(name, needle)
            case key.Body() | key.Anywhere():
                text, anywhere = casemap(one.text), isinstance(one, key.Anywhere)
                return lambda row: None if len(row) <= at else row[at].holds(text, anywhere=anywhere)
            case key.Fuzzy():
                return _fuzzy(at, one.key, self)
            case key.Dated():
                return _dated(at, one)
            case key.Younger():
                oldest = scope.now - one.seconds
                return lambda row: row[at] >= oldest
            case key.Larger():
                octets = one.octets
                return lambda row: row[at] > octets
            case key.Smaller():
                octets = one.octets
                return lambda row: row[at] < octets
            case key.ModSeq():
                modseq = one.modseq
                return lambda row: row[at] >= modseq
            case key.EmailId():
                identity = one.identity
                return lambda row: b"M%d" % row[at] == identity
            case key.ThreadId():
                return lambda row: False  # THREADID is NIL for all
            case _:
                return lambda row: True  # ALL; SAVEDATESUPPORTED, for all mailboxes keep save dates

    def _flagged(self, at: int, one: key.Flagged) -> Judge:
        bit = _bit(one, self._scope)
        if bit is not None:
            mask = 1 << bit
            return lambda row: row[at] & mask != 0
        recent_from = self._scope.recent_from
        if one.flag == b"\\Recent" and recent_from is not None:
            first = recent_from
            return lambda row: row[0] >= first
        return lambda row: False


def _need(one: Key) -> str | Level:
    """The column or level that a leaf looks at."""
    match one:
        case key.Fuzzy():
            return _need(one.key)
        case key.Header():
            return Level.FACTS if is_kept(one.field.encode("ascii")) else Level.HEAD
        case key.Body() | key.Anywhere():
            return Level.TEXT
        case key.Dated():
            return Level.FACTS if one.clock is Clock.SENT else "saved" if one.clock is Clock.SAVED else "received"
        case key.Flagged():
            return "flags"
        case key.Younger():
            return "received"
        case key.Larger() | key.Smaller():
            return "size"
        case key.ModSeq():
            return "modseq"
        case key.EmailId():
            return "message"
        case _:
            return "uid"


def _fuzzy(at: int, one: key.Header | key.Body | key.Anywhere, maker: _Maker) -> Judge:
    query = Query(casemap(one.text))
    if not query:
        return maker._plain_leaf(one)
    if isinstance(one, key.Header):
        name = one.field.encode("ascii")
        return lambda row: None if len(row) <= at else row[at].matches(name, query)
    anywhere = isinstance(one, key.Anywhere)
    return lambda row: None if len(row) <= at else query.matches(searched(row[at].whole, anywhere=anywhere))


def _cost(one: Key) -> int:
    """The most costly level below."""
    if isinstance(one, key.Not):
        return _cost(one.key)
    if isinstance(one, key.And | key.Or):
        return max(map(_cost, one.keys), default=0)
    need = _need(one)
    return int(need) if isinstance(need, Level) else 0


def _every(judges: list[Judge]) -> Judge:
    if len(judges) == 1:
        return judges[0]

    def every(row: Sequence[Any]) -> bool | None:
        known: bool | None = True
        for judge in judges:
            says = judge(row)
            if says is False:
                return False
            if says is None:
                known = None
        return known

    return every


def _any(judges: list[Judge]) -> Judge:
    def some(row: Sequence[Any]) -> bool | None:
        known: bool | None = False
        for judge in judges:
            says = judge(row)
            if says:
                return True
            if says is None:
                known = None
        return known

    return some


def _not(judge: Judge) -> Judge:
    def other(row: Sequence[Any]) -> bool | None:
        says = judge(row)
        return None if says is None else not says

    return other


def _in(at: int, uids: Ranges) -> Judge:
    if len(uids) == 1:
        ((low, high),) = uids
        return lambda row: low <= row[at] <= high
    starts = [low for low, _ in uids]
    ends = [high for _, high in uids]

    def contains(row: Sequence[Any]) -> bool:
        i = bisect_right(starts, row[at]) - 1
        return i >= 0 and row[at] <= ends[i]

    return contains


def _dated(at: int, one: key.Dated) -> Judge:
    """INTERNALDATE is rendered in UTC, so its day is that of UTC."""
    day, order = one.day.toordinal() - _EPOCH_DAY, one.order
    if one.clock is Clock.SENT:
        return lambda row: None if len(row) <= at else row[at].is_sent(order, day)
    begin, end = day * _DAY_S, (day + 1) * _DAY_S
    if order is Order.BEFORE:
        return lambda row: row[at] < begin
    if order is Order.SINCE:
        return lambda row: row[at] >= begin
    return lambda row: begin <= row[at] < end
