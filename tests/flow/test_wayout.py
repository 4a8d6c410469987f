"""From one of our people to a host found in the DNS: the whole server, and nothing in it is replaced."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.flow.relaying import until

from posthaus.base.setting import SendSetting, Settings
from posthaus.flow.tlscount import DAY_S
from posthaus.store import smarthost, tlsresult
from posthaus.store.smarthost import Kind, Scope, Smarthost
from posthaus.testing import AsyncOffice, server
from posthaus.testing.remote import Remote, remote_mx
from posthaus.testing.zone import Zone, zone

ANNA, PASSWORD = "anna@example.test", "secret"
MESSAGE = b"From: anna@example.test\r\nTo: bob@b.test\r\nSubject: hello\r\n\r\nhello\r\n"


@asynccontextmanager
async def sending(dns: Zone, port: int) -> AsyncIterator[AsyncOffice]:
    settings = Settings(send=SendSetting(resolvers=(dns.place,), port=port))
    async with server(settings=settings) as office:
        await office.account(ANNA, PASSWORD)
        yield office


def submit(port: int, context: ssl.SSLContext, to: list[str], octets: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, "client.test") as smtp:
        smtp.starttls(context=context)
        smtp.login(ANNA, PASSWORD)
        smtp.sendmail(ANNA, to, octets)


async def send(office: AsyncOffice, *to: str, octets: bytes = MESSAGE) -> None:
    await asyncio.to_thread(submit, office.port("submission"), ssl._create_unverified_context(), list(to), octets)


def records(mx: Remote) -> dict[str, dict[str, list[str]]]:
    return {"b.test": {"MX": ["10 mx.b.test"]}, "mx.b.test": {"A": [mx.host]}}


async def test_to_the_host_that_the_dns_names() -> None:
    async with remote_mx(names=("mx.b.test",)) as mx, zone(records(mx)) as dns, sending(dns, mx.port) as office:
        await send(office, "bob@b.test")
        await until(lambda: bool(mx.messages))
        (message,) = mx.messages
        assert (message.reverse_path, message.forward_paths, message.is_tls) == (ANNA, ("bob@b.test",), True)
        await office.app.outward.tls_counter.flush()
        day = int(office.clock.now()) // DAY_S
        (one,) = await office.app.store.read(tlsresult.of_day, day, "b.test")
        assert (one.result.policy, one.result.kind, one.sessions) == ("no-policy-found", "", 1)


async def test_to_arrive_is_more_than_to_be_secret() -> None:
    """RFC 8689 §3: with "TLS-Required: No" no policy is even asked for"""
    async with remote_mx(names=()) as mx, zone(records(mx)) as dns, sending(dns, mx.port) as office:
        await send(office, "bob@b.test", octets=b"TLS-Required: No\r\n" + MESSAGE)
        await until(lambda: bool(mx.messages))
        assert not mx.messages[0].is_tls
        assert not [question for question in dns.questions if question[1] == "TXT"]


async def test_a_domain_that_is_not_there_comes_back() -> None:
    async with remote_mx() as mx, zone(records(mx)) as dns, sending(dns, mx.port) as office:
        await send(office, "bob@c.test")
        while not (found := await office.messages(ANNA)):  # noqa: ASYNC110  (a commit has no event)
            await asyncio.sleep(0)
        assert b"5.1.2" in found[0] and b"there is no domain c.test" in found[0]


async def test_by_a_smart_host() -> None:
    async with remote_mx() as mx, zone({"relay.test": {"A": [mx.host]}}) as dns, sending(dns, 1) as office:
        made = Smarthost("one", "relay.test", mx.port, "encrypted")
        await office.app.store.write(smarthost.add, made, [Scope(Kind.ALL)], 0)
        await send(office, "bob@b.test", "carl@c.test")
        await until(lambda: bool(mx.messages))
        (message,) = mx.messages  # over one connection, in one transaction: one destination
        assert set(message.forward_paths) == {"bob@b.test", "carl@c.test"} and message.is_tls
        assert not [question for question in dns.questions if question[1] == "MX"]
