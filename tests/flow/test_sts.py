"""Policies of MTA-STS, from DNS and a web host into the store, and what holds when these fail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.flow.secureworld import PATH, SecureWorld, policy, secure_world

from posthaus.base import limit
from posthaus.flow.sts import Found
from posthaus.mail.sts import Mode
from posthaus.store import lease
from posthaus.store.error import Locked
from posthaus.testing.webhost import Page
from posthaus.testing.zone import Fault

DAY = 86_400


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SecureWorld]:
    async with secure_world(tmp_path) as here:
        yield here


def mode(found: Found) -> Mode | None:
    return None if found.policy is None else found.policy.mode


async def test_no_policy(world: SecureWorld) -> None:
    assert await world.policies.find("b.test") == Found()
    world.dns.records["_mta-sts.b.test"] = {"TXT": ["hello"]}
    assert await world.policies.find("b.test") == Found()
    world.dns.order("_mta-sts.b.test", "TXT", Fault.SERVFAIL)
    assert await world.policies.find("b.test") == Found()
    assert world.web.requests == []


async def test_fetched_once_for_all_workers(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test"))
    for one in (world.policies, world.policies, world.worker()):
        found = await one.find("b.test")
        assert mode(found) is Mode.ENFORCE and "mx: mx.b.test\r\n" in found.text
    (request,) = world.web.requests
    assert request.headers["host"].partition(":")[0] == "mta-sts.b.test"


async def test_several_at_the_same_time_fetch_it_once(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test"))
    found = await asyncio.gather(*(world.policies.find("b.test") for _ in range(5)))
    assert {mode(one) for one in found} == {Mode.ENFORCE}
    assert len(world.web.requests) == 1


async def test_another_id_is_another_policy(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test"))
    await world.policies.find("b.test")
    world.announce("b.test", "2", policy("none"))
    assert mode(await world.policies.find("b.test")) is Mode.NONE


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.LAME])
async def test_it_holds_while_dns_is_down_until_it_expires(world: SecureWorld, fault: Fault) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test", max_age=DAY))
    await world.policies.find("b.test")
    world.dns.order("_mta-sts.b.test", "TXT", fault)
    world.clock.jump(DAY - 1)
    assert mode(await world.policies.find("b.test")) is Mode.ENFORCE
    world.clock.jump(1)
    assert await world.policies.find("b.test") == Found()


async def test_it_holds_while_the_record_is_gone(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test"))
    await world.policies.find("b.test")
    del world.dns.records["_mta-sts.b.test"]
    assert mode(await world.policies.find("b.test")) is Mode.ENFORCE


@pytest.mark.parametrize(
    ("page", "failure"),
    [
        (Page(b"gone", code=404), "sts-policy-fetch-error"),
        (Page(code=301, headers=("Location: /other",)), "sts-policy-fetch-error"),
        (Page(b"version: STSv1\r\n"), "sts-policy-invalid"),
        (Page(policy("enforce", "mx.b.test").body, "text/html"), "sts-policy-invalid"),
        (Page(policy("enforce", "mx.b.test").body + b"x: " + b"y" * limit.STS_POLICY_OCTETS), "sts-policy-fetch-error"),
    ],
)
async def test_one_that_cannot_be_had(world: SecureWorld, page: Page, failure: str) -> None:
    world.announce("b.test", "1", page)
    found = await world.policies.find("b.test")
    assert (found.policy, found.failure) == (None, failure) and found.why
    assert await world.policies.find("b.test") == found
    assert len(world.web.requests) == 1  # not again at once
    world.clock.jump(limit.STS_RETRY_S)
    world.announce("b.test", "1", policy("testing", "mx.b.test"))
    assert mode(await world.policies.find("b.test")) is Mode.TESTING


async def test_an_older_one_stands_while_the_newer_cannot_be_had(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test"))
    await world.policies.find("b.test")
    world.announce("b.test", "2", Page(code=500))
    found = await world.policies.find("b.test")
    assert (mode(found), found.failure) == (Mode.ENFORCE, "sts-policy-fetch-error")
    world.dns.records["mta-sts.b.test"] = {"A": ["127.0.0.2"]}
    assert mode(await world.worker().find("b.test")) is Mode.ENFORCE


async def test_another_certificate(world: SecureWorld) -> None:
    world.announce("c.test", "1", policy("enforce", "mx.c.test"))  # the web host is b.test's
    found = await world.policies.find("c.test")
    assert (found.policy, found.failure) == (None, "sts-webpki-invalid")


async def test_no_web_host(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test"))
    world.dns.order("mta-sts.b.test", "A", Fault.SERVFAIL)
    assert (await world.policies.find("b.test")).failure == "sts-policy-fetch-error"


# -- refreshing ----------------------------------------------------------------------------------------------------


async def test_refreshed_once_a_day_while_in_use(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test", max_age=2 * DAY))
    await world.policies.find("b.test")
    assert await world.policies.refresh_once("w") == 0
    for _ in range(5):
        world.clock.jump(DAY)
        assert await world.policies.refresh_once("w") == 1
    world.dns.order("_mta-sts.b.test", "TXT", Fault.SERVFAIL)
    assert mode(await world.policies.find("b.test")) is Mode.ENFORCE
    assert len(world.web.requests) == 6


async def test_a_refresh_that_fails_changes_nothing(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test", max_age=3 * DAY))
    await world.policies.find("b.test")
    world.web.pages[PATH] = Page(code=503)
    world.clock.jump(DAY)
    assert await world.policies.refresh_once("w") == 0
    assert mode(await world.policies.find("b.test")) is Mode.ENFORCE


async def test_what_nobody_uses_is_refreshed_no_more(world: SecureWorld) -> None:
    world.announce("b.test", "1", policy("enforce", "mx.b.test", max_age=200 * DAY))
    await world.policies.find("b.test")
    world.clock.jump(20 * DAY)
    await world.policies.find("b.test")  # in use again
    world.clock.jump(20 * DAY)
    assert await world.policies.refresh_once("w") == 1
    world.clock.jump(20 * DAY)
    assert await world.policies.refresh_once("w") == 0
    assert mode(await world.policies.find("b.test")) is Mode.ENFORCE


async def test_one_worker_at_a_time(world: SecureWorld) -> None:
    now = int(world.clock.now() * 1000)
    await world.store.write(lease.take, lease.STS, "other", now, now + 1)
    with pytest.raises(Locked):
        await world.policies.refresh_once("w")
