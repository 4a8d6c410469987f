"""Which mailboxes that an account sees a filter of NOTIFY or ESEARCH means.

All of an account's own mailboxes are personal, and mail may be delivered into any of them, so inboxes are the same.
Others' are named, or subscribed.

Standards: RFC 5465 §6; RFC 7377 §2.2.
Faults:    none.
"""

from collections.abc import Set

from posthaus.flow.access import canonical
from posthaus.proto.imap.mailboxfilter import MailboxFilter, Which
from posthaus.store.mailbox import SEPARATOR


def covers(filter: MailboxFilter, name: str, subscriptions: Set[str], *, is_own: bool = True) -> bool:
    """The selected mailbox is none of the names that a filter covers."""
    which = filter.which
    if which in (Which.PERSONAL, Which.INBOXES):
        return is_own
    if which is Which.SUBSCRIBED:
        return name in subscriptions
    if which is Which.MAILBOXES:
        return any(name == canonical(one) for one in filter.names)
    if which is Which.SUBTREE:
        return any(name == top or name.startswith(top + SEPARATOR) for top in map(canonical, filter.names))
    if which is Which.SUBTREE_ONE:
        return any(name == top or name.rpartition(SEPARATOR)[0] == top for top in map(canonical, filter.names))
    return False
