"""The real server in processes of its own: what an admin starts, for tests that kill it.

    with ServerProcess(folder, accounts={"alice@example.test": "secret"}) as server:
        smtplib.SMTP("127.0.0.1", server.port(25)) ...

Faults: RuntimeError when a command fails or the server does not get ready, with what it said.
"""

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from posthaus.base.setting import read_settings

_PORTS = (25, 587, 465, 2525, 143, 993, 110, 995)
_HIGHEST_BASE = 30_000  # all ports lie below those that Linux gives to clients: a server that starts again has its own


def free_base() -> int:
    """A base for --port-base above which all the ports of mail are free at this moment."""
    while True:
        base = random.randrange(12_000, _HIGHEST_BASE, 7)
        try:
            for port in _PORTS:
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind(("127.0.0.1", base + port))
        except OSError:
            continue
        return base


def posthaus(*args: str, stdin: str = "") -> str:
    """One command of the command line; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "posthaus.cli", *args], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"posthaus {' '.join(args)}: {done.returncode}: {done.stdout[-2000:]}{done.stderr}")
    return done.stdout


def _files_of(pid: int) -> set[str]:
    names = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            names.add(str(fd.readlink()))
        except OSError:  # closed in the meantime
            pass
    return names


class ServerProcess:
    """One server with its folder; may be killed and started again any number of times."""

    def __init__(
        self,
        folder: Path,
        accounts: Mapping[str, str],
        *,
        domain: str = "example.test",
        store: str = "sqlite:",
        workers: int = 2,
        base: int | None = None,
    ) -> None:
        self.folder = folder
        self.workers = workers
        self.base = free_base() if base is None else base
        self._process: subprocess.Popen[str] | None = None
        house = ("--domain", domain, "--store", store, "--loopback", "--port-base", str(self.base))
        posthaus("init", str(folder), *house)
        lines = "".join(f"{address},{password}\n" for address, password in accounts.items())
        posthaus("-C", str(folder), "account", "import", "-", stdin=lines)

    @classmethod
    def of(cls, folder: Path, *, workers: int = 2) -> "ServerProcess":
        """Of a house that is there already."""
        server = cls.__new__(cls)
        server.folder, server.workers = folder, workers
        server.base = read_settings(folder).listen.port_base
        server._process = None
        return server

    def port(self, port: int) -> int:
        return self.base + port

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def worker_pids(self) -> list[int]:
        """The processes that serve at this moment."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def worker_of(self, client: socket.socket) -> int:
        """The process that has the other end of a connection of ours; it must have said something. 0: none any more."""
        port = client.getsockname()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if int(words[2].rpartition(":")[2], 16) == port and words[9] != "0":
                for pid in self.worker_pids():
                    if f"socket:[{words[9]}]" in _files_of(pid):
                        return pid
        return 0

    def run(self, *args: str, stdin: str = "") -> str:
        """A command on this server's folder."""
        return posthaus("-C", str(self.folder), *args, stdin=stdin)

    def set(self, name: str, value: str) -> None:
        """A setting of the house, its value as TOML writes it; for the next start."""
        path = self.folder / "posthaus.toml"
        text, found = re.subn(rf"(?m)^#?{name} = .*$", lambda _: f"{name} = {value}", path.read_text())
        assert found == 1, name
        path.write_text(text)

    def start(self) -> None:
        """Returns when every listener accepts."""
        command = [
            sys.executable,
            "-m",
            "posthaus.cli",
            "-C",
            str(self.folder),
            "serve",
            "--workers",
            str(self.workers),
        ]
        with (self.folder / "serve.log").open("a") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line != "ready\n":
            self.kill()
            raise RuntimeError(f"not ready: {line!r}: {self.log()[-2000:]}")

    def log(self) -> str:
        return (self.folder / "serve.log").read_text()

    def kill(self) -> None:
        """SIGKILL to all of its processes at once, as a power cut would."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._gone()

    def stop(self, timeout_s: float = 30.0) -> int:
        """SIGTERM; the exit code when all have drained."""
        assert self._process is not None
        self._process.terminate()
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._gone()
        return code

    def _gone(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()
