"""The view of deleted messages, as IMAP shows it: a mailbox for reading, from which COPY and MOVE bring messages back.

It is an ordinary mailbox of the store, so SELECT, FETCH and SEARCH know nothing of it. Here is what they must not do.

Standards: RFC 9051 §6.3.2 (READ-ONLY), §7.1 (NOPERM).
Faults:    none.
"""

from typing import TYPE_CHECKING

from posthaus.base.error import Trouble
from posthaus.flow.undelete import catch_up
from posthaus.proto.imap import code
from posthaus.store.mailbox import VIEW_NAME

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession


def is_deleted_view(name: str) -> bool:
    """May this be the name of a view? Nothing is asked for the names of other mailboxes."""
    return name.startswith(VIEW_NAME)


async def look(session: "ImapSession") -> None:
    """Before the view is opened or counted. Where nothing can be written now, it is shown as it was."""
    try:
        await catch_up(session.site.store, session.account, session.now())
    except Trouble:
        session.site.metric.count("imap.deleted.later")


def refuse_change(session: "ImapSession", tag: bytes) -> None:
    """NO to what changes a mailbox that is open for reading only."""
    if session.selected.of_deleted:
        session.no(tag, "Deleted messages stay as they are; COPY brings them back", code.NOPERM)
    else:
        session.no(tag, "The mailbox is open for reading only", code.READ_ONLY)
