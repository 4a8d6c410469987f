"""Access control lists: what others than the owner may do with a mailbox.

A row says what one account, or everybody of this house, is given, and what is denied to it whoever gives it. The owner
has no row: he may do everything, always. Rows hang on the mailbox's id, so they stay through a rename and go with the
mailbox, and with the member. Who was given something, or lost it, finds that in his own book of changes.

Rights can be given to an address of the house that nobody has, so that who gives them does not learn who is here: such
a row waits in `acl_awaiting`, without effect, and becomes the account's when it is made (store/account.py).

Standards: RFC 4314 §2 (rights of "anyone" and of the member himself come together, then what is denied goes), §4.
Faults:    NotPermitted, for the owner himself; NotGiven, LimitReached.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from posthaus.base import limit
from posthaus.store import account as accounts
from posthaus.store import change
from posthaus.store.error import LimitReached, NotGiven, NotPermitted
from posthaus.store.tx import Tx

ANYONE = 0  # in place of a member
NOBODY = -1  # likewise, in an entry that is read: an account that there is not yet


class Mode(Enum):
    """RFC 4314 §3.1"""

    ADD = "+"
    REMOVE = "-"
    REPLACE = ""


@dataclass(frozen=True, slots=True)
class Awaited:
    """Who will have an address, by its key."""

    key: str


Member = int | Awaited


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, with the member's address, as it is looked up; "" for everybody."""

    member: int
    address: str
    given: int
    denied: int


@dataclass(frozen=True, slots=True)
class Granted:
    """An entry, and of what."""

    owner: str  # his address
    mailbox: str
    entry: Entry


def combined(rows: Iterable[tuple[int, int]]) -> int:
    """What is left of what these rows, (given, denied), give and deny."""
    given = denied = 0
    for more, less in rows:
        given |= more
        denied |= less
    return given & ~denied


async def rights(tx: Tx, mailbox: int, member: int) -> int:
    """What an account that is not the owner may do; nothing, once it is being removed."""
    rows = await tx.all(
        "SELECT given, denied FROM acl WHERE mailbox=$1 AND member IN ($2, $3)"
        " AND EXISTS (SELECT 1 FROM account WHERE id=$3 AND state=0)",
        mailbox, ANYONE, member,
    )  # fmt: skip
    return combined([(given, denied) for given, denied in rows])


async def of_mailbox(tx: Tx, mailbox: int) -> list[Entry]:
    """Everybody first, then by address; without accounts that are being removed."""
    rows = await tx.all(
        "SELECT c.member, coalesce(a.key, ''), c.given, c.denied FROM acl c LEFT JOIN account a ON a.id=c.member"
        " WHERE c.mailbox=$1 AND (c.member=$2 OR a.state=0)"
        " UNION ALL SELECT CAST($3 AS BIGINT), key, given, denied FROM acl_awaiting WHERE mailbox=$1 ORDER BY 2",
        mailbox, ANYONE, NOBODY,
    )  # fmt: skip
    return [Entry(*row) for row in rows]


async def listing(tx: Tx, owner: int | None = None) -> list[Granted]:
    """All of the house, or of one account's mailboxes: by owner, mailbox and member."""
    of_whom, args = ("AND o.id=$3", (owner,)) if owner is not None else ("", ())
    rows = await tx.all(
        "SELECT o.address, m.name, c.member, c.key, c.given, c.denied FROM ("
        "  SELECT r.mailbox, r.member, coalesce(a.key, '') AS key, r.given, r.denied"
        "  FROM acl r LEFT JOIN account a ON a.id=r.member WHERE r.member=$1 OR a.state=0"
        "  UNION ALL SELECT mailbox, CAST($2 AS BIGINT), key, given, denied FROM acl_awaiting"
        ") c JOIN mailbox m ON m.id=c.mailbox JOIN account o ON o.id=m.account"
        f" WHERE o.state=0 AND m.state=0 {of_whom} ORDER BY o.key, m.name, c.key",
        ANYONE, NOBODY, *args,
    )  # fmt: skip
    return [Granted(address, name, Entry(*entry)) for address, name, *entry in rows]


