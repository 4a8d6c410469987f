"""SORT and THREAD, with and without UID.

What to order by is read in batches of those messages that the search has found; ordering many takes a while, so it
happens in a thread, and is remembered (flow/orders.py).

Standards: RFC 5256 §2.2, §3; RFC 5957 §3; RFC 5267 §3, §4; RFC 7162 §3.1.6; RFC 5255 §4.2; RFC 5466 §3.1;
           RFC 9738 §3.3.
Faults:    StoreDown, StoreBusy; UndefinedFilter, LimitReached.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from posthaus.flow.orders import Tree
from posthaus.mail import threadtree
from posthaus.mail.casemap import casemap
from posthaus.mail.threadtree import Algorithm, Fact
from posthaus.mail.uidset import from_sorted
from posthaus.proto.imap import render
from posthaus.proto.imap.command import Sort, Thread
from posthaus.proto.imap.key import Return
from posthaus.serve.imap import context, messagelimit, stored
from posthaus.serve.imap.relevancy import scores
from posthaus.serve.imap.searchfind import collect, plan_of
from posthaus.serve.imap.searchresult import answer_results, highest_told, relevancy, to_save
from posthaus.serve.imap.sortorder import apart, in_order
from posthaus.serve.imap.sortread import read
from posthaus.store.tx import Row

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_ALGORITHMS: dict[bytes, Algorithm] = {
    b"ORDEREDSUBJECT": threadtree.ordered_subject,
    b"REFERENCES": threadtree.references,
    b"REFS": threadtree.refs,
}


async def sort(session: "ImapSession", command: Sort) -> None:
    if context.may_begin(session, command):
        with session.progress:
            await _sort(session, command)


async def _sort(session: "ImapSession", command: Sort) -> None:
    command = await stored.resolved(session, command)
    view, returns, partial = session.selected, command.returns, command.partial
    plan = await plan_of(session, view, command.key, with_modseq=command.has_modseq)
    if messagelimit.refused_in_order(session, command.tag, plan.within):
        if returns is not None and Return.SAVE in returns:
            view.saved = []  # RFC 5182 §2.1
        return
    uids, modseqs = await collect(session, view, plan, with_modseq=command.has_modseq)
    by_relevancy = any(one.name == b"RELEVANCY" for one in command.keys)
    is_told = returns is not None and Return.RELEVANCY in returns
    fits = await scores(session, view, command.key, uids) if by_relevancy or is_told else {}
    ordered = await in_order(session, command.keys, uids, fits)
    in_numbers = view.uids.numbers_in_order
    numbers = ordered if command.uid else await apart(len(ordered), lambda: in_numbers(ordered))
    if returns is None:
        modseq = max((modseqs[uid] for uid in ordered), default=0) if command.has_modseq else 0
        await session.send(await apart(len(numbers), lambda: render.sort(numbers, modseq or None)))
    else:
        if Return.SAVE in returns:
            view.saved = to_save(returns, partial, ordered)
        results = await apart(len(numbers), lambda: answer_results(returns, partial, numbers, render.render_numbers))
        if is_told and ordered:
            results.append(relevancy(partial, ordered, fits))
        if command.has_modseq and (modseq := highest_told(returns, partial, ordered, modseqs)):
            results.append((b"MODSEQ", b"%d" % modseq))
        await session.send(render.esearch(command.tag, uid=command.uid, results=results))
        context.begin(session, command, ordered, command.keys)
    session.ok(command.tag, "SORT completed")


async def thread(session: "ImapSession", command: Thread) -> None:
    with session.progress:
        await _thread(session, command)


async def _thread(session: "ImapSession", command: Thread) -> None:
    command = await stored.resolved(session, command)
    plan = await plan_of(session, session.selected, command.key, with_modseq=False)
    if messagelimit.refused_in_order(session, command.tag, plan.within):
        return
    uids, _ = await collect(session, session.selected, plan, with_modseq=False)
    numbers = uids if command.uid else session.selected.uids.numbers_of(uids)
    tree = await _tree(session, command.algorithm, uids, numbers)
    await session.send(b"* THREAD %b\r\n" % tree if tree else b"* THREAD\r\n")
    session.ok(command.tag, "THREAD completed")


async def _tree(session: "ImapSession", algorithm: bytes, uids: Sequence[int], numbers: Sequence[int]) -> bytes:
    orders, mailbox = session.site.orders, session.selected.mailbox
    by, told = (algorithm, numbers is uids), from_sorted(numbers)
    wanted = told if numbers is uids else from_sorted(uids)
    kept = orders.tree(mailbox, by)
    if kept is not None and kept.uids == wanted and kept.numbers == told:
        return kept.text
    number_of = dict(zip(uids, numbers, strict=True))
    facts = [_fact(number_of[row[0]], row) async for rows in read(session, uids, _FACTS) for row in rows]
    text = await apart(len(facts) * _DEARER, lambda: threadtree.render_threads(_ALGORITHMS[algorithm](facts)))
    orders.keep(mailbox, by, Tree(wanted, told, text))
    return text


# -- THREAD --------------------------------------------------------------------------------------------------------

_DEARER = 50  # a message in a thread takes the time of so many in an order
_FACTS = ("message_id", "refs", "base_subject", "subject", "sent_at", "received")


def _fact(number: int, row: Row) -> Fact:
    _, message_id, refs, base_subject, subject, sent_at, received = row
    return Fact(
        number, message_id, refs.split(), casemap(base_subject), subject, received if sent_at is None else sent_at
    )
