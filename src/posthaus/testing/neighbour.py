"""A well-behaved client beside a hostile one: is it answered in time, and how much memory did the server take?

    with beside(server, user, password) as seen:
        ... attack ...
    assert seen.loop_s < 0.5 and seen.grown_octets < 30 << 20

The neighbour is a process of its own, so that the attacker's Python does not slow it down: it asks NOOP and FETCH over
IMAP all the time. What it reports for its slowest answer is the time on the processor of the worker's loop, which no
other load of the machine can change, and the time on the clock. For a server with one worker, on Linux.

Standards: RFC 9051 §6.1.2, §6.4.5.
Faults:    RuntimeError when the neighbour was not served at all.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from posthaus.testing.process import ServerProcess

_COMMANDS = (b"n NOOP\r\n", b"n FETCH 1 (FLAGS BODY.PEEK[])\r\n")
_PAUSE_S = 0.005
_ANSWER_S = 60.0
_LOOKS = 20  # at least so many answers


@dataclass(slots=True)
class Seen:
    """What became of the neighbour and of the server's memory; valid when the block is over."""

    answers: int = 0
    loop_s: float = 0.0  # the most that the loop worked before it came to one answer
    clock_s: float = 0.0  # the longest wait
    grown_octets: int = 0  # highest resident memory during the block, above that at its begin


@contextmanager
def beside(server: ServerProcess, user: str, password: str) -> Iterator[Seen]:
    """A neighbour for the time of the block; the account needs a message in its INBOX."""
    worker = worker_of(server)
    seen = Seen()
    arguments = (str(server.port(143)), str(worker), user, password)
    client = subprocess.Popen(
        [sys.executable, "-m", __name__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert client.stdin is not None and client.stdout is not None
    try:
        if client.stdout.readline() != "ready\n":
            raise RuntimeError("the neighbour could not log in")
        before = resident_octets(worker)
        Path(f"/proc/{worker}/clear_refs").write_text("5")  # forget the high-water mark
        yield seen
        told, _ = client.communicate("", timeout=2 * _ANSWER_S)
        seen.grown_octets = resident_octets(worker, "VmHWM") - before
        seen.answers, seen.loop_s, seen.clock_s = json.loads(told)
    finally:
        client.kill()
        client.wait()
        client.stdin.close()
        client.stdout.close()


def worker_of(server: ServerProcess) -> int:
    """The process id of its only worker."""
    (child,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return int(child)


def resident_octets(pid: int, which: str = "VmRSS") -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no {which}")


# -- the process of the neighbour ----------------------------------------------------------------------------------


def _loop_s(pid: int) -> float:
    """Time on the processor of the worker's first thread, which runs the loop."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def _ask(sock: socket.socket, answers: BinaryIO, command: bytes) -> None:
    sock.sendall(command)
    tag = command.split(b" ", 1)[0] + b" "
    while not (line := answers.readline()).startswith(tag):
        if not line:
            raise RuntimeError("the server has closed the neighbour's connection")
    if not line.startswith(tag + b"OK"):
        raise RuntimeError(line.decode("ascii", "replace"))


def _main(port: str, worker: str, user: str, password: str) -> None:
    pid = int(worker)
    looks, loop_s, clock_s = 0, 0.0, 0.0
    with socket.create_connection(("127.0.0.1", int(port)), timeout=_ANSWER_S) as sock, sock.makefile("rb") as answers:
        _ask(sock, answers, f'n LOGIN "{user}" "{password}"\r\n'.encode())
        _ask(sock, answers, b"n SELECT INBOX\r\n")
        _ask(sock, answers, _COMMANDS[1])
        print("ready", flush=True)
        over = _Over()
        while not over() or looks < _LOOKS:
            loop, clock = _loop_s(pid), time.monotonic()
            _ask(sock, answers, _COMMANDS[looks % 2])
            clock_s = max(clock_s, time.monotonic() - clock)
            loop_s = max(loop_s, _loop_s(pid) - loop)
            looks += 1
            time.sleep(_PAUSE_S)
    print(json.dumps([looks, loop_s, clock_s]))


class _Over:
    """Has whoever started us closed our standard input?"""

    def __init__(self) -> None:
        import selectors

        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)

    def __call__(self) -> bool:
        return bool(self._selector.select(0))


if __name__ == "__main__":
    _main(*sys.argv[1:])
