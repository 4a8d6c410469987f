"""The trail of a message: what is there of it without rows of its own. For people who ask, never for a session.

Nothing here has an index that deliveries would have to write: the latest messages are looked through, page by page.

Standards: none.
Faults:    none.
"""

from dataclasses import dataclass

from posthaus.store.mailbox import name_before
from posthaus.store.queue import JOINED, Errand, Parcel, errand_of, parcel_of
from posthaus.store.text import storable
from posthaus.store.tx import Tx

_ERRAND_COLUMNS = 11


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in mailboxes of ours."""

    id: int
    prefix: bytes
    subject: str
    sender: str
    message_id: str
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    address: str  # of the account
    mailbox: str
    uid: int
    flags: int
    received: int
    expunged: int  # when; 0: it is there


async def last_message(tx: Tx) -> int:
    row = await tx.one("SELECT max(id) FROM message")
    return 0 if row is None or row[0] is None else row[0]


async def of_transaction(tx: Tx, tid: str, first: int, last: int) -> list[int]:
    """Messages of these ids which a Received field of ours says came in by this transaction."""
    mark = b"\tid " + tid.encode("utf-8", "replace")
    rows = await tx.all("SELECT id, prefix FROM message WHERE id BETWEEN $1 AND $2 ORDER BY id DESC", first, last)
    found = []
    for id_, prefix in rows:
        _, is_there, rest = bytes(prefix).partition(mark)
        if is_there and rest[:1] in (b";", b"\r"):
            found.append(id_)
    return found


async def with_message_id(tx: Tx, message_id: str, first: int, last: int) -> list[int]:
    """message_id without <>."""
    rows = await tx.all(
        "SELECT id FROM message WHERE id BETWEEN $1 AND $2 AND message_id=$3 ORDER BY id DESC",
        first, last, storable(message_id),
    )  # fmt: skip
    return [row[0] for row in rows]


async def of_account(tx: Tx, account: int, most: int) -> list[int]:
    """The last in its INBOX."""
    rows = await tx.all(
        "SELECT p.message FROM placement p JOIN account a ON p.id BETWEEN a.inbox * 4294967296"
        " AND a.inbox * 4294967296 + 4294967295 WHERE a.id=$1 ORDER BY p.id DESC LIMIT $2",
        account, most,
    )  # fmt: skip
    return [row[0] for row in rows]


async def kept(tx: Tx, message: int) -> Kept | None:
    row = await tx.one("SELECT id, prefix, subject, sender, message_id, size FROM message WHERE id=$1", message)
    return None if row is None else Kept(row[0], bytes(row[1]), *row[2:])


async def places(tx: Tx, message: int) -> list[Place]:
    """Wherever it is, and wherever it was until not too long ago."""
    found = []
    for account, address in await tx.all(
        "SELECT a.id, a.address FROM email e JOIN account a ON a.id=e.account WHERE e.message=$1 ORDER BY a.id", message
    ):
        # of the view of deleted messages nothing is told: the tombstone says where it was
        boxes = await tx.all("SELECT id, name FROM mailbox WHERE account=$1 AND state<>3 ORDER BY name", account)
        for mailbox, name in boxes:
            span = mailbox << 32, mailbox << 32 | 0xFFFFFFFF
            for table, when in (("placement", "0"), ("tombstone", "expunged")):
                rows = await tx.all(
                    f"SELECT id & 4294967295, flags, received, {when} FROM {table}"
                    " WHERE id BETWEEN $1 AND $2 AND message=$3 ORDER BY id",
                    *span, message,
                )  # fmt: skip
                found += [Place(address, name_before(name), *row) for row in rows]
    return found


async def waiting(tx: Tx, tid: str) -> list[tuple[Parcel, Errand]]:
    """What is still in the queue of a transaction."""
    rows = await tx.all(f"{JOINED} WHERE p.tid=$1 ORDER BY e.id", storable(tid))
    return [(parcel_of(row[_ERRAND_COLUMNS:]), errand_of(row)) for row in rows]
