"""One IMAP connection: drives the engine over the stream, and carries commands to the functions that do them.

A function per command says what to answer; before the answer goes out, the client is told what others have done, as far
as it may hear it now. Between commands a bell only leaves a mark; in IDLE it is told at once.

Standards: RFC 9051 §3, §5.2, §5.4, §7; RFC 2177.
Faults:    Refusal and Trouble become NO by serve/imap/error.py; anything else is a defect: logged, and * BYE.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from posthaus.base import limit
from posthaus.base.error import Refusal, Trouble
from posthaus.flow import access
from posthaus.flow.identity import Exchange, Identity
from posthaus.flow.site import Site
from posthaus.mail.rights import READ
from posthaus.mail.uidset import Ranges
from posthaus.net.stream import Stream, Wake
from posthaus.proto.imap import code
from posthaus.proto.imap.command import Append, Fetch, Search, Sort, Store, Thread
from posthaus.proto.imap.event import End, Event
from posthaus.proto.imap.number import SequenceSet
from posthaus.proto.imap.section import Attribute, Plain
from posthaus.proto.imap.server import Engine
from posthaus.proto.line import NEED_DATA
from posthaus.serve.imap import append, context, fetch, metadata, stored
from posthaus.serve.imap.append import Incoming, UnderWay
from posthaus.serve.imap.error import answer_of
from posthaus.serve.imap.notify import Notifier
from posthaus.serve.imap.progress import Progress
from posthaus.serve.imap.view import NoSuchNumber, View
from posthaus.store import change
from posthaus.store import mailbox as mailboxes
from posthaus.store.change import Change
from posthaus.store.error import NoSuchMailbox
from posthaus.store.store import Watch

Answer = Callable[["ImapSession", Any], Awaitable[None]]
_FLUSH_OCTETS = 64 * 1024
_BY_NUMBER = (Fetch, Store, Search, Sort, Thread)  # RFC 9051 §7.5.1; RFC 5256 §3: SORT and THREAD are kinds of SEARCH
_NEWS_AGAIN_S = 1.0  # an IDLE that rang while the store could not be read


class ImapSession:
    """See the head of this module. Made by serve/imap/service.py, which knows which function does which command."""

    __slots__ = (
        "_answer",
        "_answers",
        "_book",
        "_idling",
        "_later",
        "_login_due",
        "_rung",
        "_said",
        "_watches",
        "annotated",
        "append",
        "begin_tls",
        "engine",
        "exchange",
        "has_modseqs",
        "identity",
        "notifier",
        "progress",
        "site",
        "stream",
        "under_way",
        "view",
    )  # fmt: skip

    def __init__(
        self,
        stream: Stream,
        site: Site,
        engine: Engine,
        answers: dict[type, Answer],
        begin_tls: Callable[[Stream], Awaitable[None]] | None,
    ) -> None:
        self.stream = stream
        self.site = site
        self.engine = engine
        self.has_modseqs = False  # RFC 7162 §3.1: the client has shown that it knows of MODSEQs
        self.identity: Identity | None = None
        self.view: View | None = None
        self.notifier: Notifier | None = None  # None: the client has never said NOTIFY
        self.annotated: list[Change] = []  # annotations that others have changed, and of which nothing is told yet
        self.begin_tls = begin_tls  # for STARTTLS; None where there is none, and then it is not offered
        self.exchange: Exchange | None = None  # AUTHENTICATE under way
        self.append: Incoming | None = None  # the message of an APPEND that is coming in
        self.under_way: list[
            UnderWay
        ] = []  # messages of pipelined APPENDs that are being written, and not yet answered
        self.progress = Progress(self.tell_progress)
        self._answers = answers
        self._answer: tuple[Callable[..., None], bytes, str, bytes | None] | None = None
        self._said = 0  # octets that wait in the engine
        self._book = 0  # the book of changes is read up to this MODSEQ
        self._rung = False
        self._idling = False
        self._watches: dict[int, Watch] = {}  # by account: the owner of what is selected, and whom NOTIFY asks for
        self._later: set[asyncio.Task[Any]] | None = None
        self._login_due = site.clock.monotonic() + limit.IMAP_LOGIN_TIMEOUT_S

    # -- the loop --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        self.engine.greet("Posthaus is ready")
        try:
            while True:
                event = self.engine.next_event()
                if event is NEED_DATA:
                    await self._wait()
                elif isinstance(event, End):
                    await self.flush()
                    return
                else:
                    await self._handle(event)
                    if self.stream.has_had_its_turn():
                        await asyncio.sleep(0)
        finally:
            self.notifier = None
            self.unselect()
            append.forget(self)
            if self.append is not None:
                self.append.close()

    async def _wait(self) -> None:
        """The one place to wait: octets, a bell, or a deadline."""
        await self._settle()
        await self.flush()
        if self.stream.draining:
            self.engine.bye("The server is stopping; connect again", code.UNAVAILABLE)
            return
        if self.identity is None:
            # All in all: who sends an octet a minute is a stranger all the same.
            wake = await self.stream.wait(self._login_due - self.site.clock.monotonic())
        else:
            wake = await self.stream.wait(limit.IMAP_IDLE_TIMEOUT_S)
        if wake is Wake.OCTETS:
            octets = self.stream.take()
            if octets:  # nothing yet, where they are deflated
                self.engine.receive(octets)
        elif wake is Wake.END:
            self.engine.receive(b"")
        elif wake is Wake.DEADLINE and self._idling:  # Need.IDLE_FOR_EVER; RFC 2177 §3 leaves it to us
            self.say(b"* OK Still here\r\n")
        elif wake is Wake.DEADLINE:
            self.engine.bye("Idle for too long")
        elif self._idling or self.notifier is not None:
            # RFC 5465 §4: who says SELECTED hears of expunges at any time
            at_any_time = self.notifier is not None and self.notifier.may_expunge
            await self.tell_news(may_expunge=self._idling or at_any_time)

    async def _settle(self) -> None:
        """Nothing is done, and nothing goes out, before the APPENDs that came first are answered."""
        if self.under_way:
            try:
                await append.settle(self)
            except ConnectionError:
                raise
            except Exception as e:
                self._defect(e, Append)

    async def _handle(self, event: Event) -> None:
        if self.under_way and not isinstance(event, append.EVENTS):
            await self._settle()
        try:
            self.progress.begin(getattr(event, "tag", b""))
            await self._answers[type(event)](self, event)
        except NoSuchNumber:
            self.bad(getattr(event, "tag", b"*"), "No message has that number")
        except stored.NamesNumbers:
            self.bad(getattr(event, "tag", b"*"), "The filter has message numbers", code.UIDREQUIRED)
        except (Refusal, Trouble) as e:
            text, what = answer_of(e)
            self.no(getattr(event, "tag", b"*"), text, what)
        except ConnectionError:
            raise
        except Exception as e:
            self._defect(e, type(event))
            return
        answer, self._answer = self._answer, None
        if answer is not None:
            if self._rung:
                uid = getattr(event, "uid", True)
                await self.tell_news(may_expunge=uid or not isinstance(event, _BY_NUMBER))
            say, tag, text, what = answer
            say(tag, text, what)

    def _defect(self, e: Exception, kind: type) -> None:
        self.site.log.defect("imap.defect", e, cid=self.stream.cid, command=kind.__name__)
        self.engine.bye("A fault of ours; connect again", code.SERVERBUG)
        self._answer = None

    # -- what the functions of the commands say --------------------------------------------------------------------

    def ok(self, tag: bytes, text: str, what: bytes | None = None) -> None:
        self._answer = (self.engine.ok, tag, text, what)

    def no(self, tag: bytes, text: str, what: bytes | None = None) -> None:
        self._answer = (self.engine.no, tag, text, what)

    def bad(self, tag: bytes, text: str, what: bytes | None = None) -> None:
        self._answer = (self.engine.bad, tag, text, what)

    def say(self, octets: bytes) -> None:
        """Whole response lines, small ones."""
        if octets:
            self.engine.send(octets)

    async def send(self, octets: bytes) -> None:
        """As say, for much: waits while the client does not read."""
        self.engine.send(octets)
        self._said += len(octets)
        if self._said >= _FLUSH_OCTETS:
            await self.flush()

    def tell_progress(self, line: bytes) -> None:
        """At any time, and what waits goes out with it."""
        self.engine.send(line)
        self._said = 0
        self.stream.write(self.engine.outgoing())

    async def flush(self) -> None:
        self._said = 0
        self.stream.write(self.engine.outgoing())
        await self.stream.drain(limit.WRITE_STALLED_TIMEOUT_S)
        if self.stream.has_had_its_turn():
            await asyncio.sleep(0)

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Work that promises nothing to anybody; its faults are counted, not told."""
        if self._later is None:
            self._later = set()
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._done_later)

    def _done_later(self, task: "asyncio.Task[Any]") -> None:
        if self._later is not None:
            self._later.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.site.metric.count("imap.later.failed")

    # -- what they ask ---------------------------------------------------------------------------------------------

    @property
    def account(self) -> int:
        assert self.identity is not None  # the engine lets no such command through
        return self.identity.account_id

    @property
    def selected(self) -> View:
        assert self.view is not None
        return self.view

    @property
    def is_rev2(self) -> bool:
        return self.engine.rev2

    @property
    def is_uid_only(self) -> bool:
        """RFC 9586: no message is called by its number."""
        return self.engine.uid_only

    @property
    def uid_item(self) -> tuple[Attribute, ...]:
        """The item that says which message is meant, where it does not stand at the beginning (RFC 9586 §3.3)."""
        return () if self.is_uid_only else (Plain.UID,)

    @property
    def has_vanished(self) -> bool:
        """RFC 7162 §3.2.3: expunges are told by UID, also those that the client has missed."""
        return b"QRESYNC" in self.engine.enabled_names

    def want_modseqs(self) -> None:
        """Answers carry MODSEQs from now on (RFC 7162 §3.1)."""
        if not self.has_modseqs and self.view is not None:
            self.say(b"* OK [%b] Highest\r\n" % code.highest_modseq(self.view.modseq))
        self.has_modseqs = True

    def highest_modseq(self) -> bytes | None:
        """For the answer to a command that expunged (RFC 7162 §3.2.8); the news have been told."""
        return code.highest_modseq(self.selected.modseq) if self.has_modseqs else None

    @property
    def recent_from(self) -> int:
        """UIDs from here on are \\Recent; 0 where this client does not speak of it."""
        return 0 if self.is_rev2 else self.selected.recent_from

    def now(self) -> int:
        return int(self.site.clock.now())

    def uids_of(self, numbers: SequenceSet, *, uid: bool) -> Ranges:
        return self.selected.uids_of(numbers, uid=uid)

    # -- the selected mailbox --------------------------------------------------------------------------------------

    def watch(self, account: int) -> None:
        """From now on this session hears of the changes of this account, whose mailbox is to be selected, and of its
        own. Before the mailbox is read, so that none is missed."""
        self.unselect()
        self._begin_watch({account, self.account})

    def select(self, view: View, book: int) -> None:
        """The view was read when the book had come to this MODSEQ."""
        self.view = view
        self._book = book

    def log_out(self) -> None:
        """The identity and all that was its own is forgotten; another log-in may follow (RFC 8437)."""
        self.notifier = None
        self.unselect()
        self.identity = None
        self.has_modseqs = False
        self._login_due = self.site.clock.monotonic() + limit.IMAP_LOGIN_TIMEOUT_S

    def unselect(self) -> None:
        self.view = None
        self.annotated = []
        self._end_watch()

    @contextmanager
    def watching(self, accounts: Iterable[int]) -> Iterator[None]:
        """For a command that is about to set a notifier; where it does not, all is as before."""
        self._begin_watch(accounts)
        try:
            yield
        finally:
            self._end_watch()

    def notify(self, notifier: Notifier) -> None:
        self.notifier = notifier
        self.watch_books()

    def watch_books(self) -> None:
        """Those that the notifier reads now, and no others."""
        if self.notifier is not None:
            self._begin_watch(self.notifier.books)
        self._end_watch()

    def _begin_watch(self, accounts: Iterable[int]) -> None:
        for account in accounts:
            if account not in self._watches:
                ring = self._ring_own if account == self.account else self._ring
                self._watches[account] = self.site.store.watch(account, ring)

    def _end_watch(self) -> None:
        """Of what need not be watched any more."""
        needed = set(self.notifier.books) if self.notifier is not None else set()
        if self.view is not None:
            needed.add(self.view.account)
            if self.view.member:
                needed.add(self.view.member)
        for account in self._watches.keys() - needed:
            self._watches.pop(account).close()
        if not self._watches:
            self._rung = False

    def idle(self, idling: bool) -> None:
        self._idling = idling
        if idling and self._rung:
            self.stream.ring()

    def _ring(self) -> None:
        self._rung = True
        if self._idling or self.notifier is not None:
            self.stream.ring()

    def _ring_own(self) -> None:
        """A member's own account says what no book of the owner's does: that it was removed."""
        if self.view is not None and self.view.member:
            self.view.mailbox_changed = True
        self._ring()

    async def tell_if_rung(self) -> None:
        """What others did, before an answer that is given out of the common way."""
        if self._rung:
            await self.tell_news(may_expunge=True)

    async def tell_news(self, *, may_expunge: bool, asked: bool = False) -> None:
        """What others did, from the book, as far as the client may and wants to hear it now; asked: all of it, for the
        command would make no sense without.

        Where the store cannot be read it is told later: the command that it follows has been carried out all the same.
        """
        if not self._watches:
            return
        rung, self._rung = self._rung, False
        try:
            await self._tell_news(may_expunge=may_expunge, asked=asked, rung=rung)
        except Trouble:
            self.site.metric.count("imap.news.later")
            self._rung = True
            if self._idling or self.notifier is not None:
                asyncio.get_running_loop().call_later(_NEWS_AGAIN_S, self._ring)

    async def take_note(self) -> None:
        """Read the book; nothing is told yet."""
        view, notifier = self.view, self.notifier
        books = dict(notifier.books) if notifier is not None else {}
        if view is not None:
            books[view.account] = min(self._book, books.get(view.account, self._book))
        for account, book in books.items():
            changes = await self.site.store.read(change.since, account, book)
            if not changes:
                continue
            if view is not None and view.account == account:
                new = [one for one in changes if one.modseq > self._book]
                metadata.note(self, view, new)
                view.note(new)
                self._book = changes[-1].modseq
            if notifier is not None:
                notifier.note(account, changes)

    async def _tell_news(self, *, may_expunge: bool, asked: bool, rung: bool) -> None:
        book = self._book
        await self.take_note()
        view, notifier = self.view, self.notifier
        if rung and view is not None and view.member and self._book == book:
            view.mailbox_changed = True  # a bell without an entry in the book: the owner may be no more
        wanted = asked or notifier is None or notifier.wants_messages
        if view is not None and view.mailbox_changed and not await self._look_again(view, is_told=wanted):
            return  # whatever the client wants to hear: it is cut off
        if view is not None and view.has_news and wanted:
            await self._tell_view(view, notifier, may_expunge=may_expunge)
        if view is not None:
            view.settle()
        if self.annotated:
            await metadata.tell(self)
        if notifier is not None:
            await notifier.tell(self)

    async def _tell_view(self, view: View, notifier: Notifier | None, *, may_expunge: bool) -> None:
        if view.keywords_changed:
            await self.read_keywords((), force=True)
        if may_expunge:
            context.tell_gone(self)
            self.say(view.tell_gone(by_uid=self.has_vanished or self.is_uid_only))
        known = view.uids.last_uid
        self.say(view.tell_added(recent=not self.is_rev2))
        if notifier is not None:
            await notifier.tell_added(self, view, known)
        flagged = view.flags_to_tell() if notifier is None or notifier.wants_flags else []
        if flagged:
            try:
                await fetch.send_flags(self, flagged, with_uid=True)
            except Trouble:
                view.flagged = flagged
                raise
        await context.tell_changed(self, known)
        if view.gone:
            self._rung = True  # the next command may tell them

    async def _look_again(self, view: View, *, is_told: bool) -> bool:
        """The selected mailbox was renamed, or removed: then the client sees all its messages go (RFC 2180 §3.3). Or it
        has other rights; who may not read it any more is cut off (RFC 4314 §5.1.1), and that is False."""
        try:
            now = await self.site.store.read(access.by_id, view.member or view.account, view.mailbox)
        except NoSuchMailbox:
            view.mailbox_changed = False
            view.gone = view.uids.ranges()
        else:
            view.mailbox_changed = False  # and not before: where the store cannot be read, it is asked again
            view.name = now.name
            if not now.rights & READ:
                self.engine.bye("The mailbox may not be read any more", code.NOPERM)
                return False
            told = view.tell_rights(now.rights)
            if is_told:
                self.say(told)
        return True

    async def read_keywords(self, used: Sequence[str], *, force: bool = False) -> None:
        """Learns keywords that are new to this view, and tells them before a flag shows them (RFC 9051 §7.3.5)."""
        view = self.selected
        known = {name.lower() for name in view.flag_text.keywords.values()}
        if force or any(name.lower() not in known for name in used):
            keywords = await self.site.store.read(mailboxes.keywords, view.mailbox)
            view.keywords_changed = False
            if keywords != view.flag_text.keywords:
                view.flag_text = type(view.flag_text)(keywords)
                self.say(view.flags_lines())
