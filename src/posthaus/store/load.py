"""Loads: what a worker has claimed of the queue, and what becomes of it.

A load is a lease on a few errands of one destination, nearly always those that go over one connection. Its id is the
token without which nothing of it is settled; whoever holds it renews it. One that has run out and is renewed no more is
taken apart by whoever sees that first, and its errands wait again.

Nothing is claimed for a connection but under the lock of its destination's row. Locks under PostgreSQL: accounts,
loads, errands, parcels, destinations.

Standards: RFC 5321 §4.5.4.1, RFC 6710 §4.3 (priorities).
Faults:    none.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail.outcome import Outcome
from posthaus.store import bell, blob
from posthaus.store.queue import (
    JOINED,
    NEVER,
    NUMBER_BITS,
    Errand,
    NewErrand,
    NewParcel,
    Pace,
    Parcel,
    State,
    errand_of,
    first_due,
    first_waiting,
    parcel_of,
    wake,
)
from posthaus.store.queuetext import read_envelope, render_outcome
from posthaus.store.tx import Row, Tx

OVERDUE = ""  # the destination of a load that goes nowhere


@value
class Claim:
    """A parcel with the errands of it that were claimed."""

    parcel: Parcel
    errands: tuple[Errand, ...]


@value
class Load:
    """What was claimed together; `id` is the token without which nothing of it is settled."""

    id: int
    destination: str
    claims: tuple[Claim, ...]
    is_suspect: bool = False  # the host is not known to work


@value
class Settled:
    """What became of a claimed errand. Without an outcome it was not tried, and waits as before until `due`."""

    errand: Errand
    outcome: Outcome | None
    due: int = 0


# -- claiming ------------------------------------------------------------------------------------------------------


async def claim(
    tx: Tx, owner: str, now: int, until: int, loads: int, most: int, *, suspects: bool, since: int = 0
) -> list[Load]:
    """Up to so many loads, each of at most so many errands that are due at one destination. suspects: of those whose
    host is not known to work, or else of the others. since: only of those that were never tried and are due since then,
    the newest first. A destination with more to do goes behind those that were due before this moment."""
    which = "busy=0 AND failures=0 AND deaths=0 ORDER BY due DESC" if since else "busy<allowed ORDER BY due"
    found: list[Load] = []
    for _ in range(loads + limit.QUEUE_STALE_DESTINATIONS if loads > 0 else 0):
        row = await tx.one(
            "SELECT name, errands, allowed-busy, rest FROM destination WHERE suspect=$1 AND due BETWEEN $2 AND $3 AND"
            f" {which} LIMIT 1{tx.skip_locked('destination')}",
            int(suspects), since, now,
        )  # fmt: skip
        if row is None:
            break
        name, errands, free, rest = row
        rows = await _due(tx, name, now, most, _share(errands, free))
        if rows:
            load = await _new_load(tx, name, owner, until, rows)
            found.append(Load(load, name, claims_of(rows), suspects))
        await tx.run(
            "UPDATE destination SET busy=busy+$2, due=$3, used=$4 WHERE name=$1",
            name, 1 if rows else 0, max(rest, now, await first_due(tx, name)), now,
        )  # fmt: skip
        if len(found) == loads:
            break
    return found


async def claim_more(tx: Tx, load: Load, now: int, most: int) -> tuple[Claim, ...]:
    """Further errands for the same load, of which all was settled in the same write: they go over its connection."""
    row = await tx.one(
        "UPDATE destination SET used=$2 WHERE name=$1 RETURNING errands, allowed-busy, rest, due", load.destination, now
    )
    if row is None or row[3] > now:
        return ()
    rows = await _due(tx, load.destination, now, most, _share(row[0], row[1] + 1))
    await _mark(tx, load.id, rows)
    await tx.run(
        "UPDATE destination SET due=$2 WHERE name=$1",
        load.destination, max(row[2], now, await first_due(tx, load.destination)),
    )  # fmt: skip
    return claims_of(rows)


async def claim_overdue(tx: Tx, owner: str, now: int, until: int, most: int) -> Load | None:
    """All errands of some parcels whose clock has rung, but those that are held. Where errands of a parcel are claimed
    just now, or its load runs out, the clock rings again soon.

    Where one was not tried when it had to be, since nobody was there or the clock has jumped, the clock that rings for
    the end of its parcel rings once more after a while, and they are tried until then."""
    parcels = await tx.all(
        "SELECT id, expires, clock, envelope FROM parcel WHERE clock<=$1 ORDER BY clock"
        f" LIMIT $2{tx.skip_locked('parcel')}",
        now, most,
    )  # fmt: skip
    rows: list[Row] = []
    for parcel, expires, clock, envelope in parcels:
        span = parcel << NUMBER_BITS, (parcel + 1 << NUMBER_BITS) - 1
        is_busy = await tx.one("SELECT 1 FROM errand WHERE id BETWEEN $1 AND $2 AND load<>0 LIMIT 1", *span) is not None
        has_chance = clock <= expires <= now and await _was_missed(tx, span, expires, envelope)
        mine: Sequence[Row] = ()
        if not is_busy or now >= expires:
            kept = (State.HELD, State.WAITING) if has_chance else (State.HELD,)
            where = " WHERE e.id BETWEEN $1 AND $2 AND e.load=0 AND e.state NOT IN "
            where += f"({', '.join(f'{state:d}' for state in kept)}) ORDER BY e.id"
            mine = await tx.all(JOINED + where + tx.skip_locked("e"), *span)
        rows += mine
        again = now + limit.QUEUE_CLOCK_AGAIN_S if is_busy or mine else _next_clock(now, expires)
        if has_chance:
            again = now + limit.QUEUE_LAST_CHANCE_S
        await tx.run("UPDATE parcel SET clock=$2 WHERE id=$1", parcel, again)
    if not rows:
        return Load(0, OVERDUE, ()) if parcels else None
    return Load(await _new_load(tx, OVERDUE, owner, until, rows), OVERDUE, claims_of(rows))


async def may_board(tx: Tx, load: int) -> bool:
    """May errands be born on it in this write? Not where it has run out, or somebody settles it just now."""
    return await tx.one(f"SELECT 1 FROM load WHERE id=$1{tx.skip_locked('load')}", load) is not None


def born(id_: int, parcel: NewParcel, errands: Sequence[NewErrand], destination: str, now: int) -> Claim:
    """What claim() would find of a parcel that was put in with this id."""
    content, base = parcel.content, id_ << NUMBER_BITS
    made = Parcel(
        id_, parcel.tid, parcel.envelope, parcel.account, content.prepared.message_id, content.size_octets, now,
        parcel.expires, parcel.warn_at,
    )  # fmt: skip
    mine = [
        Errand(base + n, id_, e.recipient, destination, 0, e.due, State.WAITING, None, e.account)
        for n, e in enumerate(errands)
        if e.destination == destination
    ]
    return Claim(made, tuple(mine))


def _next_clock(now: int, expires: int) -> int:
    """After the sender was told of the delay."""
    return expires if now < expires else NEVER


async def _was_missed(tx: Tx, span: tuple[int, int], expires: int, envelope: str) -> bool:
    """Was one of these errands due, and its destination not at rest, for longer than it takes between two tries? Not
    where it is to be returned in time, come what may."""
    return not read_envelope("", "", envelope).is_returned_in_time and await tx.one(
        "SELECT 1 FROM errand e JOIN destination d ON d.name=e.destination WHERE e.id BETWEEN $1 AND $2"
        f" AND e.state={State.WAITING:d} AND e.due<$3 AND d.rest<$3 LIMIT 1",
        *span, expires - limit.QUEUE_RETRY_MOST_S,
    ) is not None  # fmt: skip


def _share(errands: int, free: int) -> int:
    """What is left for each connection that is still allowed."""
    return -(-errands // max(free, 1))


async def _due(tx: Tx, name: str, now: int, most: int, share: int) -> list[Row]:
    """Errands that are due, the highest priority first; a parcel's are not torn apart without need."""
    wanted = max(min(most, share), 1)
    rows: list[Row] = []
    rank = -NEVER
    while len(rows) < wanted and (first := await first_waiting(tx, name, rank)) is not None:
        rank = first[0]
        if first[1] <= now:
            rows += await tx.all(
                f"{JOINED} WHERE e.destination=$1 AND e.rank=$2 AND e.load=0 AND e.due<=$3 ORDER BY e.due, e.id"
                f" LIMIT $4{tx.skip_locked('e')}",
                name, rank, now, wanted - len(rows),
            )  # fmt: skip
    if len(rows) == wanted < most and rows[-1][-1] > 1:
        last = rows[-1][0]
        rows += await tx.all(
            f"{JOINED} WHERE e.id BETWEEN $1 AND $2 AND e.destination=$3 AND e.load=0 AND e.due<=$4 ORDER BY e.id"
            f" LIMIT $5{tx.skip_locked('e')}",
            last + 1, last | (1 << NUMBER_BITS) - 1, name, now, most - wanted,
        )  # fmt: skip
    return rows


