"""From one of our people to a host found in the DNS: the whole server, and nothing in it is replaced."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.flow.relaying import until

from posthaus.base import limit
from posthaus.base.setting import SendSetting, Settings
from posthaus.flow.tlscount import DAY_S
from posthaus.store import smarthost, tlsresult
from posthaus.store.smarthost import Kind, Scope, Smarthost
from posthaus.store.tx import Tx
from posthaus.testing import AsyncOffice, server
from posthaus.testing.remote import Remote, remote_mx
from posthaus.testing.zone import Fault, Zone, zone

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


async def test_direct_first_and_a_smart_host_where_that_fails() -> None:
    """No host of the domain can be reached: in the same breath the smart host has it."""
    records_ = {
        "b.test": {"MX": ["10 mx.b.test"]},
        "mx.b.test": {"A": ["127.0.0.1"]},
        "relay.test": {"A": ["127.0.0.1"]},
    }
    async with remote_mx() as mx, zone(records_) as dns, sending(dns, 1) as office:
        made = Smarthost("one", "relay.test", mx.port, "encrypted", is_direct_first=True)
        await office.app.store.write(smarthost.add, made, [Scope(Kind.ALL)], 0)
        await send(office, "bob@b.test")
        await until(lambda: bool(mx.messages))
        assert dns.asked("b.test", "MX") == 1
        assert any("relay.refused host=mx.b.test address=127.0.0.1" in line for line in office.lines)


async def test_the_next_address_where_one_does_not_answer() -> None:
    """IPv6 is tried first, and nobody listens there."""
    async with remote_mx() as mx, zone(records(mx)) as dns, sending(dns, mx.port) as office:
        dns.records["mx.b.test"]["AAAA"] = ["::1"]
        await send(office, "bob@b.test")
        await until(lambda: bool(mx.messages))
        assert any("relay.refused host=mx.b.test address=::1" in line for line in office.lines)


async def test_a_domain_in_letters_of_its_own() -> None:
    """RFC 5891 §4.4: DNS and hosts without SMTPUTF8 have its A-label."""
    async with remote_mx(keywords=()) as mx, zone(records(mx)) as dns, sending(dns, mx.port) as office:
        dns.records["xn--bcher-kva.test"] = dns.records.pop("b.test")

        def submit_utf8() -> None:
            with smtplib.SMTP("127.0.0.1", office.port("submission"), "client.test") as smtp:
                smtp.starttls(context=ssl._create_unverified_context())
                smtp.login(ANNA, PASSWORD)
                smtp.sendmail(ANNA, ["bob@bücher.test"], MESSAGE, mail_options=["SMTPUTF8"])

        await asyncio.to_thread(submit_utf8)
        await until(lambda: bool(mx.messages))
        assert mx.messages[0].forward_paths == ("bob@xn--bcher-kva.test",)


async def test_dns_and_then_the_host_are_down_for_a_while() -> None:
    """It waits, is tried again in time, and arrives once."""
    async with remote_mx() as mx, zone(records(mx)) as dns, sending(dns, mx.port) as office:
        dns.order("b.test", "MX", Fault.SERVFAIL)
        mx.orders["GREETING"] = "421 4.3.2 Not now"
        await send(office, "bob@b.test")
        await until(lambda: _tries(office) == ["4.4.3"])
        dns.order("b.test", "MX", Fault.SERVFAIL, times=0)
        await office.jump(limit.QUEUE_RETRY_FIRST_S)
        await until(lambda: _tries(office) == ["4.4.3", "4.3.2"])
        del mx.orders["GREETING"]
        await office.jump(2 * limit.QUEUE_RETRY_FIRST_S)
        await until(lambda: bool(mx.messages))
        while await office.app.store.read(_waiting):  # noqa: ASYNC110  (a commit has no event)
            await asyncio.sleep(0)
        assert len(mx.messages) == 1 and not await office.messages(ANNA)


def _tries(office: AsyncOffice) -> list[str]:
    return [line.partition(" status=")[2].partition(" ")[0] for line in office.lines if " queue.deferred " in line]


async def _waiting(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM errand")
    assert row is not None
    return int(row[0])
