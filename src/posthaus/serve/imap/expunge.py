"""EXPUNGE, UID EXPUNGE and CLOSE.

Standards: RFC 9051 §6.4.1, §6.4.3, §6.4.9; RFC 4315 §2.1; RFC 7162 §3.2.7, §3.2.8; RFC 4314 §4.
Faults:    NotAllowed; StoreDown and its like.
"""

from typing import TYPE_CHECKING

from posthaus.flow import guarded
from posthaus.flow.access import NotAllowed
from posthaus.mail import uidset
from posthaus.mail.flag import DELETED
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import code
from posthaus.proto.imap.command import Close, Expunge, Unselect
from posthaus.serve.imap import messagelimit
from posthaus.serve.imap.deleted import refuse_change
from posthaus.store import fetch as rows

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_PIECE = 5_000  # UIDs looked through in one write


async def expunge(session: "ImapSession", command: Expunge) -> None:
    view = session.selected
    if view.read_only:
        refuse_change(session, command.tag)
        return
    uids, lowest = view.uids.ranges(), 0
    if command.uids is not None:
        uids = session.uids_of(command.uids, uid=True)
        if session.site.message_limit:  # of UID EXPUNGE alone, and of messages that are \\Deleted (RFC 9738 §3.1)
            known = [(low, high) for _, low, high in view.uids.pieces(uids)]
            deleted = await session.site.store.read(rows.ranges_with, view.mailbox, known, DELETED, DELETED)
            uids, lowest = messagelimit.newest(session, deleted)
    await _expunge(session, uids)
    await session.tell_news(may_expunge=True, asked=True)
    messagelimit.say_ok(session, command.tag, "EXPUNGE completed", lowest, session.highest_modseq())


async def close(session: "ImapSession", command: Close) -> None:
    """Expunges without a word, then leaves the mailbox (RFC 9051 §6.4.1)."""
    view = session.selected
    what = None
    gone: list[int] = []
    if not view.read_only:
        try:
            gone = await _expunge(session, view.uids.ranges())
        except NotAllowed:  # RFC 4314 §4: who may not just leaves
            pass
    if gone and session.has_vanished:
        # RFC 7162 §3.2.7: what the client now knows, if others did nothing meanwhile that it does not
        await session.take_note()
        view.gone = uidset.subtract(view.gone, uidset.from_sorted(gone))
        if not view.has_news:
            what = code.highest_modseq(view.noted)
    session.unselect()
    session.ok(command.tag, "CLOSE completed", what)


async def unselect(session: "ImapSession", command: Unselect) -> None:
    session.unselect()
    session.ok(command.tag, "UNSELECT completed")


async def _expunge(session: "ImapSession", uids: Ranges) -> list[int]:
    """Only what this client knows of: another session's newer messages are not its to expunge. The UIDs that went."""
    view = session.selected
    gone: list[int] = []
    if not await session.site.store.read(guarded.has_deleted, view.member, view.mailbox):
        return gone  # clients say CLOSE whenever they leave; a write costs a sync, and has all UIDs looked through
    known = [(low, high) for _, low, high in view.uids.pieces(uids)]
    goal, done = uidset.count(known), 0
    with session.progress:
        for piece in uidset.slices(known, _PIECE):
            session.progress.at(done, goal)
            gone += await session.site.store.write(
                guarded.expunge, view.member, view.account, view.mailbox, piece, session.now()
            )
            done += uidset.count(piece)
    return gone
