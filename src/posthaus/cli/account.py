"""`posthaus account`: add, list, remove, password, quota, admin. The import is in bulk.py, sending in sending.py.

Standards: none.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace

from posthaus.base.chance import SystemChance
from posthaus.base.error import Refusal
from posthaus.base.unit import render_size
from posthaus.cli.opening import (
    messages_of,
    print_rows,
    quota_of,
    read_address,
    read_count,
    read_password,
    read_quota,
    with_store,
)
from posthaus.flow.credential import CLEARTEXT, make_credentials
from posthaus.mail.address import Address
from posthaus.store import account
from posthaus.store.error import NoSuchAccount
from posthaus.store.store import Store
from posthaus.store.tx import Tx


def add(options: Namespace) -> int:
    address = read_address(options.address)
    quota_octets, quota_messages = quota_of(options), messages_of(options)
    credentials = make_credentials(read_password(options), SystemChance(), recoverable=options.recoverable)

    async def act(store: Store) -> None:
        await store.write(_create, address, credentials, quota_octets, quota_messages)

    with_store(options, act)
    return 0


def listing(options: Namespace) -> int:
    async def look(tx: Tx) -> tuple[list[account.Account], frozenset[int]]:
        return await account.listing(tx, options.domain), await account.with_credential(tx, CLEARTEXT)

    async def act(store: Store) -> tuple[list[account.Account], frozenset[int]]:
        return await store.read(look)

    people, recoverable = with_store(options, act)
    people = [one for one in people if one.state == account.OPEN and not one.shared]
    rows: list[tuple[object, ...]]
    if options.json:
        head: tuple[str, ...] = (
            "address", "used_octets", "used_messages", "quota_octets", "quota_messages", "recoverable", "admin",
        )  # fmt: skip
        rows = [
            (p.address, p.used_octets, p.used_messages, p.quota_octets, p.quota_messages, p.id in recoverable,
             p.is_admin)
            for p in people
        ]  # fmt: skip
    else:
        head = ("address", "used", "messages", "quota", "of messages", "recoverable", "admin")
        rows = [
            (p.address, _about(p.used_octets), p.used_messages, _about(p.quota_octets) or "-", p.quota_messages or "-",
             "yes" if p.id in recoverable else "-", "yes" if p.is_admin else "-")
            for p in people
        ]  # fmt: skip
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
    credentials = make_credentials(read_password(options), SystemChance(), recoverable=options.recoverable)

    async def set_credentials(tx: Tx) -> None:
        found = await find(tx, address)
        if found.shared:
            raise Refusal(f"{address} is shared: nobody logs in to it")
        await account.set_credentials(tx, found.id, credentials)

    async def act(store: Store) -> None:
        await store.write(set_credentials)

    with_store(options, act)
    return 0


def quota(options: Namespace) -> int:
    address = read_address(options.address)
    octets = None if options.quota is None else read_quota(options.quota)
    messages = None if options.messages is None else read_count(options.messages)
    if octets is None and messages is None:
        raise Refusal("say how much: SIZE, --messages, or both")

    async def set_quota(tx: Tx) -> None:
        """What is not named stays."""
        whose = await find(tx, address)
        await account.set_quota(
            tx,
            whose.id,
            whose.quota_octets if octets is None else octets,
            whose.quota_messages if messages is None else messages,
        )

    async def act(store: Store) -> None:
        await store.write(set_quota)

    with_store(options, act)
    return 0


def admin(options: Namespace) -> int:
    address = read_address(options.address)

    async def set_admin(tx: Tx) -> None:
        await account.set_admin(tx, (await find(tx, address)).id, options.wanted == "on")

    async def act(store: Store) -> None:
        await store.write(set_admin)

    with_store(options, act)
    return 0


async def _create(
    tx: Tx, address: Address, credentials: dict[str, bytes], quota_octets: int, quota_messages: int
) -> None:
    now = int(time.time())
    await account.create(tx, str(address), address.key, address.domain, credentials, quota_octets, now, quota_messages)


async def _remove(tx: Tx, address: Address) -> None:
    await account.mark_removed(tx, (await find(tx, address)).id)


async def find(tx: Tx, address: Address) -> account.Account:
    """The open account of this address."""
    found = await account.find(tx, address.key)
    if found is None or found.state != account.OPEN:
        raise NoSuchAccount(str(address))
    return found
