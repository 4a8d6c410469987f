"""`posthaus dkim`: keys that sign the mail of a domain, and the records to publish for them.

Standards: RFC 6376 §3.6, RFC 8463, RFC 8301 §3.2.
Faults:    Refusal with one line for people.
"""

import json
import re
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from posthaus.base import limit
from posthaus.base.chance import SystemChance
from posthaus.base.clock import SystemClock
from posthaus.base.dns import DnsTrouble
from posthaus.base.error import Refusal
from posthaus.base.setting import read_settings
from posthaus.base.unit import parse_duration
from posthaus.check.keyrecord import record_name, render_zone_line, strings_of
from posthaus.check.signingkey import ALGORITHMS
from posthaus.cli.opening import print_rows, read_domain, with_store
from posthaus.flow.rotate import is_seen, make_key
from posthaus.net.resolver import Resolver, places
from posthaus.store import dkimkey
from posthaus.store.dkimkey import ACTIVE, PUBLISHED, RETIRED, STATES, DkimKey
from posthaus.store.store import Store

_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")


def add(options: Namespace) -> int:
    domain = read_domain(options.domain)
    selector = _selector(options.selector) if options.selector else ""
    if selector and not options.algorithm:
        raise Refusal("a selector names one key: say its --algorithm, too")
    algorithms = (options.algorithm,) if options.algorithm else ALGORITHMS
    active_from = _after(options.after)

    async def act(store: Store) -> list[DkimKey]:
        made = await _make(store, domain, algorithms, active_from, selector)
        return await _use(store, made) if options.now else made

    _print_records(with_store(options, act), as_json=options.json)
    return 0


def listing(options: Namespace) -> int:
    domain = read_domain(options.domain) if options.domain else None

    async def act(store: Store) -> list[DkimKey]:
        return await store.read(dkimkey.listing, domain)

    shown = _number if options.json else _day
    rows = [
        (one.domain, one.selector, one.algorithm, STATES[one.state], *map(shown, _times(one)))
        for one in with_store(options, act)
    ]
    head = ("domain", "selector", "algorithm", "state", "created", "active_from", "retire_at")
    print_rows(head, rows, as_json=options.json)
    return 0


def record(options: Namespace) -> int:
    domain = read_domain(options.domain)

    async def act(store: Store) -> list[DkimKey]:
        if options.selector:
            return [await store.read(dkimkey.find, domain, _selector(options.selector))]
        now = int(time.time())
        return [one for one in await store.read(dkimkey.listing, domain) if one.state != RETIRED or one.retire_at > now]

    _print_records(with_store(options, act), as_json=options.json)
    return 0


def rotate(options: Namespace) -> int:
    """First call: new keys, whose records are to be published. Second call: they take over, if DNS has them."""
    domain = read_domain(options.domain)
    active_from = _after(options.after)
    settings = read_settings(Path(options.folder))

    async def act(store: Store) -> list[DkimKey]:
        known = await store.read(dkimkey.listing, domain)
        fresh = [one for one in known if one.state == PUBLISHED]
        if not fresh:
            algorithms = {one.algorithm for one in known if one.state == ACTIVE} or set(ALGORITHMS)
            fresh = await _make(store, domain, [one for one in ALGORITHMS if one in algorithms], active_from)
            return await _use(store, fresh) if options.now else fresh
        if not options.now:
            resolver = Resolver(places(settings.send.resolvers), SystemClock(), SystemChance())
            await _must_be_seen(resolver, fresh)
        return await _use(store, fresh)

    _print_records(with_store(options, act), as_json=options.json)
    return 0


def retire(options: Namespace) -> int:
    domain, selector = read_domain(options.domain), _selector(options.selector)
    at = _after(options.after)

    async def act(store: Store) -> None:
        key = await store.read(dkimkey.find, domain, selector)
        if at:
            await store.write(dkimkey.plan_retirement, key.id, at)
        else:
            await store.write(dkimkey.retire, [key.id], _record_until())

    with_store(options, act)
    return 0


def remove(options: Namespace) -> int:
    domain, selector = read_domain(options.domain), _selector(options.selector)

    async def act(store: Store) -> None:
        key = await store.read(dkimkey.find, domain, selector)
        if key.state == ACTIVE:
            raise Refusal(f"{selector} of {domain} signs mail: retire it first")
        await store.write(dkimkey.remove, domain, selector)

    with_store(options, act)
    return 0


async def _make(
    store: Store, domain: str, algorithms: Sequence[str], active_from: int, selector: str = ""
) -> list[DkimKey]:
    now = int(time.time())
    made = []
    for algorithm in algorithms:
        taken = [one.selector for one in await store.read(dkimkey.listing, domain)]
        new = make_key(domain, algorithm, now, taken, selector)
        await store.write(dkimkey.add, new, now, active_from)
        made.append(await store.read(dkimkey.find, domain, new.selector))
    return made


async def _use(store: Store, fresh: Sequence[DkimKey]) -> list[DkimKey]:
    await store.write(dkimkey.replace, fresh, int(time.time()), _record_until())
    return [await store.read(dkimkey.find, one.domain, one.selector) for one in fresh]


async def _must_be_seen(resolver: Resolver, fresh: Sequence[DkimKey]) -> None:
    for key in fresh:
        name = record_name(key.selector, key.domain)
        try:
            seen = await is_seen(resolver, key)
        except DnsTrouble as fault:
            raise Refusal(f"{name}: DNS cannot be asked now ({fault}); --now does not ask") from None
        if not seen:
            raise Refusal(f"{name}: DNS has no such record yet; `posthaus dkim record {key.domain}` prints it")


def _record_until() -> int:
    return int(time.time() + limit.DKIM_RECORD_KEPT_S)


def _after(text: str | None) -> int:
    """So long from now; 0 where nothing was said."""
    try:
        return int(time.time() + parse_duration(text)) if text else 0
    except ValueError as fault:
        raise Refusal(str(fault)) from None


def _selector(text: str) -> str:
    selector: str = text.lower()
    if _SELECTOR.fullmatch(selector) is None:
        raise Refusal(f"{text!r} is not a selector: letters, digits and hyphens, as in a host name")
    return selector


def _times(key: DkimKey) -> tuple[int, int, int]:
    return key.created, key.active_from, key.retire_at


def _number(at: int) -> int | str:
    return at


def _day(at: int) -> int | str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at)) if at else "-"


def _print_records(keys: Sequence[DkimKey], *, as_json: bool) -> None:
    """For a zone file, and for the forms of those who have their DNS elsewhere."""
    if as_json:
        print(json.dumps([_as_json(key) for key in keys], indent=1))
        return
    for key in keys:
        name = record_name(key.selector, key.domain)
        print(f"; {key.algorithm}, {STATES[key.state]}")
        print(render_zone_line(name, key.public))
        print(f"; name   {name}\n; type   TXT\n; value  {key.public}\n")


def _as_json(key: DkimKey) -> dict[str, object]:
    name = record_name(key.selector, key.domain)
    return {
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "state": STATES[key.state],
        "name": name,
        "type": "TXT",
        "value": key.public,
        "strings": strings_of(key.public),
        "zone": render_zone_line(name, key.public),
    }
