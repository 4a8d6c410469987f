"""`posthaus suppression`: addresses to which nothing is sent.

Standards: none.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace

from posthaus.cli.opening import print_rows, read_address, with_store
from posthaus.mail.date import render_utc
from posthaus.store import account as accounts
from posthaus.store import suppression
from posthaus.store.account import Account
from posthaus.store.error import NoSuchAccount
from posthaus.store.store import Store
from posthaus.store.suppression import HOUSE, Suppression
from posthaus.store.tx import Tx


def listing(options: Namespace) -> int:
    async def look(tx: Tx) -> tuple[list[Suppression], list[Account]]:
        wanted = await _account(tx, options.account)
        return await suppression.listing(tx, wanted), await accounts.listing(tx)

    async def act(store: Store) -> tuple[list[Suppression], list[Account]]:
        return await store.read(look)

    found, people = with_store(options, act)
    names = {HOUSE: "-"} | {one.id: one.address for one in people}
    now = int(time.time())
    head = ("address", "account", "since", "until", "failures", "status", "reason")
    rows: list[tuple[object, ...]] = [
        (
            one.key,
            names.get(one.account, ""),
            render_utc(one.since),
            render_utc(one.until) if one.until else "for good",
            one.count,
            one.status,
            one.reason,
        )
        for one in found
        if one.until == 0 or one.until > now
    ]
    print_rows(head, rows, as_json=options.json)
    return 0


def add(options: Namespace) -> int:
    address = read_address(options.address)

    async def write(tx: Tx) -> None:
        account = await _account(tx, options.account)
        await suppression.add(tx, HOUSE if account is None else account, address, options.reason, int(time.time()))

    async def act(store: Store) -> None:
        await store.write(write)

    with_store(options, act)
    return 0


def remove(options: Namespace) -> int:
    address = read_address(options.address)

    async def write(tx: Tx) -> None:
        await suppression.remove(tx, await _account(tx, options.account), address)

    async def act(store: Store) -> None:
        await store.write(write)

    with_store(options, act)
    return 0


async def _account(tx: Tx, text: str | None) -> int | None:
    if text is None:
        return None
    found = await accounts.find(tx, read_address(text).key)
    if found is None or found.state != accounts.OPEN:
        raise NoSuchAccount(text)
    return found.id
