"""Measure what a long queue costs: the rate of local delivery, and memory, with an empty queue and with a full one.

    python bench/backlog.py [--recipients 100000] [--domains 1000] [--seconds 8] [--rounds 3] [--connections 4]

Two houses: the queue of one is empty, that of the other has so many recipients at so many domains, all due, whose
hosts cannot be reached: every other one refuses the connection, every other one takes it and says nothing. The houses
run in turns, each for so long, and mail for an account of theirs comes in over so many connections all the while. The
first round of the full house is told apart: all destinations are tried then, after that they rest.

Rates are messages a second, processor time is that of all workers for a message that came in (in the full house with
all that the queue does meanwhile), memory is the proportional set size of all processes at the end of each turn.
"""

import argparse
import asyncio
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import queue
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.store import open_store
from posthaus.store.tx import Tx
from posthaus.testing.process import ServerProcess
from posthaus.testing.storehouse import made_up

WHO = "anna@bench.test"
IN_A_PARCEL = 100
IN_A_COMMIT = 20
IN_A_SESSION = 500
HEAD = (
    b"From: ben@elsewhere.test\r\nTo: anna@bench.test\r\nSubject: hello\r\nMessage-ID: <%d.%d@elsewhere.test>\r\n\r\n"
)
BODY = b"A line of sixty-two octets, as lines of mail mostly are......\r\n" * 60
REFUSES, SAYS_NOTHING = "127.0.0.2", "127.0.0.3"
A, MX = 1, 15  # RFC 1035 §3.2.2


@contextmanager
def silence() -> Iterator[int]:
    """A host that takes connections and never says a word; its port, at which nobody else listens."""
    with socket.create_server((SAYS_NOTHING, 0), backlog=4_096) as listening:
        yield int(listening.getsockname()[1])


@contextmanager
def resolver() -> Iterator[str]:
    """A DNS of few words in a process of its own: d17.test has the MX mx1.test, and that one an address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(("127.0.0.1", 0))
        process = multiprocessing.get_context("fork").Process(target=answer, args=(asked,), daemon=True)
        process.start()
        try:
            yield f"127.0.0.1:{asked.getsockname()[1]}"
        finally:
            process.kill()
            process.join()


def answer(asked: socket.socket) -> None:
    """RFC 1035 §4.1, as far as it is needed; whatever else is asked for exists and has no records."""
    while True:
        question, who = asked.recvfrom(4_096)
        end = question.index(b"\0", 12) + 5
        name, kind = question[12 : end - 4], int.from_bytes(question[end - 4 : end - 2])
        found = b""
        if kind == MX and name[1:2] == b"d":
            found = b"\0\x0a\3mx%d\4test\0" % (int(name[2 : 1 + name[0]]) % 2)
        elif kind == A and name[1:3] == b"mx":
            found = socket.inet_aton(SAYS_NOTHING if name[3:4] == b"1" else REFUSES)
        head = question[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1\0\0\x0e\x10" + len(found).to_bytes(2) + found
        asked.sendto(head + question[12:end] + (record if found else b""), who)


async def fill(folder: Path, recipients: int, domains: int) -> None:
    store = await open_store("sqlite:", folder / "store")
    now = int(time.time())

    async def put(first: int) -> None:
        errands = [
            NewErrand(Recipient(Address(f"r{n}", f"d{n % domains}.test")), f"mx/d{n % domains}.test", now)
            for n in range(first, min(first + IN_A_PARCEL, recipients))
        ]
        sender = Envelope(Address("anna", "bench.test"))
        parcel = NewParcel(made_up("out", body=BODY), sender, f"t{first}", 1, now + 5 * 86_400, 0)
        await store.write(queue.enqueue, parcel, errands, now)

    try:
        for first in range(0, recipients, IN_A_PARCEL * IN_A_COMMIT):
            last = min(first + IN_A_PARCEL * IN_A_COMMIT, recipients)
            await asyncio.gather(*(put(one) for one in range(first, last, IN_A_PARCEL)))
    finally:
        await store.close()


async def deliver(port: int, number: int, until: float) -> int:
    """Over one connection at a time; how many messages were taken by then."""
    count = 0
    while time.monotonic() < until:
        count += await converse(port, number, until)
    return count


async def converse(port: int, number: int, until: float) -> int:
    """As many as one session may have, or as there is time for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def said(lines: int) -> None:
        for _ in range(lines):
            line = await reader.readline()
            while line[3:4] == b"-":
                line = await reader.readline()
            assert line[:1] in b"23", line

    await said(1)
    writer.write(b"EHLO bench.test\r\n")
    await said(1)
    count = 0
    while time.monotonic() < until and count < IN_A_SESSION:
        writer.write(b"MAIL FROM:<ben@elsewhere.test>\r\nRCPT TO:<anna@bench.test>\r\nDATA\r\n")
        await said(3)
        writer.write(HEAD % (number, count) + BODY + b".\r\n")
        await said(1)
        count += 1
    writer.close()
    return count


