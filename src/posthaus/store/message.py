"""Messages and placements: keep, deliver, append, copy, move, expunge.

A message is kept once, whoever holds it; each mailbox that holds it has a placement. A write on an account raises its
MODSEQ first, keeps the mailbox's counters and the account's quota true, and writes one row per mailbox and kind into
the book of changes. Sets are handled by ranges of ids, so a thousand messages cost a few statements.

Standards: RFC 9051 §2.3, §6.3.12, §6.4.3, §6.4.7, §6.4.8; RFC 7162 §3.1.
Faults:    NoSuchMailbox, NoSuchMessage, OverQuota, NoSuchAccount, StoreFull.
"""

from collections.abc import Sequence

from posthaus.base.value import value
from posthaus.mail.flag import DELETED, EVERYTHING, SEEN
from posthaus.mail.prepared import Outline, Prepared
from posthaus.mail.uidset import Ranges, from_sorted
from posthaus.store import account as accounts
from posthaus.store import change, gone, seen, span
from posthaus.store import mailbox as mailboxes
from posthaus.store.error import NoSuchAccount, NoSuchMailbox, NoSuchMessage, StoreDown, StoreFull
from posthaus.store.text import storable
from posthaus.store.tx import Row, Tx, number

UID = 0xFFFFFFFF


@value
class Content:
    """A message that is to be kept: what was worked out, and its octets."""

    prepared: Outline  # a Prepared wherever it is to be read here
    prefix: bytes  # header lines that we put in front
    head: bytes  # the header as it came, with the empty line
    body: bytes  # as it came, or packed; b"" where it lies outside
    packing: int  # 0 as it came, 1 zstd
    blob: int = 0  # the row of store/blob.py, where there is one: pending for a body outside, or of the same octets

    @property
    def size_octets(self) -> int:
        return len(self.prefix) + self.prepared.size_octets


@value
class Placing:
    """Where a message is to go."""

    account: int
    mailbox: int
    flags: int
    keywords: tuple[str, ...] = ()
    member: int = 0  # who puts it there, where that is not the owner: then \Seen is his


@value
class Draft:
    """A message, where it is to go, and since when it shall seem to be there."""

    content: Content
    placing: Placing
    received: int


@value
class Placed:
    account: int
    mailbox: int
    uidvalidity: int
    uid: int
    modseq: int


# -- in ------------------------------------------------------------------------------------------------------------


async def deliver(tx: Tx, content: Content, placings: Sequence[Placing], now: int) -> list[Placed]:
    """One message into mailboxes of any number of accounts, all or none. Quota was asked at RCPT."""
    if tx.low_space:
        raise StoreFull("the reserve of disk space is reached")
    size = content.size_octets
    # lock order: accounts by id, before anything else
    modseqs = {account: await _account_grows(tx, account, size) for account in sorted({p.account for p in placings})}
    message = await keep(tx, content, now)
    placed = []
    held: set[int] = set()
    for placing in placings:
        again = placing.account in held
        held.add(placing.account)
        modseq = modseqs[placing.account]
        placed.append(await _place(tx, placing, modseq, message, size, now, now, again))
    return placed


async def append(tx: Tx, content: Content, placing: Placing, received: int, now: int) -> Placed:
    """One message into one mailbox, within the quota (APPEND)."""
    if tx.low_space:
        raise StoreFull("the reserve of disk space is reached")
    size = content.size_octets
    modseq = await _account_grows(tx, placing.account, size)
    await accounts.check_quota(tx, placing.account)
    message = await keep(tx, content, now)
    return await _place(tx, placing, modseq, message, size, received, now, False)


async def append_all(tx: Tx, drafts: Sequence[Draft], now: int) -> list[Placed]:
    """Several messages into mailboxes of one account, all or none; each counts in the quota of the next."""
    return [await append(tx, one.content, one.placing, one.received, now) for one in drafts]


async def replace(tx: Tx, draft: Draft, account: int, mailbox: int, uid: int, now: int) -> Placed:
    """The old message goes and the new one comes, both or neither; the quota is asked when the old one is gone."""
    if account != draft.placing.account:
        await accounts.lock(tx, (account, draft.placing.account))
    _, found = await expunge(tx, account, mailbox, [(uid, uid)], now, only_deleted=False)
    if not found:
        raise NoSuchMessage
    return await append(tx, draft.content, draft.placing, draft.received, now)


