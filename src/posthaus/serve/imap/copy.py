"""COPY and MOVE, with and without UID.

MOVE is one transaction per piece: a message is in one mailbox or in the other, never in both or in none.

Standards: RFC 9051 §6.4.7, §6.4.8; RFC 4315 §3; RFC 6851 §3.
           RFC 9208 §4.3.1.
Faults:    NoSuchMailbox (TRYCREATE), NotPermitted, StoreFull; OverQuota of COPY, and where deleted messages are brought
           back.
"""

from typing import TYPE_CHECKING

from posthaus.flow import access, guarded
from posthaus.mail import uidset
from posthaus.mail.rights import INSERT
from posthaus.proto.imap import code
from posthaus.proto.imap.command import Copy, Move
from posthaus.serve.imap import messagelimit
from posthaus.serve.imap.deleted import refuse_change
from posthaus.store import message
from posthaus.store.error import NoSuchMailbox, NotPermitted
from posthaus.store.undelete import bring_back

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_PIECE = 5_000  # messages in one write


async def copy(session: "ImapSession", command: Copy) -> None:
    copied, _ = await _carry(session, command, move=False)
    if copied is not None:
        what = code.copy_uid(copied.uidvalidity, copied.source, copied.target) if copied.source else None
        session.ok(command.tag, "COPY completed", what)


async def move(session: "ImapSession", command: Move) -> None:
    if session.selected.read_only and not session.selected.of_deleted:
        refuse_change(session, command.tag)
        return
    copied, lowest = await _carry(session, command, move=True)
    if copied is None:
        return
    if copied.source:
        # RFC 6851 §4.3: COPYUID in an untagged OK, before the EXPUNGEs
        what = code.copy_uid(copied.uidvalidity, copied.source, copied.target)
        session.say(b"* OK [%b] Moved\r\n" % what)
    await session.tell_news(may_expunge=True, asked=True)
    messagelimit.say_ok(session, command.tag, "MOVE completed", lowest, session.highest_modseq())


async def _carry(session: "ImapSession", command: Copy | Move, *, move: bool) -> tuple[message.Copied | None, int]:
    """What was done, None where it is answered; and the lowest UID that a limit let through, 0: all of them."""
    view, store = session.selected, session.site.store
    try:
        target = await store.read(access.find, session.account, command.mailbox, INSERT)
    except NoSuchMailbox:
        session.no(command.tag, "No such mailbox", code.TRYCREATE)  # RFC 9051 §6.4.7
        return None, 0
    uids = [(low, high) for _, low, high in view.uids.pieces(session.uids_of(command.numbers, uid=command.uid))]
    lowest = 0
    if move:
        uids, lowest = messagelimit.newest(session, uids)
    elif messagelimit.refused_to_save(session, command.tag, uids):
        return None, 0
    whole = message.Copied(target.box.uidvalidity, [], [], 0)
    goal = uidset.count(uids)
    # asked with the first piece, for all of them or none are to be copied
    room = 0 if move and target.account == view.account else goal
    done = 0
    with session.progress:
        for piece in uidset.slices(uids, _PIECE):
            session.progress.at(done, goal)
            if view.of_deleted:  # brought back, it is there no more, so MOVE does the same
                if target.account != view.account:
                    raise NotPermitted("into an own mailbox first")
                [copied] = await store.write(bring_back, view.account, piece, session.now(), target=target.box.id)
            else:
                copied = await store.write(
                    guarded.copy, view.member, view.account, view.mailbox, piece, target, session.now(),
                    move=move, room=room,
                )  # fmt: skip
                room = 0
            whole.source.extend(copied.source)
            whole.target.extend(copied.target)
            done += uidset.count(piece)
    return whole, lowest
