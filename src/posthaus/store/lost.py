"""The view of deleted messages: what an account has expunged and could have back, as a mailbox of its own.

A message is lost when no mailbox of its account holds it any more, from the expunge of its last placement until its
octets are purged. EXPUNGE knows nothing of the view. Whoever looks at it asks first what it lacks (`missing`, a read)
and has it put in (`show`): placements that refer to the same messages and that no quota counts, each with a row of
`lost` that says where the message was. What comes back, or is purged, leaves the view in the same commit.

Not shown are drafts of which there was a later version, and what only left one of several mailboxes.

Standards: RFC 9051 §2.3.1 (its UIDs rise, and its UIDVALIDITY stays).
Faults:    NoSuchAccount, StoreFull.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.mail import uidset
from posthaus.mail.flag import DELETED, DRAFT, FIRST_KEYWORD_BIT, SEEN
from posthaus.mail.uidset import from_sorted
from posthaus.store import account as accounts
from posthaus.store import change, gone, mark, message, span
from posthaus.store import mailbox as mailboxes
from posthaus.store.error import LimitReached, StoreFull
from posthaus.store.mailbox import Mailbox
from posthaus.store.tx import Row, Tx, number

UID = 0xFFFFFFFF
_COMMON = (1 << FIRST_KEYWORD_BIT) - 1
_FIND = (
    "SELECT t.id, t.message, t.flags, t.modseq, t.saved, t.expunged"
    " FROM tombstone t JOIN email e ON e.message=t.message AND e.account=$1"
    " WHERE t.id BETWEEN $2 AND $3 AND t.expunged=e.gone_at AND e.live=0"
    " AND NOT EXISTS (SELECT 1 FROM lost l WHERE l.account=$1 AND l.message=t.message) ORDER BY t.id"
)


@dataclass(frozen=True, slots=True)
class Missing:
    """What a view lacks."""

    tombstones: list[int]  # ids, in the order of the expunges
    upto: int  # the MODSEQ up to which that is so


def _mark_of(account: int) -> str:
    return f"lost/{account}"


# -- what is lacking -----------------------------------------------------------------------------------------------


async def emptied(tx: Tx, account: int, now: int, most: int) -> int:
    """Messages of removed mailboxes become tombstones now, not when the sweep comes; how many."""
    row = await tx.one("SELECT id FROM mailbox WHERE account=$1 AND state=2 AND total>0 ORDER BY id LIMIT 1", account)
    if row is None:
        return 0
    return await bury(tx, account, row[0], now, most)


async def bury(tx: Tx, account: int, mailbox: int, now: int, most: int) -> int:
    """The first so many messages of a mailbox become tombstones; how many there were."""
    placed = await tx.all(
        "SELECT id FROM placement WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3",
        mailbox << 32, mailbox << 32 | UID, most,
    )  # fmt: skip
    if placed:
        uids = [(placed[0][0] & UID, placed[-1][0] & UID)]
        await message.expunge(tx, account, mailbox, uids, now, only_deleted=False)
    return len(placed)


async def has_removed(tx: Tx, account: int) -> bool:
    """Are there removed mailboxes that still have messages?"""
    removed = "SELECT 1 FROM mailbox WHERE account=$1 AND state=2 AND total>0 LIMIT 1"
    return await tx.one(removed, account) is not None


async def missing(tx: Tx, account: int) -> Missing | None:
    """None where nothing was expunged since the view was last looked at."""
    view = await tx.one("SELECT id FROM mailbox WHERE account=$1 AND state=3", account)
    upto = await accounts.modseq(tx, account)
    since = await mark.read(tx, _mark_of(account))
    if view is not None and since == upto:
        return None
    if await change.reaches(tx, account, since):
        expunged = await tx.all(
            "SELECT mailbox, uids FROM change WHERE account=$1 AND modseq>$2 AND kind=$3 AND mailbox<>$4",
            account, since, int(change.Kind.GONE), view[0] if view is not None else 0,
        )  # fmt: skip
        if view is not None and not expunged:
            return None
        by_mailbox: dict[int, list[uidset.Range]] = {}
        for mailbox, uids in expunged:
            by_mailbox.setdefault(mailbox, []).extend(uidset.parse(uids))
    else:  # from before the book begins, or after a restore: all there is
        boxes = await tx.all("SELECT id, uidnext FROM mailbox WHERE account=$1 AND state<>3 ORDER BY id", account)
        by_mailbox = {mailbox: [(1, uidnext)] for mailbox, uidnext in boxes}
    found: list[Row] = []
    for mailbox in sorted(by_mailbox):
        for ranges in span.near(uidset.normalise(by_mailbox[mailbox])):
            rows = await tx.all(_FIND, account, mailbox << 32 | ranges[0][0], mailbox << 32 | ranges[-1][1])
            if len(ranges) > 1:
                wanted = set(uidset.iterate(ranges))
                rows = [row for row in rows if row[0] & UID in wanted]
            found += rows
    last = {row[1]: row for row in sorted(found, key=lambda row: (row[3], row[0]))}  # one for each message
    rows = sorted(last.values(), key=lambda row: (row[3], row[0]))
    old = await _superseded(tx, account, rows)
    return Missing([row[0] for row in rows if row[0] not in old], upto)


async def _superseded(tx: Tx, account: int, rows: Sequence[Row]) -> set[int]:
    """Of these, drafts that were replaced by a later version, or sent.

    Later versions lie behind it in its mailbox and have its Message-ID; where a client makes a new one each time, the
    same subject, and were saved when it was expunged. What was sent has the draft's Message-ID, and is in \\Sent.
    """
    uses: dict[str, int] = dict(
        await tx.all("SELECT special_use, id FROM mailbox WHERE account=$1 AND special_use<>'' AND state=0", account)
    )
    drafts = [row for row in rows if row[2] & DRAFT or row[0] >> 32 == uses.get("\\Drafts")]
    if not drafts:
        return set()
    sent = await _sent(tx, uses["\\Sent"], min(row[4] for row in drafts)) if "\\Sent" in uses else set()
    old: set[int] = set()
    for mailbox in {row[0] >> 32 for row in drafts}:
        mine = {row[0]: row[5] for row in drafts if row[0] >> 32 == mailbox}
        versions: list[Row] = []
        for table in ("placement", "tombstone"):
            versions += await tx.all(
                f"SELECT p.id, p.saved, m.message_id, m.base_subject, m.refs FROM {table} p"
                " JOIN message m ON m.id=p.message WHERE p.id BETWEEN $1 AND $2",
                min(mine), mailbox << 32 | UID,
            )  # fmt: skip
        last = {row[2]: row[0] for row in sorted(versions)}
        saved: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for at, when, _, subject, refs in versions:
            saved.setdefault((subject, refs), []).append((at, when))
        for at, _, message_id, subject, refs in versions:
            if at in mine and (
                message_id in sent
                or (message_id and last[message_id] > at)
                or (subject and _replaced(at, mine[at], saved[subject, refs]))
            ):
                old.add(at)
    return old


def _replaced(at: int, expunged: int, saved: list[tuple[int, int]]) -> bool:
    """Was one of these, (id, when it was saved), saved when this one was expunged?"""
    return any(other > at and abs(expunged - when) <= limit.DRAFT_REPLACED_S for other, when in saved)


async def _sent(tx: Tx, mailbox: int, since: int) -> set[str]:
    """Message-IDs of what was put into \\Sent since then."""
    rows = await tx.all(
        "SELECT m.message_id FROM placement p JOIN message m ON m.id=p.message"
        " WHERE p.id BETWEEN $1 AND $2 AND p.saved>=$3 AND m.message_id<>''",
        mailbox << 32, mailbox << 32 | UID, since,
    )  # fmt: skip
    return {row[0] for row in rows}


# -- in ------------------------------------------------------------------------------------------------------------


async def show(tx: Tx, account: int, tombstones: Sequence[int], upto: int, now: int) -> None:
    """Puts these into the view, those that are still lost. upto: with the last piece, what Missing says; else 0."""
    if tx.low_space:
        raise StoreFull("the reserve of disk space is reached")
    modseq = await accounts.advance(tx, account)
    view = await mailboxes.make_view(tx, account, modseq, now)
    rows: list[Row] = []
    for first, last in from_sorted(sorted(tombstones)):
        rows += await tx.all(
            "SELECT t.id, t.message, t.flags, t.size, t.received, t.expunged, t.modseq FROM tombstone t"
            " JOIN email e ON e.message=t.message AND e.account=$1 WHERE t.id BETWEEN $2 AND $3 AND e.live=0"
            " AND NOT EXISTS (SELECT 1 FROM lost l WHERE l.account=$1 AND l.message=t.message)",
            account, first, last,
        )  # fmt: skip
    rows.sort(key=lambda row: (row[6], row[0]))
    if rows:
        await _put_in(tx, view, list({row[1]: row for row in rows}.values()), modseq, now)
    if upto:  # where nobody else wrote since, there is nothing to look for in what this write did
        await mark.put(tx, _mark_of(account), modseq if modseq == upto + 1 else upto)


async def _put_in(tx: Tx, view: Mailbox, rows: list[Row], modseq: int, now: int) -> None:
    flags: dict[tuple[int, int], int] = {}
    for mailbox in {row[0] >> 32 for row in rows}:
        of_it = {row[2] for row in rows if row[0] >> 32 == mailbox}
        translated = await translate(tx, view.account, mailbox, view.id, of_it, modseq, now)
        flags.update({(mailbox, old): new & ~DELETED for old, new in translated.items()})
    numbered = list(enumerate(rows, view.uidnext))
    await tx.many(
        "INSERT INTO placement (id, message, flags, modseq, size, received, saved) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (view.id << 32 | uid, g, flags[at >> 32, old], modseq, size, received, expunged)
            for uid, (at, g, old, size, received, expunged, _) in numbered
        ],
    )
    await tx.many(
        "INSERT INTO lost (account, message, uid, origin) VALUES ($1, $2, $3, $4)",
        [(view.account, row[1], uid, row[0]) for uid, row in numbered],
    )
    n = len(rows)
    await tx.run(
        "UPDATE mailbox SET uidnext=uidnext+$2, recent_from=uidnext+$2, modseq=$3, total=total+$2, unseen=unseen+$4,"
        " size=size+$5 WHERE id=$1",
        view.id, n, modseq, sum([not row[2] & SEEN for row in rows]), sum([row[3] for row in rows]),
    )  # fmt: skip
    added = [(view.uidnext, view.uidnext + n - 1)]
    await change.write(tx, view.account, modseq, view.id, change.Kind.ADDED, added, now)


async def translate(
    tx: Tx, account: int, source: int, target: int, flags: Iterable[int], modseq: int, now: int
) -> dict[int, int]:
    """Flags of one mailbox as those of another: keyword bits are the mailbox's own. A keyword for which the other has
    no room is left out, for the message matters more."""
    flags = set(flags)
    names = await mailboxes.keywords(tx, source)
    bits: dict[int, int] = {}
    for bit, name in names.items():
        if any(f >> bit & 1 for f in flags):
            try:
                bits[bit] = await mailboxes.keyword_bits(tx, account, target, [name], modseq, now)
            except LimitReached:
                bits[bit] = 0
    return {old: old & _COMMON | sum(new for bit, new in bits.items() if old >> bit & 1) for old in flags}


# -- out -----------------------------------------------------------------------------------------------------------


async def among(tx: Tx, account: int, messages: Iterable[int]) -> list[int]:
    """Those of these messages that the account's view shows."""
    wanted = set(messages)
    rows = await tx.all(
        "SELECT message FROM lost WHERE account=$1 AND message BETWEEN $2 AND $3", account, min(wanted), max(wanted)
    )
    return [m for (m,) in rows if m in wanted]


