"""SEARCH and UID SEARCH.

Messages are gone through in batches: narrow rows first, then what the judge still wants of those that are left. Between
batches the loop serves others. Only messages that the client knows of are found; one that another session has expunged
is not, though its number still counts.

Standards: RFC 9051 §6.4.4, §7.3.4; RFC 3501 §7.2.5; RFC 4731; RFC 5182 §2; RFC 7162 §3.1.5; RFC 9394 §3.1;
           RFC 5466 §3.1.
           RFC 5182 §2.1 todo: a charset that we cannot read is refused by the engine, and what was saved stays.
Faults:    StoreDown, StoreBusy; UndefinedFilter, LimitReached.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from posthaus.base.error import Trouble
from posthaus.mail import uidset
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import key, render
from posthaus.proto.imap.command import Search
from posthaus.proto.imap.key import Return
from posthaus.serve.imap import searchread, stored
from posthaus.serve.imap.searchmatch import Plan, Scope, compile_search, needles
from posthaus.serve.imap.searchresult import answer_results, enough, highest_told, to_save
from posthaus.serve.imap.view import View
from posthaus.store import search as rows
from posthaus.store.textindex import NOTHING_KNOWN, Candidates
from posthaus.store.tx import Row

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_FLAG_ROWS, _ROWS = 20_000, 2_000  # UIDs looked through at once: by flags alone or few messages, and by more
_WORTH_ASKING = 20  # messages; fewer are read as quickly
_NEEDLES = 20  # of one SEARCH, asked of the index; what is looked for beyond is read for

_Found = dict[int, int]  # UID -> MODSEQ


async def search(session: "ImapSession", command: Search) -> None:
    returns = command.returns
    if returns is None and session.is_rev2:
        returns = frozenset({Return.ALL})  # RFC 9051 §6.4.4: always ESEARCH
    saves = returns is not None and Return.SAVE in returns
    try:
        await _search(session, command, returns)
    except BaseException:
        if saves:
            session.selected.saved = []  # RFC 5182 §2.1
        raise
    session.ok(command.tag, "SEARCH completed")


async def _search(session: "ImapSession", command: Search, returns: frozenset[Return] | None) -> None:
    view = session.selected
    command = await _resolved(session, command)
    plan = await _plan(session, command.key, with_modseq=command.has_modseq)
    if returns is None and plan.judge is None and plan.within is None:
        less = _less(view, uid=command.uid)
        if less is not None:
            await _answer_as_text(session, plan, less)
            return
    most, from_end = enough(returns, command.partial)
    uids, modseqs = await _collect(session, plan, with_modseq=command.has_modseq, most=most, from_end=from_end)
    if returns is not None and Return.SAVE in returns:
        view.saved = to_save(returns, command.partial, uids)
    await _answer(session, command, returns, uids, modseqs)


async def _resolved(session: "ImapSession", command: Search) -> Search:
    search_key, has_modseq = await stored.resolve(session, command.key)
    return (
        command
        if search_key is command.key
        else replace(command, key=search_key, has_modseq=command.has_modseq or has_modseq)
    )


async def find(session: "ImapSession", search_key: key.Key, *, with_modseq: bool) -> tuple[list[int], _Found]:
    """UIDs of all that match, rising, and their MODSEQs where these are asked for."""
    return await _collect(session, await _plan(session, search_key, with_modseq=with_modseq), with_modseq=with_modseq)


async def _plan(session: "ImapSession", search_key: key.Key, *, with_modseq: bool) -> Plan:
    if with_modseq:
        session.want_modseqs()  # RFC 7162 §3.1.5
    return compile_search(search_key, await _scope(session, search_key), also=("modseq",) if with_modseq else ())


async def _collect(
    session: "ImapSession", plan: Plan, *, with_modseq: bool, most: int = 0, from_end: bool = False
) -> tuple[list[int], _Found]:
    """UIDs, rising. most: where this many, the first or the last, are enough, others may be left out."""
    batches: list[list[int]] = []
    total = 0
    modseqs: _Found = {}
    async for found in _found(session, plan, from_end=from_end):
        batches.append([row[0] for row in found])
        total += len(found)
        if with_modseq:
            modseqs.update({row[0]: row[1] for row in found})
        if 0 < most <= total:
            break
    if from_end:
        batches.reverse()
    return list(chain.from_iterable(batches)), modseqs


async def _scope(session: "ImapSession", search_key: key.Key) -> Scope:
    view = session.selected
    if _has_unknown_keyword(search_key, view):
        await session.read_keywords((), force=True)  # another session may have made it
    last = view.uids.last_uid

    def numbers(one: key.Numbers) -> Ranges:
        return view.saved if one.numbers.saved else view.uids.uids_of(one.numbers.resolve(len(view.uids)))

    def uids(one: key.Uids) -> Ranges:
        return view.saved if one.uids.saved else one.uids.resolve(last)

    return Scope(
        numbers,
        uids,
        {name.lower(): bit for bit, name in view.flag_text.keywords.items()},
        None if session.is_rev2 else view.recent_from,
        session.now(),
        await _candidates(session, search_key),
    )


async def _candidates(session: "ImapSession", search_key: key.Key) -> Candidates:
    """What the index knows of the texts that are looked for. Where it cannot be asked, all is read."""
    wanted = needles(search_key)
    if not wanted or len(session.selected.uids) < _WORTH_ASKING:
        return NOTHING_KNOWN
    try:
        return await session.site.index.candidates(session.account, wanted[:_NEEDLES])
    except Trouble as trouble:
        session.site.log.warn("imap.index", fault=type(trouble).__name__, why=trouble)
        return NOTHING_KNOWN


def _has_unknown_keyword(search_key: key.Key, view: View) -> bool:
    known = {name.lower() for name in view.flag_text.keywords.values()}
    waiting = [search_key]
    while waiting:
        one = waiting.pop()
        if isinstance(one, key.And | key.Or):
            waiting.extend(one.keys)
        elif isinstance(one, key.Not):
            waiting.append(one.key)
        elif isinstance(one, key.Flagged) and _is_unknown(one, known):
            return True
    return False


def _is_unknown(one: key.Flagged, known: set[str]) -> bool:
    """A keyword that is neither everybody's nor, as far as we know, the mailbox's."""
    return not one.flag.startswith(b"\\") and one.flag.decode("ascii", "replace").lower() not in known


# -- finding -------------------------------------------------------------------------------------------------------


async def _found(session: "ImapSession", plan: Plan, *, from_end: bool = False) -> AsyncIterator[Sequence[Row]]:
    """Rows of the messages found, batch by batch, UIDs rising in each; the UID is the first column."""
    view, store = session.selected, session.site.store
    is_narrow = plan.judge is None or (plan.only is not None and len(plan.only[0]) <= rows.ONLY_IDS)
    windows = _windows(view, plan.within, _FLAG_ROWS if is_narrow else _ROWS)
    for spans in reversed(list(windows)) if from_end else windows:
        batch = await store.read(rows.narrow, view.mailbox, spans, plan.mask, plan.value, plan.columns, plan.only)
        if plan.judge is not None:
            batch = await searchread.judged(session.site, view.mailbox, plan, plan.judge, batch)
        if batch:
            yield batch
        await asyncio.sleep(0)


def _windows(view: View, within: Ranges | None, at_once: int) -> Iterator[Ranges]:
    """The view in pieces. What lies between its runs is not in the mailbox, so a piece is read as one range."""
    if within is None:
        for piece in uidset.slices(view.uids.ranges(), at_once):
            yield [(piece[0][0], piece[-1][1])]
        return
    yield from uidset.slices([(low, high) for _, low, high in view.uids.pieces(within)], at_once)


# -- answering -----------------------------------------------------------------------------------------------------


def _less(view: View, *, uid: bool) -> int | None:
    """By how much UIDs are above what is told, where it is the same for all."""
    runs = view.uids.ranges() if not uid else []
    return 0 if not runs else runs[0][0] - 1 if len(runs) == 1 else None


async def _answer_as_text(session: "ImapSession", plan: Plan, less: int) -> None:
    """Flags alone, and the plain response: the store writes the numbers."""
    view, words = session.selected, [b"* SEARCH"]
    for ((first, last),) in _windows(view, None, _FLAG_ROWS):
        text = await session.site.store.read(rows.narrow_text, view.mailbox, first, last, plan.mask, plan.value, less)
        if text:
            words.append(text.encode("ascii"))
        await asyncio.sleep(0)
    await session.send(b" ".join(words) + b"\r\n")


async def _answer(
    session: "ImapSession",
    command: Search,
    returns: frozenset[Return] | None,
    uids: list[int],
    modseqs: _Found,
) -> None:
    if returns == frozenset({Return.SAVE}):
        return  # RFC 5182 §2.1: nothing is told
    numbers: Sequence[int] = uids if command.uid else session.selected.uids.numbers_of(uids)
    if returns is None:
        modseq = max(modseqs.values()) if modseqs else None
        await session.send(render.search(numbers, modseq))
        return
    results = answer_results(returns, command.partial, numbers, render.render_uids)
    if modseqs and (modseq := highest_told(returns, command.partial, uids, modseqs)):
        results.append((b"MODSEQ", b"%d" % modseq))
    await session.send(render.esearch(command.tag, uid=command.uid, results=results))
