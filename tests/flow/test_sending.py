"""From one Posthaus to another and back: submission, queue, MX, TLS; and what comes back when nobody is there.

Two whole servers and a DNS in one process. Each sends to the one port of the other, so a bridge stands between them.
"""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

import posthaus.testing
from posthaus.base.setting import SendSetting, Settings, StoreSetting
from posthaus.store import account, sending
from posthaus.testing.kit import AsyncOffice
from posthaus.testing.storehouse import Databases
from posthaus.testing.zone import zone

RECORDS = {
    "a.test": {"MX": ["10 mx.a.test"]},
    "mx.a.test": {"A": ["127.0.0.1"]},
    "b.test": {"MX": ["10 mx.b.test"]},
    "mx.b.test": {"A": ["127.0.0.1"]},
}


@dataclass(slots=True)
class Bridge:
    """A port that is known before the server behind it is."""

    port: int = 0
    target: int = 0


@asynccontextmanager
async def bridged() -> AsyncIterator[Bridge]:
    bridge = Bridge()
    visits: list[asyncio.Task[None]] = []

    def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(asyncio.create_task(_visit(reader, writer, bridge)))

    server = await asyncio.start_server(knock, "127.0.0.1", 0)
    bridge.port = server.sockets[0].getsockname()[1]
    try:
        yield bridge
    finally:
        server.close()
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


async def _visit(reader: asyncio.StreamReader, client: asyncio.StreamWriter, bridge: Bridge) -> None:
    behind, server = await asyncio.open_connection("127.0.0.1", bridge.target)
    ways = [asyncio.create_task(_carry(reader, server)), asyncio.create_task(_carry(behind, client))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        client.close()
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while octets := await source.read(65_536):
        sink.write(octets)
        await sink.drain()


def settings(name: str, resolver: str, port: int, url: str = "sqlite:") -> Settings:
    return Settings(hostname=name, store=StoreSetting(url=url), send=SendSetting(resolvers=(resolver,), port=port))


@dataclass(slots=True)
class World:
    """alice@a.test and bob@b.test."""

    a: AsyncOffice
    b: AsyncOffice

    async def submit(self, office: AsyncOffice, who: str, whom: list[str], message: bytes, *options: str) -> None:
        await asyncio.to_thread(_submit, office.port("submission"), office.context, who, whom, message, list(options))


def _submit(port: int, context: ssl.SSLContext, who: str, whom: list[str], message: bytes, options: list[str]) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="laptop.lan") as smtp:
        smtp.starttls(context=context)
        smtp.login(who, "secret")
        smtp.sendmail(who, whom, message, mail_options=options)


