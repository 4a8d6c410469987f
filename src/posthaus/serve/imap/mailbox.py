"""CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE.

A mailbox that this session itself has selected may be renamed under it; where it deletes it, nothing is selected any
more. RENAME of INBOX moves its messages in pieces, so a client that is cut off in between finds each message once.

Standards: RFC 9051 §6.3.4 to §6.3.8, §6.3.9.7; RFC 6154 §3; RFC 4314 §4.
Faults:    NotAllowed, OwnersUse; MailboxExists, NoSuchMailbox, MailboxHasChildren, InvalidName, NotPermitted, UseTaken,
           LimitReached.
"""

from typing import TYPE_CHECKING

from posthaus.flow import access
from posthaus.flow.access import canonical
from posthaus.mail import uidset
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import Create, Delete, Rename, Subscribe, Unsubscribe
from posthaus.store import mailbox as mailboxes
from posthaus.store import message
from posthaus.store.gone import present
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_PIECE = 5_000  # messages moved in one write

# RFC 6154 §2; \All and \Flagged would be views of other mailboxes' messages, which we do not make.
USES = {use.lower(): use for use in ("\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash")}


async def create(session: "ImapSession", command: Create) -> None:
    # RFC 9051 §6.3.4: a separator at the end only says that there will be names below
    name = command.mailbox.removesuffix(mailboxes.SEPARATOR)
    uses = {USES.get(use.decode("ascii", "replace").lower(), "") for use in command.special_use}
    if len(uses) > 1 or "" in uses:
        session.no(command.tag, "Not a special use for a mailbox here", code.USEATTR)
        return
    use = uses.pop() if uses else ""
    made_id, made = await session.site.store.write(access.create, session.account, name, use, session.now())
    if session.is_rev2 and made != name:  # RFC 9051 §6.3.9.7: the name is not as it was sent
        session.say(render.list_line((), mailboxes.SEPARATOR, made, utf8=True, old_name=name))
    session.ok(command.tag, "CREATE completed", code.mailbox_id(b"F%d" % made_id))  # RFC 8474 §4.1


async def delete(session: "ImapSession", command: Delete) -> None:
    removed = await session.site.store.write(access.remove, session.account, command.mailbox, session.now())
    if session.view is not None and session.view.mailbox == removed:
        session.unselect()
        session.engine.unselect()
        session.say(b"* OK [CLOSED] The selected mailbox is deleted\r\n")
    session.ok(command.tag, "DELETE completed")


async def rename(session: "ImapSession", command: Rename) -> None:
    store = session.site.store
    account = await store.write(access.rename, session.account, command.mailbox, command.to, session.now())
    if mailboxes.canonical(command.mailbox) == "INBOX":
        source, target, uids = await store.read(_inbox_and, account, command.to)
        goal, done = uidset.count(uids), 0
        with session.progress:
            for piece in uidset.slices(uids, _PIECE):
                session.progress.at(done, goal)
                await store.write(message.copy, account, source, piece, target, session.now(), move=True)
                done += uidset.count(piece)
    session.ok(command.tag, "RENAME completed")


async def _inbox_and(tx: Tx, account: int, name: str) -> tuple[int, int, Ranges]:
    """INBOX, the mailbox of this name, and the UIDs in INBOX."""
    inbox, target = (await access.find(tx, account, "INBOX", 0)).box, (await access.find(tx, account, name, 0)).box
    return inbox.id, target.id, present(inbox.uidnext, await mailboxes.gone(tx, inbox.id))


async def subscribe(session: "ImapSession", command: Subscribe) -> None:
    """RFC 9051 §6.3.7: the name need not exist, and may be another's: nothing is looked up."""
    name = canonical(command.mailbox)
    await session.site.store.write(mailboxes.subscribe, session.account, name, True, session.now())
    session.ok(command.tag, "SUBSCRIBE completed")


async def unsubscribe(session: "ImapSession", command: Unsubscribe) -> None:
    name = canonical(command.mailbox)
    await session.site.store.write(mailboxes.subscribe, session.account, name, False, session.now())
    session.ok(command.tag, "UNSUBSCRIBE completed")
