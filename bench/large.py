"""Measure a large mailbox: opening, coming back, a page, searches; by IMAP, on the running server.

    python bench/large.py [--messages 100000] [--octets 3000]

The mailbox is filled by the store's own functions, many messages in a commit; the server is started when it is full.
Text searches are measured when the index of texts is complete; how long it took to be made is told. Times are medians
of five, in milliseconds, from a command's first octet to its tagged answer.
"""

import argparse
import asyncio
import random
import re
import socket
import tempfile
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
        said = self._until(tag + b" OK")
        took = (time.perf_counter() - begun) * 1000
        self._until(b"\r\n")
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

    def median(self, *commands: str) -> float:
        """Of the last of these commands."""
        times = []
        for _ in range(5):
            for command in commands:
                took, _ = self.ask(command)
            times.append(took)
        return median(times)


def measure(server: ServerProcess, messages: int) -> dict[str, float]:
    client, other = Client(server.port(143)), Client(server.port(143))
    for one in (client, other):
        one.ask(f"LOGIN {WHO} pw")
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
    last = messages - 60
    return {
        "SELECT": client.median("UNSELECT", "SELECT INBOX"),
        "SELECT (QRESYNC), 10 changes": client.median("UNSELECT", f"SELECT INBOX (QRESYNC ({validity} {modseq}))"),
        "FETCH of a page of 50 envelopes": client.median(f"FETCH {last}:{last + 49} (FLAGS UID ENVELOPE)"),
        "SEARCH UNSEEN": client.median("SEARCH RETURN (COUNT) UNSEEN"),
        "SEARCH TEXT, a rare word": client.median(f"SEARCH TEXT {RARE}"),
        "SEARCH TEXT, no such word": client.median("SEARCH TEXT xylophonist"),
        "SEARCH SUBJECT, one message": client.median(f'SEARCH SUBJECT "number {messages // 2}"'),
        "SEARCH FROM, one sender of 500": client.median("SEARCH RETURN (COUNT) FROM s77@elsewhere"),
    }


def wait_for_index(folder: Path) -> float:
    begun = time.monotonic()
    while "all mail" not in posthaus("-C", str(folder), "index", "status"):
        time.sleep(1)
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--octets", type=int, default=3_000)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="posthaus-large-") as scratch:
        server = ServerProcess(Path(scratch) / "house", {WHO: "pw"}, domain="bench.test")
        begun = time.monotonic()
        asyncio.run(fill(server.folder, a.messages, a.octets))
        print(f"{a.messages} messages of {a.octets} octets, filled in {time.monotonic() - begun:.0f} s", flush=True)
        with server:
            print(f"index made in {wait_for_index(server.folder):.0f} s", flush=True)
            for what, took in measure(server, a.messages).items():
                print(f"{what}: {took:.1f} ms")


if __name__ == "__main__":
    main()
