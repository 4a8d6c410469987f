"""Measure what idle IMAP sessions cost: the memory of the whole server before and with so many of them.

    python bench/idle.py [--sessions 5000] [--workers 2] [--tls]

Each session has logged in, opened its INBOX and idles. Memory is PSS of all processes of the server: what is shared
counts once. The limit of open files (ulimit -n) must allow as many here and in each worker.
"""

import argparse
import os
import resource
import socket
import ssl
import tempfile
import time
from pathlib import Path

from posthaus.testing.process import ServerProcess, free_base

ACCOUNTS = 100
ADDRESSES = 50  # of clients; one may have a thousand connections to a worker, and no more
REST_S = 35.0  # the workers give memory that is free back to the system every 30 s
AT_ONCE = 50  # commands under way, so that neither side waits for the other all the time


def pss_kb(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def memory_mb(server: ServerProcess) -> float:
    return sum(map(pss_kb, [server.pid, *server.worker_pids()])) / 1024


class Session:
    """One client; says its words and reads until the mark that answers them."""

    def __init__(self, port: int, tls: ssl.SSLContext | None, address: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), source_address=(address, 0))
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        self._heard = b""
        self._until(b"* OK")

    def say(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def hear(self, mark: bytes) -> None:
        self._until(mark)

    def close(self) -> None:
        self._socket.close()

    def _until(self, mark: bytes) -> None:
        while mark not in self._heard or not self._heard.endswith(b"\r\n"):
            octets = self._socket.recv(65536)
            if not octets:
                raise SystemExit(f"the server has hung up; it said {self._heard[-300:]!r}")
            self._heard += octets
        self._heard = b""


def idle(port: int, tls: ssl.SSLContext | None, first: int, number: int) -> list[Session]:
    sessions = [Session(port, tls, f"127.0.0.{1 + n % ADDRESSES}") for n in range(first, first + number)]
    for n, session in enumerate(sessions, first):
        session.say(b"a LOGIN u%d@bench.test pw\r\n" % (n % ACCOUNTS))
    for session in sessions:
        session.hear(b"a OK")
        session.say(b"b SELECT INBOX\r\n")
    for session in sessions:
        session.hear(b"b OK")
        session.say(b"c IDLE\r\n")
    for session in sessions:
        session.hear(b"+ ")
    return sessions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=5_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tls", action="store_true", help="by IMAPS")
    a = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most < a.sessions + 200:
        raise SystemExit(f"ulimit -n is {most}; {a.sessions + 200} are needed")
    tls = None
    if a.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    accounts = {f"u{n}@bench.test": "pw" for n in range(ACCOUNTS)}
    with tempfile.TemporaryDirectory(prefix="posthaus-idle-") as scratch:
        base = free_base()
        with ServerProcess(
            Path(scratch) / "house", accounts, domain="bench.test", workers=a.workers, base=base
        ) as server:
            port = server.port(993 if a.tls else 143)
            for session in idle(port, tls, 0, ACCOUNTS):  # what the first ones bring into memory stays for all
                session.close()
            time.sleep(REST_S)
            before = memory_mb(server)
            sessions: list[Session] = []
            begun = time.monotonic()
            while len(sessions) < a.sessions:
                sessions += idle(port, tls, len(sessions), min(AT_ONCE, a.sessions - len(sessions)))
            took = time.monotonic() - begun
            time.sleep(REST_S)
            after = memory_mb(server)
            each = (after - before) * 1024 / a.sessions
            print(f"{a.sessions} idle sessions{' with TLS' if a.tls else ''}, opened in {took:.1f} s")
            print(f"PSS of the server: {before:.0f} MB before, {after:.0f} MB with them; {each:.1f} KB a session")
            parts = ", ".join(f"{pss_kb(pid) / 1024:.0f}" for pid in (server.pid, *server.worker_pids()))
            print(f"of which by process: {parts} MB; cores: {os.cpu_count()}")
            for session in sessions:
                session.close()


if __name__ == "__main__":
    main()
