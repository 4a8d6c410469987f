"""The supervisor: binds, forks the workers, starts a dead one again, reloads, drains.

All code is imported and all sockets are bound before the first fork. Each worker has a socket of its own for each
listener; the supervisor keeps them all, so what waits in the backlog of a worker that died is served by its successor.
A reload is the same as a crash: new workers come, the old ones drain. The supervisor itself touches neither store nor
network.

    SIGTERM, SIGINT   stop: sessions may finish for the time that the settings give, then all ends
    SIGHUP            settings and certificates are read again; if they are no good, everything stays as it is

Standards: none.
Faults:    Refusal before the first worker is up (settings, certificates, addresses in use); after that, log lines.
"""

import contextlib
import gc
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from posthaus.app import SECRET_OCTETS, hostname_of
from posthaus.base.chance import SystemChance
from posthaus.base.error import Refusal, Trouble
from posthaus.base.heap import share_one_heap
from posthaus.base.log import Log
from posthaus.base.setting import Settings, read_settings
from posthaus.base.user import find_user
from posthaus.door import places
from posthaus.net.bind import bind
from posthaus.net.tls import Certificates
from posthaus.net.whisper import Pair, Whisper, make_pair
from posthaus.node import node_name
from posthaus.pidfile import PidFile
from posthaus.store.store import load_driver
from posthaus.worker import Lines, Post, event_loop, work

_SETTLED_S = 5.0  # a worker that dies younger than this is started again only after a pause
_PAUSE_S = 0.1
_PAUSE_MAX_S = 5.0  # clients wait as long in the backlog of its sockets, also after the database is back
_LONGER_S = 10.0  # beyond the drain, before a worker that does not end is killed
_REAP_S = 1.0


@dataclass(slots=True)
class Worker:
    """One child. `slot` is the number of its sockets, `generation` the settings that it runs with."""

    pid: int
    slot: int
    generation: int
    started_at: float
    ready: int
    is_ready: bool = False


