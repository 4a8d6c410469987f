"""Keys that sign, over time: made, seen in DNS, put to use, retired.

A published key begins to sign when its TXT record is seen in DNS, or at the time that was given for it; what signed
with the same algorithm before is retired in the same commit. Its record must stay in DNS until the mail that it has
signed has arrived everywhere. One worker of all nodes does what is due, under a lease; what a lost round leaves, the
next one does.

Standards: RFC 6376 §3.1 and §3.6.2.1, RFC 5863 §3.4 (rolling over).
Faults:    Locked (another worker is at it); those of the store.
"""

import asyncio
import time
from collections.abc import Sequence

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.base.dns import DnsTrouble, Resolver
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.check.keyrecord import KeyFault, parse_key_record, record_name, render_key_record
from posthaus.check.signingkey import make_private, read_signing_key
from posthaus.store import dkimkey, lease
from posthaus.store.dkimkey import DkimKey, NewKey
from posthaus.store.error import Locked
from posthaus.store.store import Store

LETTERS = {"rsa": "r", "ed25519": "e"}


def make_key(domain: str, algorithm: str, now: int, taken: Sequence[str] = (), selector: str = "") -> NewKey:
    """A new key; its selector, where none is given, is the day with a letter for the algorithm."""
    private = make_private(algorithm)
    selector = selector or free_selector(algorithm, now, taken)
    public = render_key_record(read_signing_key(domain, selector, private).public)
    return NewKey(domain, selector, algorithm, private, public)


def free_selector(algorithm: str, now: int, taken: Sequence[str]) -> str:
    day = LETTERS[algorithm] + time.strftime("%Y%m%d", time.gmtime(now))
    names = (day, *(f"{day}-{n}" for n in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


async def is_seen(resolver: Resolver, key: DkimKey) -> bool:
    """Does DNS have this key, and no other beside it?"""
    answer = await resolver.txt(record_name(key.selector, key.domain))
    try:
        ours = parse_key_record(key.public.encode()).public
        return bool(answer.records) and all(parse_key_record(one).public == ours for one in answer.records)
    except KeyFault:
        return False


async def rotate_once(store: Store, resolver: Resolver | None, clock: Clock, log: Log, owner: str) -> int:
    """What is due now; how many keys changed. Locked where another worker is at it."""
    now_ms = int(clock.now() * 1000)
    await store.write(lease.take, lease.DKIM, owner, now_ms, now_ms + int(limit.DKIM_LEASE_S * 1000))
    try:
        return await _round(store, resolver, clock, log)
    finally:
        await store.write(lease.release, lease.DKIM, owner)


async def _round(store: Store, resolver: Resolver | None, clock: Clock, log: Log) -> int:
    now = int(clock.now())
    record_until = now + int(limit.DKIM_RECORD_KEPT_S)
    done = await store.write(dkimkey.retire_due, now, record_until)
    done += await store.write(dkimkey.forget_private, now)
    for key in (await store.read(dkimkey.waiting))[: limit.DKIM_LOOKED_FOR]:
        if await _is_due(key, resolver, now):
            await store.write(dkimkey.replace, [key], now, record_until)
            log.event("dkim.active", domain=key.domain, selector=key.selector, algorithm=key.algorithm)
            done += 1
    return done


async def _is_due(key: DkimKey, resolver: Resolver | None, now: int) -> bool:
    if key.active_from:
        return key.active_from <= now
    try:
        return resolver is not None and await is_seen(resolver, key)
    except DnsTrouble:
        return False


async def run_rotate(
    store: Store,
    resolver: Resolver | None,
    clock: Clock,
    log: Log,
    owner: str,
    *,
    every_s: float = limit.DKIM_ROTATE_EVERY_S,
) -> None:
    """Round after round, until cancelled."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await rotate_once(store, resolver, clock, log, owner)
        except Locked:
            pass
        except Trouble as e:
            log.warn("dkim.trouble", fault=type(e).__name__, why=e)
        except Exception as e:
            log.defect("dkim.defect", e)
