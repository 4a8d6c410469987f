"""What an account may send to other domains, and what it has sent: for all workers of all nodes.

Recipients are counted in slots of some minutes, so that an hour and a day slide. A recipient is a stranger until the
account has once written to him. Mail to accounts of ours is not counted.

Standards: none.
Faults:    SendingLimit, SendingHeld.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.store import postmaster
from posthaus.store.error import SendingHeld, SendingLimit
from posthaus.store.postmaster import Act, Which
from posthaus.store.text import storable
from posthaus.store.tx import Tx

USUAL = -1


@value
class Sending:
    """A row of `sending`; the limits are recipients."""

    per_hour: int = limit.SEND_PER_HOUR
    per_day: int = limit.SEND_PER_DAY
    strangers: int = limit.SEND_STRANGERS_PER_DAY
    sent_copy: bool = False
    held: int = 0


@value
class Used:
    """Recipients of the last hour and the last day, and strangers of the last day."""

    hour: int = 0
    day: int = 0
    strangers: int = 0


async def get(tx: Tx, account: int) -> Sending:
    row = await tx.one("SELECT per_hour, per_day, strangers, sent_copy, held FROM sending WHERE account=$1", account)
    if row is None:
        return Sending()
    usual = (limit.SEND_PER_HOUR, limit.SEND_PER_DAY, limit.SEND_STRANGERS_PER_DAY)
    hour, day, strangers = (own if own != USUAL else other for own, other in zip(row[:3], usual, strict=True))
    return Sending(hour, day, strangers, bool(row[3]), row[4])


def day_of(now: int) -> tuple[int, int]:
    """Slots of the last day, from behind this one to that. What was counted later, before the wall clock went back,
    does not count: it would for as long as the clock was ahead. One slot is for clocks of nodes that differ a little.
    """
    slot = now // limit.SEND_SLOT_S
    return slot - 86_400 // limit.SEND_SLOT_S, slot + 1


async def used(tx: Tx, account: int, now: int) -> Used:
    hour, (day, last) = now // limit.SEND_SLOT_S - 3_600 // limit.SEND_SLOT_S, day_of(now)
    row = await tx.one(
        "SELECT coalesce(sum(CASE WHEN slot>$2 THEN recipients ELSE 0 END), 0), coalesce(sum(recipients), 0),"
        " coalesce(sum(strangers), 0) FROM sent WHERE account=$1 AND slot>$3 AND slot<=$4",
        account, hour, day, last,
    )  # fmt: skip
    return Used() if row is None else Used(*[int(n) for n in row])


async def is_stranger(tx: Tx, account: int, address: str) -> bool:
    row = await tx.one("SELECT 1 FROM correspondent WHERE account=$1 AND address=$2", account, storable(address))
    return row is None


async def count(tx: Tx, account: int, addresses: Sequence[str], now: int) -> None:
    """In the commit that sends: whatever other workers have counted since RCPT is seen here."""
    # The row that all writers of an account meet: under PostgreSQL the second waits here for the first.
    slot = now // limit.SEND_SLOT_S
    await tx.run(
        "INSERT INTO sent (account, slot, recipients, strangers) VALUES ($1, $2, $3, 0)"
        " ON CONFLICT (account, slot) DO UPDATE SET recipients=sent.recipients+excluded.recipients",
        account, slot, len(addresses),
    )  # fmt: skip
    strangers = [one for one in addresses if await is_stranger(tx, account, one)]
    await tx.many(
        "INSERT INTO correspondent (account, address, written) VALUES ($1, $2, $3)"
        " ON CONFLICT (account, address) DO UPDATE SET written=excluded.written",
        [(account, storable(one), now) for one in addresses],
    )
    if strangers:
        await tx.run(
            "UPDATE sent SET strangers=strangers+$3 WHERE account=$1 AND slot=$2", account, slot, len(strangers)
        )
    await tx.run("DELETE FROM sent WHERE account=$1 AND (slot<=$2 OR slot>$3)", account, *day_of(now))
    sending, now_used = await get(tx, account), await used(tx, account, now)
    if sending.held:
        raise SendingHeld
    is_over = now_used.hour > sending.per_hour or now_used.day > sending.per_day
    if is_over or now_used.strangers > sending.strangers:
        raise SendingLimit


@dataclass(frozen=True, slots=True)
class Correspondent:
    account: int
    address: str
    written: int


async def correspondents(tx: Tx, after: tuple[int, str], most: int) -> list[Correspondent]:
    """Of all accounts, from behind this one on. An index by time would be written for every recipient."""
    account, address = after
    rows = await tx.all(
        "SELECT account, address, written FROM correspondent WHERE account=$1 AND address>$2 ORDER BY address LIMIT $3",
        account, storable(address), most,
    )  # fmt: skip
    if not rows:
        rows = await tx.all(
            "SELECT account, address, written FROM correspondent WHERE account>$1 ORDER BY account, address LIMIT $2",
            account, most,
        )  # fmt: skip
    return [Correspondent(*row) for row in rows]


async def forget_correspondents(tx: Tx, before: int, found: Sequence[Correspondent]) -> int:
    """Those of them to whom nothing was written since."""
    old = [(one.account, one.address, before) for one in found if one.written < before]
    await tx.many("DELETE FROM correspondent WHERE account=$1 AND address=$2 AND written<$3", old)
    return len(old)


# -- what an admin sets --------------------------------------------------------------------------------------------


async def own_limits(tx: Tx, account: int) -> tuple[int, int, int]:
    """As set_limits was given them."""
    row = await tx.one("SELECT per_hour, per_day, strangers FROM sending WHERE account=$1", account)
    return (USUAL, USUAL, USUAL) if row is None else (row[0], row[1], row[2])


async def set_limits(tx: Tx, account: int, per_hour: int, per_day: int, strangers: int) -> None:
    """USUAL for what base/limit.py says."""
    await _row(tx, account)
    await tx.run(
        "UPDATE sending SET per_hour=$2, per_day=$3, strangers=$4 WHERE account=$1",
        account, per_hour, per_day, strangers,
    )  # fmt: skip


async def set_sent_copy(tx: Tx, account: int, wanted: bool) -> None:
    await _row(tx, account)
    await tx.run("UPDATE sending SET sent_copy=$2 WHERE account=$1", account, int(wanted))


async def held(tx: Tx) -> list[tuple[str, int]]:
    """Addresses of accounts that may send nothing, and since when."""
    rows = await tx.all(
        "SELECT a.address, s.held FROM sending s JOIN account a ON a.id=s.account WHERE s.held<>0 AND a.state=0"
        " ORDER BY a.key"
    )
    return [(row[0], row[1]) for row in rows]


async def hold(tx: Tx, account: int, now: int) -> bool:
    """Nothing leaves from now on, what is in the queue neither; False where that was so already."""
    await _row(tx, account)
    if not await tx.run("UPDATE sending SET held=$2 WHERE account=$1 AND held=0", account, now):
        return False
    await postmaster.act_on_all(tx, Act.HOLD, Which(account=account), now)
    return True


async def release(tx: Tx, account: int, now: int) -> bool:
    """It may send again, and what was counted is forgotten, or it would be held again at once."""
    if not await tx.run("UPDATE sending SET held=0 WHERE account=$1 AND held<>0", account):
        return False
    await tx.run("DELETE FROM sent WHERE account=$1", account)
    await postmaster.act_on_all(tx, Act.RELEASE, Which(account=account), now)
    return True


async def _row(tx: Tx, account: int) -> None:
    await tx.run(
        "INSERT INTO sending (account, per_hour, per_day, strangers, sent_copy, held)"
        " VALUES ($1, -1, -1, -1, 0, 0) ON CONFLICT (account) DO NOTHING",
        account,
    )
