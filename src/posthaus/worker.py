"""A worker process: an App on sockets that it was given, until a signal or the end of its supervisor.

    SIGTERM   drain and end
    SIGHUP    read the certificates again, open the log file again

A worker whose supervisor is gone has nobody to stop it: it sees the end of the life pipe, drains for a moment, and
ends.

Standards: none.
Faults:    none; the exit code is 1 when the App could not start, and the log says why.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from posthaus.app import App
from posthaus.base.clock import SystemClock
from posthaus.base.error import Refusal, Trouble
from posthaus.base.log import Descriptor, Log, LogFile
from posthaus.base.setting import Settings
from posthaus.base.user import become, find_user
from posthaus.door import Bound
from posthaus.net.whisper import Whisper

_ORPHAN_DRAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Post:
    """All that a worker is given."""

    folder: Path
    settings: Settings
    bound: tuple[Bound, ...]
    node: str
    secret: bytes
    life: int
    """Reads as ended when the supervisor is gone."""
    ready: int
    """Takes one octet when every listener accepts."""
    whisper: Whisper


class Lines:
    """The log of one process, on standard error or in the file that the settings name."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._file: LogFile | None = None
        self._name = ""
        self.log = Log(SystemClock(), Descriptor())
        self.reopen(settings)

    def reopen(self, settings: Settings) -> None:
        """After the file was moved away, or another one is wanted."""
        if self._file is not None and settings.log.file == self._name:
            self._file.reopen()
            return
        if self._file is not None:
            self._file.close()
        self._name = settings.log.file
        self._file = None
        if self._name:
            self._file = LogFile(self._folder / self._name)
            user = find_user(settings.server.user)
            if user is not None:
                os.chown(self._folder / self._name, user.pw_uid, user.pw_gid)  # the workers write there, too
        self.log = Log(SystemClock(), self._file or Descriptor())


def event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it is, asyncio's own elsewhere."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def work(post: Post) -> int:
    """Runs the worker; its exit code."""
    become(post.settings.server.user)
    lines = Lines(post.folder, post.settings)
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        return runner.run(_run(post, lines))


async def _run(post: Post, lines: Lines) -> int:
    app = App(
        post.settings,
        post.folder,
        lines.log,
        node=post.node,
        secret=post.secret,
        bound=post.bound,
        whisper=post.whisper,
    )
    try:
        await app.start()
    except (Refusal, Trouble) as fault:
        lines.log.warn("worker.refused", fault=type(fault).__name__, why=str(fault))
        return 1
    over: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
    _listen_for_signals(app, lines, post, over)
    os.write(post.ready, b"r")
    await app.stop(await over)
    for name, count in app.metric.snapshot().items():
        lines.log.event("metric", name=name, count=count)
    return 0


def _listen_for_signals(app: App, lines: Lines, post: Post, over: "asyncio.Future[float | None]") -> None:
    """`over` becomes the time for sessions to finish (None: what the settings say)."""
    loop = asyncio.get_running_loop()

    def end(drain_s: float | None) -> None:
        if not over.done():
            over.set_result(drain_s)

    def reload() -> None:
        try:
            app.reload()
            lines.reopen(post.settings)
        except (Refusal, OSError) as fault:
            lines.log.warn("certificate.refused", why=str(fault))
            return
        lines.log.event("certificate.read", count=len(app.certificates.listing))

    def orphaned() -> None:
        loop.remove_reader(post.life)
        lines.log.warn("worker.orphaned")
        end(_ORPHAN_DRAIN_S)

    loop.add_signal_handler(signal.SIGTERM, end, None)
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_reader(post.life, orphaned)
