"""Mailboxes named by what they are: those that NOTIFY watches and ESEARCH looks through.

Standards: RFC 5465 §6, §8; RFC 7377 §2.2 (subtree-one).
Faults:    ParseFault.
"""

from dataclasses import dataclass
from enum import Enum

from posthaus.base.limit import IMAP_FILTER_MAILBOXES
from posthaus.proto.imap.code import LIMIT
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.token import Cursor


class Which(Enum):
    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    SUBTREE_ONE = b"SUBTREE-ONE"
    MAILBOXES = b"MAILBOXES"


_NAMING = (Which.SUBTREE, Which.SUBTREE_ONE, Which.MAILBOXES)


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    """filter-mailboxes; names as the client wrote them, for SUBTREE, SUBTREE_ONE and MAILBOXES."""

    which: Which
    names: tuple[str, ...] = ()


def take_filter(cursor: Cursor, allowed: frozenset[Which]) -> MailboxFilter:
    """filter-mailboxes"""
    try:
        which = Which(cursor.take_word())
    except ValueError as e:
        raise ParseFault("no such filter of mailboxes") from e
    if which not in allowed:
        raise ParseFault("that filter may not stand here")
    if which not in _NAMING:
        return MailboxFilter(which)
    cursor.space()
    if not cursor.skip(b"("):
        return MailboxFilter(which, (cursor.take_mailbox(),))
    names = [cursor.take_mailbox()]
    while not cursor.skip(b")"):
        cursor.space()
        names.append(cursor.take_mailbox())
        if len(names) > IMAP_FILTER_MAILBOXES:
            raise ParseFault("too many mailboxes", code=LIMIT)
    return MailboxFilter(which, tuple(names))
