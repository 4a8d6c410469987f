"""ESEARCH: one search over several mailboxes, each answered for itself, always by UID.

Each mailbox is opened for the search and forgotten after it; the selected one is searched as its client knows it. A
mailbox in which nothing is found is not spoken of.

Standards: RFC 7377 §2; RFC 4731 §3.1; RFC 9394 §3.1. RFC 7377 §2.1 not: UPDATE is answered with NOUPDATE.
Faults:    StoreDown, StoreBusy; UndefinedFilter, LimitReached.
"""

import asyncio
from typing import TYPE_CHECKING

from posthaus.flow import access
from posthaus.flow.access import NotAllowed
from posthaus.mail.rights import READ
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import MultiSearch
from posthaus.proto.imap.key import Return
from posthaus.proto.imap.mailboxfilter import MailboxFilter, Which
from posthaus.serve.imap import stored
from posthaus.serve.imap.context import has_numbers
from posthaus.serve.imap.mailboxfilter import covers
from posthaus.serve.imap.relevancy import scores
from posthaus.serve.imap.searchfind import collect, plan_of
from posthaus.serve.imap.searchresult import answer_results, enough, highest_told, relevancy, to_save
from posthaus.serve.imap.uidmap import UidMap
from posthaus.serve.imap.view import View
from posthaus.store import mailbox as mailboxes
from posthaus.store.error import NoSuchMailbox
from posthaus.store.gone import present
from posthaus.store.mailbox import OPEN
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_SELECTED = (MailboxFilter(Which.SELECTED),)


async def esearch(session: "ImapSession", command: MultiSearch) -> None:
    command = await stored.resolved(session, command)
    filters = command.filters or _SELECTED
    is_here = all(one.which is Which.SELECTED for one in filters)
    if is_here and session.view is None:
        session.bad(command.tag, "No mailbox is selected")
        return
    if not is_here and (Return.SAVE in command.returns or has_numbers(command.key)):
        # RFC 7377 §2.1: they mean messages of the selected mailbox
        session.bad(command.tag, "SAVE, $ and message numbers are for the selected mailbox alone")
        return
    if Return.UPDATE in command.returns:
        session.say(b"* NO [%b] Search each mailbox by itself for that\r\n" % code.no_update(command.tag))
    view = session.view
    named = [] if is_here else await session.site.store.read(_covered, session.account, filters)
    if view is not None and view.mailbox not in named and any(one.which is Which.SELECTED for one in filters):
        named.insert(0, view.mailbox)
    with session.progress:
        for mailbox in named:
            try:
                if view is not None and mailbox == view.mailbox:
                    await _search(session, view, command)
                else:
                    await _search(session, await session.site.store.read(_view, session.account, mailbox), command)
            except (NoSuchMailbox, NotAllowed):
                continue  # removed meanwhile, or no longer for him
            await asyncio.sleep(0)
    session.ok(command.tag, "ESEARCH completed")


async def _covered(tx: Tx, account: int, filters: tuple[MailboxFilter, ...]) -> list[int]:
    """Ids, by name; what does not exist, or may not be read, is passed over (RFC 7377 §2.2)."""
    subscriptions = frozenset(await mailboxes.subscriptions(tx, account))
    boxes = [one for one in await access.everything(tx, account) if one.box.state == OPEN and one.rights & READ]
    return [
        one.box.id
        for one in boxes
        if any(covers(filter, one.name, subscriptions, is_own=not one.member) for filter in filters)
    ]


async def _view(tx: Tx, who: int, mailbox: int) -> View:
    granted = await access.by_id(tx, who, mailbox, READ)
    box = granted.box
    has_gaps = box.total < box.uidnext - 1
    uids = UidMap(present(box.uidnext, await mailboxes.gone(tx, box.id) if has_gaps else ()))
    keywords = await mailboxes.keywords(tx, box.id)
    return View(
        box.account, box.id, granted.name, box.uidvalidity, uids, box.modseq, keywords,
        read_only=True, recent_from=box.recent_from, member=granted.member, rights=granted.rights,
    )  # fmt: skip


async def _search(session: "ImapSession", view: View, command: MultiSearch) -> None:
    returns, partial = command.returns, command.partial
    plan = await plan_of(session, view, command.key, with_modseq=command.has_modseq)
    most, from_end = enough(returns, partial)
    uids, modseqs = await collect(session, view, plan, with_modseq=command.has_modseq, most=most, from_end=from_end)
    if Return.SAVE in returns:
        view.saved = to_save(returns, partial, uids)
    if not uids:
        return
    results = answer_results(returns, partial, uids, render.render_uids)
    if Return.RELEVANCY in returns:
        results.append(relevancy(partial, uids, await scores(session, view, command.key, uids)))
    if command.has_modseq and (modseq := highest_told(returns, partial, uids, modseqs)):
        results.append((b"MODSEQ", b"%d" % modseq))
    where = render.mailbox(view.name, utf8=session.engine.utf8)
    answer = render.esearch(command.tag, uid=True, results=results, where=where, uidvalidity=view.uidvalidity)
    await session.send(answer)
