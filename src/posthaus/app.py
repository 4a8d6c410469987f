"""The composition root: one worker, built from the settings and from nothing else.

Everything that a session needs is made here and passed down. An App is given listening sockets (main.py binds them
before it forks) or binds its own, so a test has a whole post office in its own process.

Standards: none of its own.
Faults:    Refusal (settings, certificates, addresses in use) and Trouble (the store) from start().
"""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from posthaus.base import heap, limit
from posthaus.base.chance import Chance, SystemChance
from posthaus.base.clock import Clock, SystemClock
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.base.setting import Settings
from posthaus.base.task import end_tasks
from posthaus.door import DOORS, Bound, bind_all
from posthaus.flow.bounce import Bouncer
from posthaus.flow.heir import release_dead, worker_name
from posthaus.flow.index import run_index
from posthaus.flow.login import Login
from posthaus.flow.queue import Runner
from posthaus.flow.relay import Relay
from posthaus.flow.rotate import run_rotate
from posthaus.flow.route import Here
from posthaus.flow.site import Site
from posthaus.flow.sortfact import run_sort_facts
from posthaus.flow.sweep import run_sweep
from posthaus.flow.tlsreport import TlsReporter
from posthaus.net.connect import Connector
from posthaus.net.listen import Census, Greeting, Listener, Service, Surroundings, drain
from posthaus.net.peer import Networks
from posthaus.net.stream import Stream
from posthaus.net.tls import Certificates
from posthaus.net.tlsclient import ClientTls
from posthaus.net.wheel import Wheel
from posthaus.net.whisper import Whisper
from posthaus.outward import Outward, judge_sending, make_outward
from posthaus.serve.imap.service import ImapService
from posthaus.serve.pop3.session import Pop3Service
from posthaus.serve.smtp.mx import MxPolicy
from posthaus.serve.smtp.session import SmtpService
from posthaus.serve.smtp.submission import SubmissionPolicy
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.store import Store, open_store, open_text_index
from posthaus.store.textindex import TextIndex

SECRET_OCTETS = 32
_TICK_S = 1.0
_SWEEP_LOGIN_S = 300.0
_GIVE_BACK_S = 30.0
_WORKER_LETTERS = 12


def hostname_of(settings: Settings) -> str:
    return settings.hostname or os.uname().nodename


