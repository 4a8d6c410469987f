"""Measure a large mailbox: opening, coming back, a page, searches, orders; by IMAP, on the running server.

    python bench/large.py [--messages 100000] [--octets 3000] [--house DIR]

The mailbox is filled by the store's own functions, many messages in a commit; the server is started when it is full.
Text searches are measured when the index of texts is complete; how long it took to be made is told. With --house the
mailbox is kept there, and one that is there already is measured again: a million messages take ten minutes to be
written and half an hour to be indexed. Times are milliseconds from a command's first octet to its tagged answer, the
first time and the median of five after it, and processor time of the workers for the same (in steps of ten); and, once
more, the longest that a NOOP of another session of the same worker took meanwhile, for no search may hold up others.
"""

import argparse
import asyncio
import os
import random
import re
import socket
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from posthaus.mail.prepare import prepare
from posthaus.store import account, blob, message
from posthaus.store.message import Content, Placing
from posthaus.store.store import open_store
from posthaus.testing.process import ServerProcess, posthaus

WHO = "anna@bench.test"
WORDS = 20_000
IN_A_COMMIT = 200
RARE = "quagmire"


def make(chance: random.Random, number: int, octets: int) -> bytes:
    """Text of made-up words; one message in a thousand has the rare one."""
    words = [f"w{int(chance.paretovariate(1)) % WORDS:x}x" for _ in range(octets // 7)]
    if number % 1_000 == 77:
        words[len(words) // 2] = RARE
    lines = "\r\n".join(" ".join(words[at : at + 10]) for at in range(0, len(words), 10))
    return (
        f"From: Sender {number % 500} <s{number % 500}@elsewhere.test>\r\nTo: {WHO}\r\n"
        f"Subject: {words[0]} {words[1]} number {number}\r\nDate: Mon, 5 Jan 2026 10:{number % 60:02}:00 +0000\r\n"
        f"Message-ID: <{number}@elsewhere.test>\r\n\r\n{lines}\r\n"
    ).encode()


async def fill(folder: Path, messages: int, octets: int) -> None:
    store = await open_store("sqlite:", folder / "store")
    try:
        who = await store.read(account.find, WHO)
        assert who is not None
        chance = random.Random(1)
        for first in range(0, messages, IN_A_COMMIT):
            writes = []
            for number in range(first, min(first + IN_A_COMMIT, messages)):
                whole = make(chance, number, octets)
                p = prepare(whole)
                content = Content(p, b"", whole[: p.head_octets], whole[p.head_octets :], blob.PLAIN)
                writes.append(store.write(message.deliver, content, [Placing(who.id, who.inbox, 0)], 1_767_600_000))
            await asyncio.gather(*writes)
    finally:
        await store.close()


class Client:
    """IMAP, one command at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._tags = 0
        self._until(b"\r\n")

    def ask(self, command: str) -> tuple[float, bytes]:
        """Milliseconds, and what was said."""
        self._tags += 1
        tag = b"a%d" % self._tags
        begun = time.perf_counter()
        self._socket.sendall(tag + b" " + command.encode() + b"\r\n")
        said = self._until(tag + b" ")
        took = (time.perf_counter() - begun) * 1000
        answer = self._until(b"\r\n")
        if not answer.startswith(b"OK"):
            raise SystemExit(f"{command}: {answer!r}")
        return took, said

    def _until(self, mark: bytes) -> bytes:
        at = 0
        while (end := self._buffer.find(mark, max(at - len(mark), 0))) < 0:
            at = len(self._buffer)
            octets = self._socket.recv(1 << 20)
            if not octets:
                raise SystemExit(f"the server has hung up; it said {self._buffer[-300:]!r}")
            self._buffer += octets
        said, self._buffer = self._buffer[: end + len(mark)], self._buffer[end + len(mark) :]
        return said

    def worker(self, server: ServerProcess) -> int:
        return server.worker_of(self._socket)


def logged_in(server: ServerProcess, worker: int = 0) -> Client:
    """A new session, of that worker if one is named."""
    while True:
        client = Client(server.port(143))
        client.ask(f"LOGIN {WHO} pw")
        if worker in (0, client.worker(server)):
            return client


class Neighbour:
    """Another session of the same worker, which says NOOP all the time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.longest = 0.0

    def __enter__(self) -> "Neighbour":
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.002):
            self.longest = max(self.longest, self._client.ask("NOOP")[0])


def processor_ms(server: ServerProcess) -> float:
    """What the workers have used."""
    words = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in server.worker_pids()]
    return sum(int(one[11]) + int(one[12]) for one in words) * 1000 / os.sysconf("SC_CLK_TCK")


def measure(server: ServerProcess, messages: int) -> None:
    client, other = logged_in(server), logged_in(server)
    neighbour = logged_in(server, client.worker(server))

    def tell(what: str, *commands: str) -> None:
        times, work = [], []
        for _ in range(6):
            before = processor_ms(server)
            for command in commands:
                took, _ = client.ask(command)
            times.append(took)
            work.append(processor_ms(server) - before)
        with Neighbour(neighbour) as beside:
            for command in commands:
                client.ask(command)
        print(
            f"{what}: {times[0]:.1f} / {median(times[1:]):.1f} ms; processor {work[0]:.0f} / {median(work[1:]):.0f} ms;"
            f" a NOOP {beside.longest:.1f} ms",
            flush=True,
        )

    client.ask("ENABLE QRESYNC")
    _, said = client.ask("SELECT INBOX")
    validity, modseq = (
        int(found[0]) for found in (re.findall(rb"UIDVALIDITY (\d+)", said), re.findall(rb"HIGHESTMODSEQ (\d+)", said))
    )
    other.ask("SELECT INBOX")
    for n in range(5):
        other.ask(f"STORE {n * 97 + 5} +FLAGS.SILENT (\\Flagged)")
        other.ask(f"STORE {n * 89 + 7} +FLAGS.SILENT (\\Deleted)")
    other.ask("EXPUNGE")
    _, said = other.ask("STATUS INBOX (MESSAGES)")
    last = int(re.findall(rb"MESSAGES (\d+)", said)[0]) - 60  # less than there were, where it is measured again
    tell("SELECT", "UNSELECT", "SELECT INBOX")
    tell("SELECT (QRESYNC), 10 changes", "UNSELECT", f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
    tell("FETCH of a page of 50 envelopes", f"FETCH {last}:{last + 49} (FLAGS UID ENVELOPE)")
    tell("SEARCH UNSEEN, counted", "SEARCH RETURN (COUNT) UNSEEN")
    tell("SEARCH TEXT, a rare word", f"SEARCH TEXT {RARE}")
    tell("SEARCH TEXT, no such word", "SEARCH TEXT xylophonist")
    tell("SEARCH SUBJECT, one message", f'SEARCH SUBJECT "number {messages // 2}"')
    tell("SEARCH FROM, one sender of 500", "SEARCH RETURN (COUNT) FROM s77@elsewhere")
    tell("SORT (ARRIVAL)", "SORT (ARRIVAL) UTF-8 ALL")
    tell("SORT (DATE)", "SORT (DATE) UTF-8 ALL")
    tell("SORT (SUBJECT)", "SORT (SUBJECT) UTF-8 ALL")
    tell("SORT (DATE), one sender of 500", "SORT (DATE) UTF-8 FROM s77@elsewhere")


def wait_for_index(folder: Path) -> float:
    begun = time.monotonic()
    while "all mail" not in posthaus("-C", str(folder), "index", "status"):
        time.sleep(1)
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--octets", type=int, default=3_000)
    parser.add_argument("--house", default="")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posthaus-large-") as scratch:
        folder = Path(a.house or scratch) / "house"
        if folder.exists():
            server = ServerProcess.of(folder)
        else:
            server = ServerProcess(folder, {WHO: "pw"}, domain="bench.test")
            begun = time.monotonic()
            asyncio.run(fill(server.folder, a.messages, a.octets))
            print(f"{a.messages} messages, filled in {time.monotonic() - begun:.0f} s", flush=True)
        with server:
            print(f"index made in {wait_for_index(server.folder):.0f} s", flush=True)
            measure(server, a.messages)


if __name__ == "__main__":
    main()