async def _new_load(tx: Tx, destination: str, owner: str, until: int, rows: Sequence[Row]) -> int:
    row = await tx.one(
        "INSERT INTO load (destination, owner, until) VALUES ($1, $2, $3) RETURNING id", destination, owner, until
    )
    assert row is not None
    await _mark(tx, row[0], rows)
    return row[0]  # type: ignore[no-any-return]


async def _mark(tx: Tx, load: int, rows: Sequence[Row]) -> None:
    await tx.many("UPDATE errand SET load=$2 WHERE id=$1", [(row[0], load) for row in rows])


def claims_of(rows: Sequence[Row]) -> tuple[Claim, ...]:
    """Grouped by parcel, in the order of the first errand of each."""
    parcels: dict[int, Parcel] = {}
    errands: dict[int, list[Errand]] = {}
    for row in rows:
        parcel = row[11]
        if parcel not in parcels:
            parcels[parcel] = parcel_of(row[11:])
            errands[parcel] = []
        errands[parcel].append(errand_of(row))
    return tuple(Claim(parcels[parcel], tuple(mine)) for parcel, mine in errands.items())


# -- settling ------------------------------------------------------------------------------------------------------


async def renew(tx: Tx, load: int, until: int) -> bool:
    """False: the load has run out, and nothing of it may be settled. First in every write that settles."""
    return await tx.run("UPDATE load SET until=$2 WHERE id=$1", load, until) > 0


