"""A house in memory for SMTP sessions: a real store in a folder of the test, a stream of lists, a log in which a defect
fails the test."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.flow.identity import BadCredentials, Identity
from posthaus.flow.login import Login
from posthaus.flow.route import Here
from posthaus.flow.site import Site
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.net.peer import Networks, Peer, TlsState
from posthaus.net.stream import Stream, Wake
from posthaus.serve.smtp.mx import MxPolicy
from posthaus.serve.smtp.policy import Policy
from posthaus.serve.smtp.session import SmtpService
from posthaus.serve.smtp.submission import SubmissionPolicy
from posthaus.store import account, blob, directory, queue
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.drivers.sqlite import SqliteStore
from posthaus.store.tx import Tx
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import START_S, JumpClock

HERE = Here("mx.example.test", frozenset({"[192.0.2.25]"}))
NOW = int(START_S)


class FakeStream:
    """Gives its pieces one after the other and keeps what is written, one item for each write."""

    def __init__(self, pieces: list[bytes | Wake], *, tls: bool = False) -> None:
        self.peer = Peer("198.51.100.7", 40_000, "192.0.2.25", 25)
        self.tls = TlsState("TLSv1.3", "TLS_AES_256_GCM_SHA384", None, None) if tls else None
        self.cid = "c1"
        self.draining = False
        self.pieces = pieces
        self.writes: list[bytes] = []
        self.waits: list[float] = []

    async def wait(self, timeout_s: float) -> Wake:
        self.waits.append(timeout_s)
        await asyncio.sleep(0)
        if not self.pieces:
            return Wake.END
        first = self.pieces[0]
        if isinstance(first, bytes):
            return Wake.OCTETS
        del self.pieces[0]
        if first is Wake.BELL:
            self.draining = True
        return first

    def has_had_its_turn(self) -> bool:
        return False

    def take(self) -> bytes:
        if self.pieces and isinstance(self.pieces[0], bytes):
            return cast(bytes, self.pieces.pop(0))
        return b""

    def write(self, octets: bytes) -> None:
        if octets:
            self.writes.append(octets)

    async def drain(self, timeout_s: float) -> None:
        return None

    async def start_tls(self) -> None:
        self.tls = TlsState("TLSv1.3", "TLS_AES_256_GCM_SHA384", None, None)

    @property
    def out(self) -> str:
        return b"".join(self.writes).decode("ascii")

    @property
    def codes(self) -> list[int]:
        return [int(line[:3]) for line in self.out.split("\r\n") if line[3:4] == " "]


class FakeExchange:
    """PLAIN, whose password is the account's id."""

    def __init__(self) -> None:
        self.asked = False

    async def step(self, response: bytes) -> bytes | Identity:
        if not response and not self.asked:
            self.asked = True
            return b""
        _, name, password = response.split(b"\0")
        if not password.isdigit():
            raise BadCredentials
        return Identity(int(password), name.decode())


class FakeLogin:
    def offered(self, stream: Stream) -> tuple[str, ...]:
        return ("PLAIN",) if stream.tls is not None else ()

    def begin(self, mechanism: str, stream: Stream, service: str) -> FakeExchange:
        return FakeExchange()


@dataclass(frozen=True)
class Waiting:
    """An errand with its parcel."""

    to: str
    destination: str
    due: int
    parcel: int
    account: int
    reverse_path: str
    envelope: Envelope
    expires: int
    warn_at: int | None
    recipient: Recipient
    octets: bytes


async def _errands(tx: Tx) -> list[Waiting]:
    found = []
    for row in await tx.all(f"{queue.JOINED} ORDER BY e.id"):
        errand, parcel = queue.errand_of(row), queue.parcel_of(row[11:])
        octets = (await queue.octets(tx, parcel.id)).whole()
        path = parcel.envelope.reverse_path
        found.append(
            Waiting(
                str(errand.recipient.address),
                errand.destination,
                errand.due - NOW,
                parcel.id,
                errand.account or parcel.account,
                "" if path is None else str(path),
                parcel.envelope,
                parcel.expires - NOW,
                parcel.warn_at - NOW if parcel.warn_at else None,
                errand.recipient,
                octets,
            )
        )
    return found


@dataclass
class House:
    site: Site
    log: list[str] = field(default_factory=list)
    may_have_defects: bool = False

    @property
    def mx(self) -> MxPolicy:
        return MxPolicy(self.site, HERE)

    @property
    def submission(self) -> SubmissionPolicy:
        return SubmissionPolicy(self.site, HERE)

    def trusting(self, *networks: str) -> SubmissionPolicy:
        return SubmissionPolicy(self.site, HERE, Networks(networks))

    async def account(self, address: str, quota_octets: int = 0) -> int:
        domain = address.rpartition("@")[2]
        return await self.site.store.write(account.create, address, address.lower(), domain, {}, quota_octets, NOW)

    async def alias(self, address: str, *targets: str) -> None:
        for target in targets:
            await self.site.store.write(directory.add_alias, address, address.rpartition("@")[2], target)

    async def errands(self) -> list[Waiting]:
        """All that is in the queue, in the order in which it came."""
        return await self.site.store.read(_errands)

    async def catch_all(self, domain: str, address: str) -> None:
        await self.site.store.write(directory.set_catch_all, domain, address)

    async def messages(self, account_id: int) -> list[bytes]:
        """Of the INBOX, oldest first; large ones with the octets that lie outside."""
        found = []
        for octets in await self.site.store.read(_messages, account_id):
            if octets.place:
                size = octets.size - len(octets.prefix) - len(octets.head)
                body = await self.site.blobs.read(octets.place, 0, size)
                found.append(octets.prefix + octets.head + body)
            else:
                found.append(octets.whole())
        return found

    async def say(
        self,
        policy: Policy,
        *pieces: bytes | Wake,
        tls: bool = False,
        has_certificate: bool = True,
        lmtp: bool = False,
        message_octets: int | None = None,
    ) -> Any:
        stream = FakeStream(list(pieces), tls=tls)
        site = self.site if message_octets is None else replace(self.site, message_octets=message_octets)
        start_tls = (lambda _: stream.start_tls()) if has_certificate else None
        await SmtpService(site, policy, start_tls, lmtp).run(cast(Stream, stream))
        return stream


async def _messages(tx: Tx, account_id: int) -> list[blob.Octets]:
    rows = await tx.all(
        "SELECT p.message FROM placement p JOIN account a ON p.id >= (a.inbox << 32) AND p.id < ((a.inbox + 1) << 32)"
        " WHERE a.id=$1 ORDER BY p.id",
        account_id,
    )
    return [await blob.octets(tx, row[0]) for row in rows]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    lines: list[str] = []
    clock = JumpClock(frozen=True)
    store = await SqliteStore.open(tmp_path / "store")
    spool = tmp_path / "spool"
    spool.mkdir()
    site = Site(
        store=store,
        blobs=DiskBlobs(tmp_path / "blobs"),
        login=cast(Login, FakeLogin()),
        clock=clock,
        chance=SeededChance(),
        log=Log(clock, lines.append),
        metric=Metric(),
        hostname="mx.example.test",
        spool_folder=spool,
        worker="w1",
        message_octets=10_000_000,
    )
    await store.write(directory.add_domain, "example.test", NOW)
    made = House(site, lines)
    yield made
    await store.close()
    assert made.may_have_defects or not [line for line in lines if " defect " in line]
