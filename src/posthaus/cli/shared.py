"""`posthaus shared`: mailboxes of teams. Mail comes to their address, and nobody logs in to them.

Who does what there is said by `posthaus acl`, or by those members who may administer, from their mail programs.

Standards: RFC 4314.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace

from posthaus.cli.account import find
from posthaus.cli.opening import messages_of, print_rows, quota_of, read_address, with_store
from posthaus.mail.address import Address
from posthaus.store import account
from posthaus.store.error import NoSuchAccount
from posthaus.store.store import Store
from posthaus.store.tx import Tx


def add(options: Namespace) -> int:
    address = read_address(options.address)
    quota_octets, quota_messages = quota_of(options), messages_of(options)

    async def create(tx: Tx) -> None:
        await account.create(
            tx, str(address), address.key, address.domain, {}, quota_octets, int(time.time()), quota_messages,
            shared=True,
        )  # fmt: skip

    async def act(store: Store) -> None:
        await store.write(create)

    with_store(options, act)
    return 0


def listing(options: Namespace) -> int:
    async def act(store: Store) -> list[account.Account]:
        return await store.read(account.listing)

    teams = [one for one in with_store(options, act) if one.shared and one.state == account.OPEN]
    rows = [(one.address, one.used_octets, one.used_messages, one.quota_octets, one.quota_messages) for one in teams]
    head = ("address", "used_octets", "used_messages", "quota_octets", "quota_messages")
    print_rows(head, rows, as_json=options.json)
    return 0


def remove(options: Namespace) -> int:
    async def act(store: Store) -> None:
        await store.write(_remove, read_address(options.address))

    with_store(options, act)
    return 0


async def _remove(tx: Tx, address: Address) -> None:
    found = await find(tx, address)
    if not found.shared:
        raise NoSuchAccount(f"{address} that is shared")
    await account.mark_removed(tx, found.id)
