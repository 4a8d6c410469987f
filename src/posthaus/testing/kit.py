"""A real post office inside your test: the whole server, on ports that the system picks, over when the block ends.

    async with posthaus.testing.server() as office:
        await office.account("alice@example.test", "secret")
        ... office.host, office.port("smtp"), office.port("imaps"), office.context ...
        assert await office.messages("alice@example.test")

    with posthaus.testing.running() as office:  # the same for tests without asyncio: the server has its own thread
        office.account("alice@example.test", "secret")

The clock is the test's: jump() lets hours pass in no time. When the block ends, the store is checked for all that must
hold, and what the server logged as its own defect is raised, so that a test cannot pass over it.

Standards: none.
Faults:    Defects (AssertionError) at the end of the block; those of the server, as it tells them.
"""

import asyncio
import dataclasses
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from posthaus.app import App
from posthaus.base.log import Log
from posthaus.base.setting import Settings
from posthaus.flow import ingest
from posthaus.flow.credential import make_credentials
from posthaus.mail.address import Address, parse_address
from posthaus.net.tls import write_self_signed
from posthaus.store import account, blob, directory, fetch, mailbox, message, verify
from posthaus.store.message import Placing
from posthaus.store.store import open_store
from posthaus.store.tx import Tx
from posthaus.testing import fault, place
from posthaus.testing.aside import aside, run_there
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock

T = TypeVar("T")

HOST = "127.0.0.1"
HOSTNAME = "mail.example.test"
DOMAIN = "example.test"
_ARRIVES_S = 60.0  # what is not there by then was lost
_NO_RESOLVER = "127.0.0.1:9"  # nobody answers there: what a test sends elsewhere stays in its queue


class Defects(AssertionError):
    """What the server logged as its own fault, or what does not hold in the store."""