async def change_rights(
    tx: Tx,
    owner: int,
    mailbox: int,
    member: Member,
    mode: Mode,
    rights: int,
    now: int,
    *,
    negative: bool = False,
    may_give: bool = True,
) -> None:
    """Of one member, or of everybody; negative: of what is denied. An entry without any right is none. may_give: else
    what the entry gives may become less, and never more."""
    if member == owner:
        raise NotPermitted("the owner may do everything")
    modseqs = {account: await accounts.advance(tx, account) for account in sorted(books(owner, member))}
    table, column, whom = _row_of(member)
    row = await tx.one(f"SELECT given, denied FROM {table} WHERE mailbox=$1 AND {column}=$2", mailbox, whom)
    old = [0, 0] if row is None else list(row)
    new = list(old)
    new[negative] = _changed(old[negative], mode, rights)
    if new == old:
        return
    if not may_give and combined([(new[0], new[1])]) & ~combined([(old[0], old[1])]):
        raise NotGiven
    if not any(new):
        await tx.run(f"DELETE FROM {table} WHERE mailbox=$1 AND {column}=$2", mailbox, whom)
    else:
        if row is None:
            await _check_room(tx, mailbox)
        await tx.run(
            f"INSERT INTO {table} (mailbox, {column}, given, denied) VALUES ($1, $2, $3, $4)"
            f" ON CONFLICT (mailbox, {column}) DO UPDATE SET given=excluded.given, denied=excluded.denied",
            mailbox, whom, *new,
        )  # fmt: skip
    for account, modseq in modseqs.items():
        await change.write(tx, account, modseq, mailbox, change.Kind.ACL, [], now)


def books(owner: int, member: Member) -> set[int]:
    """The accounts in whose books it is that the member's rights have changed."""
    return {owner} if isinstance(member, Awaited) else {owner, member} - {ANYONE}


def _row_of(member: Member) -> tuple[str, str, int | str]:
    """Table, column and value."""
    return ("acl_awaiting", "key", member.key) if isinstance(member, Awaited) else ("acl", "member", member)


def _changed(old: int, mode: Mode, rights: int) -> int:
    if mode is Mode.ADD:
        return old | rights
    return old & ~rights if mode is Mode.REMOVE else rights


async def _check_room(tx: Tx, mailbox: int) -> None:
    row = await tx.one(
        "SELECT (SELECT count(*) FROM acl WHERE mailbox=$1) + (SELECT count(*) FROM acl_awaiting WHERE mailbox=$1)",
        mailbox,
    )
    if row is not None and row[0] >= limit.ACL_ENTRIES:
        raise LimitReached("entries of an access control list")


async def inherit(tx: Tx, account: int, mailbox: int, name: str, modseq: int, now: int) -> None:
    """A mailbox that was just made takes over the rows of the nearest one above it (RFC 4314 §4); one at the top of a
    team's tree those of INBOX, for there is no owner who would give any."""
    above = [name[:at] for at, letter in enumerate(name) if letter == "/"]
    for superior in [*reversed(above), *(["INBOX"] if await _is_shared(tx, account) else [])]:
        found = await tx.one("SELECT id FROM mailbox WHERE account=$1 AND name=$2 AND state=0", account, superior)
        if found is not None:
            made = await tx.run(
                "INSERT INTO acl (mailbox, member, given, denied) SELECT CAST($1 AS BIGINT), member, given, denied"
                " FROM acl WHERE mailbox=$2",
                mailbox, found[0],
            )  # fmt: skip
            made += await tx.run(
                "INSERT INTO acl_awaiting (mailbox, key, given, denied) SELECT CAST($1 AS BIGINT), key, given, denied"
                " FROM acl_awaiting WHERE mailbox=$2",
                mailbox, found[0],
            )  # fmt: skip
            if made:
                await change.write(tx, account, modseq, mailbox, change.Kind.ACL, [], now)
            return


async def _is_shared(tx: Tx, account: int) -> bool:
    return await tx.one("SELECT 1 FROM account WHERE id=$1 AND shared=1", account) is not None


async def forget_mailbox(tx: Tx, mailbox: int) -> None:
    await tx.run("DELETE FROM acl WHERE mailbox=$1", mailbox)
    await tx.run("DELETE FROM acl_awaiting WHERE mailbox=$1", mailbox)


async def forget_awaited(tx: Tx, domain: str) -> None:
    """Of all who might have had an address there."""
    await tx.run("DELETE FROM acl_awaiting WHERE substr(key, length(key) - length($1)) = '@' || $1", domain)


async def forget_member(tx: Tx, member: int) -> None:
    await tx.run("DELETE FROM acl WHERE member=$1", member)
