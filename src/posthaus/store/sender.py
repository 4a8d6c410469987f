"""Senders: addresses that an account may write as, beside its own and the aliases that lead to it.

A sender is the key of an address, or "@domain" for all addresses of a domain. An admin gives them; no domain need be
ours, for who may say so is not decided here.

Standards: RFC 6409 §6.1.
Faults:    NoSuchSender.
"""

from posthaus.store.error import NoSuchSender
from posthaus.store.text import storable
from posthaus.store.tx import Tx


async def allow(tx: Tx, account: int, sender: str) -> None:
    """Once more changes nothing."""
    await tx.run(
        "INSERT INTO sender (account, sender) VALUES ($1, $2) ON CONFLICT (account, sender) DO NOTHING", account, sender
    )


async def deny(tx: Tx, account: int, sender: str) -> None:
    if not await tx.run("DELETE FROM sender WHERE account=$1 AND sender=$2", account, sender):
        raise NoSuchSender(sender)


async def senders(tx: Tx, account: int) -> tuple[str, ...]:
    rows = await tx.all("SELECT sender FROM sender WHERE account=$1 ORDER BY sender", account)
    return tuple(row[0] for row in rows)


async def is_allowed(tx: Tx, account: int, key: str, domain: str) -> bool:
    """key: of the address; domain: its own."""
    row = await tx.one(
        "SELECT 1 FROM sender WHERE account=$1 AND sender IN ($2, $3)", account, storable(key), f"@{domain}"
    )
    return row is not None