class AsyncOffice:
    """The running server, for tests with asyncio."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.host = HOST
        self.clock = JumpClock()
        self.lines: list[str] = []
        """The log, one fact a line."""
        self.context = ssl.create_default_context()
        """A client's TLS context that trusts this server as localhost and as 127.0.0.1."""
        self._passwords: dict[str, dict[str, bytes]] = {}
        tls = folder / settings.tls.folder
        certificate = tls / "localhost.crt"
        if not certificate.exists():
            write_self_signed(tls, "localhost", ("localhost", HOST, HOSTNAME), time.time())
        self.context.load_verify_locations(certificate)
        log = Log(self.clock, self.lines.append)
        self.app = App(settings, folder, log, clock=self.clock, chance=SeededChance(), any_port=True)

    async def start(self) -> None:
        """Listens; there is a domain from the start, because it tells whose <postmaster> is."""
        settings = self.app.settings
        store = await open_store(settings.store.url, self.app.folder / settings.store.folder)
        await store.write(_make_domain, DOMAIN, int(self.clock.now()))
        await store.close()
        await self.app.start()

    def port(self, name: str) -> int:
        """smtp, submission, submissions, imap, imaps, pop3 or pop3s."""
        return self.app.ports[name]

    async def domain(self, name: str) -> None:
        """Mail for this domain is ours."""
        await self.app.store.write(_make_domain, name, int(self.clock.now()))

    async def account(
        self,
        address: str,
        password: str,
        *,
        quota_octets: int = 0,
        quota_messages: int = 0,
        is_admin: bool = False,
    ) -> None:
        """An account with an INBOX; its domain is made where it is not there."""
        who = _address(address)
        await self.domain(who.domain)
        values = self._passwords.get(password)
        if values is None:
            values = self._passwords[password] = make_credentials(password, self.app.chance)
        now = int(self.clock.now())
        made = await self.app.store.write(
            account.create, str(who), who.key, who.domain, values, quota_octets, now, quota_messages
        )
        if is_admin:
            await self.app.store.write(account.set_admin, made, True)

    async def alias(self, address: str, target: str) -> None:
        """Mail for the address goes to the target."""
        who = _address(address)
        await self.domain(who.domain)
        await self.app.store.write(directory.add_alias, who.key, who.domain, target)

    async def append(self, address: str, octets: bytes, *, name: str = "INBOX") -> None:
        """A message put into a mailbox as it is, as APPEND does."""
        site = self.app.site
        box = await self._mailbox(address, name)
        content = await ingest.content(site, octets, await ingest.prepare(octets), b"")
        placing = Placing(box.account, box.id, 0)
        await self.app.store.write(message.deliver, content, [placing], int(self.clock.now()))

    async def send(self, reverse_path: str, forward_path: str, octets: bytes) -> None:
        """A message delivered by way of port 25, as a stranger does."""
        where = place.Place("smtp", self.host, self.port("smtp"), "", "")
        wire = await place.connect(where)
        try:
            await place.reach(wire, where, "ehlo", ())
            for line in (f"MAIL FROM:<{reverse_path}>", f"RCPT TO:<{forward_path}>"):
                await wire.ask(line, "250")
            await wire.ask("DATA", "354")
            stuffed = (b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:]
            wire.writer.write(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
            await wire.ask(".", "250")
        finally:
            wire.close()

    async def messages(self, address: str, name: str = "INBOX") -> list[bytes]:
        """All messages of a mailbox, octet for octet as a client gets them: what has arrived."""
        box = await self._mailbox(address, name)
        return [await self._octets(number) for _, _, number in await self.app.store.read(fetch.listing, box.id)]

    async def arrived(self, address: str, count: int = 1, name: str = "INBOX") -> list[bytes]:
        """As messages(), once there are so many; TimeoutError where they do not come."""
        box = await self._mailbox(address, name)
        rung = asyncio.Event()
        watch = self.app.store.watch(box.account, rung.set)
        try:
            async with asyncio.timeout(_ARRIVES_S):
                while len(found := await self.messages(address, name)) < count:
                    await rung.wait()
                    rung.clear()
        finally:
            watch.close()
        return found

    async def jump(self, seconds: float) -> None:
        """So much time passes; what is due is carried out."""
        self.clock.jump(seconds)
        self.app.wheel.tick()

    def door(self, name: str, wanted: fault.Fault) -> AbstractAsyncContextManager[int]:
        """A port that leads to the server through a fault (posthaus.testing.fault)."""
        return fault.door(self.host, self.port(name), wanted)

    def defects(self) -> list[str]:
        """What the server has logged as its own fault."""
        return [line.replace("\\n", "\n") for line in self.lines if _is_defect(line)]

    def check(self) -> None:
        """Raises Defects where the server has logged one."""
        found = self.defects()
        if found:
            raise Defects("\n".join(found))

    async def close(self) -> None:
        """Stops the server, and checks log and store."""
        wrong = await self.app.store.read(verify.verify)
        await self.app.stop(0)
        self.check()
        if wrong:
            raise Defects("\n".join(wrong))

    async def _mailbox(self, address: str, name: str) -> mailbox.Mailbox:
        who = await self.app.store.read(account.find, _address(address).key)
        if who is None:
            raise LookupError(address)
        return await self.app.store.read(mailbox.find, who.id, name)

    async def _octets(self, number: int) -> bytes:
        octets = await self.app.store.read(blob.octets, number)
        if not octets.place:
            return octets.whole()
        before = octets.prefix + octets.head
        return before + await self.app.site.blobs.read(octets.place, 0, octets.size - len(before))


async def _make_domain(tx: Tx, name: str, now: int) -> None:
    if not await directory.domain_exists(tx, name):
        await directory.add_domain(tx, name, now)


def _address(text: str) -> Address:
    return parse_address(text.encode("utf-8"), smtputf8=True)


def _is_defect(line: str) -> bool:
    return " defect " in line[:80]


def kit_settings(settings: Settings | None = None) -> Settings:
    """The settings of a server in a test: on loopback, under a name that never is in the DNS."""
    settings = settings or Settings()
    listen = dataclasses.replace(settings.listen, addresses=(HOST,))
    resolvers = settings.send.resolvers or (_NO_RESOLVER,)
    send = dataclasses.replace(settings.send, resolvers=resolvers, private_hosts=True)
    return dataclasses.replace(settings, hostname=settings.hostname or HOSTNAME, listen=listen, send=send)


@asynccontextmanager
async def server(*, folder: Path | None = None, settings: Settings | None = None) -> AsyncIterator[AsyncOffice]:
    """The whole server in this loop. folder: where its mail stays; without it, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="posthaus-") as temporary:
        office = AsyncOffice(folder or Path(temporary), kit_settings(settings))
        await office.start()
        try:
            yield office
        except BaseException:
            await office.app.stop(0)
            raise
        await office.close()


class Office:
    """The same for tests without asyncio; the server runs in a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, office: AsyncOffice) -> None:
        self._loop = loop
        self.inner = office
        self.host = office.host
        self.clock = office.clock
        self.context = office.context
        self.lines = office.lines

    def port(self, name: str) -> int:
        return self.inner.port(name)

    def domain(self, name: str) -> None:
        self._run(self.inner.domain(name))

    def account(self, address: str, password: str, *, quota_octets: int = 0, quota_messages: int = 0) -> None:
        self._run(self.inner.account(address, password, quota_octets=quota_octets, quota_messages=quota_messages))

    def alias(self, address: str, target: str) -> None:
        self._run(self.inner.alias(address, target))

    def append(self, address: str, octets: bytes, *, name: str = "INBOX") -> None:
        self._run(self.inner.append(address, octets, name=name))

    def send(self, reverse_path: str, forward_path: str, octets: bytes) -> None:
        self._run(self.inner.send(reverse_path, forward_path, octets))

    def messages(self, address: str, name: str = "INBOX") -> list[bytes]:
        return self._run(self.inner.messages(address, name))

    def arrived(self, address: str, count: int = 1, name: str = "INBOX") -> list[bytes]:
        return self._run(self.inner.arrived(address, count, name))

    def jump(self, seconds: float) -> None:
        self._run(self.inner.jump(seconds))

    @contextmanager
    def door(self, name: str, wanted: fault.Fault) -> Iterator[int]:
        opened = self.inner.door(name, wanted)
        port = self._run(opened.__aenter__())
        try:
            yield port
        finally:
            self._run(opened.__aexit__(None, None, None))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return run_there(self._loop, work)


@contextmanager
def running(*, folder: Path | None = None, settings: Settings | None = None) -> Iterator[Office]:
    """The whole server in a thread."""
    with aside(server(folder=folder, settings=settings), "posthaus") as (loop, office):
        yield Office(loop, office)
