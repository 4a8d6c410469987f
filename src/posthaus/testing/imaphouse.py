"""IMAP sessions in memory for tests: a real store, the real service, a stream without a socket, and a client.

The client sends commands and gives responses back, one text each, literals with them. All clients of one house share
its store, so what one does rings for the others.

Standards: RFC 9051 §2.2, §4.3.
Faults:    Silence (AssertionError) where an answer does not come.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.flow.identity import BadCredentials, Identity
from posthaus.flow.login import Login
from posthaus.flow.site import Site
from posthaus.net.peer import Peer, TlsState
from posthaus.net.stream import Stream, Wake
from posthaus.serve.imap.service import ImapService
from posthaus.store import account, directory
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.store import Store, open_store, open_text_index
from posthaus.store.verify import verify
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import START_S, JumpClock

NOW = int(START_S)
PASSWORD = "secret"
_ANSWER_S = 20.0
_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")


class Silence(AssertionError):
    """No answer came, or the session is over."""


class MemoryStream:
    """What a session sees of net.stream.Stream."""

    def __init__(self) -> None:
        self.peer = Peer("127.0.0.1", 40_000, "127.0.0.1", 143)
        self.tls: TlsState | None = None
        self.cid = "c1"
        self.draining = False
        self.compressed = False  # said to be, only: the octets stay as they are
        self.out = bytearray()
        self.writes = 0  # how often something was written
        self.said = asyncio.Event()
        self._in: list[bytes] = []
        self._ended = False
        self._rung = False
        self._roused = asyncio.Event()

    async def wait(self, timeout_s: float) -> Wake:
        while True:
            self._roused.clear()
            if self._in:
                return Wake.OCTETS
            if self._ended:
                return Wake.END
            if self._rung:
                self._rung = False
                return Wake.BELL
            await self._roused.wait()

    def has_had_its_turn(self) -> bool:
        return False

    def take(self) -> bytes:
        octets = b"".join(self._in)
        self._in.clear()
        return octets

    def write(self, octets: bytes) -> None:
        if octets:
            self.out += octets
            self.writes += 1
            self.said.set()

    async def drain(self, timeout_s: float) -> None:
        return None

    def begin_deflate(self) -> None:
        self.compressed = True

    def ring(self) -> None:
        self._rung = True
        self._roused.set()

    def come(self, octets: bytes) -> None:
        """From the client."""
        self._in.append(octets)
        self._roused.set()

    def end(self) -> None:
        self._ended = True
        self._roused.set()


class Client:
    """One connection."""

    def __init__(self, site: Site) -> None:
        self.stream = MemoryStream()
        self.over = asyncio.get_running_loop().create_task(ImapService(site, None)(cast(Stream, self.stream)))
        self.over.add_done_callback(lambda _: self.stream.said.set())
        self._tags = 0

    def send(self, octets: bytes) -> None:
        self.stream.come(octets)

    async def hear(self) -> str:
        """The next response, with its literals, without its last CRLF."""
        out = self.stream.out
        async with asyncio.timeout(_ANSWER_S):
            while (end := _end_of_response(bytes(out))) is None:
                if self.over.done():
                    raise Silence(f"the session is over; unheard: {bytes(out)!r}")
                self.stream.said.clear()
                await self.stream.said.wait()
        octets = bytes(out[: end - 2])
        del out[:end]
        return octets.decode("utf-8", "surrogateescape")

    async def answers(self, tag: str) -> list[str]:
        """Responses up to the tagged one, that one included."""
        heard = [await self.hear()]
        while not heard[-1].startswith(tag + " "):
            heard.append(await self.hear())
        return heard

    async def do(self, command: str | bytes) -> list[str]:
        """A command, its tag put in front; all responses to it, the tagged one without its tag."""
        self._tags += 1
        tag = f"t{self._tags}"
        octets = command.encode("utf-8", "surrogateescape") if isinstance(command, str) else command
        self.send(tag.encode() + b" " + octets + b"\r\n")
        heard = await self.answers(tag)
        return [*heard[:-1], heard[-1].removeprefix(tag + " ")]

    async def ok(self, command: str | bytes) -> list[str]:
        """As do; the command must succeed. The untagged responses."""
        *heard, last = await self.do(command)
        assert last.startswith("OK"), (command, heard, last)
        return heard

    async def append(self, mailbox: str, message: bytes, options: str = "") -> str:
        """The tagged answer of an APPEND that does not wait."""
        options = f" {options}" if options else ""
        return (await self.do(f"APPEND {mailbox}{options} {{{len(message)}+}}\r\n".encode() + message))[-1]

    async def close(self) -> None:
        self.stream.end()
        await self.over


def _end_of_response(octets: bytes) -> int | None:
    at = 0
    while (end := octets.find(b"\r\n", at)) >= 0:
        literal = _LITERAL.search(octets, max(at, end - 16), end + 2)
        if literal is None:
            return end + 2
        at = end + 2 + int(literal[1])
    return None


class _Names:
    """A log-in that knows names; the password is the same for all."""

    def __init__(self) -> None:
        self.accounts: dict[str, int] = {}

    def offered(self, stream: Stream) -> tuple[str, ...]:
        return ()

    async def password(self, name: str, password: str, peer: Peer, service: str, mechanism: str = "PLAIN") -> Identity:
        if password != PASSWORD or name not in self.accounts:
            raise BadCredentials
        return Identity(self.accounts[name], name)


@dataclass
class ImapHouse:
    """One server and its accounts."""

    site: Site
    clock: JumpClock
    names: _Names
    log: list[str]
    clients: list[Client] = field(default_factory=list)
    may_have_defects: bool = False

    @property
    def store(self) -> Store:
        return self.site.store

    async def account(self, name: str = "anna@example.test", quota_octets: int = 0) -> int:
        made = await self.store.write(account.create, name, name, "example.test", {}, quota_octets, NOW)
        self.names.accounts[name] = made
        return made

    async def connect(self) -> Client:
        client = Client(self.site)
        self.clients.append(client)
        await client.hear()
        return client

    async def login(self, name: str = "anna@example.test", *, rev2: bool = False, select: str = "") -> Client:
        if name not in self.names.accounts:
            await self.account(name)
        client = await self.connect()
        await client.ok(f"LOGIN {name} {PASSWORD}")
        if rev2:
            await client.ok("ENABLE IMAP4rev2")
        if select:
            await client.ok(f"SELECT {select}")
        return client


@asynccontextmanager
async def imap_house(
    folder: Path,
    url: str = "sqlite:",
    *,
    message_octets: int = 10_000_000,
    message_limit: int = 0,
    save_limit: int = 0,
    share_with_anyone: bool = True,
) -> AsyncIterator[ImapHouse]:
    """A house that must be in order when it is left: no defect in the log, no broken invariant in the store."""
    clock, names = JumpClock(frozen=True), _Names()
    lines: list[str] = []
    store = await open_store(url, folder / "store")
    index = await open_text_index(url, folder / "store")
    spool = folder / "spool"
    spool.mkdir()
    site = Site(
        store=store,
        blobs=DiskBlobs(folder / "blobs"),
        login=cast(Login, names),
        clock=clock,
        chance=SeededChance(),
        log=Log(clock, lines.append),
        metric=Metric(),
        hostname="mx.example.test",
        spool_folder=spool,
        worker="w1",
        message_octets=message_octets,
        message_limit=message_limit,
        save_limit=save_limit,
        share_with_anyone=share_with_anyone,
        index=index,
    )
    await store.write(directory.add_domain, "example.test", NOW)
    house = ImapHouse(site, clock, names, lines)
    try:
        yield house
        for client in house.clients:
            await client.close()
        assert await store.read(verify) == []
        assert house.may_have_defects or not [line for line in lines if " defect " in line]
    finally:
        await index.close()
        await store.close()
