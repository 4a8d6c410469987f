"""SEARCH and UID SEARCH: how the results are told.

Standards: RFC 9051 §6.4.4, §7.3.4; RFC 3501 §7.2.5; RFC 4731; RFC 5182 §2; RFC 5267 §4; RFC 7162 §3.1.5; RFC 9394 §3.1;
           RFC 5466 §3.1.
           RFC 5182 §2.1 todo: a charset that we cannot read is refused by the engine, and what was saved stays.
Faults:    StoreDown, StoreBusy; UndefinedFilter, LimitReached.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from posthaus.proto.imap import render
from posthaus.proto.imap.command import Search
from posthaus.proto.imap.key import Return
from posthaus.serve.imap import context, messagelimit, stored
from posthaus.serve.imap.relevancy import scores
from posthaus.serve.imap.searchfind import Found, collect, flagged, is_by_flags, plan_of
from posthaus.serve.imap.searchmatch import Plan
from posthaus.serve.imap.searchresult import answer_results, enough, highest_told, relevancy, returns_anything, to_save
from posthaus.serve.imap.sortorder import apart
from posthaus.serve.imap.view import View

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession


_COUNTED = frozenset({Return.COUNT})


async def search(session: "ImapSession", command: Search) -> None:
    returns = command.returns
    if returns is None and session.is_rev2:
        returns = frozenset({Return.ALL})  # RFC 9051 §6.4.4: always ESEARCH
    if not context.may_begin(session, command):
        return
    saves = returns is not None and Return.SAVE in returns
    try:
        with session.progress:
            lowest = await _search(session, command, returns)
    except BaseException:
        if saves:
            session.selected.saved = []  # RFC 5182 §2.1
        raise
    messagelimit.say_ok(session, command.tag, "SEARCH completed", lowest)


async def _search(session: "ImapSession", command: Search, returns: frozenset[Return] | None) -> int:
    """The lowest UID that was looked at, where a limit left some out; else 0."""
    view = session.selected
    command = await stored.resolved(session, command)
    plan = await plan_of(session, view, command.key, with_modseq=command.has_modseq)
    plan, lowest = _limited(session, plan)
    if returns is None and is_by_flags(view, plan):
        less = _less(view, uid=command.uid)
        if less is not None:
            await _answer_as_text(session, plan, less)
            return 0
    most, from_end = enough(returns, command.partial)
    uids, modseqs = await collect(session, view, plan, with_modseq=command.has_modseq, most=most, from_end=from_end)
    if returns is not None and Return.SAVE in returns:
        view.saved = to_save(returns, command.partial, uids)
    await _answer(session, command, returns, uids, modseqs)
    context.begin(session, command, uids, is_whole=not lowest)
    return lowest


def _limited(session: "ImapSession", plan: Plan) -> tuple[Plan, int]:
    """RFC 9738 §3.1"""
    if not session.site.message_limit:
        return plan, 0
    some, lowest = messagelimit.newest(session, messagelimit.looked_at(session, plan.within))
    return (replace(plan, within=some) if lowest else plan), lowest


# -- answering -----------------------------------------------------------------------------------------------------


def _less(view: View, *, uid: bool) -> int | None:
    """By how much UIDs are above what is told, where it is the same for all."""
    runs = view.uids.ranges() if not uid else []
    return 0 if not runs else runs[0][0] - 1 if len(runs) == 1 else None


async def _answer_as_text(session: "ImapSession", plan: Plan, less: int) -> None:
    """Flags alone, and the plain response: the store writes the numbers."""
    words = [b"* SEARCH"]
    async for text in flagged(session, session.selected, plan, less):
        words.append(text.encode("ascii"))
    await session.send(b" ".join(words) + b"\r\n")


async def _answer(
    session: "ImapSession",
    command: Search,
    returns: frozenset[Return] | None,
    uids: Sequence[int],
    modseqs: Found,
) -> None:
    if not returns_anything(returns):
        return  # RFC 5182 §2.1: nothing is told
    is_counted = returns == _COUNTED  # and then nobody asks for the numbers
    numbers: Sequence[int] = uids if command.uid or is_counted else session.selected.uids.numbers_of(uids)
    if returns is None:
        modseq = max(modseqs.values()) if modseqs else None
        await session.send(await apart(len(numbers), lambda: render.search(numbers, modseq)))
        return
    results = answer_results(returns, command.partial, numbers, render.render_uids)
    if uids and Return.RELEVANCY in returns:
        found = await scores(session, session.selected, command.key, uids)
        results.append(relevancy(command.partial, uids, found))
    if modseqs and (modseq := highest_told(returns, command.partial, uids, modseqs)):
        results.append((b"MODSEQ", b"%d" % modseq))
    await session.send(render.esearch(command.tag, uid=command.uid, results=results))
