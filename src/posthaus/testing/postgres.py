"""A PostgreSQL server for tests: private, in a folder of its own, gone afterwards.

    with running_server() as server:
        url = server.create("mail")

It listens on a Unix socket in its folder and on nothing else, and does not sync, so what it holds is not to be kept.
PostgreSQL refuses to run as root; started as root, it runs as the user postgres or nobody.

Standards: none.
Faults:    NoServer, with the reason, where there are no programs to start or they fail.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_START_S = 30.0
_PORT = 5432  # of the socket's name
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "max_wal_size": "2GB",
    "log_min_messages": "fatal",
    "max_worker_processes": "0",
    "deadlock_timeout": "20ms",
}
_PR_SET_PDEATHSIG = 1


class NoServer(Exception):
    """There is no PostgreSQL that could be started here."""


class Server:
    """A server that can be stopped and started again; what was committed is there again."""

    def __init__(self, folder: Path, programs: Path, as_user: dict[str, Any]) -> None:
        self.folder = folder
        self._programs = programs
        self._as_user = as_user
        self._process: subprocess.Popen[bytes] | None = None
        data = ("initdb", "-D", self._data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "--no-sync")
        _run([str(programs / data[0]), *data[1:]], as_user)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        """Returns when it answers."""
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", self._data, "-k", str(self.folder), *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent, **self._as_user,
            )  # fmt: skip
        _wait_until_ready(self._process, self)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT tells the clients and ends; SIGQUIT ends at once, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(_START_S)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}&port={_PORT}"

    def create(self, database: str, template: str = "template0") -> str:
        """A new database, as a copy of another one that nobody is connected to; its URL."""
        self.sql(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run by psql, outside of any transaction."""
        command = [self._programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(_PORT)]
        return _run([*map(str, command), "-U", "postgres", "-d", database, "-c", statement], {})


@contextmanager
def running_server() -> Iterator[Server]:
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="posthaus-pg-"))
    as_user = _unprivileged(folder)
    server = None
    try:
        server = Server(folder, programs, as_user)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop(signal.SIGQUIT)  # nothing of it is kept
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path:
    """The folder of the newest server's programs."""
    found = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres") if p.parent.parent.name.isdigit()]
    found.sort(key=lambda p: int(p.parent.name))
    on_path = shutil.which("postgres")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    for folder in reversed(found):
        if (folder / "initdb").exists() and (folder / "psql").exists():
            return folder
    raise NoServer("no PostgreSQL server is installed")


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Parameters of Popen that leave root behind; the folder becomes that user's."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}
    raise NoServer("there is no user that PostgreSQL could run as")


def _run(command: list[str], as_user: dict[str, Any]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **as_user)
    if done.returncode:
        raise NoServer(f"{Path(command[0]).name}: {done.stderr.strip() or done.stdout.strip()}")
    return str(done.stdout)


def _die_with_parent() -> None:
    """So that no server is left behind by a test run that was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _wait_until_ready(process: "subprocess.Popen[bytes]", server: Server) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            server.sql("SELECT 1")
            return
        except NoServer as e:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (server.folder / "log").read_text("utf-8", "replace")[-2_000:]
                raise NoServer(f"the server does not start: {log or e}") from e
        time.sleep(0.05)
