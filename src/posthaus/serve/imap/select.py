"""SELECT and EXAMINE.

Opening reads the mailbox's row and its bitmaps, never its placements: it costs the same however many there are.

Standards: RFC 9051 §6.3.2, §6.3.3, §7.1; RFC 3501 §6.3.1; RFC 7162 §3.1.2, §3.2.5; RFC 4314 §4, §5.2.
Faults:    NoSuchMailbox, NotAllowed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthaus.flow import access
from posthaus.flow.access import Access, is_foreign
from posthaus.mail import uidset
from posthaus.mail.rights import READ
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import QResync, Select
from posthaus.proto.imap.section import Plain
from posthaus.serve.imap import fetch
from posthaus.serve.imap.deleted import is_deleted_view, look
from posthaus.serve.imap.uidmap import UidMap
from posthaus.serve.imap.view import View
from posthaus.store import mailbox as mailboxes
from posthaus.store import seen
from posthaus.store.gone import present
from posthaus.store.mailbox import VIEW, Mailbox
from posthaus.store.sync import Since, since
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_UNSEEN_STRIDE = 500  # messages that the search for the first unseen one may pass before it leaves a mark


@dataclass(frozen=True, slots=True)
class _Opened:
    """All that a view needs, from one snapshot."""

    access: Access
    modseq: int  # of the owner
    uids: UidMap
    keywords: dict[int, str]
    unseen: int | None
    since: Since | None  # RFC 7162 §3.2.5: what the client has missed


async def _whose(tx: Tx, who: int, name: str) -> int:
    owner, _ = await access.owner_of(tx, who, name)
    return who if owner is None else owner.id


async def _open(tx: Tx, who: int, name: str, qresync: QResync | None) -> _Opened:
    granted, modseq = await access.find_at(tx, who, name, READ)
    box = granted.box
    has_gaps = box.total < box.uidnext - 1
    uids = UidMap(present(box.uidnext, await mailboxes.gone(tx, box.id) if has_gaps else ()))
    keywords = await mailboxes.keywords(tx, box.id)
    missed = None
    if qresync is not None and qresync.uidvalidity == box.uidvalidity:
        known = [(1, max(box.uidnext - 1, 1))] if qresync.known is None else qresync.known.resolve(box.uidnext - 1)
        missed = await since(tx, box, qresync.modseq, known)
    if granted.member:
        unseen = await seen.first_unseen(tx, box, granted.member)
    else:
        unseen = await mailboxes.first_unseen(tx, box)
    return _Opened(granted, modseq, uids, keywords, unseen, missed)


async def select(session: "ImapSession", command: Select) -> None:
    if command.qresync is not None and not session.has_vanished:
        session.bad(command.tag, "ENABLE QRESYNC first")  # RFC 7162 §3.2.5
        return
    if session.view is not None:
        session.say(b"* OK [CLOSED] The previous mailbox is closed\r\n")  # RFC 9051 §7.1
    store, account = session.site.store, session.account
    if command.condstore or command.qresync is not None:
        session.has_modseqs = True
    if is_deleted_view(command.mailbox):
        await look(session)
    session.unselect()
    session.watch(await store.read(_whose, account, command.mailbox) if is_foreign(command.mailbox) else account)
    try:
        opened = await store.read(_open, account, command.mailbox, command.qresync)
    except BaseException:
        session.unselect()
        raise
    granted, unseen = opened.access, opened.unseen
    box = granted.box
    view = View(
        box.account, box.id, granted.name, box.uidvalidity, opened.uids, max(box.modseq, 1), opened.keywords,
        read_only=command.read_only or box.state == VIEW, recent_from=box.recent_from, of_deleted=box.state == VIEW,
        member=granted.member, rights=granted.rights,
    )  # fmt: skip
    session.select(view, opened.modseq)
    session.say(_lines(session, view, box, unseen))
    if opened.since is not None:
        await _tell_missed(session, opened.since)
    if not view.read_only and not view.member:
        mark = unseen if unseen is not None and unseen - box.unseen_from > _UNSEEN_STRIDE else 0
        if mark or (box.recent_from < box.uidnext and not session.is_rev2):
            # no promise to anybody: not waited for
            session.later(store.write(mailboxes.note_opened, box.id, box.uidnext, mark))
    session.ok(command.tag, "EXAMINE completed" if command.read_only else "SELECT completed", view.access_code)


async def _tell_missed(session: "ImapSession", missed: Since) -> None:
    """RFC 7162 §3.2.5: what vanished, then what changed."""
    if missed.gone:
        session.say(render.vanished(uidset.render(missed.gone).encode("ascii"), earlier=True))
    await fetch.send(session, missed.changed, (*session.uid_item, Plain.FLAGS, Plain.MODSEQ))


def _lines(session: "ImapSession", view: View, box: Mailbox, unseen: int | None) -> bytes:
    lines = [view.flags_lines(), render.exists(len(view.uids))]
    if not session.is_rev2:
        lines.append(render.recent(view.recent))
        if unseen is not None and not session.is_uid_only:  # it is told by number
            lines.append(b"* OK [%b] First unseen\r\n" % code.unseen(view.uids.number(unseen)))
    lines.append(b"* OK [%b] UIDs valid\r\n" % code.uid_validity(box.uidvalidity))
    lines.append(b"* OK [%b] Predicted next UID\r\n" % code.uid_next(box.uidnext))
    lines.append(b"* OK [%b] Highest\r\n" % code.highest_modseq(view.modseq))  # RFC 7162 §3.1.2.1
    lines.append(b"* OK [%b] Mailbox\r\n" % code.mailbox_id(b"F%d" % box.id))  # RFC 8474 §4.2
    if session.is_rev2:  # RFC 9051 §6.3.2: LIST is a required response
        lines.append(render.list_line((), mailboxes.SEPARATOR, view.name, utf8=True))
    return b"".join(lines)
