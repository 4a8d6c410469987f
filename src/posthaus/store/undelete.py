"""Bringing deleted messages back: what there is, and the way back.

A message comes back into the mailbox where it was last, by its name now. A mailbox that was removed is made again under
the name that it had, and so is one of which only the name is left (\\Noselect); where that cannot be, INBOX takes its
messages. They have new UIDs there, their flags without \\Deleted, their keywords and INTERNALDATE, and count in the
quota again. What has come back is lost no more, so it comes back once.

Standards: RFC 9051 §2.3.1.1, §6.4.7.
Faults:    OverQuota (the text says by how much), NoSuchMailbox, StoreFull.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.base.unit import render_size
from posthaus.mail.flag import SEEN
from posthaus.mail.uidset import Ranges
from posthaus.store import account as accounts
from posthaus.store import change, lost
from posthaus.store import mailbox as mailboxes
from posthaus.store.error import (
    InvalidName,
    LimitReached,
    MailboxExists,
    NoSuchMailbox,
    NotPermitted,
    OverQuota,
    StoreFull,
)
from posthaus.store.mailbox import NAME_ONLY, OPEN, name_before
from posthaus.store.message import Copied
from posthaus.store.tx import Row, Tx, number

UID = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Lost:
    """A message that can be brought back."""

    id: int  # of the message; EMAILID is M and this
    uid: int  # in the view of deleted messages
    mailbox: str  # where it was last, by its name now, or that which it had when it was removed; "" where nobody knows
    was_uid: int  # its UID there
    subject: str
    sender: str
    size: int
    expunged: int


async def listing(tx: Tx, account: int) -> list[Lost]:
    """What the view shows, newest first; flow/undelete.py brings it up to date before."""
    rows = await tx.all(
        "SELECT l.message, l.uid, coalesce(b.name, ''), l.origin & 4294967295, m.subject, m.sender, p.size, p.saved"
        " FROM mailbox v JOIN lost l ON l.account=v.account JOIN placement p ON p.id = v.id * 4294967296 + l.uid"
        " JOIN message m ON m.id=l.message LEFT JOIN mailbox b ON b.id = l.origin / 4294967296"
        " WHERE v.account=$1 AND v.state=3 ORDER BY p.saved DESC, p.id DESC",
        account,
    )
    return [Lost(m, uid, name_before(name), *rest) for m, uid, name, *rest in rows]


async def check_room(tx: Tx, account: int, size: int, messages: int) -> None:
    """Before several writes of bring_back: does all of it fit? Each write asks again."""
    owner = await accounts.get(tx, account)
    used = owner.used_octets + size
    if size and 0 < owner.quota_octets < used:
        raise _too_much(size, used - owner.quota_octets)
    if messages:
        await accounts.check_messages(tx, account, messages)


def _too_much(size: int, over: int) -> OverQuota:
    return OverQuota(f"{render_size(size)} would come back, {render_size(over)} more than the quota has room for")


async def bring_back(tx: Tx, account: int, uids: Ranges, now: int, *, target: int = 0) -> list[Copied]:
    """These UIDs of the view, each to where it was, or all into one mailbox; those that are gone are passed over."""
    if tx.low_space:
        raise StoreFull("the reserve of disk space is reached")
    await accounts.advance(tx, account)
    rows: list[Row] = []
    for first, last in uids:
        rows += await tx.all(
            "SELECT p.id, p.message, p.flags, p.size, p.received, l.origin FROM mailbox v JOIN placement p"
            " ON p.id BETWEEN v.id * 4294967296 + $2 AND v.id * 4294967296 + $3"
            " JOIN lost l ON l.account=v.account AND l.message=p.message WHERE v.account=$1 AND v.state=3",
            account, first, last,
        )  # fmt: skip
    # a client is told of its UIDs rising (RFC 9051 §7.1, COPYUID); at home the order of before is the better one
    rows.sort(key=lambda row: row[0] if target else row[5])
    await _grow(tx, account, rows)
    by_target: dict[int, list[Row]] = {target: rows} if target else {}
    if not target:
        homes = {origin: await _home(tx, account, origin, now) for origin in sorted({row[5] >> 32 for row in rows})}
        for row in rows:
            by_target.setdefault(homes[row[5] >> 32], []).append(row)
    modseq = await accounts.advance(tx, account)  # a mailbox that was made just now has one of its own
    back = [await _place(tx, account, mailbox, some, modseq, now) for mailbox, some in by_target.items()]
    if rows:
        messages = [row[1] for row in rows]
        await tx.many(
            "UPDATE email SET live=1, gone_at=0 WHERE account=$1 AND message=$2", [(account, m) for m in messages]
        )
        await lost.hide(tx, account, messages, modseq, now)
    return back


async def _grow(tx: Tx, account: int, rows: Sequence[Row]) -> None:
    """The quota is asked, and counts them."""
    size = sum([row[3] for row in rows])
    row = await tx.one(
        "UPDATE account SET used_octets=used_octets+$2, used_messages=used_messages+$3 WHERE id=$1"
        " RETURNING quota_octets, used_octets, quota_messages",
        account, size, len(rows),
    )  # fmt: skip
    if row is not None and rows and 0 < row[0] < row[1]:
        raise _too_much(size, row[1] - row[0])
    if row is not None and rows and row[2]:
        await accounts.check_messages(tx, account, len(rows))


async def _home(tx: Tx, account: int, mailbox: int, now: int) -> int:
    """Where messages of this mailbox go."""
    row = await tx.one("SELECT name, state FROM mailbox WHERE id=$1 AND account=$2", mailbox, account)
    if row is not None and row[1] == OPEN:
        return mailbox
    name = name_before(row[0]) if row is not None else ""
    found = await tx.one("SELECT id, state FROM mailbox WHERE account=$1 AND name=$2", account, name)
    if found is not None and found[1] == OPEN:
        return number(found)
    try:
        if name and (found is None or found[1] == NAME_ONLY):
            return await mailboxes.create(tx, account, name, "", now)
    except (LimitReached, InvalidName, MailboxExists, NotPermitted):
        pass
    return (await accounts.get(tx, account)).inbox


async def _place(tx: Tx, account: int, mailbox: int, rows: Sequence[Row], modseq: int, now: int) -> Copied:
    n = len(rows)
    box = await tx.one(
        "UPDATE mailbox SET uidnext=uidnext+$2, modseq=CASE WHEN $2>0 THEN $3 ELSE modseq END, total=total+$2,"
        " unseen=unseen+$4, size=size+$5 WHERE id=$1 AND account=$6 AND state=0 RETURNING uidnext-$2, uidvalidity",
        mailbox, n, modseq, sum([not row[2] & SEEN for row in rows]), sum([row[3] for row in rows]), account,
    )  # fmt: skip
    if box is None:
        raise NoSuchMailbox
    first, uidvalidity = box
    if not rows:
        return Copied(uidvalidity, [], [], modseq)
    view = rows[0][0] >> 32
    flags = await lost.translate(tx, account, view, mailbox, {row[2] for row in rows}, modseq, now)
    await tx.many(
        "INSERT INTO placement (id, message, flags, modseq, size, received, saved) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (mailbox << 32 | uid, row[1], flags[row[2]], modseq, row[3], row[4], now)
            for uid, row in enumerate(rows, first)
        ],
    )
    await change.write(tx, account, modseq, mailbox, change.Kind.ADDED, [(first, first + n - 1)], now)
    return Copied(uidvalidity, [row[0] & UID for row in rows], list(range(first, first + n)), modseq)
