"""SELECT and EXAMINE.

Opening reads the mailbox's row and its bitmaps, never its placements: it costs the same however many there are.

Standards: RFC 9051 §6.3.2, §6.3.3, §7.1; RFC 3501 §6.3.1.
Faults:    NoSuchMailbox.
"""

from typing import TYPE_CHECKING

from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import Select
from posthaus.serve.imap.uidmap import UidMap
from posthaus.serve.imap.view import View
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store.gone import present
from posthaus.store.mailbox import Mailbox
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_UNSEEN_STRIDE = 500  # messages that the search for the first unseen one may pass before it leaves a mark


async def _open(tx: Tx, account: int, name: str) -> tuple[Mailbox, int, UidMap, dict[int, str], int | None]:
    """All that a view needs, from one snapshot."""
    box = await mailboxes.find(tx, account, name)
    uids = UidMap(present(box.uidnext, await mailboxes.gone(tx, box.id)))
    keywords = await mailboxes.keywords(tx, box.id)
    return box, await accounts.modseq(tx, account), uids, keywords, await mailboxes.first_unseen(tx, box)


async def select(session: "ImapSession", command: Select) -> None:
    if session.view is not None:
        session.unselect()
        session.say(b"* OK [CLOSED] The previous mailbox is closed\r\n")  # RFC 9051 §7.1
    store, account = session.site.store, session.account
    box, modseq, uids, keywords, unseen = await store.read(_open, account, command.mailbox)
    view = View(
        account, box.id, box.name, box.uidvalidity, uids, box.modseq, keywords,
        read_only=command.read_only, recent_from=box.recent_from,
    )  # fmt: skip
    session.select(view, modseq)
    session.say(_lines(session, view, box, unseen, condstore=command.condstore or command.qresync is not None))
    if not command.read_only:
        mark = unseen if unseen is not None and unseen - box.unseen_from > _UNSEEN_STRIDE else 0
        if mark or (box.recent_from < box.uidnext and not session.is_rev2):
            # no promise to anybody: not waited for
            session.later(store.write(mailboxes.note_opened, box.id, box.uidnext, mark))
    what = code.READ_ONLY if command.read_only else code.READ_WRITE
    session.ok(command.tag, "EXAMINE completed" if command.read_only else "SELECT completed", what)


def _lines(session: "ImapSession", view: View, box: Mailbox, unseen: int | None, *, condstore: bool) -> bytes:
    lines = [view.flags_lines(), render.exists(len(view.uids))]
    if not session.is_rev2:
        lines.append(render.recent(view.recent))
        if unseen is not None:
            lines.append(b"* OK [%b] First unseen\r\n" % code.unseen(view.uids.number(unseen)))
    lines.append(b"* OK [%b] UIDs valid\r\n" % code.uid_validity(box.uidvalidity))
    lines.append(b"* OK [%b] Predicted next UID\r\n" % code.uid_next(box.uidnext))
    if condstore:  # RFC 7162 §3.1.2.1
        lines.append(b"* OK [%b] Highest\r\n" % code.highest_modseq(max(box.modseq, 1)))
    if session.is_rev2:  # RFC 9051 §6.3.2: LIST is a required response
        lines.append(render.list_line((), mailboxes.SEPARATOR, box.name, utf8=True))
    return b"".join(lines)