def processor_s(server: ServerProcess) -> float:
    ticks = 0
    for pid in server.worker_pids():
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(server: ServerProcess) -> float:
    found = 0
    for pid in (server.pid, *server.worker_pids()):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                found += int(line.split()[1])
    return found / 1024


class House:
    def __init__(self, name: str, folder: Path, place: str, port: int) -> None:
        self.name = name
        self.rates: list[float] = []
        self.costs: list[float] = []  # microseconds
        self.memory: list[float] = []
        self.server = ServerProcess(folder, {WHO: "pw"}, domain="bench.test")
        self.server.set("resolvers", f'["{place}"]')
        self.server.set("port", str(port))
        self.server.set("private_hosts", "true")
        self.server.set("drain", '"1 s"')

    def turn(self, seconds: float, connections: int) -> None:
        with self.server as server:
            self._deliver(1.0, connections)  # warm
            before = processor_s(server)
            count = self._deliver(seconds, connections)
            self.rates.append(count / seconds)
            self.costs.append((processor_s(server) - before) / count * 1e6)
            self.memory.append(memory_mb(server))
        last = f"{self.rates[-1]:.0f} messages/s, {self.costs[-1]:.0f} us, {self.memory[-1]:.0f} MB"
        print(f"{self.name}: {last}; {self.tried()}", flush=True)

    def _deliver(self, seconds: float, connections: int) -> int:
        async def all_of_them() -> int:
            until = time.monotonic() + seconds
            port = self.server.port(25)
            return sum(await asyncio.gather(*(deliver(port, n, until) for n in range(connections))))

        return asyncio.run(all_of_them())

    def tried(self) -> str:
        async def look() -> tuple[int, int]:
            store = await open_store("sqlite:", self.server.folder / "store")
            try:
                async with asyncio.timeout(60):
                    return await store.read(_tried)
            finally:
                await store.close()

        errands, tried = asyncio.run(look())
        return f"{tried} of {errands} tried"


async def _tried(tx: Tx) -> tuple[int, int]:
    row = await tx.one("SELECT count(*), coalesce(sum(CASE WHEN attempts>0 THEN 1 ELSE 0 END), 0) FROM errand")
    assert row is not None
    return int(row[0]), int(row[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--domains", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=4)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posthaus-backlog-") as scratch, resolver() as place, silence() as port:
        empty = House("empty", Path(scratch) / "empty", place, port)
        full = House("full ", Path(scratch) / "full", place, port)
        begun = time.monotonic()
        asyncio.run(fill(full.server.folder, a.recipients, a.domains))
        print(f"{a.recipients} recipients at {a.domains} domains put in, {time.monotonic() - begun:.0f} s", flush=True)
        for _ in range(a.rounds):
            for house in (empty, full):
                house.turn(a.seconds, a.connections)
    pairs = list(zip(full.rates, empty.rates, strict=True))
    print(f"rate with a full queue, times that with an empty one: first round {pairs[0][0] / pairs[0][1]:.2f}", end="")
    if later := [mine / other for mine, other in pairs[1:]]:
        print(f", later ones {median(later):.2f}", end="")
    print(f"\nprocessor time for a message, times: {median(full.costs) / median(empty.costs):.2f}")
    print(f"memory, MB more: {median(full.memory) - median(empty.memory):.1f}")


if __name__ == "__main__":
    main()
