"""`posthaus transport`: the way to another server, gone step by step before the admin's eyes.

The same code that sends mail is asked for the next hop, connects, and says EHLO, STARTTLS, MAIL and RCPT; each line of
the dialogue is shown as it comes. Then RSET and QUIT: no message is sent unless it is wanted.

Standards: RFC 5321 §3, RFC 5321 §4.1.
Faults:    Refusal where the recipient would not be taken, with the reason.
"""

import asyncio
import contextlib
import time
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from posthaus.app import hostname_of
from posthaus.base.chance import SystemChance
from posthaus.base.clock import SystemClock
from posthaus.base.error import Refusal
from posthaus.base.log import Log
from posthaus.base.setting import Settings, read_settings
from posthaus.cli.opening import on_store, read_address
from posthaus.door import places
from posthaus.flow.hop import NextHop
from posthaus.flow.link import Link
from posthaus.flow.nexthop import NextHops, Ourselves
from posthaus.flow.relay import Relay
from posthaus.flow.sts import Policies
from posthaus.mail.address import Address
from posthaus.mail.compose import field, message, raw_field, text_part
from posthaus.mail.date import render_date
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Kind, Outcome
from posthaus.net.connect import Connector
from posthaus.net.https import Https
from posthaus.net.own import OwnDoors
from posthaus.net.resolver import Resolver
from posthaus.net.resolver import places as resolver_places
from posthaus.net.tlsclient import ClientTls
from posthaus.net.wheel import Wheel
from posthaus.store import directory, smarthost
from posthaus.store.blob import PLAIN, Octets
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.store import Store

_TICK_S = 1.0
_ID_LETTERS = 16


@dataclass(frozen=True, slots=True)
class _Parcel:
    envelope: Envelope
    created: int


@dataclass(frozen=True, slots=True)
class _Errand:
    recipient: Recipient
    attempts: int = 0


def test(options: Namespace) -> int:
    """Says what it does as it does it; 1 where mail would not go."""
    address = read_address(options.address)
    sender = None if options.sender in (None, "", "<>") else read_address(options.sender)
    folder = Path(options.folder)
    settings = read_settings(folder)

    async def act(store: Store) -> Outcome:
        return await _test(store, folder, settings, address, sender, send=options.send)

    outcome = on_store(folder, settings, act)
    words = " ".join(one for one in (str(outcome.code or ""), outcome.enhanced, *outcome.text.split("\n")) if one)
    if outcome.kind is not Kind.RELAYED:
        raise Refusal(f"{'for now ' if outcome.kind is Kind.DEFERRED else ''}{address} is not taken: {words}")
    _say("*", f"the message was taken: {words}" if options.send else f"{address} is taken: {words}")
    return 0


def _say(side: str, words: str) -> None:
    print(f"{side} {words}", flush=True)


async def _test(
    store: Store, folder: Path, settings: Settings, address: Address, sender: Address | None, *, send: bool
) -> Outcome:
    if await store.read(directory.domain_exists, address.domain):
        raise Refusal(f"mail for {address.domain} stays here")
    destination = await store.read(smarthost.destination, address, sender)
    _say("*", f"mail for {address} waits for {destination}")
    async with _resolver(settings) as resolver:
        hop = await _find(store, settings, resolver, destination, address.domain)
        if isinstance(hop, Outcome):
            return hop
        _show(hop)
        async with _relay(folder, settings) as relay:
            link = await relay.open(hop)
            if isinstance(link, Outcome):
                return link
            try:
                envelope, recipient = Envelope(sender, smtputf8=_is_beyond_ascii(address, sender)), Recipient(address)
                if not send:
                    return await link.probe(envelope, recipient)
                return await _send(link, settings, envelope, recipient)
            finally:
                await link.close()


@contextlib.asynccontextmanager
async def _resolver(settings: Settings) -> AsyncIterator[Resolver]:
    send = settings.send
    where = resolver_places(send.resolvers, is_trusted=send.resolvers_validate)
    resolver = Resolver(where, SystemClock(), SystemChance())
    try:
        yield resolver
    finally:
        await resolver.close()


async def _find(
    store: Store, settings: Settings, resolver: Resolver, destination: str, domain: str
) -> NextHop | Outcome:
    clock = SystemClock()
    doors = OwnDoors((address, port) for _, address, port in places(settings))
    ourselves = Ourselves(
        hostname_of(settings).lower(), doors, settings.send.source, owns_loopback=not settings.send.private_hosts
    )
    policies = Policies(
        store, resolver, Https(resolver, private=settings.send.private_hosts), clock, Log(clock, _no_line)
    )
    try:
        hops = NextHops(store, resolver, policies, SystemChance(), ourselves, port=settings.send.port)
        return await hops.find(destination, domain)
    finally:
        await policies.close()


def _show(hop: NextHop) -> None:
    for host in hop.hosts:
        tls = f"TLS {host.demand.value}" + (f" by {host.policy}" if host.policy else "")
        first = ", from the first octet" if host.is_tls_first else ""
        _say("*", f"{host.name} port {host.port} [{', '.join(host.addresses)}], {tls}{first}")
        if host.names:
            _say("*", f"  its certificate may be for {', '.join(host.names)}")
        for one in host.tlsa:
            _say("*", f"  TLSA {one.usage} {one.selector} {one.matching} {one.data.hex()}")


@contextlib.asynccontextmanager
async def _relay(folder: Path, settings: Settings) -> AsyncIterator[Relay]:
    clock, chance = SystemClock(), SystemChance()
    wheel = Wheel(clock)

    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            wheel.tick()

    ticking = asyncio.create_task(tick())
    try:
        yield Relay(
            hostname=hostname_of(settings),
            connector=Connector(wheel, chance, settings.send.source),
            tls=ClientTls(),
            blobs=DiskBlobs(folder / settings.store.folder / "blobs"),
            clock=clock,
            chance=chance,
            log=Log(clock, _no_line),
            trace=_say,
        )
    finally:
        ticking.cancel()


def _no_line(line: str) -> None:
    """The dialogue says it all."""


def _is_beyond_ascii(*addresses: Address | None) -> bool:
    return any(one is not None and not one.localpart.isascii() for one in addresses)


async def _send(link: Link, settings: Settings, envelope: Envelope, recipient: Recipient) -> Outcome:
    now = int(time.time())
    hostname = hostname_of(settings)
    author = str(envelope.reverse_path or f"postmaster@{hostname}")
    octets = message(
        (
            raw_field("From", f"<{author}>".encode()),
            raw_field("To", f"<{recipient.address}>".encode()),
            field("Subject", "A test of the way"),
            raw_field("Date", render_date(now)),
            raw_field("Message-ID", f"<{SystemChance().name(_ID_LETTERS)}@{hostname}>".encode()),
            raw_field("Auto-Submitted", b"auto-generated"),
        ),
        text_part(f"{hostname} has sent this message to see whether it arrives.\r\n"),
    )
    inner = Octets(b"", octets, b"", PLAIN, "", len(octets))
    (outcome,) = await link.send(_Parcel(envelope, now), [_Errand(recipient)], inner)
    return outcome
