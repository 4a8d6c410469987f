"""The queue: parcels, their errands, and the destinations of these. Rows only; the rules are in flow/pace.py.

A parcel is a message on its way out: envelope, prefix and octets, once. An errand is one recipient of it. A load is a
worker's lease on a few errands, nearly always those that go over one connection. States of an errand:

    WAITING   load = 0: tried when `due` has come and its destination may be tried
              load > 0: claimed. Nobody else takes it until it is settled, or until its load has ended
    HELD      a person said so, or the settings; `due` never comes
    RETURNED  a person said so; the next look of the runner at its parcel gives it up, with a DSN
    DROPPED   the same without one; only where it was claimed at that moment, else the row is gone

    enqueue -> WAITING -> claim -> settle: done or given up, the row goes, and with the last one the parcel
                                   settle: deferred, WAITING with a later `due`
                                   the load runs out (its worker died): WAITING and due at once

Besides being tried, a parcel has a clock: when it rings, the sender is to be told of the delay, or the errands are to
be given up, wherever they go and however long their destination rests.

Claims and what becomes of them are in store/load.py, what a person can do in store/postmaster.py.

Standards: RFC 5321 §4.5.4.1, RFC 6710 §4.3 (priorities).
Faults:    StoreFull, LimitReached.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Outcome
from posthaus.store import bell, message
from posthaus.store.blob import Octets
from posthaus.store.error import LimitReached, NoSuchMessage, StoreFull
from posthaus.store.message import Content, Placed, Placing
from posthaus.store.queuetext import (
    read_envelope,
    read_notify,
    read_outcome,
    render_envelope,
    render_notify,
)
from posthaus.store.text import storable
from posthaus.store.tx import Row, Tx

NEVER = 1 << 53
NUMBER_BITS = 16
LOCAL = "local"  # the destination of accounts of ours
_NO_LOADS: Mapping[str, int] = {}


class State(enum.IntEnum):
    WAITING = 0
    HELD = 1
    RETURNED = 2
    DROPPED = 3


@value
class NewErrand:
    """A recipient to whom the message is to be sent. `account` only where the destination is LOCAL. is_held: not before
    a person says so."""

    recipient: Recipient
    destination: str
    due: int
    account: int = 0
    is_held: bool = False


@value
class NewParcel:
    """`warn_at` 0: the sender is not told of a delay. `client`: of a trusted network, where it brought the message."""

    content: Content
    envelope: Envelope
    tid: str
    account: int
    expires: int
    warn_at: int
    client: str = ""


@value
class Parcel:
    id: int
    tid: str
    envelope: Envelope
    account: int
    message_id: str
    size: int
    created: int
    expires: int
    warn_at: int


@value
class Errand:
    """`reason`: what came of the last try."""

    id: int
    parcel: int
    recipient: Recipient
    destination: str
    attempts: int
    due: int
    state: int
    reason: Outcome | None
    account: int = 0


@value
class Pace:
    """How a destination is treated; see flow/pace.py."""

    allowed: int = limit.QUEUE_CONNECTIONS_FIRST
    credit: int = 0
    failures: int = 0
    deaths: int = 0
    rest: int = 0


# -- in ------------------------------------------------------------------------------------------------------------


async def send(
    tx: Tx, content: Content, placings: Sequence[Placing], parcel: NewParcel, errands: Sequence[NewErrand], now: int
) -> list[Placed]:
    """One message to accounts of ours and to others, in one commit; `content` and the parcel's share their octets."""
    if placings and errands:
        blob = await message.keep_octets(tx, content, now, names=0)
        content = replace(content, blob=blob)
        parcel = replace(parcel, content=replace(parcel.content, blob=blob))
    placed = await message.deliver(tx, content, placings, now) if placings else []
    if errands:
        await enqueue(tx, parcel, errands, now)
    return placed