async def has(tx: Tx, load: Load, errand: Errand) -> bool:
    """It is on this load, and not settled."""
    return await tx.one("SELECT 1 FROM errand WHERE id=$1 AND load=$2", errand.id, load.id) is not None


async def end(tx: Tx, load: Load) -> None:
    """Nothing is left of it: all was settled, and there is no more."""
    await tx.run("DELETE FROM load WHERE id=$1", load.id)
    await tx.run("UPDATE destination SET busy=busy-1 WHERE name=$1", load.destination)


async def settle(
    tx: Tx,
    load: Load,
    results: Sequence[Settled],
    now: int,
    pace: Callable[[Pace], Pace],
    *,
    ends: bool,
    told: Collection[int] = (),
) -> None:
    """What became of errands of a load that was renewed in the same write. pace: what that means for the destination.
    ends: nothing more comes of this load. told: parcels whose senders were told of the delay, and are not again."""
    done = [r.errand for r in results if r.outcome is not None and r.outcome.is_final]
    await tx.many("DELETE FROM errand WHERE id=$1", [(errand.id,) for errand in done])
    for parcel, n in sorted(Counter([errand.parcel for errand in done]).items()):
        await lessen(tx, parcel, n)
    later = [r for r in results if r.outcome is None or not r.outcome.is_final]
    await tx.many(
        f"UPDATE errand SET load=0, due=CASE WHEN state<>{State.WAITING:d} THEN CAST({NEVER} AS BIGINT)"
        " ELSE CAST($2 AS BIGINT) END, attempts=attempts+$3, reason=$4 WHERE id=$1",
        [
            (r.errand.id, r.due, int(r.outcome is not None), render_outcome(r.outcome or r.errand.reason))
            for r in later
        ],
    )  # fmt: skip
    if load.destination == OVERDUE:
        for parcel in sorted({r.errand.parcel for r in later}):
            if parcel in told:
                await tx.run("UPDATE parcel SET warn_at=0 WHERE id=$1", parcel)
            await _wind(tx, parcel, now)
    if ends:
        await tx.run("DELETE FROM load WHERE id=$1", load.id)
    names = {r.errand.destination for r in results} | ({load.destination} - {OVERDUE})
    blamed = [r.outcome for r in results if r.outcome is not None and r.outcome.blames_host]
    for name in sorted(names):
        is_own = name == load.destination
        row = await tx.one(
            "UPDATE destination SET errands=errands-$2, busy=busy-$3, due=CASE WHEN due<=$4 THEN due"
            " WHEN rest<$4 THEN CAST($4 AS BIGINT) ELSE rest END"
            " WHERE name=$1 RETURNING allowed, credit, failures, deaths, rest",
            name, sum([errand.destination == name for errand in done]), int(is_own and ends),
            min([r.due for r in later if r.errand.destination == name], default=NEVER),
        )  # fmt: skip
        if is_own and row is not None and (after := pace(before := Pace(*row))) != before:
            await _set_pace(tx, name, before, after, blamed[-1] if blamed else None)


