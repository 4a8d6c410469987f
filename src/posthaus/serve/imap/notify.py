"""NOTIFY: what a client is told without asking, of the selected mailbox and of all the others.

A Notifier reads the same books of changes as the view does: the account's own, and of others those of whose mailboxes
it is to tell. It knows each mailbox's name, for a book knows its number alone: so it can tell what a mailbox was called
before. The selected mailbox is left to the session, which asks here what its client wants to hear of it.

Standards: RFC 5465 §3.1, §5, §6; RFC 4314 §4. What this client itself has done in other mailboxes is told as well.
Faults:    StoreDown, StoreBusy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.flow import access
from posthaus.flow.access import Access, is_foreign
from posthaus.mail.rights import READ
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import EventGroup, Notify, NotifyEvent
from posthaus.proto.imap.mailboxfilter import Which
from posthaus.serve.imap import fetch, listing, metadata, status
from posthaus.serve.imap.mailboxfilter import covers
from posthaus.serve.imap.view import View
from posthaus.store import change
from posthaus.store import mailbox as mailboxes
from posthaus.store.annotation import NO_MAILBOX
from posthaus.store.change import Change, Kind
from posthaus.store.mailbox import OPEN
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_ITEMS = (b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN")
_OF_MESSAGES: dict[int, NotifyEvent] = {
    Kind.ADDED: NotifyEvent.MESSAGE_NEW,
    Kind.GONE: NotifyEvent.MESSAGE_EXPUNGE,
    Kind.FLAGS: NotifyEvent.FLAG_CHANGE,
    Kind.SEEN: NotifyEvent.FLAG_CHANGE,
}
_SELECTED = (Which.SELECTED, Which.SELECTED_DELAYED)


@dataclass(frozen=True, slots=True)
class _Reach:
    """All mailboxes that an account may look up, its subscriptions, and where the books of their owners stood then."""

    boxes: list[Access]
    subscriptions: frozenset[str]
    books: dict[int, int]


async def _read(tx: Tx, account: int) -> _Reach:
    boxes = [one for one in await access.everything(tx, account) if one.box.id]
    books = {owner: await change.upto(tx, owner) for owner in {account, *(one.account for one in boxes)}}
    return _Reach(boxes, frozenset(await mailboxes.subscriptions(tx, account)), books)


async def notify(session: "ImapSession", command: Notify) -> None:
    await session.tell_news(may_expunge=True, asked=True)  # RFC 5465 §3.1: SET is a NOOP as well
    if not command.groups:
        session.notify(silent())
        session.ok(command.tag, "NOTIFY completed")
        return
    with session.watching((session.account,)):
        notifier = Notifier(command.groups, session.account, await session.site.store.read(_read, session.account))
        watched = notifier.counted()
        if (command.status and len(watched) > limit.IMAP_NOTIFY_AT_ONCE) or notifier.has_too_many_books:
            session.no(command.tag, "Too many mailboxes", code.NOTIFICATIONOVERFLOW)
            return
        if command.status:
            await _tell_status(session, watched)
        session.notify(notifier)
    session.ok(command.tag, "NOTIFY completed")


def silent() -> "Notifier":
    """NOTIFY NONE"""
    return Notifier((), 0, _Reach([], frozenset(), {}))


class Notifier:
    """What this client wants to hear, and what it has heard of other mailboxes."""

    __slots__ = ("_account", "_groups", "_known", "_new", "_selected", "_subscriptions", "books")

    def __init__(self, groups: Sequence[EventGroup], account: int, reach: _Reach) -> None:
        self._account = account
        self._groups = [group for group in groups if group.filter.which not in _SELECTED]
        self._selected = next((group for group in groups if group.filter.which in _SELECTED), None)
        self._known: dict[int, Access] = {}  # by the mailbox's id
        self._subscriptions: frozenset[str] = frozenset()
        self._new: list[Change] = []
        self.books: dict[int, int] = {}  # account -> its book is read up to this MODSEQ
        self._learn(reach)

    def _learn(self, reach: _Reach) -> None:
        """What there is now: whose books are to be read. One's own says also when others give rights, or take them."""
        self._known = {one.box.id: one for one in reach.boxes}
        self._subscriptions = reach.subscriptions
        owners = {one.account for one in reach.boxes if one.member and self._covers(one)}
        needed = {self._account, *owners} if self._groups else set()
        self.books = {account: self.books.get(account, reach.books[account]) for account in needed}

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
        attributes = tuple(dict.fromkeys((*session.uid_item, *wanted)))
        await fetch.send_news(session, [(known + 1, view.uids.last_uid)], attributes)

    # -- the others ------------------------------------------------------------------------------------------------

    @property
    def has_too_many_books(self) -> bool:
        return len(self.books) > limit.IMAP_NOTIFY_BOOKS

    def counted(self) -> list[int]:
        """The mailboxes of whose messages any event matters."""
        return [one.box.id for one in self._known.values() if one.box.state == OPEN and self._counts(one)]

    def _counts(self, one: Access) -> bool:
        return bool(one.rights & READ) and any(self._wants(event, one) for event in _OF_MESSAGES.values())

    def _covers(self, one: Access) -> bool:
        known, is_own = self._subscriptions, not one.member
        return any(covers(group.filter, one.name, known, is_own=is_own) for group in self._groups)

    def _wants(self, event: NotifyEvent, *ones: Access) -> bool:
        known = self._subscriptions
        return any(
            event in group.events and any(covers(group.filter, one.name, known, is_own=not one.member) for one in ones)
            for group in self._groups
        )

    def note(self, account: int, changes: Sequence[Change]) -> None:
        """Changes of all mailboxes of an account, oldest first; nothing is told yet."""
        book = self.books.get(account)
        if book is None:
            return
        new = [one for one in changes if one.modseq > book and one.is_for(self._account)]
        if account != self._account:
            annotated = metadata.for_reader(account, [one for one in new if one.kind == Kind.ANNOTATION])
            new = [one for one in new if one.kind not in (Kind.ANNOTATION, Kind.SUBSCRIPTION)] + annotated
        self._new += new
        self.books[account] = max(book, changes[-1].modseq)

    async def tell(self, session: "ImapSession") -> None:
        """What is new of mailboxes other than the selected one. Where that is too much, notifications end."""
        if not self._new:
            return
        lines = await self._name_lines(session, self._new)
        annotated = [one for one in self._new if one.kind == Kind.ANNOTATION and self._wants_annotations(one.mailbox)]
        names = {mailbox: one.name for mailbox, one in self._known.items()}
        lines += metadata.changed_lines(annotated, names, utf8=session.engine.utf8)
        touched = self._touched(session, self._new)
        if len(lines) + len(touched) > limit.IMAP_NOTIFY_AT_ONCE or self.has_too_many_books:
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
        one = self._known.get(mailbox)
        if one is None or not metadata.is_readable(one):
            return False
        return self._wants(NotifyEvent.MAILBOX_METADATA_CHANGE, one)

    def _touched(self, session: "ImapSession", new: Iterable[Change]) -> list[int]:
        """Mailboxes of which a STATUS is due."""
        selected = session.view.mailbox if session.view is not None else 0
        touched: dict[int, None] = {}
        for one in new:
            event = _OF_MESSAGES.get(one.kind) if one.mailbox != selected else None
            known = self._known.get(one.mailbox)
            if event is not None and known is not None and known.rights & READ and self._wants(event, known):
                touched[one.mailbox] = None
        return list(touched)

    async def _name_lines(self, session: "ImapSession", new: Iterable[Change]) -> list[bytes]:
        """LIST of what was made, renamed, removed, subscribed or unsubscribed (RFC 5465 §5.4, §5.5), or can be seen by
        rights that were given just now, or no longer."""
        moved = {one.mailbox for one in new if one.kind in (Kind.MAILBOX, Kind.ACL)}
        if not moved and not any(one.kind == Kind.SUBSCRIPTION for one in new):
            return []
        now = await session.site.store.read(_read, session.account)
        known = {one.box.id: one for one in now.boxes}
        only_rights = moved - {one.mailbox for one in new if one.kind == Kind.MAILBOX}
        told: dict[str, str | None] = {}
        for mailbox in sorted(moved):
            both = [one for one in (self._known.get(mailbox), known.get(mailbox)) if one is not None]
            if len(both) == 2 and mailbox in only_rights:
                continue  # it was to be seen before, and is
            if both and self._wants(NotifyEvent.MAILBOX_NAME, *both):
                before, name = both[0].name, both[-1].name
                told[name] = before if before != name else told.get(name)
        ever = self._subscriptions | now.subscriptions
        for name in sorted(self._subscriptions ^ now.subscriptions):
            if any(
                NotifyEvent.SUBSCRIPTION_CHANGE in group.events
                and covers(group.filter, name, ever, is_own=not is_foreign(name))
                for group in self._groups
            ):
                told.setdefault(name, None)
        self._learn(now)
        session.watch_books()
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
    boxes = {one.box.id: one for one in await access.everything(tx, account) if one.box.state == OPEN}
    there = [boxes[mailbox] for mailbox in wanted if mailbox in boxes and boxes[mailbox].rights & READ]
    return [(one.name, await status.values(tx, one.box, items, 0, member=one.member)) for one in there]
