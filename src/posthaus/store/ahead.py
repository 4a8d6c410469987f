"""What of the queue lies further ahead than it can, because the wall clock went back; the rules are in flow/setback.py.

Locks under PostgreSQL: errands, parcels, destinations, as in store/load.py.

Standards: none.
Faults:    none.
"""

from collections.abc import Collection, Sequence

from posthaus.base.value import value
from posthaus.store import bell
from posthaus.store.load import Claim, claims_of
from posthaus.store.queue import JOINED, NEVER, Errand, Parcel, State, wake
from posthaus.store.tx import Tx


@value
class Nearer:
    """The times that a parcel has from now on, and when these errands of it are due."""

    parcel: Parcel  # as it was
    created: int
    expires: int
    warn_at: int
    errands: tuple[tuple[Errand, int], ...]


async def beyond(tx: Tx, due: int, created: int, after: int, most: int) -> tuple[Claim, ...]:
    """Errands behind this one that are due later, or whose parcel came later. Looks through them all."""
    rows = await tx.all(
        f"{JOINED} WHERE e.id>$1 AND (e.due>$2 AND e.due<{NEVER} OR p.created>$3) ORDER BY e.id LIMIT $4",
        after, due, created, most,
    )  # fmt: skip
    return claims_of(rows)


async def bring_near(tx: Tx, found: Sequence[Nearer]) -> None:
    """Each once, however many workers have found it; what a person has said meanwhile stays."""
    await tx.many(
        f"UPDATE errand SET due=$3 WHERE id=$1 AND due=$2 AND state={State.WAITING:d}",
        [(errand.id, errand.due, due) for one in found for errand, due in one.errands],
    )
    await tx.many(
        "UPDATE parcel SET created=$3, expires=$4, warn_at=CASE WHEN warn_at=0 THEN 0 ELSE CAST($5 AS BIGINT) END,"
        " clock=CASE WHEN clock>$6 THEN CAST($6 AS BIGINT) ELSE clock END WHERE id=$1 AND created=$2",
        [
            (one.parcel.id, one.parcel.created, one.created, one.expires, one.warn_at, one.warn_at or one.expires)
            for one in found
            if one.created != one.parcel.created
        ],
    )
    await _wake_all(tx, {errand.destination for one in found for errand, _ in one.errands})


async def shorten(tx: Tx, most: int) -> int:
    """Rests of destinations, and clocks of parcels that were to ring again soon, where they end later than this. Of how
    many destinations."""
    await tx.run(
        "UPDATE parcel SET clock=CASE WHEN warn_at=0 OR warn_at>expires THEN expires ELSE warn_at END"
        f" WHERE clock>$1 AND clock<{NEVER} AND clock>expires",
        most,
    )
    names = [row[0] for row in await tx.all("SELECT name FROM destination WHERE rest>$1 ORDER BY name", most)]
    await tx.many("UPDATE destination SET rest=0 WHERE name=$1 AND rest>$2", [(name, most) for name in names])
    await _wake_all(tx, names)
    return len(names)


async def _wake_all(tx: Tx, names: Collection[str]) -> None:
    for name in sorted(names):
        await wake(tx, name)
    if names:
        tx.touch(bell.QUEUE, 1)
