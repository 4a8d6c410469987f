"""`posthaus domain` and `posthaus alias`: which addresses are ours, and where they lead.

Standards: RFC 5321 §3.6.2.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace

from posthaus.cli.opening import print_rows, read_address, read_domain, with_store
from posthaus.store import directory
from posthaus.store.store import Store
from posthaus.store.tx import Tx


def add_domain(options: Namespace) -> int:
    domain = read_domain(options.domain)

    async def act(store: Store) -> None:
        await store.write(directory.add_domain, domain, int(time.time()))

    with_store(options, act)
    return 0


def remove_domain(options: Namespace) -> int:
    domain = read_domain(options.domain)

    async def act(store: Store) -> None:
        await store.write(directory.remove_domain, domain)

    with_store(options, act)
    return 0


def list_domains(options: Namespace) -> int:
    async def act(store: Store) -> list[directory.Domain]:
        return await store.read(directory.domains)

    rows = [(one.name, one.accounts, one.aliases, one.catch_all) for one in with_store(options, act)]
    print_rows(("domain", "accounts", "aliases", "catch_all"), rows, as_json=options.json)
    return 0


def catch_all(options: Namespace) -> int:
    domain = read_domain(options.domain)
    address = str(read_address(options.address)) if options.address else ""

    async def act(store: Store) -> None:
        await store.write(directory.set_catch_all, domain, address)

    with_store(options, act)
    return 0


def add_alias(options: Namespace) -> int:
    address = read_address(options.address)
    targets = [str(read_address(target)) for target in options.targets]

    async def add(tx: Tx) -> None:
        for target in targets:
            await directory.add_alias(tx, address.key, address.domain, target)

    async def act(store: Store) -> None:
        await store.write(add)

    with_store(options, act)
    return 0


def remove_alias(options: Namespace) -> int:
    address = read_address(options.address)
    target = None if options.target is None else str(read_address(options.target))

    async def act(store: Store) -> None:
        await store.write(directory.remove_alias, address.key, target)

    with_store(options, act)
    return 0


def list_aliases(options: Namespace) -> int:
    async def act(store: Store) -> list[directory.Alias]:
        return await store.read(directory.aliases)

    rows = [(one.key, one.target) for one in with_store(options, act)]
    print_rows(("address", "target"), rows, as_json=options.json)
    return 0
