"""The book of changes: append-only, one row per write, mailbox and kind, with the UIDs as a set.

Every reader that keeps in step (IDLE, NOOP, NOTIFY, CONDSTORE, QRESYNC, JMAP /changes) asks this book and nothing else.

Standards: RFC 7162 §3.1 (MODSEQ).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from posthaus.mail.uidset import Range, Ranges, parse, render
from posthaus.store.tx import Row, Tx


class Kind(IntEnum):
    ADDED = 1  # placements; uids
    FLAGS = 2  # flags or keywords of placements; uids
    GONE = 3  # placements expunged or moved away; uids
    MAILBOX = 4  # made, renamed, removed or given a special use
    SUBSCRIPTION = 5
    KEYWORDS = 6  # the mailbox has a new keyword
    ANNOTATION = 7  # annotations of the mailbox, of the account where it is 0; instead of UIDs, their entries
    SEEN = 8  # \Seen of a member, whose number stands before the UIDs; to all others nothing has changed
    ACL = 9  # who may do what with the mailbox; also in the book of whom it concerns


@dataclass(frozen=True, slots=True)
class Change:
    modseq: int
    mailbox: int
    kind: int
    uids: str

    @property
    def entries(self) -> list[str]:
        """Of Kind.ANNOTATION."""
        return self.uids.split("\n")

    @property
    def seen(self) -> tuple[int, Ranges]:
        """Of Kind.SEEN: the member, and the UIDs."""
        member, _, uids = self.uids.partition(" ")
        return int(member), parse(uids)

    def is_for(self, member: int) -> bool:
        """\\Seen of a member is nobody else's."""
        return self.kind != Kind.SEEN or self.seen[0] == member


async def write(tx: Tx, account: int, modseq: int, mailbox: int, kind: Kind, uids: list[Range], now: int) -> None:
    """A second row of the same kind in one write joins the first."""
    await tx.run(
        "INSERT INTO change (account, modseq, mailbox, kind, uids, at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (account, modseq, mailbox, kind) DO UPDATE SET uids=CASE WHEN excluded.uids='' THEN change.uids"
        " ELSE change.uids || ',' || excluded.uids END",
        account, modseq, mailbox, int(kind), render(uids), now,
    )  # fmt: skip


async def upto(tx: Tx, account: int) -> int:
    """Where the book stands: the account's MODSEQ."""
    row = await tx.one("SELECT modseq FROM account WHERE id=$1", account)
    return 0 if row is None else row[0]


async def write_entries(tx: Tx, account: int, modseq: int, mailbox: int, entries: Sequence[str], now: int) -> None:
    """Of Kind.ANNOTATION; one row of a write and mailbox. A name of an entry has no control characters."""
    await tx.run(
        "INSERT INTO change (account, modseq, mailbox, kind, uids, at) VALUES ($1, $2, $3, $4, $5, $6)",
        account, modseq, mailbox, int(Kind.ANNOTATION), "\n".join(entries), now,
    )  # fmt: skip


async def write_seen(tx: Tx, account: int, modseq: int, mailbox: int, member: int, uids: Ranges, now: int) -> None:
    """Of Kind.SEEN; one row of a write and mailbox."""
    await tx.run(
        "INSERT INTO change (account, modseq, mailbox, kind, uids, at) VALUES ($1, $2, $3, $4, $5, $6)",
        account, modseq, mailbox, int(Kind.SEEN), f"{member} {render(uids)}", now,
    )  # fmt: skip


async def since(tx: Tx, account: int, modseq: int) -> list[Change]:
    """What happened after modseq, oldest first."""
    rows = await tx.all(
        "SELECT modseq, mailbox, kind, uids FROM change WHERE account=$1 AND modseq>$2 ORDER BY modseq, mailbox, kind",
        account,
        modseq,
    )
    return [Change(*row) for row in rows]


async def of_mailbox(tx: Tx, account: int, mailbox: int, modseq: int) -> list[Change]:
    """The same of one mailbox."""
    rows = await tx.all(
        "SELECT modseq, mailbox, kind, uids FROM change WHERE account=$1 AND modseq>$2 AND mailbox=$3"
        " ORDER BY modseq, kind",
        account, modseq, mailbox,
    )  # fmt: skip
    return [Change(*row) for row in rows]


async def reaches(tx: Tx, account: int, modseq: int) -> bool:
    """Is all that happened after modseq still in the book? Sure only where what is older is there as well."""
    row = await tx.one("SELECT modseq FROM change WHERE account=$1 ORDER BY modseq LIMIT 1", account)
    return row is not None and row[0] <= modseq + 1


async def forget(tx: Tx, before: int, most: int) -> int:
    """Drops rows of before a time; how many. An account's rows are in the order of time, so no index is needed."""
    accounts = await tx.all(
        "SELECT a.id FROM account a"
        " WHERE (SELECT c.at FROM change c WHERE c.account=a.id ORDER BY c.modseq LIMIT 1) < $1 LIMIT 20",
        before,
    )
    rows: list[Row] = []
    for (account,) in accounts:
        rows += await tx.all(
            "SELECT account, modseq, mailbox, kind, at FROM change WHERE account=$1 ORDER BY modseq LIMIT $2",
            account,
            most - len(rows),
        )
    old = [row[:4] for row in rows if row[4] < before]
    await tx.many("DELETE FROM change WHERE account=$1 AND modseq=$2 AND mailbox=$3 AND kind=$4", old)
    return len(old)


async def forget_account(tx: Tx, account: int, most: int) -> int:
    """Drops rows of an account, whatever their age; how many."""
    rows = await tx.all("SELECT account, modseq, mailbox, kind FROM change WHERE account=$1 LIMIT $2", account, most)
    await tx.many("DELETE FROM change WHERE account=$1 AND modseq=$2 AND mailbox=$3 AND kind=$4", rows)
    return len(rows)