async def lessen(tx: Tx, parcel: int, n: int) -> None:
    """The parcel has n errands less; with the last one it goes, and its octets where nothing else names them."""
    row = await tx.one("DELETE FROM parcel WHERE id=$1 AND errands=$2 RETURNING blob", parcel, n)
    if row is None:
        left = await tx.one("UPDATE parcel SET errands=errands-$2 WHERE id=$1 RETURNING errands", parcel, n)
        if left is not None and left[0] == 0:
            row = await tx.one("DELETE FROM parcel WHERE id=$1 RETURNING blob", parcel)
    if row is not None:
        await blob.drop(tx, row[0])


async def _wind(tx: Tx, parcel: int, now: int) -> None:
    """What its clock rang for is done. It rings again all the same, where errands of it are on their way, or where a
    person has set it meanwhile."""
    row = await tx.one("SELECT warn_at, expires FROM parcel WHERE id=$1", parcel)
    if row is not None:
        await tx.run(
            "UPDATE parcel SET clock=$2 WHERE id=$1 AND clock>$5"
            " AND NOT EXISTS (SELECT 1 FROM errand e WHERE e.id BETWEEN $3 AND $4 AND e.load<>0)",
            parcel, row[0] or _next_clock(now, row[1]),
            parcel << NUMBER_BITS, (parcel + 1 << NUMBER_BITS) - 1, now,
        )  # fmt: skip


async def _set_pace(tx: Tx, name: str, before: Pace, after: Pace, reason: Outcome | None) -> None:
    suspect = int(after.failures > 0 or after.deaths > 0)
    await tx.run(
        "UPDATE destination SET allowed=$2, credit=$3, failures=$4, deaths=$5, rest=$6, suspect=$7 WHERE name=$1",
        name, after.allowed, after.credit, after.failures, after.deaths, after.rest, suspect,
    )  # fmt: skip
    if reason is not None or not suspect:
        await tx.run("UPDATE destination SET reason=$2 WHERE name=$1", name, render_outcome(reason) if suspect else "")
    if after.rest != before.rest:
        await wake(tx, name)


async def give_back(tx: Tx, load: Load) -> None:
    """All that is still on it waits again, known or not."""
    await tx.run("UPDATE load SET until=0 WHERE id=$1", load.id)
    await _free(tx)


async def out_of_time(tx: Tx, now: int, most: int) -> list[tuple[int, int]]:
    """Loads that have run out, and those that end later than any that is renewed now, with their ends. It may be that
    a clock has jumped, and their holders live."""
    rows = await tx.all("SELECT id, until FROM load WHERE until<=$1 OR until>$2", now, most)
    return [(row[0], row[1]) for row in rows]


async def free_silent(tx: Tx, seen: Sequence[tuple[int, int]]) -> int:
    """Of loads that were seen with these ends a while ago, those that nobody has renewed since. How many."""
    await tx.many("UPDATE load SET until=0 WHERE id=$1 AND until=$2", seen)
    return await _free(tx)


async def _free(tx: Tx) -> int:
    """Loads whose end is 0: their errands wait again. How many loads. Looks through all errands, where there are
    any such loads; that is rare, and an index for it would be written for every message."""
    rows = await tx.all(f"SELECT id, destination FROM load WHERE until=0{tx.skip_locked('load')}")
    if not rows:
        return 0
    loads = ", ".join(str(int(row[0])) for row in rows)
    names = await tx.all(f"SELECT DISTINCT destination FROM errand WHERE load IN ({loads})")
    await tx.run(f"UPDATE errand SET load=0 WHERE load IN ({loads})")
    await tx.run(f"DELETE FROM load WHERE id IN ({loads})")
    busy = Counter([row[1] for row in rows])
    for name in sorted({row[0] for row in names} | busy.keys() - {OVERDUE}):
        await tx.run("UPDATE destination SET busy=busy-$2 WHERE name=$1", name, busy[name])
        await wake(tx, name)
    tx.touch(bell.QUEUE, 1)
    return len(rows)


async def free_worker(tx: Tx, owner_prefix: str) -> int:
    """The loads of a worker that died."""
    mine = [row[0] for row in await tx.all("SELECT id, owner FROM load") if row[1].startswith(owner_prefix)]
    await tx.many("UPDATE load SET until=0 WHERE id=$1", [(load,) for load in mine])
    return await _free(tx) if mine else 0


async def owners(tx: Tx) -> list[str]:
    return [row[0] for row in await tx.all("SELECT DISTINCT owner FROM load ORDER BY owner")]
