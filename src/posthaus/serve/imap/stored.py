"""Searches that are kept under a name: FILTER stands for the search in the annotation of that name.

The account's own comes before the house's. A filter may lead to further ones; together they stay within what one SEARCH
may ask, so filters that lead in a circle end there too.

Standards: RFC 5466 §3.
Faults:    UndefinedFilter, LimitReached, NamesNumbers.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from posthaus.base import limit
from posthaus.base.error import Refusal
from posthaus.proto.imap import key
from posthaus.proto.imap.command import MultiSearch, Search, Sort, Thread
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.key import Key
from posthaus.proto.imap.parse_search import FILTER_NAME, parse_stored
from posthaus.store import annotation
from posthaus.store.annotation import NO_MAILBOX, PRIVATE, SHARED
from posthaus.store.error import LimitReached
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_VALUES = "/filters/values/"
_DEEPEST = 2 * limit.IMAP_NESTING  # as the grammar lets no tree be deeper, see proto/imap/parse_search.py


class NamesNumbers(Refusal):
    """Message numbers, for a client that has said UIDONLY (RFC 9586 §3.5)."""


class UndefinedFilter(Refusal):
    """No search is kept under this name, or none that can be read."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def is_fit(entry: str, value: bytes) -> bool:
    """May this be kept? Where the entry is no filter, anything may (RFC 5466 §3.2)."""
    if not entry.startswith((PRIVATE + _VALUES, SHARED + _VALUES)):
        return True
    try:
        parse_stored(value)
    except ParseFault:
        return False
    return FILTER_NAME(entry.rpartition("/filters/values/")[2].encode("ascii")) is not None


async def resolve(session: "ImapSession", search_key: Key) -> tuple[Key, bool]:
    """The key with the searches in place of their names, and whether MODSEQ came in with one of them."""
    if not _has_filter(search_key):
        return search_key, False
    found, has_modseq = await session.site.store.read(_resolve, session.account, search_key)
    if key.count_fuzzy(found) > limit.IMAP_FUZZY_KEYS:
        raise LimitReached("fuzzy keys of one search")
    if session.is_uid_only and key.has_numbers(found):
        raise NamesNumbers
    return found, has_modseq


_Searching = TypeVar("_Searching", Search, MultiSearch, Sort, Thread)


async def resolved(session: "ImapSession", command: _Searching) -> _Searching:
    """The command with such a key."""
    search_key, has_modseq = await resolve(session, command.key)
    if search_key is command.key:
        return command
    if isinstance(command, Thread):
        return replace(command, key=search_key)
    return replace(command, key=search_key, has_modseq=command.has_modseq or has_modseq)


def _has_filter(search_key: Key) -> bool:
    return any(isinstance(one, key.Filter) for one in key.leaves(search_key))


async def _resolve(tx: Tx, account: int, search_key: Key) -> tuple[Key, bool]:
    resolver = _Resolver(tx, account)
    return await resolver.resolve(search_key, 0), resolver.has_modseq


class _Resolver:
    """Of one search."""

    __slots__ = ("account", "filters", "has_modseq", "keys", "tx")

    def __init__(self, tx: Tx, account: int) -> None:
        self.tx = tx
        self.account = account
        self.filters = 0  # so far
        self.keys = 0
        self.has_modseq = False

    async def resolve(self, search_key: Key, depth: int) -> Key:
        self.keys += 1
        if depth > _DEEPEST or self.keys > limit.IMAP_SEARCH_KEYS:
            raise LimitReached("keys of one search")
        if isinstance(search_key, key.And):
            return key.And(tuple([await self.resolve(one, depth + 1) for one in search_key.keys]))
        if isinstance(search_key, key.Or):
            return key.Or(tuple([await self.resolve(one, depth + 1) for one in search_key.keys]))
        if isinstance(search_key, key.Not):
            return key.negate(await self.resolve(search_key.key, depth + 1))
        if isinstance(search_key, key.Filter):
            return await self.resolve(await self._find(search_key.name), depth)
        return search_key

    async def _find(self, name: str) -> Key:
        self.filters += 1
        if self.filters > limit.IMAP_FILTERS:
            raise LimitReached("filters of one search")
        for whose in (PRIVATE, SHARED):
            value = await annotation.get(self.tx, self.account, NO_MAILBOX, whose + _VALUES + name)
            if value is not None:
                break
        else:
            raise UndefinedFilter(name)
        try:
            found, has_modseq = parse_stored(value)
        except ParseFault as e:
            raise UndefinedFilter(name) from e  # kept by an older release, or by an admin
        self.has_modseq |= has_modseq
        return found
