"""STATUS: from the counters of the mailbox's row, never by counting.

Standards: RFC 9051 §6.3.11; RFC 3501 §6.3.10 (RECENT); RFC 7162 §3.1.7; RFC 7889 §3.2; RFC 8438; RFC 8474 §4.3;
           RFC 9208 §4.1.4 (DELETED-STORAGE).
Faults:    NoSuchMailbox, NotAllowed.
"""

from typing import TYPE_CHECKING

from posthaus.flow import access
from posthaus.mail.rights import READ
from posthaus.proto.imap import render
from posthaus.proto.imap.command import Status
from posthaus.serve.imap.deleted import is_deleted_view, look
from posthaus.serve.imap.uidmap import UidMap
from posthaus.store import mailbox as mailboxes
from posthaus.store import search, seen
from posthaus.store.gone import present
from posthaus.store.mailbox import Mailbox
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession


async def status(session: "ImapSession", command: Status) -> None:
    if b"HIGHESTMODSEQ" in command.items:
        session.want_modseqs()  # RFC 7162 §3.1.7
    if is_deleted_view(command.mailbox):
        await look(session)
    limit = session.site.message_octets
    name, items = await session.site.store.read(_status, session.account, command.mailbox, command.items, limit)
    session.say(render.status(name, items, utf8=session.engine.utf8))
    session.ok(command.tag, "STATUS completed")


async def _status(
    tx: Tx, who: int, name: str, items: tuple[bytes, ...], limit: int
) -> tuple[str, dict[bytes, bytes | int | None]]:
    granted, _ = await access.find_at(tx, who, name, READ)
    return granted.name, await values(tx, granted.box, items, limit, member=granted.member)


async def values(
    tx: Tx, box: Mailbox, items: tuple[bytes, ...], limit: int, *, member: int = 0
) -> dict[bytes, bytes | int | None]:
    """The items of one mailbox; also for LIST RETURN (STATUS ...). limit: the largest message that is taken in.
    member: who asks, where he is not the owner."""
    found: dict[bytes, bytes | int | None] = {}
    for item in items:
        if item == b"RECENT":
            found[item] = await _recent(tx, box)
        elif item == b"UNSEEN" and member:
            found[item] = await seen.unseen(tx, box, member)
        elif item == b"DELETED-STORAGE":
            found[item] = await search.deleted_octets(tx, box.id) if box.deleted else 0
        elif item == b"APPENDLIMIT":
            found[item] = limit
        elif item == b"MAILBOXID":
            found[item] = b"(F%d)" % box.id
        else:
            found[item] = getattr(box, _COUNTERS[item])
    return found


_COUNTERS = {
    b"MESSAGES": "total",
    b"UIDNEXT": "uidnext",
    b"UIDVALIDITY": "uidvalidity",
    b"UNSEEN": "unseen",
    b"DELETED": "deleted",
    b"SIZE": "size",
    b"HIGHESTMODSEQ": "modseq",
}


async def _recent(tx: Tx, box: Mailbox) -> int:
    """How many no session has been told of."""
    if box.recent_from >= box.uidnext or not box.total:
        return 0
    return UidMap(present(box.uidnext, await mailboxes.gone(tx, box.id))).count_from(box.recent_from)