class Supervisor:
    """Runs the house in this folder until it is told to stop."""

    def __init__(self, folder: Path, settings: Settings, workers: int = 0) -> None:
        self._folder = folder
        self._settings = settings
        self._wanted = workers
        self._lines = Lines(folder, settings)
        self._log: Log = self._lines.log
        self._secret = SystemChance().octets(SECRET_OCTETS)
        self._sockets: dict[tuple[str, str, int], list[socket]] = {}
        self._pairs: list[Pair] = []  # by slot
        self._workers: dict[int, Worker] = {}
        self._generation = 0
        self._failures: dict[int, int] = {}  # by slot: deaths one after the other
        self._due: dict[int, float] = {}  # by slot: when to start again
        self._signals: set[int] = set()
        self._is_up = False

    def run(self) -> int:
        """The exit code. Raises Refusal when the house cannot be opened."""
        with PidFile(self._folder / "run" / "posthaus.pid"), self._plumbing():
            try:
                self._check(self._settings)
                self._node = node_name(self._folder, SystemChance())
                self._bind(self._settings)
                load_driver(self._settings.store.url)
                event_loop()  # imports it
                share_one_heap()
                gc.collect()
                gc.freeze()  # what is there now is never looked at again, so its pages stay shared
                self._start_all()
                return self._watch()
            finally:
                self._end_all()

    # -- before the first fork -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _plumbing(self) -> Iterator[None]:
        """Signals wake us through a pipe; another pipe tells the workers by its end that we are gone."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._life, self._life_end = os.pipe()
        self._wake, self._wake_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._wake_end, False)
        before = {number: signal.signal(number, self._signalled) for number in _SIGNALS}
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            for fd in (self._life, self._life_end, self._wake, self._wake_end):
                os.close(fd)

    def _signalled(self, number: int, frame: object) -> None:
        self._signals.add(number)

    def _check(self, settings: Settings) -> None:
        """What can be found wrong without starting a worker."""
        Certificates(self._folder / settings.tls.folder, hostname_of(settings))
        find_user(settings.server.user)

    def _count(self, settings: Settings) -> int:
        return self._wanted or settings.server.workers or os.cpu_count() or 1

    def _bind(self, settings: Settings) -> None:
        """All sockets for all workers; those that stand are kept, those that are no longer wanted are closed."""
        count = self._count(settings)
        new: dict[tuple[str, str, int], list[socket]] = {}
        added: list[socket] = []
        try:
            for name, address, port in places(settings):
                stand = self._sockets.get((name, address, port), [])
                more = bind(address, port, count - len(stand), try_first=not stand) if len(stand) < count else []
                added += more
                if not stand and not more:
                    self._log.event("listen.skipped", listener=name, address=address, why="no IPv6")
                    continue
                new[name, address, port] = stand + more
        except BaseException:
            for one in added:
                one.close()
            raise
        for place, sockets in self._sockets.items():
            for one in sockets[count if place in new else 0 :]:
                one.close()
        self._sockets = {place: sockets[:count] for place, sockets in new.items()}
        self._pairs += [make_pair() for _ in range(count - len(self._pairs))]

    # -- workers ---------------------------------------------------------------------------------------------------

    def _start_all(self) -> None:
        self._generation += 1
        for slot in range(self._count(self._settings)):
            self._start(slot)

    def _start(self, slot: int) -> None:
        ready, ready_end = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # one that comes now must not be taken by a half-made child
        pid = os.fork()
        if pid == 0:
            self._become_worker(slot, ready, ready_end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(ready_end)
        self._workers[pid] = Worker(pid, slot, self._generation, time.monotonic(), ready)

    def _become_worker(self, slot: int, ready: int, ready_end: int) -> None:
        """In the child: let go of all that is the supervisor's or a sibling's, work, and never come back."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number, meant in _IN_WORKER.items():
                signal.signal(number, meant)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            for worker in self._workers.values():
                os.close(worker.ready)
            for fd in (self._life_end, self._wake, self._wake_end, ready):
                os.close(fd)
            mine = []
            for (name, _, _), sockets in self._sockets.items():
                # A sibling's socket that stayed open here would get connections that nobody accepts.
                for owner, one in enumerate(sockets):
                    if owner == slot:
                        mine.append((name, one))
                    else:
                        one.close()
            whisper = Whisper(self._pairs[slot].ear, [p.mouth for i, p in enumerate(self._pairs) if i != slot])
            post = Post(
                self._folder, self._settings, tuple(mine), self._node, self._secret, self._life, ready_end, whisper
            )
            code = work(post)
        except BaseException as defect:
            self._log.defect("worker.defect", defect, slot=slot)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    # -- watching --------------------------------------------------------------------------------------------------

    def _watch(self) -> int:
        while True:
            self._sleep()
            self._reap()
            if self._signals & _STOP:
                return 0
            if not self._is_up and len(self._workers) < self._count(self._settings):
                print("posthaus: a worker could not start; the log says why", file=sys.stderr)
                return 1
            if signal.SIGHUP in self._signals:
                self._signals.discard(signal.SIGHUP)
                self._reload()
            self._start_due()
            self._settle()

    def _sleep(self) -> None:
        waiting = {worker.ready: worker for worker in self._workers.values() if not worker.is_ready}
        timeout_s = max(0.0, min(self._due.values()) - time.monotonic()) if self._due else None
        for fd in select.select([self._wake, *waiting], [], [], timeout_s)[0]:
            if fd == self._wake:
                with contextlib.suppress(BlockingIOError):
                    while os.read(self._wake, 512):
                        pass
            elif os.read(fd, 1):
                waiting[fd].is_ready = True
                self._log.event("worker.ready", worker=waiting[fd].pid, slot=waiting[fd].slot)
            else:
                self._reap(waiting[fd].pid)

    def _reap(self, one: int = -1) -> None:
        """Takes note of the dead. `one` has just closed its pipe, so it is worth waiting for."""
        while self._workers:
            try:
                pid, status = os.waitpid(one, 0 if one > 0 else os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            worker = self._workers.pop(pid, None)
            if worker is not None:
                self._buried(worker, status)
            if one > 0:
                return

    def _buried(self, worker: Worker, status: int) -> None:
        os.close(worker.ready)
        code = os.waitstatus_to_exitcode(status)
        if worker.generation != self._generation:
            self._log.event("worker.left", worker=worker.pid, slot=worker.slot, code=code)
            return
        lived_s = time.monotonic() - worker.started_at
        failures = 0 if lived_s > _SETTLED_S else self._failures.get(worker.slot, 0) + 1
        self._failures[worker.slot] = failures
        pause_s = min(_PAUSE_S * 2.0 ** (failures - 1), _PAUSE_MAX_S) if failures else 0.0
        self._due[worker.slot] = time.monotonic() + pause_s
        self._log.warn("worker.died", worker=worker.pid, slot=worker.slot, code=code, lived_s=lived_s, pause_s=pause_s)

    def _start_due(self) -> None:
        now = time.monotonic()
        for slot in [slot for slot, due in self._due.items() if due <= now]:
            del self._due[slot]
            if slot < self._count(self._settings):
                self._start(slot)

    def _settle(self) -> None:
        """When a whole generation accepts: say so once, and let the one before drain."""
        new = [worker for worker in self._workers.values() if worker.generation == self._generation]
        if len(new) < self._count(self._settings) or not all(worker.is_ready for worker in new):
            return
        for worker in self._workers.values():
            if worker.generation != self._generation:
                self._tell(worker, signal.SIGTERM)
        if not self._is_up:
            self._is_up = True
            self._log.event("house.ready", workers=len(new), listeners=len(self._sockets))
            print("ready", flush=True)

    # -- reload and stop -------------------------------------------------------------------------------------------

    def _reload(self) -> None:
        try:
            settings = read_settings(self._folder)
            self._check(settings)
            if settings != self._settings:
                self._bind(settings)
        except Refusal as fault:
            self._log.warn("setting.refused", why=str(fault))
            return
        self._lines.reopen(settings)
        self._log = self._lines.log
        if settings == self._settings:
            for worker in self._workers.values():
                self._tell(worker, signal.SIGHUP)
            self._log.event("setting.same", workers=len(self._workers))
            return
        self._settings = settings
        self._due.clear()
        self._failures.clear()
        self._start_all()
        self._log.event("setting.changed", generation=self._generation)

    def _tell(self, worker: Worker, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, number)

    def _end_all(self) -> None:
        for worker in self._workers.values():
            self._tell(worker, signal.SIGTERM)
        for sockets in self._sockets.values():
            for one in sockets:
                one.close()
        for pair in self._pairs:
            pair.close()
        give_up_at = time.monotonic() + self._settings.server.drain + _LONGER_S
        while self._workers and time.monotonic() < give_up_at:
            select.select([self._wake], [], [], _REAP_S)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 512)
            self._reap_quietly()
        for worker in self._workers.values():
            self._log.warn("worker.killed", worker=worker.pid, slot=worker.slot)
            self._tell(worker, signal.SIGKILL)
        self._log.event("house.closed")

    def _reap_quietly(self) -> None:
        for pid in list(self._workers):
            if os.waitpid(pid, os.WNOHANG)[0]:
                os.close(self._workers.pop(pid).ready)


_STOP = {signal.SIGTERM, signal.SIGINT}
_IN_WORKER: dict[signal.Signals, signal.Handlers] = {
    signal.SIGCHLD: signal.SIG_DFL,
    signal.SIGTERM: signal.SIG_DFL,  # until the worker listens for it
    signal.SIGHUP: signal.SIG_IGN,
    signal.SIGINT: signal.SIG_IGN,  # a terminal tells all of the group; the supervisor decides
}
_SIGNALS = frozenset(_IN_WORKER)


def serve(folder: Path, workers: int = 0) -> int:
    """Runs the house until it is told to stop; the exit code. One line on stderr says why it could not."""
    try:
        return Supervisor(folder, read_settings(folder), workers).run()
    except (Refusal, Trouble) as fault:
        print(f"posthaus: {fault}", file=sys.stderr)
        return 1
