"""Reading NOTIFY: which events of which mailboxes a client wants to hear of.

Standards: RFC 5465 §3.1, §5, §6, §8.
Faults:    ParseFault; NO [BADEVENT ...] for an event that we do not have, NO [NOTIFICATIONOVERFLOW] for too many.
"""

from posthaus.base.limit import IMAP_NOTIFY_GROUPS
from posthaus.proto.imap.code import NOTIFICATIONOVERFLOW, bad_event
from posthaus.proto.imap.command import EventGroup, Notify, NotifyEvent
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.mailboxfilter import Which, take_filter
from posthaus.proto.imap.section import Attribute, take_attributes
from posthaus.proto.imap.token import Cursor

_EVENTS = {event.value.upper(): event for event in NotifyEvent}
_BAD_EVENT = bad_event([event.value for event in NotifyEvent])
_OF_MESSAGES = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE})
_NEW_AND_GONE = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE})
_SELECTED = (Which.SELECTED, Which.SELECTED_DELAYED)
_FILTERS = frozenset(Which) - {Which.SUBTREE_ONE}


def parse_notify(cursor: Cursor, tag: bytes, uid: bool) -> Notify:
    """notify = "NOTIFY" SP ("SET" [SP "STATUS"] 1*(SP event-group) / "NONE")"""
    word = cursor.next_atom().upper()
    if word == b"NONE":
        cursor.end()
        return Notify(tag, ())
    if word != b"SET":
        raise ParseFault("SET or NONE expected")
    cursor.space()
    status = not cursor.peek(b"(")
    if status:
        if cursor.take_word() != b"STATUS":
            raise ParseFault("STATUS or an event group expected")
        cursor.space()
    groups = [_take_group(cursor)]
    while cursor.more():
        cursor.space()
        groups.append(_take_group(cursor))
        if len(groups) > IMAP_NOTIFY_GROUPS:
            raise ParseFault("too many event groups", code=NOTIFICATIONOVERFLOW, bad=False)
    cursor.end()
    if sum(group.filter.which in _SELECTED for group in groups) > 1:
        raise ParseFault("one of SELECTED and SELECTED-DELAYED, and once")  # RFC 5465 §6.1
    return Notify(tag, tuple(groups), status)


def _take_group(cursor: Cursor) -> EventGroup:
    """event-group = "(" filter-mailboxes SP events ")" """
    cursor.expect(b"(")
    mailboxes = take_filter(cursor, _FILTERS)
    cursor.space()
    events: list[NotifyEvent] = []
    attributes: tuple[Attribute, ...] = ()
    if not cursor.skip(b"("):
        if cursor.take_word() != b"NONE":
            raise ParseFault("events or NONE expected")
    else:
        while True:
            events.append(_take_event(cursor))
            if events[-1] is NotifyEvent.MESSAGE_NEW and cursor.peek(b" ("):
                cursor.space()
                attributes = take_attributes(cursor)
            if cursor.skip(b")"):
                break
            cursor.space()
    cursor.expect(b")")
    wanted = frozenset(events)
    # RFC 5465 §5
    if wanted & _OF_MESSAGES and not wanted >= _NEW_AND_GONE:
        raise ParseFault("MessageNew and MessageExpunge go together")
    if mailboxes.which in _SELECTED and not wanted <= _OF_MESSAGES:
        raise ParseFault("only events of messages for the selected mailbox")  # RFC 5465 §6.1
    return EventGroup(mailboxes, wanted, attributes)


def _take_event(cursor: Cursor) -> NotifyEvent:
    event = _EVENTS.get(cursor.take_word())
    if event is None:
        raise ParseFault("an event that is not known here", code=_BAD_EVENT, bad=False)  # RFC 5465 §3.1
    return event