async def keep(tx: Tx, content: Content, now: int) -> int:
    """The rows that all placements share; the message's id."""
    p = content.prepared
    if not isinstance(p, Prepared):
        raise TypeError("a message that is only to be sent on was given to be kept")
    blob = await keep_octets(tx, content, now)
    row = await tx.one(
        "INSERT INTO message (blob, size, prefix, version, fields, field_index, envelope, bodystructure, structure,"
        " subject, base_subject, sender, recipients, message_id, refs, sent_at, has_attachment, preview)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING id",
        blob, content.size_octets, content.prefix, p.version, p.fields, p.field_index, p.envelope, p.bodystructure,
        p.structure, *map(storable, [p.subject, p.base_subject, p.sender, p.recipients, p.message_id]),
        storable(" ".join(p.references)), p.sent_at, int(p.has_attachment), storable(p.preview),
    )  # fmt: skip
    return number(row)


async def keep_octets(tx: Tx, content: Content, now: int, names: int = 1) -> int:
    """The octets alone, for so many more who name them in the same commit; the blob's id."""
    if content.blob:
        found = await tx.run(
            "UPDATE blob SET names=names+$2, head=CASE state WHEN 1 THEN $3 ELSE head END, state=0"
            " WHERE id=$1 AND state<>2",
            content.blob, names, content.head,
        )  # fmt: skip
        if not found:
            raise StoreDown("the octets were pending for too long and are being taken away")
        return content.blob
    row = await tx.one(
        "INSERT INTO blob (size, head_size, place, state, packing, created, names, head, body)"
        " VALUES ($1, $2, '', 0, $3, $4, $5, $6, $7) RETURNING id",
        content.prepared.size_octets, content.prepared.head_octets, content.packing, now, names, content.head,
        content.body,
    )  # fmt: skip
    return number(row)


async def _account_grows(tx: Tx, account: int, size: int) -> int:
    """As accounts.advance, and the quota with it; the one account row is written once."""
    row = await tx.one(
        "UPDATE account SET modseq=modseq+1, used_octets=used_octets+$2, used_messages=used_messages+1"
        " WHERE id=$1 AND state=0 RETURNING modseq",
        account,
        size,
    )
    if row is None:
        raise NoSuchAccount
    modseq: int = row[0]
    tx.touch(account, modseq)
    return modseq


async def _place(
    tx: Tx, placing: Placing, modseq: int, message: int, size: int, received: int, now: int, again: bool
) -> Placed:
    account, mailbox, flags = placing.account, placing.mailbox, placing.flags
    is_own = placing.member and flags & SEEN
    if is_own:
        flags &= ~SEEN
    row = await tx.one(
        "UPDATE mailbox SET uidnext=uidnext+1, modseq=$2, total=total+1, unseen=unseen+$3, deleted=deleted+$4,"
        " size=size+$5 WHERE id=$1 AND account=$6 AND state=0 RETURNING uidnext-1, uidvalidity",
        mailbox, modseq, (not flags & SEEN and 1) or 0, (flags & DELETED and 1) or 0, size, account,
    )  # fmt: skip
    if row is None:
        raise NoSuchMailbox
    uid, uidvalidity = row
    if is_own:
        await seen.mark(tx, mailbox, placing.member, [(uid, uid)], seen=True)
    if placing.keywords:
        flags |= await mailboxes.keyword_bits(tx, account, mailbox, placing.keywords, modseq, now)
    await tx.run(
        "INSERT INTO placement (id, message, flags, modseq, size, received, saved) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        mailbox << 32 | uid, message, flags, modseq, size, received, now,
    )  # fmt: skip
    if again:
        await tx.run("UPDATE email SET live=live+1 WHERE account=$1 AND message=$2", account, message)
    else:
        await tx.run("INSERT INTO email (account, message, live, gone_at) VALUES ($1, $2, 1, 0)", account, message)
    await change.write(tx, account, modseq, mailbox, change.Kind.ADDED, [(uid, uid)], now)
    return Placed(account, mailbox, uidvalidity, uid, modseq)


async def is_among_last(tx: Tx, mailbox: int, message_id: str, most: int) -> bool:
    """Does one of the last placements of a mailbox have this Message-ID?"""
    if not message_id:
        return False
    row = await tx.one(
        "SELECT 1 FROM mailbox b JOIN placement p ON p.id BETWEEN b.id * 4294967296 + b.uidnext - $2"
        " AND b.id * 4294967296 + b.uidnext JOIN message m ON m.id=p.message"
        " WHERE b.id=$1 AND m.message_id=$3 LIMIT 1",
        mailbox, most, storable(message_id),
    )  # fmt: skip
    return row is not None


# -- about ---------------------------------------------------------------------------------------------------------


@value
class Copied:
    """What COPY or MOVE did: source and target UIDs in the same order."""

    uidvalidity: int
    source: list[int]
    target: list[int]
    modseq: int


