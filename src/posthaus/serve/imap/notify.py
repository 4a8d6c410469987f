"""NOTIFY: what a client is told without asking, of the selected mailbox and of all the others.

A Notifier reads the same book of changes as the view does. It knows each mailbox's name, for the book knows its number
alone: so it can tell what a mailbox was called before. The selected mailbox is left to the session, which asks here
what its client wants to hear of it.

Standards: RFC 5465 §3.1, §5, §6. What this client itself has done in other mailboxes is told as well.
Faults:    StoreDown, StoreBusy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import EventGroup, Notify, NotifyEvent
from posthaus.proto.imap.mailboxfilter import Which
from posthaus.proto.imap.section import Plain
from posthaus.serve.imap import fetch, listing, metadata, status
from posthaus.serve.imap.attribute import plan
from posthaus.serve.imap.mailboxfilter import covers
from posthaus.serve.imap.view import View
from posthaus.store import change
from posthaus.store import mailbox as mailboxes
from posthaus.store.annotation import NO_MAILBOX
from posthaus.store.change import Change, Kind
from posthaus.store.mailbox import OPEN, Mailbox
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_ITEMS = (b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN")
_OF_MESSAGES: dict[int, NotifyEvent] = {
    Kind.ADDED: NotifyEvent.MESSAGE_NEW,
    Kind.GONE: NotifyEvent.MESSAGE_EXPUNGE,
    Kind.FLAGS: NotifyEvent.FLAG_CHANGE,
}
_SELECTED = (Which.SELECTED, Which.SELECTED_DELAYED)


@dataclass(frozen=True, slots=True)
class _Account:
    """All mailboxes and subscriptions, and where the book stood then."""

    modseq: int
    boxes: list[Mailbox]
    subscriptions: frozenset[str]


async def _read(tx: Tx, account: int) -> _Account:
    modseq = await change.upto(tx, account)
    boxes = await mailboxes.listing(tx, account)
    return _Account(modseq, boxes, frozenset(await mailboxes.subscriptions(tx, account)))


async def notify(session: "ImapSession", command: Notify) -> None:
    await session.tell_news(may_expunge=True, asked=True)  # RFC 5465 §3.1: SET is a NOOP as well
    if not command.groups:
        session.notify(silent())
        session.ok(command.tag, "NOTIFY completed")
        return
    with session.watching():
        now = await session.site.store.read(_read, session.account)
        notifier = Notifier(command.groups, now.modseq, {box.id: box.name for box in now.boxes}, now.subscriptions)
        watched = [box.id for box in now.boxes if box.state == OPEN and notifier.counts(box.name)]
        if command.status and len(watched) > limit.IMAP_NOTIFY_AT_ONCE:
            session.no(command.tag, "Too many mailboxes", code.NOTIFICATIONOVERFLOW)
            return
        if command.status:
            await _tell_status(session, watched)
        session.notify(notifier)
    session.ok(command.tag, "NOTIFY completed")


def silent() -> "Notifier":
    """NOTIFY NONE"""
    return Notifier((), 0, {}, frozenset())


class Notifier:
    """What this client wants to hear, and what it has heard of other mailboxes."""

    __slots__ = ("_groups", "_names", "_new", "_selected", "_subscriptions", "book")

    def __init__(
        self, groups: Sequence[EventGroup], book: int, names: dict[int, str], subscriptions: frozenset[str]
    ) -> None:
        self._groups = [group for group in groups if group.filter.which not in _SELECTED]
        self._selected = next((group for group in groups if group.filter.which in _SELECTED), None)
        self._names = names  # by the mailbox's id
        self._subscriptions = subscriptions
        self._new: list[Change] = []
        self.book = book  # read up to this MODSEQ

    # -- the selected mailbox --------------------------------------------------------------------------------------

    @property
    def wants_messages(self) -> bool:
        return self._selected is not None and bool(self._selected.events)

    @property
    def wants_flags(self) -> bool:
        return self._selected is not None and NotifyEvent.FLAG_CHANGE in self._selected.events

    @property
    def may_expunge(self) -> bool:
        """Whenever it happens, though no command is being answered."""
        return self.wants_messages and self._selected is not None and self._selected.filter.which is Which.SELECTED

    async def tell_added(self, session: "ImapSession", view: View, known: int) -> None:
        """What the client wants to know of the messages with UIDs above this one (RFC 5465 §5.2)."""
        wanted = () if self._selected is None else self._selected.attributes
        if not wanted or view.uids.last_uid <= known:
            return
        attributes = tuple(dict.fromkeys((Plain.UID, *wanted)))
        await fetch.send_news(session, [(known + 1, view.uids.last_uid)], plan(attributes))

    # -- the others ------------------------------------------------------------------------------------------------

    @property
    def watches_others(self) -> bool:
        return bool(self._groups)

    def counts(self, name: str) -> bool:
        """Does any event of this mailbox's messages matter?"""
        return any(self._wants(event, name) for event in _OF_MESSAGES.values())

    def _wants(self, event: NotifyEvent, *names: str, subscriptions: frozenset[str] | None = None) -> bool:
        known = self._subscriptions if subscriptions is None else subscriptions
        return any(
            event in group.events and any(covers(group.filter, name, known) for name in names) for group in self._groups
        )

    def note(self, changes: Sequence[Change]) -> None:
        """Changes of all mailboxes, oldest first; nothing is told yet."""
        if self._groups:
            self._new += [one for one in changes if one.modseq > self.book]
        self.book = max(self.book, changes[-1].modseq)

    async def tell(self, session: "ImapSession") -> None:
        """What is new of mailboxes other than the selected one. Where that is too much, notifications end."""
        if not self._new:
            return
        lines = await self._name_lines(session, self._new)
        annotated = [one for one in self._new if one.kind == Kind.ANNOTATION and self._wants_annotations(one.mailbox)]
        lines += metadata.changed_lines(annotated, self._names, utf8=session.engine.utf8)
        touched = self._touched(session, self._new)
        if len(lines) + len(touched) > limit.IMAP_NOTIFY_AT_ONCE:
            session.say(b"* OK [%b] Too much to tell; look again\r\n" % code.NOTIFICATIONOVERFLOW)
            session.notify(silent())
            return
        for line in lines:
            await session.send(line)
        await _tell_status(session, touched)
        self._new = []

    def _wants_annotations(self, mailbox: int) -> bool:
        """RFC 5465 §5.6, §5.7; the server's belong to no mailbox, so whichever group asks for them gets them."""
        if mailbox == NO_MAILBOX:
            return any(NotifyEvent.SERVER_METADATA_CHANGE in group.events for group in self._groups)
        name = self._names.get(mailbox)
        return name is not None and self._wants(NotifyEvent.MAILBOX_METADATA_CHANGE, name)

    def _touched(self, session: "ImapSession", new: Iterable[Change]) -> list[int]:
        """Mailboxes of which a STATUS is due."""
        selected = session.view.mailbox if session.view is not None else 0
        touched: dict[int, None] = {}
        for one in new:
            event = _OF_MESSAGES.get(one.kind) if one.mailbox != selected else None
            name = self._names.get(one.mailbox)
            if event is not None and name is not None and self._wants(event, name):
                touched[one.mailbox] = None
        return list(touched)

    async def _name_lines(self, session: "ImapSession", new: Iterable[Change]) -> list[bytes]:
        """LIST of what was made, renamed, removed, subscribed or unsubscribed (RFC 5465 §5.4, §5.5)."""
        moved = {one.mailbox for one in new if one.kind == Kind.MAILBOX}
        if not moved and not any(one.kind == Kind.SUBSCRIPTION for one in new):
            return []
        now = await session.site.store.read(_read, session.account)
        names = {box.id: box.name for box in now.boxes}
        told: dict[str, str | None] = {}
        for mailbox in sorted(moved):
            before, after = self._names.get(mailbox), names.get(mailbox)
            both = [name for name in (before, after) if name is not None]
            if both and self._wants(NotifyEvent.MAILBOX_NAME, *both):
                told[both[-1]] = before if len(both) == 2 and before != after else told.get(both[-1])
        ever = self._subscriptions | now.subscriptions
        for name in sorted(self._subscriptions ^ now.subscriptions):
            if self._wants(NotifyEvent.SUBSCRIPTION_CHANGE, name, subscriptions=ever):
                told.setdefault(name, None)
        self._names, self._subscriptions = names, now.subscriptions
        return list(listing.current_lines(now.boxes, now.subscriptions, told, utf8=session.engine.utf8))


async def _tell_status(session: "ImapSession", watched: Sequence[int]) -> None:
    items = (*_ITEMS, b"HIGHESTMODSEQ") if session.has_modseqs else _ITEMS  # RFC 5465 §5.1 to §5.3
    selected = session.view.mailbox if session.view is not None else 0
    others = [mailbox for mailbox in watched if mailbox != selected]
    if others:
        utf8 = session.engine.utf8
        for name, counts in await session.site.store.read(_counts, session.account, others, items):
            await session.send(render.status(name, counts, utf8=utf8))


async def _counts(
    tx: Tx, account: int, wanted: Sequence[int], items: tuple[bytes, ...]
) -> list[tuple[str, dict[bytes, bytes | int | None]]]:
    boxes = {box.id: box for box in await mailboxes.listing(tx, account) if box.state == OPEN}
    there = [boxes[mailbox] for mailbox in wanted if mailbox in boxes]
    return [(box.name, await status.values(tx, box, items, 0)) for box in there]
