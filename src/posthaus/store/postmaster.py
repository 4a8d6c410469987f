"""What a person can do with the queue: look, hold, release, try now, drop, give back.

Everything goes in pieces, each a write of a few milliseconds, for a queue may be long. What is on its way just then
cannot be called back: held, it is not tried again; dropped or given back, it is so unless the host takes it.

Standards: none.
Faults:    none.
"""

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.mail.outcome import Outcome
from posthaus.store import bell, record
from posthaus.store.load import lessen
from posthaus.store.queue import NEVER, NUMBER_BITS, ROW, Errand, Parcel, State, errand_of, parcel_of, wake
from posthaus.store.queuetext import read_outcome
from posthaus.store.record import Entry, Kind
from posthaus.store.text import storable
from posthaus.store.tx import Row, Tx

_ERRAND_COLUMNS = 11
_PIECE = 1_000  # errands in one statement


class Act(enum.Enum):
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    DROP = "drop"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Which:
    """Errands that fit all of what is said; nothing said: all."""

    tid: str = ""
    parcel: int = 0
    errand: int = 0
    destination: str = ""
    localpart: str = ""
    domain: str = ""
    account: int = 0
    state: State | None = None
    client: str = ""  # of a trusted network


@dataclass(frozen=True, slots=True)
class Waiting:
    parcel: Parcel
    errand: Errand
    is_claimed: bool


@dataclass(frozen=True, slots=True)
class Count:
    """Of one destination. `reason`: what was wrong with its host."""

    destination: str
    errands: int
    held: int
    claimed: int
    oldest: int
    due: int  # when it is tried next
    allowed: int
    rest: int
    reason: Outcome | None


async def listing(tx: Tx, which: Which, after: int, most: int) -> list[Waiting]:
    """By errand, from behind this one on."""
    return _waiting(await _matching(tx, which, after, most, ""))


def _waiting(rows: Sequence[Row]) -> list[Waiting]:
    return [Waiting(parcel_of(row[_ERRAND_COLUMNS:]), errand_of(row), row[-1] != 0) for row in rows]


async def counts(tx: Tx) -> list[Count]:
    """Of all destinations that have errands, the fullest first."""
    found = {
        row[0]: row
        for row in await tx.all(
            "SELECT e.destination, sum(CASE WHEN e.state=1 THEN 1 ELSE 0 END),"
            " sum(CASE WHEN e.load<>0 THEN 1 ELSE 0 END), min(p.created)"
            f" FROM errand e JOIN parcel p ON p.id = e.id >> {NUMBER_BITS} GROUP BY e.destination"
        )
    }
    rows = await tx.all(
        "SELECT name, errands, due, allowed, rest, reason FROM destination WHERE errands>0 ORDER BY errands DESC, name"
    )
    return [
        Count(name, errands, int(held), int(claimed), oldest, due, allowed, rest, read_outcome(reason))
        for name, errands, due, allowed, rest, reason in rows
        for _, held, claimed, oldest in [found[name]]
    ]


async def _matching(tx: Tx, which: Which, after: int, most: int, lock: str) -> Sequence[Row]:
    clauses = ["e.id>$1"]
    args: list[object] = [after]
    words: list[tuple[str, object]] = [
        ("p.tid", storable(which.tid)), ("e.destination", storable(which.destination)),
        ("e.localpart", storable(which.localpart)), ("e.domain", storable(which.domain)), ("p.account", which.account),
        ("e.id", which.errand), ("p.id", which.parcel), ("p.client", storable(which.client)),
    ]  # fmt: skip
    for column, value in words:
        if value:
            args.append(value)
            clauses.append(f"{column}=${len(args)}")
    if which.state is not None:
        clauses.append(f"e.state={which.state:d}")
    args.append(most)
    return await tx.all(
        f"SELECT {ROW}, e.load FROM errand e JOIN parcel p ON p.id = e.id >> {NUMBER_BITS}"
        f" WHERE {' AND '.join(clauses)} ORDER BY e.id LIMIT ${len(args)}{lock}",
        *args,
    )


# -- acts ----------------------------------------------------------------------------------------------------------


