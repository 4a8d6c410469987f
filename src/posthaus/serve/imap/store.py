"""STORE and UID STORE.

Very many messages are done in pieces, so that no write takes long; each piece is told as soon as it is committed.

Standards: RFC 9051 §6.4.6; RFC 7162 §3.1.3.
Faults:    NotAllowed; LimitReached (keywords), StoreDown and its like.
"""

from typing import TYPE_CHECKING

from posthaus.flow import guarded
from posthaus.mail import uidset
from posthaus.mail.flag import parse_flags
from posthaus.proto.imap import code
from posthaus.proto.imap.command import Store
from posthaus.proto.imap.section import Plain
from posthaus.serve.imap import fetch, flagline, messagelimit
from posthaus.serve.imap.deleted import refuse_change
from posthaus.serve.imap.view import FlagText, View
from posthaus.store import flag

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_PIECE = 20_000  # messages in one write


async def store(session: "ImapSession", command: Store) -> None:
    view = session.selected
    if view.read_only:
        refuse_change(session, command.tag)
        return
    if command.unchanged_since is not None:
        session.want_modseqs()  # RFC 7162 §3.1.3
    bits, keywords = parse_flags(command.flags)
    edit = flag.Edit(flag.Mode(command.sign.decode()), bits, keywords, command.unchanged_since)
    uids = [(low, high) for _, low, high in view.uids.pieces(session.uids_of(command.numbers, uid=command.uid))]
    uids, lowest = messagelimit.newest(session, uids)
    refused: list[int] = []
    goal, done = uidset.count(uids), 0
    with session.progress:
        for piece in uidset.slices(uids, _PIECE):
            session.progress.at(done, goal)
            stored = await session.site.store.write(
                guarded.store, view.member, view.account, view.mailbox, piece, edit, session.now()
            )
            if stored.changed:
                view.own.add(stored.modseq)
            refused += stored.refused
            if not command.silent:
                await session.read_keywords(keywords)
            if session.has_modseqs:
                await _send_modseqs(session, stored, command)
            elif not command.silent:
                await _send(session, view, stored, with_uid=command.uid)
            done += uidset.count(piece)
    if refused:
        numbers = refused if command.uid else view.uids.numbers_of(refused)
        what = code.modified(numbers)
        messagelimit.say_ok(session, command.tag, "STORE completed, some had changed", lowest, what)
    else:
        messagelimit.say_ok(session, command.tag, "STORE completed", lowest)


async def _send_modseqs(session: "ImapSession", stored: flag.Stored, command: Store) -> None:
    """RFC 7162 §3.1.3, §3.2.4: what was changed is told with UID and MODSEQ, after .SILENT too."""
    if command.silent:
        await fetch.send(session, stored.changed, (*session.uid_item, Plain.MODSEQ))
    else:
        await fetch.send(session, uidset.from_sorted(stored.uids), (*session.uid_item, Plain.FLAGS, Plain.MODSEQ))


async def _send(session: "ImapSession", view: View, stored: flag.Stored, *, with_uid: bool) -> None:
    uids = stored.uids
    if uids:
        numbers = uids if session.is_uid_only else view.uids.numbers_of(uids)
        with_uids = uids if with_uid and not session.is_uid_only else None

        def lines(flag_text: FlagText) -> bytes:
            inner = flagline.texts(flag_text, stored.flags, uids, session.recent_from)
            return flagline.lines(numbers, with_uids, inner, uid_only=session.is_uid_only)

        await session.send(await fetch.named(session, lines))
