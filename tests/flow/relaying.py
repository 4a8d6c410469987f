"""What tests of the relay share: a relay with a clock of its own, messages, and a next hop on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from posthaus.base.dns import Tlsa
from posthaus.base.log import Log
from posthaus.flow.hop import Credential, Demand, Host, NextHop
from posthaus.flow.link import Link
from posthaus.flow.relay import Relay, TlsFailure
from posthaus.mail.address import parse_address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Outcome
from posthaus.net.connect import Connector
from posthaus.net.tlsclient import ClientTls
from posthaus.net.wheel import Wheel
from posthaus.store.blob import PLAIN, Octets
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock
from posthaus.testing.remote import Remote

MESSAGE = b"From: a@client.example\r\nSubject: hello\r\n\r\n.dots\r\n..\r\nend\r\n"


@dataclass(frozen=True, slots=True)
class Parcel:
    envelope: Envelope
    created: int = 0


@dataclass(frozen=True, slots=True)
class Errand:
    recipient: Recipient
    attempts: int = 0


class Blobs:
    """Octets outside, in memory."""

    def __init__(self) -> None:
        self.octets: dict[str, bytes] = {}

    async def write(self, key: str, pieces: Iterator[bytes]) -> None:
        self.octets[key] = b"".join(pieces)

    async def read(self, key: str, start: int, end: int) -> bytes:
        return self.octets[key][start:end]

    async def remove(self, key: str) -> None:
        self.octets.pop(key, None)


@dataclass(slots=True)
class Bench:
    """A relay, and what it was seen to do."""

    relay: Relay
    clock: JumpClock
    wheel: Wheel
    blobs: Blobs
    lines: list[str]  # "C: MAIL ..."
    tls: list[tuple[str, TlsFailure | None]] = field(default_factory=list)  # host, failure

    async def send(
        self,
        hop: NextHop,
        to: Sequence[str] = ("bob@b.example",),
        octets: bytes = MESSAGE,
        envelope: Envelope | None = None,
    ) -> list[Outcome]:
        """One message over a link of its own."""
        async with self.link(hop) as link:
            return await self.over(link, to, octets, envelope)

    @contextlib.asynccontextmanager
    async def link(self, hop: NextHop) -> AsyncIterator[Link]:
        link = await self.relay.open(hop)
        assert isinstance(link, Link), link
        try:
            yield link
        finally:
            await link.close()

    async def refused(self, hop: NextHop) -> Outcome:
        outcome = await self.relay.open(hop)
        assert isinstance(outcome, Outcome)
        return outcome

    async def over(
        self,
        link: Link,
        to: Sequence[str] = ("bob@b.example",),
        octets: bytes = MESSAGE,
        envelope: Envelope | None = None,
        inner: Octets | None = None,
        attempts: int = 0,
        age_s: int = 0,
    ) -> list[Outcome]:
        errands = [Errand(recipient(one), attempts) for one in to]
        wanted = Parcel(envelope or Envelope(parse_address(b"ann@client.example", smtputf8=False)), self.now() - age_s)
        return await link.send(wanted, errands, inner or inside(octets))

    def now(self) -> int:
        return int(self.clock.now())

    async def passing(self, seconds: float) -> None:
        """Time passes for who waits."""
        for _ in range(200):
            await asyncio.sleep(0)
        self.clock.jump(seconds)
        self.wheel.tick()


async def until(holds: Callable[[], bool]) -> None:
    """Lets everybody run until it holds."""
    while not holds():  # noqa: ASYNC110  (what is waited for has no event)
        await asyncio.sleep(0)


def make_bench(trust: Path | None = None, sources: Sequence[str] = ()) -> Bench:
    clock = JumpClock()
    wheel = Wheel(clock)
    lines: list[str] = []
    blobs = Blobs()
    seen: list[tuple[str, TlsFailure | None]] = []
    relay = Relay(
        hostname="client.example",
        connector=Connector(wheel, SeededChance(), sources),
        tls=ClientTls(trust),
        blobs=blobs,
        clock=clock,
        chance=SeededChance(),
        log=Log(clock, lambda line: None),
        on_tls=lambda hop, host, address, failure: seen.append((host.name, failure)),
        trace=lambda side, text: lines.append(f"{side}: {text}"),
    )
    return Bench(relay, clock, wheel, blobs, lines, seen)


def inside(octets: bytes) -> Octets:
    head, blank, body = octets.partition(b"\r\n\r\n")
    return Octets(b"", head + blank, body, PLAIN, "", len(octets))


def recipient(text: str) -> Recipient:
    return Recipient(parse_address(text.encode(), smtputf8=True))


def host_of(
    mx: Remote,
    demand: Demand = Demand.NONE,
    *,
    names: tuple[str, ...] = (),
    tlsa: tuple[Tlsa, ...] = (),
    is_tls_first: bool = False,
    credential: Credential | None = None,
    policy: str = "",
    is_proven: bool = False,
) -> Host:
    return Host("mx.example", (mx.host,), mx.port, demand, names, tlsa, is_proven, is_tls_first, credential, policy)


def hop_to(*hosts: Host) -> NextHop:
    return NextHop("mx/b.example", "b.example", hosts)