async def act(tx: Tx, what: Act, which: Which, after: int, most: int, now: int) -> tuple[int, int]:
    """On the next errands behind this one: to how many it was done, and the last that was looked at, 0 at the end."""
    found = _waiting(await _matching(tx, which, after, most, tx.skip_locked("e")))
    fit = [one for one in found if _fits(what, one)]
    if fit:
        await _ACTS[what](tx, fit, now)
        kind = _KINDS.get(what)
        if kind is not None:
            await record.write(tx, [Entry(one.parcel.tid, now, kind, one.errand.recipient.address.key) for one in fit])
        tx.touch(bell.QUEUE, 1)
    return len(fit), found[-1].errand.id if found else 0


async def act_on_all(tx: Tx, what: Act, which: Which, now: int) -> None:
    """In one commit, so for no more than an account or a client may send in a few days."""
    after = 0
    while True:
        _, after = await act(tx, what, which, after, _PIECE, now)
        if not after:
            return


_KINDS = {Act.HOLD: Kind.HELD, Act.RELEASE: Kind.RELEASED, Act.DROP: Kind.DROPPED}


def _fits(what: Act, one: Waiting) -> bool:
    state = one.errand.state
    if what is Act.HOLD:
        return state == State.WAITING
    if what is Act.RELEASE:
        return state == State.HELD
    if what is Act.RETRY:
        return state == State.WAITING and not one.is_claimed
    return state in (State.WAITING, State.HELD)


async def _hold(tx: Tx, found: Sequence[Waiting], now: int) -> None:
    await _set(tx, found, State.HELD, NEVER)


async def _release(tx: Tx, found: Sequence[Waiting], now: int) -> None:
    for one in found:  # RFC 4865 §4: what was to be held until a time still is
        await _set(tx, [one], State.WAITING, max(now, one.parcel.envelope.hold_until or 0))
    await tx.many(  # what has got old meanwhile is tried for a while all the same
        "UPDATE parcel SET clock=CASE WHEN expires<=$2 THEN CAST($2 AS BIGINT)"
        " WHEN warn_at=0 OR warn_at>expires THEN expires ELSE warn_at END WHERE id=$1",
        sorted({(one.parcel.id, now + _last_chance_s(one.parcel)) for one in found}),
    )
    await _wake(tx, found)


async def _retry(tx: Tx, found: Sequence[Waiting], now: int) -> None:
    await _set(tx, found, State.WAITING, now)
    await tx.many("UPDATE destination SET rest=0 WHERE name=$1", [(name,) for name in _destinations(found)])
    await _wake(tx, found)


async def _return(tx: Tx, found: Sequence[Waiting], now: int) -> None:
    """The clock of their parcels rings at once."""
    await _set(tx, found, State.RETURNED, NEVER)
    await _ring(tx, found, now)


async def _drop(tx: Tx, found: Sequence[Waiting], now: int) -> None:
    claimed = [one for one in found if one.is_claimed]
    await _set(tx, claimed, State.DROPPED, NEVER)
    await _ring(tx, claimed, now)
    gone = [one for one in found if not one.is_claimed]
    await tx.many("DELETE FROM errand WHERE id=$1", [(one.errand.id,) for one in gone])
    for parcel, n in sorted(Counter([one.parcel.id for one in gone]).items()):
        await lessen(tx, parcel, n)
    for name, n in sorted(Counter([one.errand.destination for one in gone]).items()):
        await tx.run("UPDATE destination SET errands=errands-$2 WHERE name=$1", name, n)


_ACTS = {Act.HOLD: _hold, Act.RELEASE: _release, Act.RETRY: _retry, Act.DROP: _drop, Act.RETURN: _return}


def _last_chance_s(parcel: Parcel) -> int:
    return 0 if parcel.envelope.is_returned_in_time else limit.QUEUE_LAST_CHANCE_S


async def _set(tx: Tx, found: Sequence[Waiting], state: State, due: int) -> None:
    await tx.many("UPDATE errand SET state=$2, due=$3 WHERE id=$1", [(o.errand.id, int(state), due) for o in found])


async def _ring(tx: Tx, found: Sequence[Waiting], now: int) -> None:
    await tx.many("UPDATE parcel SET clock=$2 WHERE id=$1", [(parcel, now) for parcel in _parcels(found)])


async def _wake(tx: Tx, found: Sequence[Waiting]) -> None:
    for name in _destinations(found):
        await wake(tx, name)


def _parcels(found: Sequence[Waiting]) -> list[int]:
    return sorted({one.parcel.id for one in found})


def _destinations(found: Sequence[Waiting]) -> list[str]:
    return sorted({one.errand.destination for one in found})
