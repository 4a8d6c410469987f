"""What became of TLS, counted."""

import dataclasses

from posthaus.base import limit
from posthaus.store import tlsresult
from posthaus.store.store import Store
from posthaus.store.tlsresult import Counted, Result

FINE = Result(7, "b.test", "sts", ("version: STSv1", "mode: enforce"))
BAD = dataclasses.replace(
    FINE, kind="certificate-expired", source="192.0.2.1", host="mx", address="192.0.2.2", helo="h\0i", reason="old"
)


async def test_counted_together(store: Store) -> None:
    await store.write(tlsresult.count, [(FINE, 2), (BAD, 1), (dataclasses.replace(FINE, host="mx", reason="x"), 3)])
    await store.write(tlsresult.count, [(dataclasses.replace(BAD, reason="later"), 4)])
    await store.write(tlsresult.count, [(dataclasses.replace(FINE, policy_text=("version: STSv1",)), 1)])
    found = await store.read(tlsresult.of_day, 7, "b.test")
    assert sorted(one.sessions for one in found) == [1, 5, 5]
    assert Counted(FINE, 5) in found
    assert Counted(dataclasses.replace(BAD, helo="h\ufffdi"), 5) in found
    assert await store.read(tlsresult.of_day, 8, "b.test") == []


async def test_days_that_are_over(store: Store) -> None:
    for day, domain in ((7, "c.test"), (7, "b.test"), (6, "c.test"), (8, "b.test")):
        await store.write(tlsresult.count, [(Result(day, domain, "no-policy-found"), 1)])
    assert await store.read(tlsresult.waiting, 8) == [(6, "c.test"), (7, "b.test"), (7, "c.test")]
    assert await store.write(tlsresult.remove, 7, "b.test") == 1
    assert await store.read(tlsresult.waiting, 9) == [(6, "c.test"), (7, "c.test"), (8, "b.test")]


async def test_days_that_are_yet_to_come(store: Store) -> None:
    for day in (7, 8, 400):
        await store.write(tlsresult.count, [(Result(day, "b.test", "no-policy-found"), 1)])
    assert await store.write(tlsresult.remove_after, 8) == 1
    assert await store.read(tlsresult.waiting, 999) == [(7, "b.test"), (8, "b.test")]


async def test_too_many_ways_to_fail(store: Store) -> None:
    many = [(dataclasses.replace(BAD, address=f"192.0.2.{n}"), 1) for n in range(limit.TLSRPT_DETAILS + 50)]
    await store.write(tlsresult.count, many[:30])
    await store.write(tlsresult.count, many[30:])
    found = await store.read(tlsresult.of_day, 7, "b.test")
    assert sum(one.sessions for one in found) == len(many)
    assert len(found) == limit.TLSRPT_DETAILS + 1
