"""Annotations: values under names, kept with a mailbox or with an account.

A name is a path in lower case; its first level says who sees the value. They belong to the id of the mailbox, so they
stay through a rename and go with its row. What somebody else than the owner writes for himself beside a mailbox counts
in his limit, and goes with him; what he writes for all counts in the owner's.

Standards: RFC 5464 §3.
Faults:    LimitReached.
"""

from collections.abc import Collection, Mapping

from posthaus.base import limit
from posthaus.store.error import LimitReached
from posthaus.store.tx import Tx

NO_MAILBOX = 0  # of the server: what is private there is the account's, what is shared is the house's
PRIVATE, SHARED = "/private", "/shared"
_HOUSE = 0  # in place of an account


def is_private(entry: str) -> bool:
    return entry == PRIVATE or entry.startswith(PRIVATE + "/")


def _whose(account: int, mailbox: int, entry: str, member: int = 0) -> tuple[int, int, int]:
    """The key without the name."""
    if is_private(entry):
        return account, mailbox, member or account
    return (account if mailbox else _HOUSE), mailbox, 0


async def get(tx: Tx, account: int, mailbox: int, entry: str, *, member: int = 0) -> bytes | None:
    """account: whose mailbox it is; member: who asks, where that is another one."""
    row = await tx.one(
        "SELECT value FROM annotation WHERE account=$1 AND mailbox=$2 AND member=$3 AND entry=$4",
        *_whose(account, mailbox, entry, member), entry,
    )  # fmt: skip
    return None if row is None else bytes(row[0])


async def below(tx: Tx, account: int, mailbox: int, entry: str, *, member: int = 0) -> list[tuple[str, bytes]]:
    """Those under this name, on all levels, by name: from "a/" to before "a0", in the order of octets."""
    rows = await tx.all(
        "SELECT entry, value FROM annotation WHERE account=$1 AND mailbox=$2 AND member=$3 AND entry>$4 AND entry<$5"
        " ORDER BY entry",
        *_whose(account, mailbox, entry, member), entry + "/", entry + "0",
    )  # fmt: skip
    return [(name, value) for name, value in rows]


async def of_all(tx: Tx, account: int, entries: Collection[str]) -> dict[tuple[int, str], bytes]:
    """mailbox and entry -> value, of all mailboxes of the account: one pass over its annotations, whatever is asked."""
    rows = await tx.all(
        "SELECT mailbox, entry, value FROM annotation WHERE account=$1 AND mailbox>0 AND member IN ($1, 0)", account
    )
    return {(mailbox, entry): value for mailbox, entry, value in rows if entry in entries}


async def put(tx: Tx, account: int, mailbox: int, values: Mapping[str, bytes | None], *, member: int = 0) -> None:
    """Sets all of these, or none; None takes one away. The caller writes it into the book."""
    for entry, value in values.items():
        await _put(tx, (*_whose(account, mailbox, entry, member), entry), value)
    writers = {
        member or account if is_private(entry) else account for entry, value in values.items() if value is not None
    }
    for writer in sorted(writers):
        await _check_room(tx, writer)


async def _check_room(tx: Tx, account: int) -> None:
    """What is the account's: beside its own mailboxes, but for what others keep there, and beside theirs."""
    row = await tx.one(
        "SELECT count(*), coalesce(sum(octets), 0) FROM ("
        "SELECT length(value) AS octets FROM annotation WHERE account=$1 AND member IN (0, $1)"
        " UNION ALL SELECT length(value) FROM annotation WHERE member=$1 AND member<>0 AND member<>account) AS own",
        account,
    )
    if row is not None and (row[0] > limit.ANNOTATIONS or row[1] > limit.ANNOTATION_OCTETS_IN_ALL):
        raise LimitReached("annotations")  # and nothing of this write is kept


# -- of the house --------------------------------------------------------------------------------------------------


async def put_shared(tx: Tx, entry: str, value: bytes | None) -> None:
    """What all accounts see of the server. Nobody is told of the change."""
    await _put(tx, (*_whose(_HOUSE, NO_MAILBOX, entry), entry), value)


async def shared(tx: Tx) -> list[tuple[str, bytes]]:
    return await below(tx, _HOUSE, NO_MAILBOX, SHARED)


async def _put(tx: Tx, key: tuple[int, int, int, str], value: bytes | None) -> None:
    if value is None:
        await tx.run("DELETE FROM annotation WHERE account=$1 AND mailbox=$2 AND member=$3 AND entry=$4", *key)
        return
    await tx.run(
        "INSERT INTO annotation (account, mailbox, member, entry, value) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (account, mailbox, member, entry) DO UPDATE SET value=excluded.value",
        *key, value,
    )  # fmt: skip
