"""One POP3 session: carries events of the engine to the log-in, the maildrop and back.

One write per batch of pipelined commands. The maildrop is held from log-in to the end and renewed meanwhile; nothing is
deleted unless QUIT says so and the commit has returned. RETR does not set \\Seen: who fetches by POP3 has not read it.

Standards: RFC 1939, RFC 2449, RFC 5034, RFC 2595 §4.
           RFC 1939 §3 not: before log-in a client has a minute, not ten; strangers would hold connections otherwise.
Faults:    none of its own; a defect ends the session and is logged by the listener.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf

from posthaus.base import limit
from posthaus.base.error import Refusal, Trouble
from posthaus.flow.identity import BadCredentials, Exchange, Identity, TooManyGuesses
from posthaus.flow.login import clear_allowed
from posthaus.flow.site import Site
from posthaus.net.stream import Stream, Wake
from posthaus.proto.line import NEED_DATA
from posthaus.proto.pop3 import reply
from posthaus.proto.pop3.command import Apop, Auth, Dele, List, Top, Uidl
from posthaus.proto.pop3.event import End, Event, Password, Quit, Reset, Response, Retrieve, Stat, Stls
from posthaus.proto.pop3.server import Offer, Pop3Server, State
from posthaus.proto.sasl.crammd5 import render_stamp
from posthaus.serve.pop3.drop import Drop
from posthaus.serve.pop3.error import reply_to
from posthaus.serve.pop3.maildrop import Maildrop
from posthaus.serve.pop3.retrieve import Retriever

_STAMP_LETTERS = 16
_SERVICE = "pop3"


@dataclass(frozen=True, slots=True)
class Pop3Service:
    """A port as a listener runs it."""

    site: Site
    start_tls: Callable[[Stream], Awaitable[None]] | None = None  # None: no STLS
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, stream: Stream) -> None:
        await Pop3Session(stream, self).run()


class Pop3Session:
    """One connection."""

    def __init__(self, stream: Stream, service: Pop3Service) -> None:
        self._stream = stream
        self._service = service
        self._site = site = service.site
        self._login = site.login
        self._clock = site.clock
        self._log = site.log.bind(cid=stream.cid)
        self._stamp = self._new_stamp() if site.login.has_recoverable else None
        self._engine = Pop3Server(self._offer(), stamp=self._stamp)
        self._began_at = self._heard_at = site.clock.monotonic()
        self._attempts = 0
        self._exchange: Exchange | None = None
        self._maildrop: Maildrop | None = None
        self._drop = Drop(0, ())
        self._retriever: Retriever | None = None
        self._is_cut = False

    async def run(self) -> None:
        """Until one of the two says goodbye."""
        try:
            while not self._is_cut:
                event = self._engine.next_event()
                if isinstance(event, End):
                    self._log.event("pop3.end", why=event.why)
                    break
                if event is not NEED_DATA:
                    await self._handle(event)
                    if self._stream.has_had_its_turn():
                        await asyncio.sleep(0)
                    continue
                await self._flush()
                if self._engine.state is State.OVER or not await self._wait():
                    break
            await self._flush()
        except ConnectionError as fault:
            self._log.event("pop3.lost", why=str(fault))
            self._stream.abort()
        finally:
            await self._leave()

    # -- waiting and writing ---------------------------------------------------------------------------------------

    async def _wait(self) -> bool:
        """Octets or the end for the engine; false where the session is over without a word (RFC 1939 §3)."""
        while True:
            wake = await self._stream.wait(self._wait_s())
            now = self._clock.monotonic()
            if wake is Wake.OCTETS:
                self._heard_at = now
                self._engine.receive(self._stream.take())
            elif wake is Wake.END:
                self._engine.receive(b"")
            if now >= self._renew_at and not await self._keep():
                return False
            if wake is Wake.OCTETS or wake is Wake.END:
                return True
            if self._left_s(self._clock.monotonic()) <= 0:
                self._log.event("pop3.idle", state=self._engine.state.value)
                return False
            if self._stream.draining and self._maildrop is None:
                return False

    def _left_s(self, now: float) -> float:
        """Until the client has been silent for too long, or strange for too long."""
        if self._maildrop is None:
            return self._began_at + limit.POP3_LOGIN_TIMEOUT_S - now
        return self._heard_at + limit.POP3_IDLE_TIMEOUT_S - now

    def _wait_s(self) -> float:
        now = self._clock.monotonic()
        return max(0.0, min(self._left_s(now), self._renew_at - now))

    @property
    def _renew_at(self) -> float:
        """When the lease of the maildrop is to be renewed."""
        return inf if self._maildrop is None else self._maildrop.renewed_at + limit.POP3_LEASE_RENEW_S

    async def _keep(self) -> bool:
        """Renews the lease. False where the maildrop is somebody else's by now."""
        maildrop = self._maildrop
        if maildrop is None:
            return True
        try:
            await maildrop.renew()
        except Refusal:
            self._log.event("pop3.maildrop-lost")
            self._is_cut = True
            return False
        except Trouble as trouble:
            self._log.warn("pop3.maildrop-unrenewed", why=type(trouble).__name__)
            maildrop.renewed_at = self._clock.monotonic()  # there is time for another try before it runs out
        return True

    async def _flush(self) -> None:
        """All that is due, in one write; waits while the client reads slowly."""
        octets = self._engine.outgoing()
        if not octets:
            return
        self._stream.write(octets)
        await self._stream.drain(limit.WRITE_STALLED_TIMEOUT_S)
        if len(octets) >= limit.POP3_BATCH_OCTETS:
            await asyncio.sleep(0)  # others want to be served too
        # A client that took long has answered by reading.
        if self._maildrop is not None:
            self._heard_at = now = self._clock.monotonic()
            if now >= self._renew_at and not await self._keep():
                raise ConnectionAbortedError("the maildrop is somebody else's by now")

    # -- events ----------------------------------------------------------------------------------------------------

    async def _handle(self, event: Event) -> None:
        retriever = self._retriever
        if isinstance(event, Retrieve) and retriever is not None and retriever.has_answered(event.numbers):
            return
        try:
            await self._answer(event)
        except (BadCredentials, TooManyGuesses) as fault:
            self._refuse_login(reply_to(fault))
        except (Refusal, Trouble) as fault:
            self._site.metric.count("pop3.refused")
            self._log.event("pop3.refused", fault=type(fault).__name__, command=type(event).__name__)
            while self._engine.owed:
                self._engine.send(reply_to(fault))
        if self._engine.pending_octets >= limit.POP3_BATCH_OCTETS:
            await self._flush()

    async def _answer(self, event: Event) -> None:
        engine, drop = self._engine, self._drop
        match event:
            case Retrieve(numbers) if self._retriever is not None:
                await self._retriever.retrieve(numbers)
            case Top(number, lines) if self._retriever is not None:
                await self._retriever.top(number, lines)
            case Dele(number):
                engine.send(drop.delete(number))
            case Stat():
                engine.send(drop.stat())
            case List(number):
                engine.send(drop.list_all() if number is None else drop.list_one(number))
            case Uidl(number):
                engine.send(drop.uidl_all() if number is None else drop.uidl_one(number))
            case Reset():
                engine.send(drop.reset())
            case Quit():
                engine.close(await self._update())
            case _:
                await self._answer_login(event)

    async def _answer_login(self, event: Event) -> None:
        peer = self._stream.peer
        match event:
            case Password(name, password):
                await self._accept(await self._login.password(name, password, peer, _SERVICE, "USER"))
            case Apop(name, digest):
                await self._accept(await self._login.apop(name, digest, self._stamp or b"", peer, _SERVICE))
            case Auth(mechanism, initial):
                self._exchange = self._login.begin(mechanism, self._stream, _SERVICE)
                await self._step(self._exchange, initial or b"")
            case Response(octets) if self._exchange is not None:
                await self._step(self._exchange, octets)
            case Stls():
                await self._start_tls()
            case _:
                raise RuntimeError(f"no answer to {event}")

    # -- log-in ----------------------------------------------------------------------------------------------------

    async def _step(self, exchange: Exchange, response: bytes) -> None:
        result = await exchange.step(response)
        if isinstance(result, Identity):
            await self._accept(result)
        else:
            self._engine.challenge(result)

    async def _accept(self, identity: Identity) -> None:
        """The name and the password are right; now the maildrop must be free (RFC 1939 §4)."""
        site = self._site
        maildrop = Maildrop(site.store, site.clock, identity.account_id, f"{site.worker}/{self._stream.cid}")
        try:
            self._drop = await maildrop.open(self._service.pause)
        except BaseException:
            await maildrop.release()
            raise
        self._maildrop, self._exchange = maildrop, None
        self._retriever = Retriever(self._engine, maildrop, self._drop, site.blobs, self._flush)
        self._heard_at = self._clock.monotonic()
        self._log.event("pop3.open", account=identity.account_id, messages=len(self._drop))
        self._engine.accept()

    def _refuse_login(self, octets: bytes) -> None:
        self._attempts += 1
        if self._attempts < limit.LOGIN_ATTEMPTS_PER_SESSION:
            self._engine.send(octets)
        else:
            self._engine.close(octets)

    async def _start_tls(self) -> None:
        """RFC 2595 §4"""
        start_tls = self._service.start_tls
        if start_tls is None:
            raise RuntimeError("STLS was not offered")
        self._engine.send(reply.BEGIN_TLS)
        await self._flush()
        await start_tls(self._stream)
        self._engine.after_tls()
        self._engine.offer = self._offer()

    def _offer(self) -> Offer:
        return Offer(
            mechanisms=self._login.offered(self._stream),
            is_clear_allowed=clear_allowed(self._stream),
            has_stls=self._service.start_tls is not None and self._stream.tls is None,
        )

    def _new_stamp(self) -> bytes:
        site = self._site
        return render_stamp(site.chance.name(_STAMP_LETTERS), int(site.clock.now()), site.hostname)

    # -- end -------------------------------------------------------------------------------------------------------

    async def _update(self) -> bytes:
        """QUIT. +OK promises that what was marked is deleted, and committed; else nothing is."""
        if self._maildrop is None:
            return reply.BYE
        doomed = self._drop.doomed()
        try:
            await self._maildrop.update(doomed)
        except (Refusal, Trouble) as fault:
            self._log.warn("pop3.unremoved", fault=type(fault).__name__)
            return reply.NOT_REMOVED
        self._log.event("pop3.quit", removed=sum(last - first + 1 for first, last in doomed))
        return reply.BYE

    async def _leave(self) -> None:
        if self._retriever is not None and self._retriever.retrieved:
            messages, octets = self._retriever.retrieved, self._retriever.retrieved_octets
            self._site.metric.count("pop3.retrieved", messages)
            self._log.event("pop3.retrieved", messages=messages, octets=octets)
        if self._maildrop is not None:
            try:
                await self._maildrop.release()
            except (Refusal, Trouble):
                pass  # it runs out by itself
