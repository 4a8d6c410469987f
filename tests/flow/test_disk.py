"""A disk that is full, a lock that others hold, a folder that is taken away, under a server that goes on.

What was acknowledged is there afterwards; what could not be kept was refused for the moment; deleting works where room
is short, thanks to the reserve; and when the trouble is over the server serves again without a restart.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posthaus.base import limit
from posthaus.base.clock import SystemClock
from posthaus.base.setting import StoreSetting
from posthaus.base.unit import Duration
from posthaus.flow.sweep import Counts, sweep_once
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.store import open_store
from posthaus.testing.process import ServerProcess
from posthaus.testing.rude import HEAD, PASSWORD, TARGET, Imap, Pop3, Smtp

DISK_OCTETS = 192 << 20
PATIENCE_S = 20.0  # for what the server looks at once a second
SMALL = b"x" * 1_000
LARGE = b"x" * 70 + b"\r\n" + b"y" * (limit.SPOOL_MEMORY_OCTETS + 70_000)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of our own, in memory."""
    if os.geteuid():
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_OCTETS},mode=755", "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk of our own: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def server(disk: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(disk / "house", {TARGET: PASSWORD}, workers=1)
    (server.folder / "serve.log").symlink_to(tmp_path / "serve.log")  # elsewhere, to be heard on a full disk
    try:
        with server:
            yield server
            assert server.stop() == 0
        server.run("verify")
        assert " defect " not in server.log(), server.log()[-3000:]
    finally:
        server.kill()


class Ledger:
    """What was acknowledged."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.kept: list[str] = []
        self.count = 0

    def _next(self, body: bytes) -> tuple[str, bytes]:
        self.count += 1
        name = f"n{self.count}"
        return name, HEAD.replace(b"Subject: x", b"Subject: " + name.encode()) + b"\r\n" + body

    def smtp(self, body: bytes = SMALL) -> bytes:
        """The code that the message is answered with."""
        name, octets = self._next(body)
        with Smtp(self.server) as smtp:
            code = smtp.send(TARGET, octets)
        if code == b"250":
            self.kept.append(name)
        return code

    def append(self, body: bytes = SMALL) -> bytes:
        name, octets = self._next(body)
        with Imap(self.server) as imap:
            imap.push(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(octets), octets))
            while not (line := imap.line()).startswith(b"a "):
                assert line
        if line.startswith(b"a OK"):
            self.kept.append(name)
        return line

    def check(self) -> None:
        with Imap(self.server) as imap:
            lines = imap.ok(b"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found = re.findall(rb"Subject: (\w+)", b"".join(lines))
        assert sorted(name.decode() for name in found) == sorted(self.kept)


def until(what: Callable[[], bool]) -> None:
    """The server looks at its disk once a second."""
    due = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < due
        time.sleep(0.1)


def fill(disk: Path, leave: int) -> None:
    """All but so many octets of the disk are taken."""
    ballast = disk / "ballast"
    free = os.statvfs(disk)
    with ballast.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        os.posix_fallocate(out.fileno(), 0, ballast.stat().st_size + free.f_bavail * free.f_frsize - leave)
    if not leave:
        with ballast.open("ab", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(b"\0" * 512)


def sweep(server: ServerProcess) -> Counts:
    """What another worker's sweep would do, nothing being worth keeping."""
    folder = server.folder / "store"

    async def run() -> Counts:
        store = await open_store("sqlite:", folder)
        try:
            return await sweep_once(
                store, DiskBlobs(folder / "blobs"), SystemClock(), StoreSetting(keep_octets=Duration(0))
            )
        finally:
            await store.close()

    return asyncio.run(run())


# -- room ----------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(100)
def test_the_reserve(server: ServerProcess, disk: Path) -> None:
    """Little is left: nothing more comes in, but all that makes room works."""
    ledger = Ledger(server)
    for body in (SMALL, LARGE, SMALL, LARGE, SMALL):
        assert ledger.smtp(body) == b"250"
    fill(disk, limit.SPACE_RESERVE_OCTETS - (8 << 20))
    until(lambda: ledger.smtp() == b"452")
    assert ledger.smtp(LARGE) == b"452"
    for body in (SMALL, LARGE):
        assert ledger.append(body).startswith(b"a NO [UNAVAILABLE]")
    with Imap(server) as imap:
        assert imap.ask(b"COPY 1 INBOX")[-1].startswith(b"a NO")
        imap.ok(b"STORE 1 +FLAGS (\\Seen)")
        imap.ok(b"STORE 2 +FLAGS (\\Deleted)")
        imap.ok(b"EXPUNGE")
    del ledger.kept[1]
    with Pop3(server) as pop:
        pop.push(b"DELE 1\r\nQUIT\r\n")
        assert [pop.line()[:3] for _ in range(2)] == [b"+OK"] * 2
    del ledger.kept[0]
    counts = sweep(server)
    assert counts.emails == 2 and counts.blobs == 1
    ledger.check()
    (disk / "ballast").unlink()
    until(lambda: ledger.smtp() == b"250")
    assert ledger.append(LARGE).startswith(b"a OK")
    ledger.check()


@pytest.mark.timeout(100)
def test_full_to_the_last_octet(server: ServerProcess, disk: Path) -> None:
    """Somebody else has taken the reserve, too, at once: writes fail in their midst."""
    ledger = Ledger(server)
    for body in (SMALL, LARGE):
        assert ledger.smtp(body) == b"250"
    fill(disk, 0)
    codes = {ledger.smtp(body) for body in (LARGE, LARGE, *[b"x" * 100_000] * 5, SMALL)}
    assert codes <= {b"452", b"451", b"250"} and codes & {b"452", b"451"}
    assert ledger.append(LARGE).startswith(b"a NO [")
    ledger.append()
    with Imap(server) as imap:
        imap.ok(b"FETCH 1:* (BODY.PEEK[])")
        assert imap.ask(b"STORE 1 +FLAGS (\\Seen)")[-1].startswith((b"a OK", b"a NO ["))
    ledger.check()
    (disk / "ballast").unlink()
    until(lambda: ledger.smtp() == b"250")
    assert ledger.smtp(LARGE) == b"250"
    assert ledger.append().startswith(b"a OK")
    ledger.check()


# -- the lock ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def held_file(store: Path) -> Iterator[None]:
    """As a worker that stopped in its midst would hold it."""
    with (store / "store.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def held_database(store: Path) -> Iterator[None]:
    """As somebody's sqlite3 shell would, which knows nothing of the lock file."""
    connection = sqlite3.connect(store / "store.db", isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@pytest.mark.timeout(100)
@pytest.mark.parametrize("held", [held_file, held_database])
def test_somebody_else_writes(
    server: ServerProcess, held: Callable[[Path], contextlib.AbstractContextManager[None]]
) -> None:
    """Writers wait, readers do not."""
    ledger = Ledger(server)
    assert ledger.smtp() == b"250"
    codes: list[bytes] = []
    writer = threading.Thread(target=lambda: codes.append(ledger.smtp()))
    with Imap(server) as imap:
        with held(server.folder / "store"):
            writer.start()
            due = time.monotonic() + 1.0
            while time.monotonic() < due:
                imap.ok(b"FETCH 1 (FLAGS BODY.PEEK[])")
                time.sleep(0.02)
            assert not codes
        writer.join(PATIENCE_S)
        assert codes == [b"250"]
        assert any(b" EXISTS" in line for line in imap.ok(b"NOOP"))
    ledger.check()


# -- permission ----------------------------------------------------------------------------------------------------

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 24, 1, 2


def start_deniable(server: ServerProcess) -> None:
    """Starts a server that obeys permissions, even where we are root. A thread's bounding set is its children's."""

    def start() -> None:
        libc = ctypes.CDLL(None)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
        server.start()

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()


@pytest.mark.timeout(100)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="root can be denied on Linux only")
def test_the_folder_is_taken_away(tmp_path: Path) -> None:
    """An admin's slip of the hand: for a moment the server may not enter its store."""
    server = ServerProcess(tmp_path / "house", {TARGET: PASSWORD}, workers=1)
    store = server.folder / "store"
    ledger = Ledger(server)
    try:
        start_deniable(server)
        assert ledger.smtp() == b"250"
        store.chmod(0)
        try:
            assert ledger.smtp(LARGE) in (b"451", b"452")
            assert ledger.append(LARGE).startswith(b"a NO [")
            assert ledger.smtp() in (b"250", b"451")  # the database is open, and may be written on
            ledger.check()
        finally:
            store.chmod(0o700)
        until(lambda: ledger.smtp(LARGE) == b"250")
        assert ledger.append(LARGE).startswith(b"a OK")
        ledger.check()
        assert server.stop() == 0
        server.run("verify")
        assert " defect " not in server.log(), server.log()[-3000:]
    finally:
        server.kill()
