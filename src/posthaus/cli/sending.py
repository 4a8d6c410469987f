"""`posthaus account`, what it may send: as whom, to how many, its copy in Sent, and its release.

Standards: RFC 6409 §6.1.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace
from collections.abc import Awaitable, Callable

from posthaus.base.error import Refusal
from posthaus.cli.account import find
from posthaus.cli.opening import print_rows, read_address, read_domain, with_store
from posthaus.mail.date import render_utc
from posthaus.store import sender, sending
from posthaus.store.store import Store
from posthaus.store.tx import Tx


def allow_sender(options: Namespace) -> int:
    return _with_sender(options, sender.allow)


def deny_sender(options: Namespace) -> int:
    return _with_sender(options, sender.deny)


def _with_sender(options: Namespace, change: Callable[[Tx, int, str], Awaitable[None]]) -> int:
    address, value = read_address(options.address), _read_sender(options.sender)

    async def write(tx: Tx) -> None:
        await change(tx, (await find(tx, address)).id, value)

    async def act(store: Store) -> None:
        await store.write(write)

    with_store(options, act)
    return 0


def _read_sender(text: str) -> str:
    return f"@{read_domain(text[1:])}" if text.startswith("@") else read_address(text).key


def senders(options: Namespace) -> int:
    address = read_address(options.address)

    async def look(tx: Tx) -> tuple[str, ...]:
        return await sender.senders(tx, (await find(tx, address)).id)

    async def act(store: Store) -> tuple[str, ...]:
        return await store.read(look)

    print_rows(("sender",), [(one,) for one in with_store(options, act)], as_json=options.json)
    return 0


def limits(options: Namespace) -> int:
    """Sets those that are named; without any, says what they are and how much is used."""
    address = read_address(options.address)
    wanted = (options.per_hour, options.per_day, options.strangers)
    if options.default or any(one is not None for one in wanted):

        async def write(tx: Tx) -> None:
            account = (await find(tx, address)).id
            if options.default:
                await sending.set_limits(tx, account, sending.USUAL, sending.USUAL, sending.USUAL)
            else:
                own = await sending.own_limits(tx, account)
                new = [old if one is None else _limit(one) for one, old in zip(wanted, own, strict=True)]
                await sending.set_limits(tx, account, *new)

        async def act(store: Store) -> None:
            await store.write(write)

        with_store(options, act)
        return 0

    async def look(tx: Tx) -> tuple[sending.Sending, sending.Used]:
        account = (await find(tx, address)).id
        return await sending.get(tx, account), await sending.used(tx, account, int(time.time()))

    async def show(store: Store) -> tuple[sending.Sending, sending.Used]:
        return await store.read(look)

    has, used = with_store(options, show)
    rows = [("per_hour", has.per_hour, used.hour), ("per_day", has.per_day, used.day)]
    rows.append(("strangers", has.strangers, used.strangers))
    print_rows(("limit", "recipients", "used"), rows, as_json=options.json)
    return 0


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Refusal(f"{text!r} is not a number of recipients")
    return int(text)


def sent_copy(options: Namespace) -> int:
    address = read_address(options.address)

    async def write(tx: Tx) -> None:
        await sending.set_sent_copy(tx, (await find(tx, address)).id, options.wanted == "on")

    async def act(store: Store) -> None:
        await store.write(write)

    with_store(options, act)
    return 0


def held(options: Namespace) -> int:
    async def act(store: Store) -> list[tuple[str, int]]:
        return await store.read(sending.held)

    rows = [(address, render_utc(since)) for address, since in with_store(options, act)]
    print_rows(("address", "since"), rows, as_json=options.json)
    return 0


def release(options: Namespace) -> int:
    address = read_address(options.address)

    async def write(tx: Tx) -> bool:
        account = (await find(tx, address)).id
        return await sending.release(tx, account, int(time.time()))

    async def act(store: Store) -> bool:
        return await store.write(write)

    if not with_store(options, act):
        raise Refusal(f"{address} was not held")
    return 0
