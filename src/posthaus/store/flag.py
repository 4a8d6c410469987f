"""Flags of placements: STORE, and JMAP's keywords.

A member's \\Seen is his own (store/seen.py): for him the same is done with the flags as he sees them, and his \\Seen is
written where it belongs. The placement has a new MODSEQ all the same, for what he sees of it has changed.

Standards: RFC 9051 §6.4.6; RFC 7162 §3.1.3 (UNCHANGEDSINCE).
Faults:    NoSuchMailbox, LimitReached (keywords).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from posthaus.base.value import value
from posthaus.mail.flag import DELETED, EVERYTHING, SEEN
from posthaus.mail.uidset import Ranges, from_sorted
from posthaus.store import account as accounts
from posthaus.store import change, fetch, seen, span
from posthaus.store import mailbox as mailboxes
from posthaus.store.tx import Tx


class Mode(Enum):
    ADD = "+"
    REMOVE = "-"
    REPLACE = ""


@value
class Edit:
    """What is asked for."""

    mode: Mode
    bits: int  # flags that are the same in every mailbox
    keywords: Sequence[str] = ()  # the mailbox's own
    unchanged_since: int | None = None  # a MODSEQ: what was changed after it is left alone


@dataclass(frozen=True, slots=True)
class Stored:
    """What a STORE did: uids and flags are parallel, of all that were asked for and are there."""

    modseq: int
    uids: Sequence[int]
    flags: Sequence[int]
    changed: Ranges
    refused: Sequence[int]  # changed since (UNCHANGEDSINCE)


async def store(
    tx: Tx,
    account: int,
    mailbox: int,
    uids: Ranges,
    edit: Edit,
    now: int,
    *,
    member: int = 0,
    may: int = EVERYTHING,
) -> Stored:
    """Add, remove or replace flags. Rows that would stay as they are are not written. member: who does it, where it is
    not the owner. may: the flags that this may change, the others stay as they are."""
    modseq = await accounts.advance(tx, account)
    bits, unchanged_since = edit.bits, edit.unchanged_since
    if edit.mode is Mode.REMOVE:
        known = {name.lower(): bit for bit, name in (await mailboxes.keywords(tx, mailbox)).items()}
        bits |= sum(1 << known[k] for k in {k.lower() for k in edit.keywords} if k in known)
    elif edit.keywords:
        bits |= await mailboxes.keyword_bits(tx, account, mailbox, edit.keywords, modseq, now)
    refused: list[int] = []
    if unchanged_since is None:
        there, old = await _flags(tx, mailbox, uids)
    else:
        rows = await span.placed(tx, mailbox, uids, "flags, modseq")
        refused = [r[0] & span.UID for r in rows if r[2] > unchanged_since]
        there = [r[0] & span.UID for r in rows if r[2] <= unchanged_since]
        old = [r[1] for r in rows if r[2] <= unchanged_since]
    if member and there:
        old = seen.put_in(await seen.read(tx, mailbox, member, there[0], there[-1]), there, old)
    keep, put = _masks(edit.mode, bits, may)
    before = _counted(old)
    new_of = {f: f & keep | put for f in before}
    changed = _changed(there, old, new_of, uids)
    if changed:
        of_all, told = new_of, changed
        if member:
            own = {f: f & ~SEEN | g & SEEN for f, g in new_of.items()}
            await _put_own(tx, account, mailbox, member, _changed(there, old, own, uids), put & SEEN, modseq, now)
            of_all = {f: g & ~SEEN | f & SEEN for f, g in new_of.items()}
            told = _changed(there, old, of_all, uids)
            keep, put = keep | SEEN, put & ~SEEN  # the placement's is the owner's
        await tx.many(
            "UPDATE placement SET flags=flags & $1 | $2, modseq=$3 WHERE id BETWEEN $4 AND $5",
            [(keep, put, modseq, mailbox << 32 | first, mailbox << 32 | last) for first, last in changed],
        )
        await _count(tx, mailbox, modseq, before, of_all, changed[0][0])
        if told:
            await change.write(tx, account, modseq, mailbox, change.Kind.FLAGS, told, now)
    return Stored(modseq, there, list(map(new_of.__getitem__, old)), changed, refused)


async def _put_own(
    tx: Tx, account: int, mailbox: int, member: int, uids: Ranges, is_seen: int, modseq: int, now: int
) -> None:
    """A member's \\Seen of these UIDs, which is another one now."""
    if uids:
        await seen.mark(tx, mailbox, member, uids, seen=bool(is_seen))
        await change.write_seen(tx, account, modseq, mailbox, member, uids, now)


async def _flags(tx: Tx, mailbox: int, uids: Ranges) -> tuple[Sequence[int], Sequence[int]]:
    """UIDs that are there, and their flags."""
    if len(uids) == 1:
        flags = await fetch.dense_flags(tx, mailbox, *uids[0])
        if flags is not None:
            return range(uids[0][0], uids[0][1] + 1), flags
    rows = await span.placed(tx, mailbox, uids, "flags")
    return [r[0] & span.UID for r in rows], [r[1] for r in rows]


def _changed(there: Sequence[int], old: Sequence[int], new_of: dict[int, int], uids: Ranges) -> Ranges:
    """The UIDs whose flags are others now."""
    stay = [f for f, g in new_of.items() if f == g]
    if len(stay) == len(new_of):
        return []
    if not stay and isinstance(there, range):
        return uids
    return from_sorted([u for u, f in zip(there, old, strict=True) if f != new_of[f]])


def _counted(flags: Sequence[int]) -> dict[int, int]:
    """How often each set of flags occurs. There are few: counting each in C is twice as fast as a Counter."""
    different = set(flags)
    return (
        Counter(flags) if len(different) > 8 or not isinstance(flags, list) else {f: flags.count(f) for f in different}
    )


def _masks(mode: Mode, bits: int, may: int) -> tuple[int, int]:
    """flags & keep | put."""
    if mode is Mode.ADD:
        return EVERYTHING, bits & may
    if mode is Mode.REMOVE:
        return EVERYTHING & ~(bits & may), 0
    return EVERYTHING & ~may, bits & may


async def _count(
    tx: Tx, mailbox: int, modseq: int, before: dict[int, int], new_of: dict[int, int], lowest: int
) -> None:
    """Keeps the mailbox's counters true."""
    unseen = sum(n * ((not new_of[f] & SEEN) - (not f & SEEN)) for f, n in before.items())
    deleted = sum(n * ((new_of[f] & DELETED != 0) - (f & DELETED != 0)) for f, n in before.items())
    uncovered = any(f & SEEN and not new_of[f] & SEEN for f in before)
    await tx.run(
        "UPDATE mailbox SET modseq=$2, unseen=unseen+$3, deleted=deleted+$4,"
        " unseen_from=CASE WHEN unseen_from>$5 THEN $5 ELSE unseen_from END WHERE id=$1",
        mailbox, modseq, unseen, deleted, lowest if uncovered else 0xFFFFFFFF,
    )  # fmt: skip
