"""`posthaus account`: add, list, remove, password, quota, import.

Standards: none.
Faults:    Refusal with one line for people.
"""

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

from posthaus.base.chance import SystemChance
from posthaus.base.error import Refusal
from posthaus.base.setting import read_settings
from posthaus.base.unit import render_size
from posthaus.cli.opening import print_rows, read_address, read_password, read_quota, with_store
from posthaus.cli.words import words_of
from posthaus.flow.credential import make_credentials
from posthaus.mail.address import Address
from posthaus.store import account
from posthaus.store.error import AccountExists, NoSuchAccount
from posthaus.store.store import Store
from posthaus.store.tx import Tx

_AT_ONCE = 200


def add(options: Namespace) -> int:
    address = read_address(options.address)
    quota_octets = _quota(options)
    credentials = make_credentials(read_password(options), SystemChance())

    async def act(store: Store) -> None:
        await store.write(_create, address, credentials, quota_octets)

    with_store(options, act)
    return 0


def listing(options: Namespace) -> int:
    async def act(store: Store) -> list[account.Account]:
        return await store.read(account.listing, options.domain)

    people = [one for one in with_store(options, act) if one.state == account.OPEN]
    if options.json:
        head = ("address", "used_octets", "used_messages", "quota_octets")
        rows: list[tuple[object, ...]] = [
            (one.address, one.used_octets, one.used_messages, one.quota_octets) for one in people
        ]
    else:
        head = ("address", "used", "messages", "quota")
        rows = [(p.address, _about(p.used_octets), p.used_messages, _about(p.quota_octets) or "-") for p in people]
    print_rows(head, rows, as_json=options.json)
    return 0


def _about(octets: int) -> str:
    """Two or three digits are enough for people."""
    for unit in ("TB", "GB", "MB", "KB"):
        whole = {"TB": 1024**4, "GB": 1024**3, "MB": 1024**2, "KB": 1024}[unit]
        if octets >= whole:
            return f"{octets / whole:.1f} {unit}"
    return render_size(octets) if octets else ""


def remove(options: Namespace) -> int:
    async def act(store: Store) -> None:
        await store.write(_remove, read_address(options.address))

    with_store(options, act)
    return 0


def password(options: Namespace) -> int:
    address = read_address(options.address)
    credentials = make_credentials(read_password(options), SystemChance())

    async def set_credentials(tx: Tx) -> None:
        await account.set_credentials(tx, (await _find(tx, address)).id, credentials)

    async def act(store: Store) -> None:
        await store.write(set_credentials)

    with_store(options, act)
    return 0


def quota(options: Namespace) -> int:
    address, octets = read_address(options.address), read_quota(options.quota)

    async def set_quota(tx: Tx) -> None:
        await account.set_quota(tx, (await _find(tx, address)).id, octets)

    async def act(store: Store) -> None:
        await store.write(set_quota)

    with_store(options, act)
    return 0


def bulk(options: Namespace) -> int:
    """All lines that can be carried out are; the others are told by number, and the exit code is 1."""
    lines = _read_lines(options.file)
    quota_octets = _quota(options)

    async def act(store: Store) -> list[str]:
        return await _bulk(store, lines, quota_octets, skip_existing=options.skip_existing)

    faults = with_store(options, act)
    for fault in faults:
        print(f"posthaus: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _read_lines(name: str) -> list[tuple[int, str]]:
    try:
        octets = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        lines = octets.decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise Refusal(f"{name}: cannot be read: {fault}") from None
    return [(number, line.removesuffix("\r")) for number, line in enumerate(lines, 1) if line.strip()]


async def _bulk(store: Store, lines: list[tuple[int, str]], quota_octets: int, *, skip_existing: bool) -> list[str]:
    """Passwords are hashed on all cores while the accounts before them are written, many in one commit."""
    loop = asyncio.get_running_loop()
    chance = SystemChance()
    make = partial(make_credentials, argon2=False)  # 8 ms instead of 40: see there
    faults: list[str] = []

    async def one(number: int, line: str, pool: ThreadPoolExecutor) -> None:
        try:
            text, comma, secret = line.partition(",")
            if not comma:
                raise Refusal("is not `address,password`")
            address = read_address(text.strip())
            if skip_existing and await store.read(account.find, address.key) is not None:
                return
            credentials = await loop.run_in_executor(pool, make, secret, chance)
            await store.write(_create, address, credentials, quota_octets)
        except AccountExists as fault:
            if not skip_existing:
                faults.append(f"line {number}: {words_of(fault)}")
        except Refusal as fault:
            faults.append(f"line {number}: {words_of(fault)}")

    waiting = iter(lines)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        while some := list(_next(waiting)):
            await asyncio.gather(*(one(number, line, pool) for number, line in some))
    return faults


def _next(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    return islice(lines, _AT_ONCE)


def _quota(options: Namespace) -> int:
    if options.quota is not None:
        return read_quota(options.quota)
    return read_settings(Path(options.folder)).mail.quota


async def _create(tx: Tx, address: Address, credentials: dict[str, bytes], quota_octets: int) -> None:
    now = int(time.time())
    await account.create(tx, str(address), address.key, address.domain, credentials, quota_octets, now)


async def _remove(tx: Tx, address: Address) -> None:
    await account.mark_removed(tx, (await _find(tx, address)).id)


async def _find(tx: Tx, address: Address) -> account.Account:
    found = await account.find(tx, address.key)
    if found is None or found.state != account.OPEN:
        raise NoSuchAccount(str(address))
    return found
