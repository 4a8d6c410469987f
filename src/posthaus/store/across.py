"""Messages carried from a mailbox of one account into one of another.

The message stays one, with one id: the other account holds it from then on, as it would after a delivery to both. Its
quota counts what it did not hold, and its view of deleted messages shows no longer what it holds again. The index of
texts knows a message by who held it when it was indexed, so who borrows is remembered: his searches ask for the mail of
those from whom he has it as well.

Standards: RFC 9051 §6.4.7, §6.4.8; RFC 8474 §5.1 (the EMAILID stays); RFC 9208 §4.3.1.
Faults:    NoSuchMailbox, NoSuchAccount, OverQuota, StoreFull.
"""

from collections.abc import Sequence

from posthaus.mail.flag import EVERYTHING, SEEN
from posthaus.mail.uidset import Ranges, count, from_sorted
from posthaus.store import account as accounts
from posthaus.store import lost, message, seen, span
from posthaus.store.error import OverQuota, StoreFull
from posthaus.store.message import Copied
from posthaus.store.tx import Row, Tx


async def copy(
    tx: Tx,
    account: int,
    source: int,
    uids: Ranges,
    owner: int,
    target: int,
    now: int,
    *,
    move: bool,
    room: int = 0,
    may: int = EVERYTHING,
    reader: int = 0,
    writer: int = 0,
) -> Copied:
    """As message.copy, from a mailbox of `account` into one of `owner`. With move, the source's become tombstones.

    reader, writer: who does it, where he is not the owner of the source, of the target: it is his \\Seen that comes.
    """
    if tx.low_space:
        raise StoreFull("the reserve of disk space is reached")
    await accounts.lock(tx, (account, owner))
    modseq = await accounts.advance(tx, owner)
    rows = await span.placed(tx, source, uids, "message, flags, size")
    if rows:
        await accounts.check_messages(tx, owner, max(room, len(rows)))
    copied = await message.place_copies(tx, owner, source, rows, target, modseq, now, may & ~SEEN, members=False)
    if rows:
        if may & SEEN:
            await _see(tx, source, reader, rows, target, writer, copied.target[0])
        await _hold(tx, owner, target << 32 | copied.target[0], len(rows))
        held = await lost.among(tx, owner, [row[1] for row in rows])
        if held:
            await lost.hide(tx, owner, held, modseq, now)
        await _borrow(tx, owner, account)
        if move:
            await message.expunge(tx, account, source, uids, now, only_deleted=False)
    return copied


async def _see(tx: Tx, source: int, reader: int, rows: Sequence[Row], target: int, writer: int, first_uid: int) -> None:
    """Who carries them has seen in the target what he has seen in the source."""
    uids, flags = [row[0] & message.UID for row in rows], [row[2] for row in rows]
    if reader:
        flags = seen.put_in(await seen.read(tx, source, reader, uids[0], uids[-1]), uids, flags)
    known = from_sorted([uid for uid, f in enumerate(flags, first_uid) if f & SEEN])
    if writer:
        await seen.mark(tx, target, writer, known, seen=True)
        return
    spans = [(target << 32 | first, target << 32 | last) for first, last in known]
    await tx.many(f"UPDATE placement SET flags=flags | {SEEN} WHERE id BETWEEN $1 AND $2", spans)
    await tx.run("UPDATE mailbox SET unseen=unseen-$2 WHERE id=$1", target, count(known))


async def _hold(tx: Tx, account: int, base: int, n: int) -> None:
    """The account holds the messages of these placements once more, or at all."""
    row = await tx.one(
        "SELECT CAST(coalesce(sum(octets), 0) AS BIGINT), count(*) FROM (SELECT DISTINCT p.message, p.size AS octets"
        " FROM placement p WHERE p.id BETWEEN $2 AND $3 AND NOT EXISTS"
        " (SELECT 1 FROM email e WHERE e.account=$1 AND e.message=p.message AND e.live>0)) AS fresh",
        account, base, base + n - 1,
    )  # fmt: skip
    assert row is not None
    quota = await tx.one(
        "UPDATE account SET used_octets=used_octets+$2, used_messages=used_messages+$3 WHERE id=$1"
        " RETURNING quota_octets, used_octets",
        account, *row,
    )  # fmt: skip
    if quota is not None and row[0] and 0 < quota[0] < quota[1]:
        raise OverQuota
    await tx.run(
        "INSERT INTO email (account, message, live, gone_at)"
        " SELECT CAST($1 AS BIGINT), message, count(*), 0 FROM placement WHERE id BETWEEN $2 AND $3 GROUP BY message"
        " ON CONFLICT (message, account) DO UPDATE SET live=email.live+excluded.live, gone_at=0",
        account, base, base + n - 1,
    )  # fmt: skip


# -- the index of texts --------------------------------------------------------------------------------------------


async def _borrow(tx: Tx, account: int, source: int) -> None:
    """From now on the account may hold what its source holds, and what that has from others."""
    await tx.many(
        "INSERT INTO borrowed (account, source) VALUES ($1, $2) ON CONFLICT (account, source) DO NOTHING",
        [(account, one) for one in await holders(tx, source) if one != account],
    )


async def holders(tx: Tx, account: int) -> tuple[int, ...]:
    """The account itself, and from whom it has borrowed."""
    rows = await tx.all("SELECT source FROM borrowed WHERE account=$1 ORDER BY source", account)
    return (account, *(row[0] for row in rows))