@pytest.fixture(params=["sqlite", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The first house on each driver in turn."""
    url = "sqlite:"
    if request.param == "postgres":
        databases: Databases = request.getfixturevalue("databases")
        url = databases.empty()
    async with AsyncExitStack() as stack:
        dns = await stack.enter_async_context(zone(RECORDS))
        bridge = await stack.enter_async_context(bridged())
        first = settings("mx.a.test", dns.place, bridge.port, url)
        a = await stack.enter_async_context(posthaus.testing.server(settings=first))
        second = settings("mx.b.test", dns.place, a.port("smtp"))
        b = await stack.enter_async_context(posthaus.testing.server(settings=second))
        bridge.target = b.port("smtp")
        await a.account("alice@a.test", "secret")
        await b.account("bob@b.test", "secret")
        yield World(a, b)


def message(sender: str, to: str, subject: str, *more: str) -> bytes:
    lines = [f"From: <{sender}>", f"To: <{to}>", f"Subject: {subject}", *more, "", "Text.", ""]
    return "\r\n".join(lines).encode()


async def test_there_and_back(world: World) -> None:
    await world.submit(world.a, "alice@a.test", ["bob@b.test"], message("alice@a.test", "bob@b.test", "How are you?"))
    (got,) = await world.b.arrived("bob@b.test")
    assert got.startswith(b"Return-Path: <alice@a.test>\r\nDelivered-To: bob@b.test\r\nReceived: from mx.a.test (")
    first, second = got.split(b"Received: ")[1:]
    assert b"by mx.b.test with ESMTPS (TLSv1.3" in first
    assert second.startswith(b"from unknown (authenticated)\r\n\tby mx.a.test with ESMTPSA (TLSv1.3")
    assert b"laptop.lan" not in got
    assert b"\r\nMessage-ID: <" in got and b"\r\nDate: " in got

    await world.submit(
        world.b, "bob@b.test", ["alice@a.test"], message("bob@b.test", "alice@a.test", "Re: How are you?")
    )
    (reply,) = await world.a.arrived("alice@a.test")
    assert b"Subject: Re: How are you?\r\n" in reply and reply.startswith(b"Return-Path: <bob@b.test>\r\n")


async def test_one_of_ours_one_of_theirs_and_a_copy(world: World) -> None:
    await world.a.account("carol@a.test", "secret")
    alice = await world.a.app.store.read(account.find, "alice@a.test")
    assert alice is not None
    await world.a.app.store.write(sending.set_sent_copy, alice.id, True)
    octets = message("alice@a.test", "carol@a.test", "For both", "Bcc: <bob@b.test>")
    await world.submit(world.a, "alice@a.test", ["carol@a.test", "bob@b.test"], octets)
    (here,), (there,) = await world.a.arrived("carol@a.test"), await world.b.arrived("bob@b.test")
    (copy,) = await world.a.messages("alice@a.test", "Sent")
    assert b"Bcc: <bob@b.test>" in copy and b"Received" not in copy
    assert b"Bcc" not in here and b"Bcc" not in there


async def test_nobody_is_there(world: World) -> None:
    octets = message("alice@a.test", "nobody@b.test", "Are you there?")
    await world.submit(world.a, "alice@a.test", ["nobody@b.test"], octets)
    (notice,) = await world.a.arrived("alice@a.test")
    assert notice.startswith(b"Return-Path: <>\r\n")
    assert b"report-type=delivery-status" in notice
    assert b"Final-Recipient: rfc822;nobody@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n" in notice.replace(
        b"; ", b";"
    )
    assert b"No such mailbox" in notice and b"Are you there?" in notice
    # the next one is told at once
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await world.submit(world.a, "alice@a.test", ["nobody@b.test"], octets)
    assert refused.value.recipients["nobody@b.test"][0] == 550


async def test_an_alias_leads_there_and_its_bounce_back(world: World) -> None:
    """A stranger at b writes to an alias of a that leads to b; its bounce comes back by a reverse-path of a."""
    await world.a.alias("club@a.test", "bob@b.test")
    await world.a.send("stranger@b.test", "club@a.test", message("stranger@b.test", "club@a.test", "To the club"))
    (got,) = await world.b.arrived("bob@b.test")
    assert got.startswith(b"Return-Path: <SRS0=") and b"@a.test>\r\nDelivered-To: bob@b.test\r\n" in got
    assert b"\r\nDelivered-To: club@a.test\r\n" in got

    await world.b.account("stranger@b.test", "secret")
    await world.a.alias("old@a.test", "gone@b.test")
    await world.a.send("stranger@b.test", "old@a.test", message("stranger@b.test", "old@a.test", "To nobody"))
    (notice,) = await world.b.arrived("stranger@b.test")
    assert b"report-type=delivery-status" in notice and b"To nobody" in notice
    assert b"old@a.test" in notice


async def test_who_asks_is_told_of_success(world: World) -> None:
    octets = message("alice@a.test", "bob@b.test", "Please confirm")

    def submit() -> None:
        with smtplib.SMTP("127.0.0.1", world.a.port("submission")) as smtp:
            smtp.starttls(context=world.a.context)
            smtp.login("alice@a.test", "secret")
            smtp.sendmail("alice@a.test", ["bob@b.test"], octets, rcpt_options=["NOTIFY=SUCCESS"])

    await asyncio.to_thread(submit)
    await world.b.arrived("bob@b.test")
    # b offers no DSN to strangers, so a tells how far it knows
    (notice,) = await world.a.arrived("alice@a.test")
    assert b"Action: relayed" in notice and b"bob@b.test" in notice


async def test_a_loop_of_two_aliases_ends(world: World) -> None:
    await world.a.alias("round@a.test", "round@b.test")
    await world.b.alias("round@b.test", "round@a.test")
    await world.a.send("bob@b.test", "round@a.test", message("bob@b.test", "round@a.test", "Round"))
    (notice,) = await world.b.arrived("bob@b.test")
    assert b"Action: failed" in notice and b"5.4.6" in notice