async def hide(tx: Tx, account: int, messages: Sequence[int], modseq: int, now: int) -> None:
    """Takes these messages out of the view, which shows them all. There are no tombstones of what was in it."""
    view = await mailboxes.make_view(tx, account, modseq, now)
    uids = []
    for m in messages:
        row = await tx.one("DELETE FROM lost WHERE account=$1 AND message=$2 RETURNING uid", account, m)
        uids.append(number(row))
    ranges = from_sorted(sorted(uids))
    rows = await span.placed(tx, view.id, ranges, "flags, size")
    await tx.many(
        "DELETE FROM placement WHERE id BETWEEN $1 AND $2",
        [(view.id << 32 | first, view.id << 32 | last) for first, last in ranges],
    )
    await gone.mark(tx, view.id, ranges)
    await tx.run(
        "UPDATE mailbox SET modseq=$2, total=total-$3, unseen=unseen-$4, size=size-$5 WHERE id=$1",
        view.id, modseq, len(rows), sum([not row[1] & SEEN for row in rows]), sum([row[2] for row in rows]),
    )  # fmt: skip
    await change.write(tx, account, modseq, view.id, change.Kind.GONE, ranges, now)


async def drop(tx: Tx, account: int, most: int) -> int:
    """One piece of taking the whole view away, with its account; 0 when there is none any more."""
    view = await tx.one("SELECT id FROM mailbox WHERE account=$1 AND state=3", account)
    if view is None:
        return 0
    shown = [m for (m,) in await tx.all("SELECT message FROM lost WHERE account=$1 LIMIT $2", account, most)]
    if shown:
        modseq = await accounts.advance(tx, account)
        await hide(tx, account, shown, modseq, await _last_written(tx, account))
        return len(shown)
    for table in ("keyword", "gone"):
        await tx.run(f"DELETE FROM {table} WHERE mailbox=$1", view[0])
    await tx.run("DELETE FROM mailbox WHERE id=$1", view[0])
    await tx.run("DELETE FROM mark WHERE name=$1", _mark_of(account))
    return 1


async def purge(tx: Tx, held: Iterable[tuple[int, int]]) -> None:
    """These messages (account, message) are purged in this write: no view shows them any more."""
    by_account: dict[int, list[int]] = {}
    for account, m in held:
        by_account.setdefault(account, []).append(m)
    for account in sorted(by_account):  # lock order: accounts by id, before anything else
        if await among(tx, account, by_account[account]):
            modseq = await accounts.advance(tx, account)
            shown = await among(tx, account, by_account[account])
            if shown:
                await hide(tx, account, shown, modseq, await _last_written(tx, account))


async def _last_written(tx: Tx, account: int) -> int:
    """When the book of changes was last written: it stays in the order of time also where no clock is asked."""
    row = await tx.one("SELECT at FROM change WHERE account=$1 ORDER BY modseq DESC LIMIT 1", account)
    return 0 if row is None else row[0]