async def copy(
    tx: Tx,
    account: int,
    source: int,
    uids: Ranges,
    target: int,
    now: int,
    *,
    move: bool,
    room: int = 0,
    may: int = EVERYTHING,
) -> Copied:
    """Placements into another mailbox of the same account, flags and dates with them, and each member's \\Seen; UIDs
    that are gone are passed over. With move, the source's become tombstones in the same transaction. Into a mailbox of
    another account: store/across.py.

    room: the quota must have room for so many messages, of this write and of those that follow it.
    may: the flags that this may set.
    """
    if tx.low_space and not move:
        raise StoreFull("the reserve of disk space is reached")
    modseq = await accounts.advance(tx, account)
    if room:
        await accounts.check_messages(tx, account, room)
    rows = await span.placed(tx, source, uids, "message, flags, size")
    copied = await place_copies(tx, account, source, rows, target, modseq, now, may, members=True)
    if move and rows:
        await _bury(tx, account, source, from_sorted(copied.source), rows, modseq, now)
    elif rows:
        await _hold_more(tx, account, target << 32 | copied.target[0], len(rows), [r[1] for r in rows])
    return copied


async def place_copies(
    tx: Tx,
    account: int,
    source: int,
    rows: Sequence[Row],
    target: int,
    modseq: int,
    now: int,
    may: int,
    *,
    members: bool,
) -> Copied:
    """Placements of the source, (id, message, flags, size), come into the target too. What the account holds, and its
    quota, is the caller's to count. members: their \\Seen comes too."""
    n = len(rows)
    size = sum([r[3] for r in rows])
    flags = [r[2] & may for r in rows]
    unseen = sum([not f & SEEN for f in flags])
    deleted = sum([f & DELETED != 0 for f in flags])
    row = await tx.one(
        "UPDATE mailbox SET uidnext=uidnext+$2, modseq=CASE WHEN modseq<$3 THEN $3 ELSE modseq END, total=total+$2,"
        " unseen=unseen+$4, deleted=deleted+$5, size=size+$6 WHERE id=$1 AND account=$7 AND state=0"
        " RETURNING uidnext-$2, uidvalidity, EXISTS (SELECT 1 FROM seen WHERE mailbox=$8)",
        target, n, modseq if n else 0, unseen, deleted, size, account, source,
    )  # fmt: skip
    if row is None:
        raise NoSuchMailbox
    first_uid, uidvalidity, has_members = row
    if not n:
        return Copied(uidvalidity, [], [], modseq)
    base = target << 32 | first_uid
    found = from_sorted([r[0] & UID for r in rows])
    at = base
    copies = []
    for first, last in found:
        # ids of one run of the source are contiguous, so the target's differ from them by a constant
        copies.append((at - (source << 32 | first), may, modseq, now, source << 32 | first, source << 32 | last))
        at += last - first + 1
    await tx.many(
        "INSERT INTO placement (id, message, flags, modseq, size, received, saved)"
        " SELECT id + $1, message, flags & $2, CAST($3 AS BIGINT), size, received, CAST($4 AS BIGINT)"
        " FROM placement WHERE id BETWEEN $5 AND $6",
        copies,
    )
    if source != target:
        await _carry_keywords(tx, account, source, target, base, n, set(flags), modseq, now)
    if has_members and members:
        await seen.carry(tx, source, [r[0] & UID for r in rows], target, first_uid)
    await change.write(tx, account, modseq, target, change.Kind.ADDED, [(first_uid, first_uid + n - 1)], now)
    return Copied(uidvalidity, [r[0] & UID for r in rows], list(range(first_uid, first_uid + n)), modseq)


async def _carry_keywords(
    tx: Tx, account: int, source: int, target: int, base: int, n: int, flags: set[int], modseq: int, now: int
) -> None:
    """Keyword bits are the mailbox's own: translate those that the copied flags have."""
    names = await mailboxes.keywords(tx, source)
    used = [bit for bit in names if any(f >> bit & 1 for f in flags)]
    if not used:
        return
    await mailboxes.keyword_bits(tx, account, target, [names[bit] for bit in used], modseq, now)
    bits = {name.lower(): 1 << bit for bit, name in (await mailboxes.keywords(tx, target)).items()}
    new = {bit: bits[names[bit].lower()] for bit in used}
    mask = sum(1 << bit for bit in used)
    for old in flags:
        if old & mask:
            translated = old & ~mask | sum(new[b] for b in used if old >> b & 1)
            if translated != old:
                await tx.run(
                    "UPDATE placement SET flags=$1 WHERE id BETWEEN $2 AND $3 AND flags=$4",
                    -translated - 1, base, base + n - 1, old,
                )  # fmt: skip  # negative until all are done, so that none is translated twice
    await tx.run("UPDATE placement SET flags=-flags-1 WHERE id BETWEEN $1 AND $2 AND flags<0", base, base + n - 1)


