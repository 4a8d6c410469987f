"""Suppression: addresses of which another server has said that they do not exist, or exist no more.

To write there again and again harms the name of this host. So the next submission is refused in its session, where the
person sees it at once. An entry belongs to the account whose mail failed, for one person's typing mistake or another
server's whim must not keep the rest of the house from writing; an admin may make one for all. An entry ends by itself,
later each time it comes back; it is gone at once when mail for the address is taken after all.

Standards: RFC 3463 §3.2 and §3.3, RFC 7505 §4.
Faults:    NoSuchSuppression.
"""

from dataclasses import dataclass
from typing import Final

from posthaus.base import limit
from posthaus.mail.address import Address
from posthaus.mail.date import render_utc
from posthaus.store.error import NoSuchSuppression
from posthaus.store.text import storable
from posthaus.store.tx import Tx

HOUSE: Final = 0  # in place of an account: nobody of this house may write there

# What speaks of the address and not of the message, the sender, or the hour.
_OF_THE_ADDRESS: Final = frozenset({
    "5.1.1",  # bad destination mailbox address
    "5.1.2",  # bad destination system address: no such domain
    "5.1.6",  # destination mailbox has moved
    "5.1.10",  # the domain has a null MX
    "5.2.1",  # mailbox disabled
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Suppression:
    account: int
    key: str
    status: str
    reason: str
    count: int
    since: int
    until: int  # 0: for good


_COLUMNS = "account, key, status, reason, count, since, until"


def speaks_of_address(status: str) -> bool:
    """Does a failure with this status mean that there is nobody?"""
    return status in _OF_THE_ADDRESS


async def suppressed(tx: Tx, account: int, address: Address, now: int) -> str | None:
    """Why this account is not to write there, in ASCII words for a reply; None if it may. An entry that ends later than
    any that is made now is of a time when the clock was ahead."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM suppression WHERE account IN ($1, $2) AND key=$3"
        " AND (until=0 OR until>$4 AND until<=$5) ORDER BY account",
        HOUSE, account, storable(address.key), now, now + limit.SUPPRESSION_MAX_S,
    )  # fmt: skip
    if not rows:
        return None
    found = Suppression(*rows[0])
    again = f"; it is tried again from {_day(found.until)} on" if found.until else ""
    said = found.reason.encode("ascii", "replace").decode()[: limit.SUPPRESSION_TEXT_CHARACTERS]
    return f"not sent there since {_day(found.since)}: {said}{again}"


def _day(at: int) -> str:
    return render_utc(at)[:10]


async def failed(tx: Tx, account: int, address: Address, status: str, reason: str, now: int, *, for_s: int = 0) -> bool:
    """A final failure; was it one that leads to an entry? for_s: how long, where it is less than usual."""
    if not account or not speaks_of_address(status):
        return False
    row = await tx.one("SELECT count, since FROM suppression WHERE account=$1 AND key=$2", account, address.key)
    count, since = (row[0] + 1, row[1]) if row is not None else (1, now)
    lasts = for_s or min(limit.SUPPRESSION_S << min(count - 1, 8), limit.SUPPRESSION_MAX_S)
    await _put(tx, Suppression(account, address.key, status, _one_line(reason), count, since, now + lasts))
    return True


async def add(tx: Tx, account: int, address: Address, reason: str, now: int) -> None:
    """By a person, for good. account: HOUSE for all."""
    await _put(tx, Suppression(account, address.key, "", _one_line(reason), 0, now, 0))


async def _put(tx: Tx, new: Suppression) -> None:
    # what a person has said for good stays so
    await tx.run(
        f"INSERT INTO suppression ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (account, key) DO UPDATE SET status=excluded.status, reason=excluded.reason,"
        " count=excluded.count, until=excluded.until WHERE suppression.until<>0 OR excluded.until=0",
        new.account, storable(new.key), new.status, storable(new.reason), new.count, new.since, new.until,
    )  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join(text.split())[: limit.SUPPRESSION_TEXT_CHARACTERS]


async def has(tx: Tx, account: int, address: Address) -> bool:
    """Is there an entry of this account, ended or not?"""
    key = storable(address.key)
    return await tx.one("SELECT 1 FROM suppression WHERE account=$1 AND key=$2", account, key) is not None


async def delivered(tx: Tx, account: int, address: Address) -> None:
    """Mail was taken there; what a person has said for good stays."""
    await tx.run("DELETE FROM suppression WHERE account=$1 AND key=$2 AND until<>0", account, storable(address.key))


async def remove(tx: Tx, account: int | None, address: Address) -> None:
    """account None: of all accounts, and of the house."""
    where, args = ("", ()) if account is None else (" AND account=$2", (account,))
    if not await tx.run(f"DELETE FROM suppression WHERE key=$1{where}", storable(address.key), *args):
        raise NoSuchSuppression(str(address))


async def listing(tx: Tx, account: int | None = None) -> list[Suppression]:
    """Of one account, or all; those that have ended, too, as long as they are remembered."""
    where, args = ("WHERE account=$1", (account,)) if account is not None else ("", ())
    rows = await tx.all(f"SELECT {_COLUMNS} FROM suppression {where} ORDER BY key, account", *args)
    return [Suppression(*row) for row in rows]


async def forget(tx: Tx, before: int, most: int) -> int:
    """Entries that ended before a time: a failure later on counts as the first again."""
    rows = await tx.all("SELECT account, key FROM suppression WHERE until>0 AND until<$1 LIMIT $2", before, most)
    await tx.many("DELETE FROM suppression WHERE account=$1 AND key=$2", rows)
    return len(rows)