class App:
    """One worker: start() builds and listens, stop() says goodbye and closes."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        log: Log,
        *,
        node: str = "",
        secret: bytes = b"",
        bound: Iterable[Bound] | None = None,
        clock: Clock | None = None,
        chance: Chance | None = None,
        any_port: bool = False,
        whisper: Whisper | None = None,
    ) -> None:
        """node: the house's name among all that share the store. secret: the same for all workers of a family.
        bound: sockets; without them start() binds its own, with any_port on ports that are free. whisper: to and from
        the other workers of the family."""
        self.settings = settings
        self.folder = folder
        self.log = log
        self.clock = clock or SystemClock()
        self.chance = chance or SystemChance()
        self.metric = Metric()
        self.wheel = Wheel(self.clock, lambda exc: log.defect("wheel.defect", exc))
        self.ports: dict[str, int] = {}
        self.queue: Runner | None = None
        self._node = node or SystemChance().name(_WORKER_LETTERS)  # of this App alone, also in tests
        self._secret = secret or self.chance.octets(SECRET_OCTETS)
        self._bound = None if bound is None else list(bound)
        self._any_port = any_port
        self._whisper = whisper or Whisper(None, ())
        self._listeners: list[Listener] = []
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._tick: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Returns when every listener accepts."""
        try:
            await self._build()
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, drain_s: float | None = None) -> None:
        """No more connections; sessions may finish for so long (default: the setting); then everything is closed."""
        drain_s = self.settings.server.drain if drain_s is None else drain_s
        resting = asyncio.get_running_loop().create_task(self._queue_off(drain_s))
        await drain(self._listeners, drain_s)
        await resting
        self._listeners.clear()
        if self._tick is not None:
            self._tick.cancel()
        while self._closers:
            await self._closers.pop()()

    def reload(self) -> None:
        """Reads the certificates again; raises CertificateFault and keeps the old ones."""
        self.certificates.reload()

    # -- building, in this order -----------------------------------------------------------------------------------

    async def _build(self) -> None:
        settings = self.settings
        hostname = hostname_of(settings)
        self.certificates = Certificates(self.folder / settings.tls.folder, hostname)
        self.store = await self._open_store()
        await release_dead(self.store, self._node, self.log)
        self.index = await self._open_index()
        self.outward = self._make_outward(hostname)
        self.site = self._make_site(hostname)
        await self.login.refresh()
        self.here = Here(hostname, separator=settings.mail.separator)
        judge_sending(settings.send, self.log)
        self._tick_on()
        self._sweep_on()
        await self._listen(self._services())
        self._queue_on(hostname)

    def _queue_on(self, hostname: str) -> None:
        """Last, when it is known which addresses are our own."""
        site = self.site
        relay = Relay(
            hostname=hostname,
            connector=Connector(self.wheel, self.chance, self.settings.send.source),
            tls=ClientTls(),
            blobs=site.blobs,
            clock=self.clock,
            chance=self.chance,
            log=self.log,
            on_tls=self.outward.tls_counter.session,
        )
        self.queue = Runner(site, self.outward.hops, relay, Bouncer(site, self.here))
        self.queue.start()

    async def _queue_off(self, drain_s: float) -> None:
        if self.queue is not None:
            await self.queue.stop(drain_s)

    async def _open_store(self) -> Store:
        store = await open_store(self.settings.store.url, self.folder / self.settings.store.folder)
        self._closers.append(store.close)
        return store

    async def _open_index(self) -> TextIndex:
        index = await open_text_index(self.settings.store.url, self.folder / self.settings.store.folder)
        self._closers.append(index.close)
        return index

    def _make_outward(self, hostname: str) -> Outward:
        outward = make_outward(self.settings.send, hostname, self.store, self.clock, self.chance, self.log)
        self._closers.append(outward.close)
        return outward

    def _make_site(self, hostname: str) -> Site:
        self._threads = executor = ThreadPoolExecutor(limit.LOGIN_THREADS, thread_name_prefix="login")

        async def close() -> None:
            executor.shutdown(wait=False, cancel_futures=True)

        self._closers.append(close)
        store_folder = self.folder / self.settings.store.folder
        spool_folder = store_folder / "spool"
        spool_folder.mkdir(parents=True, exist_ok=True)
        self.login = Login(
            self.store,
            self.clock,
            self.chance,
            self.log,
            self.metric,
            executor,
            key=self._secret,
            host=hostname,
            on_share=self._whisper.say,
        )
        self._closers.append(self.login.close)
        self._whisper.listen(self.login.learn)

        async def fall_silent() -> None:
            self._whisper.stop()

        self._closers.append(fall_silent)
        return Site(
            store=self.store,
            blobs=DiskBlobs(store_folder / "blobs"),
            login=self.login,
            clock=self.clock,
            chance=self.chance,
            log=self.log,
            metric=self.metric,
            hostname=hostname,
            spool_folder=spool_folder,
            worker=worker_name(self._node, self.chance.name(_WORKER_LETTERS)),
            message_octets=self.settings.mail.message_size,
            message_limit=self.settings.mail.imap_message_limit,
            save_limit=self.settings.mail.imap_save_limit,
            share_with_anyone=self.settings.mail.share_with_anyone,
            resolver=self.outward.resolver,
            index=self.index,
            send=self.settings.send,
        )

    def _services(self) -> dict[str, Service]:
        site = self.site
        smtp = self._starter("smtp")
        return {
            "smtp": SmtpService(site, MxPolicy(site, self.here), smtp).run,
            "submission": SmtpService(
                site, SubmissionPolicy(site, self.here, Networks(self.settings.send.networks)), smtp
            ).run,
            "imap": ImapService(site, self._starter("imap")),
            "pop3": Pop3Service(site, self._starter("pop3")).run,
        }

    def _context(self, protocol: str) -> Callable[[], ssl.SSLContext]:
        return lambda: self.certificates.context(protocol)

    def _starter(self, protocol: str) -> Callable[[Stream], Awaitable[None]]:
        return lambda stream: stream.start_tls(self.certificates.context(protocol))

    async def _listen(self, services: dict[str, Service]) -> None:
        network = self.settings.network
        around = Surroundings(
            wheel=self.wheel,
            chance=self.chance,
            log=self.log,
            metric=self.metric,
            census=Census(network.connections, network.connections_per_address),
            proxies=Networks(network.proxies),
        )
        bound = self._bound
        if bound is None:
            bound = bind_all(self.settings, any_port=self._any_port)
        for name, one in bound:
            door = DOORS[name]
            greeting = Greeting(name, door.refusal, self._context(door.protocol) if door.is_tls else None)
            listener = Listener(one, services[door.service], greeting, around)
            self._listeners.append(listener)
            self.ports.setdefault(name, listener.port)
            if door.service == "smtp":
                self.outward.doors.add(*one.getsockname()[:2])
        for listener in self._listeners:
            await listener.start()

    def _sweep_on(self) -> None:
        """Housekeeping: of the store in a task (one worker of all does it at a time), of what log-in remembers here."""
        store, clock, log, worker = self.store, self.clock, self.log, self.site.worker
        outward = self.outward
        loop = asyncio.get_running_loop()
        jobs = [
            loop.create_task(job)
            for job in (
                run_sweep(store, self.site.blobs, clock, self.settings.store, log, owner=worker),
                run_rotate(store, outward.resolver, clock, log, worker),
                run_index(store, self.site.blobs, self.index, clock, log),
                run_sort_facts(store, clock, self.chance, log, worker),
                outward.policies.run_refresh(worker),
                outward.tls_counter.run(),
                *self._reports(worker),
                self._refresh_login(),
            )
        ]

        async def end() -> None:
            await end_tasks(jobs)

        self._closers.append(end)
        self._sweep_login()
        self.wheel.after(_GIVE_BACK_S, self._give_back)

    def _reports(self, worker: str) -> list[Coroutine[Any, Any, None]]:
        if not self.settings.send.tls_reports:
            return []
        return [TlsReporter(self.site, self.here, self.outward.resolver, self.outward.https).run(worker)]

    def _sweep_login(self) -> None:
        self.login.sweep()
        self.wheel.after(_SWEEP_LOGIN_S, self._sweep_login)

    def _give_back(self) -> None:
        self._threads.submit(heap.give_back)
        self.wheel.after(_GIVE_BACK_S, self._give_back)

    async def _refresh_login(self) -> None:
        """What is offered at log-in follows what the accounts keep."""
        while True:
            await asyncio.sleep(limit.LOGIN_REFRESH_S)
            try:
                await self.login.refresh()
            except Trouble as trouble:
                self.log.warn("login.not-refreshed", fault=type(trouble).__name__)
            except Exception as exc:
                self.log.defect("login.refresh-defect", exc)

    def _tick_on(self) -> None:
        self.wheel.tick()
        self._tick = asyncio.get_running_loop().call_later(_TICK_S, self._tick_on)
