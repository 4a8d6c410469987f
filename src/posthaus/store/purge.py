"""The purge: what is past its horizon goes, in pieces that each take a few milliseconds.

Octets of expunged messages stay until one horizon (so that a person can bring mail back, store/undelete.py), tombstones
and the book of changes until a later one (so that a client can learn what vanished). Mailboxes and accounts that were
removed are emptied piece by piece. Every function says how much it did; 0 means there is nothing left to do.

Standards: RFC 7162 §3.2.10 (VANISHED (EARLIER) from before the horizon names what the range says).
"""

from posthaus.store import account as accounts
from posthaus.store import acl, blob, change, lost, message, seen, sortfact
from posthaus.store.tx import Tx


async def emails(tx: Tx, before: int, most: int) -> int:
    """Messages that an account has not held since before a time; with the last account goes the message itself."""
    rows = await tx.all("SELECT account, message FROM email WHERE live=0 AND gone_at<$1 LIMIT $2", before, most)
    await lost.purge(tx, rows)
    await tx.many(
        "DELETE FROM email WHERE account=$1 AND message=$2 AND live=0 AND gone_at<$3", [(*row, before) for row in rows]
    )
    for m in sorted({row[1] for row in rows}):
        await _drop_message(tx, m)
    return len(rows)


async def _drop_message(tx: Tx, m: int) -> None:
    """Where no account holds it any more."""
    if await tx.one("SELECT 1 FROM email WHERE message=$1 LIMIT 1", m) is not None:
        return
    row = await tx.one("DELETE FROM message WHERE id=$1 RETURNING blob", m)
    if row is not None:
        await blob.drop(tx, row[0])


async def tombstones(tx: Tx, before: int, most: int) -> int:
    rows = await tx.all("SELECT id FROM tombstone WHERE expunged<$1 LIMIT $2", before, most)
    await tx.many("DELETE FROM tombstone WHERE id=$1", rows)
    return len(rows)


async def changes(tx: Tx, before: int, most: int) -> int:
    return await change.forget(tx, before, most)


async def removed_mailboxes(tx: Tx, now: int, most: int) -> int:
    """Empties mailboxes that were removed; one without messages loses its row when it has no tombstones either."""
    row = await tx.one(
        "SELECT b.id, b.account FROM mailbox b WHERE b.state=2 AND (b.total>0 OR NOT EXISTS (SELECT 1 FROM tombstone t"
        " WHERE t.id BETWEEN b.id * 4294967296 AND b.id * 4294967296 + 4294967295)) ORDER BY b.id LIMIT 1"
    )
    if row is None:
        return 0
    await accounts.advance(tx, row[1])
    return await _empty(tx, row[1], row[0], now, most, with_tombstones=False)


async def _empty(tx: Tx, account: int, mailbox: int, now: int, most: int, *, with_tombstones: bool) -> int:
    """One piece of taking a mailbox away: placements, then perhaps tombstones, then its row."""
    placed = await lost.bury(tx, account, mailbox, now, most)
    if placed:
        return placed
    if with_tombstones:
        buried = await tx.all(
            "SELECT id FROM tombstone WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3",
            mailbox << 32, mailbox << 32 | message.UID, most,
        )  # fmt: skip
        if buried:
            await tx.many("DELETE FROM tombstone WHERE id=$1", buried)
            return len(buried)
    read_by_others = await seen.forget_mailbox(tx, mailbox, most)
    if read_by_others:
        return read_by_others
    kept = await sortfact.forget_mailbox(tx, mailbox, most)
    if kept:
        return kept
    await tx.run("DELETE FROM keyword WHERE mailbox=$1", mailbox)
    await tx.run("DELETE FROM gone WHERE mailbox=$1", mailbox)
    await tx.run("DELETE FROM annotation WHERE account=$1 AND mailbox=$2", account, mailbox)
    await acl.forget_mailbox(tx, mailbox)
    await tx.run("DELETE FROM mailbox WHERE id=$1", mailbox)
    return 1


async def removed_accounts(tx: Tx, now: int, most: int) -> int:
    """Takes apart accounts that were removed: mailboxes first, then what it held, then its row."""
    row = await tx.one("SELECT id FROM account WHERE state=$1 ORDER BY id LIMIT 1", accounts.REMOVING)
    if row is None:
        return 0
    account = row[0]
    await accounts.advance(tx, account)
    hidden = await lost.drop(tx, account, most)
    if hidden:
        return hidden
    await tx.run("UPDATE mailbox SET state=2 WHERE account=$1 AND state<>2", account)
    box = await tx.one("SELECT id FROM mailbox WHERE account=$1 ORDER BY id LIMIT 1", account)
    if box is not None:
        return await _empty(tx, account, box[0], now, most, with_tombstones=True)
    # its mailboxes are empty, so it holds nothing live, and the index of what is gone finds the rest
    held = await tx.all("SELECT message FROM email WHERE account=$1 AND live=0 LIMIT $2", account, most)
    if held:
        await tx.many("DELETE FROM email WHERE account=$1 AND message=$2", [(account, m) for (m,) in held])
        for (m,) in held:
            await _drop_message(tx, m)
        return len(held)
    forgotten = await change.forget_account(tx, account, most) or await seen.forget_member(tx, account, most)
    if forgotten:
        return forgotten
    for table in (
        "annotation",
        "subscription",
        "credential",
        "sender",
        "suppression",
        "sending",
        "sent",
        "correspondent",
        "borrowed",
    ):
        await tx.run(f"DELETE FROM {table} WHERE account=$1", account)
    await tx.run("DELETE FROM annotation WHERE member=$1 AND account<>$1", account)  # beside others' mailboxes
    await acl.forget_member(tx, account)
    await tx.run("DELETE FROM account WHERE id=$1", account)
    # the name under which a removed domain waited for its accounts (directory.remove_domain)
    await tx.run("DELETE FROM domain WHERE name>='/' AND name<'0' AND name NOT IN (SELECT domain FROM account)")
    return 1