async def enqueue(
    tx: Tx, parcel: NewParcel, errands: Sequence[NewErrand], now: int, loads: Mapping[str, int] = _NO_LOADS
) -> int:
    """The parcel's id. loads: by destination, those that claim their errands at once (load.may_board). Runners are told
    of the others by a bell."""
    if tx.low_space:
        raise StoreFull("the reserve of disk space is reached")
    if len(errands) >= 1 << NUMBER_BITS:
        raise LimitReached("recipients of one message")
    content, envelope = parcel.content, parcel.envelope
    blob = await message.keep_octets(tx, content, now)
    sender = envelope.reverse_path or Address("", "")
    row = await tx.one(
        "INSERT INTO parcel (blob, size, prefix, tid, account, message_id, sender_localpart, sender_domain, envelope,"
        " created, expires, warn_at, clock, errands, released, client)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id",
        blob, content.size_octets, content.prefix, parcel.tid, parcel.account,
        storable(content.prepared.message_id), storable(sender.localpart), sender.domain, render_envelope(envelope),
        now, parcel.expires, parcel.warn_at, _clock(parcel.warn_at, parcel.expires), len(errands),
        envelope.hold_until or 0, parcel.client,
    )  # fmt: skip
    assert row is not None
    base: int = row[0] << NUMBER_BITS
    rank = -envelope.priority
    await tx.many(
        "INSERT INTO errand (id, destination, rank, due, state, load, attempts, localpart, domain, orcpt, notify,"
        " account, reason) VALUES ($1, $2, $3, $4, $5, $11, 0, $6, $7, $8, $9, $10, '')",
        [
            (base + n, e.destination, rank, _due(e), int(State.HELD if e.is_held else State.WAITING),
             storable(e.recipient.address.localpart), e.recipient.address.domain, e.recipient.orcpt,
             render_notify(e.recipient.notify), e.account, loads.get(e.destination, 0))
            for n, e in enumerate(errands)
        ],
    )  # fmt: skip
    for name in sorted({e.destination for e in errands}):
        due = [_due(e) for e in errands if e.destination == name]
        if name in loads:
            await tx.run("UPDATE destination SET errands=errands+$2 WHERE name=$1", name, len(due))
        else:
            await _reach(tx, name, min(due), len(due), now)
            tx.touch(bell.QUEUE, 1)
    return row[0]  # type: ignore[no-any-return]


def _due(errand: NewErrand) -> int:
    return NEVER if errand.is_held else errand.due


def _clock(warn_at: int, expires: int) -> int:
    return min(warn_at, expires) if warn_at else expires


async def _reach(tx: Tx, name: str, due: int, n: int, now: int) -> None:
    """The destination has n errands more, the first of them due then. Whose host has never been tried is as suspect as
    one that did not work last time; our own accounts are not."""
    await tx.run(
        "INSERT INTO destination (name, due, suspect, errands, busy, allowed, credit, failures, deaths, rest, used,"
        " reason) VALUES ($1, $2, $6, $3, 0, $4, 0, 0, 0, 0, $5, '') ON CONFLICT (name) DO UPDATE"
        " SET errands=destination.errands+excluded.errands, due=CASE WHEN destination.due<=excluded.due"
        " THEN destination.due WHEN excluded.due>destination.rest THEN excluded.due ELSE destination.rest END",
        name, due, n, limit.QUEUE_CONNECTIONS_FIRST, now, int(name != LOCAL),
    )  # fmt: skip


async def meet(tx: Tx, names: Iterable[str]) -> None:
    """Locks these destinations, where they are there, in the order that all keep to; first where several parcels are
    put in at once. Two writes that wait for each other cost a second under PostgreSQL, until one is begun anew."""
    for name in sorted(set(names)):
        await tx.run("UPDATE destination SET used=used WHERE name=$1", name)


# -- reading -------------------------------------------------------------------------------------------------------


ROW = (
    "e.id, e.destination, e.attempts, e.due, e.state, e.reason, e.account, e.localpart, e.domain, e.orcpt, e.notify,"
    " p.id, p.tid, p.sender_localpart, p.sender_domain, p.envelope, p.account, p.message_id, p.size, p.created,"
    " p.expires, p.warn_at, p.errands"
)
JOINED = f"SELECT {ROW} FROM errand e JOIN parcel p ON p.id = e.id >> {NUMBER_BITS}"


def parcel_of(row: Sequence[Any]) -> Parcel:
    """From the second half of ROW."""
    id_, tid, localpart, domain, envelope, account, message_id, size, created, expires, warn_at = row[:11]
    return Parcel(
        id_, tid, read_envelope(localpart, domain, envelope), account, message_id, size, created, expires, warn_at
    )


def errand_of(row: Sequence[Any]) -> Errand:
    """From the first half of ROW."""
    id_, destination, attempts, due, state, reason, account, localpart, domain, orcpt, notify = row[:11]
    recipient = Recipient(Address(localpart, domain), orcpt, read_notify(notify))
    return Errand(id_, id_ >> NUMBER_BITS, recipient, destination, attempts, due, state, read_outcome(reason), account)