async def _hold_more(tx: Tx, account: int, base: int, n: int, messages: list[int]) -> None:
    """The account holds these once more."""
    more = "UPDATE email SET live=live+1, gone_at=0 WHERE account=$1 AND message "
    ids = sorted(set(messages))
    if len(ids) < n:
        await tx.many(more + "=$2", [(account, m) for m in messages])
    elif runs := _long_runs(ids):
        await tx.many(more + "BETWEEN $2 AND $3", [(account, *run) for run in runs])
    else:
        placed = "IN (SELECT message FROM placement WHERE id BETWEEN $2 AND $3)"
        await tx.run(more + placed, account, base, base + n - 1)


def _long_runs(ids: list[int]) -> Ranges:
    """Ascending ids as runs, where these are so long that a statement for each run is cheaper than one for each id (for
    a thousand in one run a fifth of it); none where they are short."""
    runs = from_sorted(ids)
    return runs if len(runs) * 4 <= len(ids) else []


# -- out -----------------------------------------------------------------------------------------------------------


async def expunge(
    tx: Tx, account: int, mailbox: int, uids: Ranges, now: int, *, only_deleted: bool
) -> tuple[int, list[int]]:
    """Placements become tombstones. Gives the write's MODSEQ and the UIDs that went, ascending."""
    modseq = await accounts.advance(tx, account)
    where = " AND flags & 8 <> 0" if only_deleted else ""
    rows = await span.placed(tx, mailbox, uids, "message, flags, size", where)
    if not rows:
        return modseq, []
    found = [r[0] & UID for r in rows]
    await _bury(tx, account, mailbox, from_sorted(found), rows, modseq, now)
    await _hold_less(tx, account, [(r[1], r[3]) for r in rows], now)
    return modseq, found


async def _bury(tx: Tx, account: int, mailbox: int, uids: Ranges, rows: list[Row], modseq: int, now: int) -> None:
    spans = [(mailbox << 32 | first, mailbox << 32 | last) for first, last in uids]
    await tx.many(
        "INSERT INTO tombstone (id, message, flags, modseq, size, received, saved, expunged)"
        " SELECT id, message, flags, CAST($3 AS BIGINT), size, received, saved, CAST($4 AS BIGINT)"
        " FROM placement WHERE id BETWEEN $1 AND $2",
        [(first, last, modseq, now) for first, last in spans],
    )
    await tx.many("DELETE FROM placement WHERE id BETWEEN $1 AND $2", spans)
    await gone.mark(tx, mailbox, uids)
    await tx.run(
        "UPDATE mailbox SET modseq=$2, total=total-$3, unseen=unseen-$4, deleted=deleted-$5, size=size-$6 WHERE id=$1",
        mailbox, modseq, len(rows), sum([not r[2] & SEEN for r in rows]), sum([r[2] & DELETED != 0 for r in rows]),
        sum([r[3] for r in rows]),
    )  # fmt: skip
    await change.write(tx, account, modseq, mailbox, change.Kind.GONE, uids, now)


async def _hold_less(tx: Tx, account: int, messages: list[tuple[int, int]], now: int) -> None:
    """The account holds these (message, size) once less; what it holds no more leaves its quota."""
    ids = sorted({m for m, _ in messages})
    if len(ids) == len(messages):
        await _each_once_less(tx, account, ids, now)
    else:
        await tx.many(
            "UPDATE email SET live=live-1, gone_at=CASE WHEN live=1 THEN CAST($3 AS BIGINT) ELSE 0 END"
            " WHERE account=$1 AND message=$2",
            [(account, m, now) for m, _ in messages],
        )
    sizes = dict(messages)
    octets = count = 0
    for ranges in span.near(from_sorted(ids)):
        left = await tx.all(
            "SELECT message FROM email WHERE account=$1 AND message BETWEEN $2 AND $3 AND live=0",
            account,
            ranges[0][0],
            ranges[-1][1],
        )
        gone_now = [sizes[m] for (m,) in left if m in sizes]  # between them may be others, gone before
        count += len(gone_now)
        octets += sum(gone_now)
    if count:
        await tx.run(
            "UPDATE account SET used_octets=used_octets-$2, used_messages=used_messages-$3 WHERE id=$1",
            account, octets, count,
        )  # fmt: skip


async def _each_once_less(tx: Tx, account: int, ids: list[int], now: int) -> None:
    update = (
        "UPDATE email SET live=live-1, gone_at=CASE WHEN live=1 THEN CAST($1 AS BIGINT) ELSE 0 END"
        " WHERE account=$2 AND "
    )
    if runs := _long_runs(ids):
        await tx.many(update + "message BETWEEN $3 AND $4", [(now, account, *run) for run in runs])
    else:
        await tx.many(update + "message=$3", [(now, account, m) for m in ids])