async def first_waiting(tx: Tx, name: str, rank: int) -> Row | None:
    """(rank, due) of the first errand that waits and comes behind this rank."""
    return await tx.one(
        "SELECT rank, due FROM errand WHERE destination=$1 AND load=0 AND rank>$2 ORDER BY rank, due LIMIT 1",
        name,
        rank,
    )


async def first_due(tx: Tx, name: str) -> int:
    """When the first of its errands is due, of whatever rank."""
    due, rank = NEVER, -NEVER
    while (first := await first_waiting(tx, name, rank)) is not None:
        rank = first[0]
        due = min(due, first[1])
    return due


async def wake(tx: Tx, name: str) -> None:
    """It is looked at when its first errand is due, or its rest is over."""
    row = await tx.one("UPDATE destination SET due=due WHERE name=$1 RETURNING rest", name)
    if row is not None:
        due = max(row[0], await first_due(tx, name))
        await tx.run("UPDATE destination SET due=$2 WHERE name=$1", name, due)


@value
class Agenda:
    """When there is something to do next: at destinations, at those whose host is not known to work, for clocks, for
    loads that run out. NEVER where there is nothing. until_last: when the last load runs out, 0 where there is none."""

    due: int
    suspect_due: int
    clock: int
    until: int
    until_last: int


async def agenda(tx: Tx) -> Agenda:
    at = "SELECT due FROM destination WHERE suspect=$1 AND busy<allowed ORDER BY due LIMIT 1"
    loads = await tx.one("SELECT min(until), coalesce(max(until), 0) FROM load")
    return Agenda(
        _or_never(await tx.one(at, 0)),
        _or_never(await tx.one(at, 1)),
        _or_never(await tx.one("SELECT min(clock) FROM parcel")),
        _or_never(loads),
        0 if loads is None else loads[1],
    )


def _or_never(row: Row | None) -> int:
    return NEVER if row is None or row[0] is None else row[0]


@dataclass(frozen=True, slots=True)
class Held:
    messages: int
    octets: int


async def held_until_later(tx: Tx, account: int, now: int) -> Held:
    """What is there for this account that is not to go before a time of its own."""
    row = await tx.one(
        "SELECT count(*), coalesce(sum(size), 0) FROM parcel WHERE account=$1 AND released>$2 AND released<>0",
        account, now,
    )  # fmt: skip
    return Held(0, 0) if row is None else Held(int(row[0]), int(row[1]))


async def octets(tx: Tx, parcel: int) -> Octets:
    """As store/blob.py has those of a message."""
    row = await tx.one(
        "SELECT p.prefix, b.head, b.body, b.packing, b.place, p.size FROM parcel p"
        " JOIN blob b ON b.id=p.blob WHERE p.id=$1",
        parcel,
    )
    if row is None:
        raise NoSuchMessage
    return Octets(*row)


async def blob_of(tx: Tx, parcel: int) -> int:
    """Where its octets are, for a message of the same octets."""
    row = await tx.one("SELECT blob FROM parcel WHERE id=$1", parcel)
    if row is None:
        raise NoSuchMessage
    return row[0]  # type: ignore[no-any-return]


async def hold_all(tx: Tx) -> None:
    """After a restore: nobody has claimed anything, and nothing goes out until a person says so."""
    await tx.run("DELETE FROM load")
    await tx.run("UPDATE errand SET load=0, state=$1, due=$2 WHERE state IN (0, 1)", int(State.HELD), NEVER)
    await tx.run("UPDATE errand SET load=0")
    await tx.run("UPDATE destination SET busy=0, due=$1", NEVER)
    for (name,) in await tx.all("SELECT DISTINCT destination FROM errand WHERE state<>$1", int(State.HELD)):
        await wake(tx, name)


async def forget_destinations(tx: Tx, before: int, most: int) -> int:
    """Those that have no errands and were not used since; how many. What was learned about them goes, too."""
    rows = await tx.all(
        f"SELECT name FROM destination WHERE errands=0 AND busy=0 AND used<$1 LIMIT $2{tx.skip_locked('destination')}",
        before, most,
    )  # fmt: skip
    await tx.many("DELETE FROM destination WHERE name=$1", rows)
    return len(rows)
