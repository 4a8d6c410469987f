"""What a person can do with the queue, on what waits and on what is on its way."""

from posthaus.base import limit
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import bell, load, postmaster, queue, record
from posthaus.store.load import Load, Settled
from posthaus.store.postmaster import Act, Which
from posthaus.store.queue import NEVER, NewErrand, NewParcel, Pace, State
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Listener, made_up

LATER = Outcome(Kind.DEFERRED, 451, "4.3.0", "not now", "mx.b.test")
DOWN = Outcome(Kind.DEFERRED, 0, "4.4.1", "no answer", blames_host=True)
DAY = 86_400


async def put(store: Store, tid: str, *addresses: str, account: int = 1) -> int:
    errands = []
    for one in addresses:
        local, _, domain = one.partition("@")
        errands.append(NewErrand(Recipient(Address(local, domain)), f"mx/{domain}", NOW))
    parcel = NewParcel(made_up(tid), Envelope(Address("anna", "a.example")), tid, account, NOW + DAY, 0)
    return await store.write(queue.enqueue, parcel, errands, NOW)


async def do(store: Store, what: Act, which: Which, now: int = NOW) -> int:
    done = after = 0
    while True:
        n, after = await store.write(postmaster.act, what, which, after, 2, now)
        done += n
        if not after:
            return done


async def states(store: Store, which: Which = Which()) -> dict[str, State]:  # noqa: B008
    listed = await store.read(postmaster.listing, which, 0, 100)
    return {str(one.errand.recipient.address): State(one.errand.state) for one in listed}


async def take(store: Store, now: int = NOW, *, suspects: bool = True) -> list[Load]:
    return await store.write(load.claim, "w", now, now + 600, 10, 50, suspects=suspects)


async def settle(store: Store, it: Load, outcome: Outcome | None, pace: Pace | None = None) -> None:
    async def act(tx: Tx) -> None:
        results = [Settled(e, outcome, NOW + 300) for claim in it.claims for e in claim.errands]
        assert await load.renew(tx, it.id, NOW + 600)
        await load.settle(tx, it, results, NOW, lambda before: pace or before, ends=True)

    await store.write(act)


async def overdue(store: Store, now: int = NOW) -> dict[str, int]:
    found = await store.write(load.claim_overdue, "w", now, now + 600, 50)
    if found is None:
        return {}
    await store.write(load.free_worker, "w")
    return {str(e.recipient.address): e.state for claim in found.claims for e in claim.errands}


async def test_what_is_looked_for_is_found(store: Store) -> None:
    first = await put(store, "t1", "bob@b.test", "ben@b.test", "carl@c.test")
    await put(store, "t2", "bob@b.test", account=2)

    async def count(which: Which) -> int:
        return len(await store.read(postmaster.listing, which, 0, 100))

    assert await count(Which()) == 4
    assert await count(Which(tid="t1")) == await count(Which(parcel=first)) == 3
    assert await count(Which(errand=(first << 16) + 1)) == 1
    assert await count(Which(destination="mx/b.test")) == await count(Which(domain="b.test")) == 3
    assert await count(Which(localpart="bob", domain="b.test")) == 2
    assert await count(Which(account=2)) == 1
    assert await count(Which(state=State.HELD)) == 0
    one, two = await store.read(postmaster.listing, Which(), 0, 2)
    assert [x.errand.recipient.address.localpart for x in (one, two)] == ["bob", "ben"]
    assert [x.parcel.tid for x in await store.read(postmaster.listing, Which(), two.errand.id, 9)] == ["t1", "t2"]


async def test_counts(store: Store) -> None:
    await put(store, "t1", "bob@b.test", "ben@b.test", "carl@c.test")
    await do(store, Act.HOLD, Which(localpart="ben"))
    (busy, _) = await take(store)
    found = await store.read(postmaster.counts)
    assert [(c.destination, c.errands, c.held, c.claimed, c.oldest) for c in found] == [
        ("mx/b.test", 2, 1, 1, NOW), ("mx/c.test", 1, 0, 1, NOW),
    ]  # fmt: skip
    await settle(store, busy, DOWN, Pace(1, 0, 0, 1, NOW + 300))
    (first, _) = await store.read(postmaster.counts)
    assert (first.rest, first.allowed, first.reason, first.due) == (NOW + 300, 1, DOWN, NOW + 300)


async def test_hold_and_release(store: Store) -> None:
    await put(store, "t1", "bob@b.test", "ben@b.test", "bert@b.test")
    assert await do(store, Act.HOLD, Which(destination="mx/b.test")) == 3
    assert set((await states(store)).values()) == {State.HELD}
    assert await take(store) == []
    assert await do(store, Act.HOLD, Which()) == 0
    assert await overdue(store, NOW + 2 * DAY) == {}  # what is held does not grow old
    assert await do(store, Act.RELEASE, Which(localpart="bob"), NOW + 2 * DAY) == 1
    assert await overdue(store, NOW + 2 * DAY + limit.QUEUE_LAST_CHANCE_S - 1) == {}  # it is to be tried once more
    assert await overdue(store, NOW + 2 * DAY + limit.QUEUE_LAST_CHANCE_S) == {"bob@b.test": State.WAITING}
    kinds = [entry.kind for entry in await store.read(record.of_transaction, "t1", NOW, NOW + 2 * DAY)]
    assert kinds == [record.Kind.HELD] * 3 + [record.Kind.RELEASED]


async def test_released_before_its_own_time(store: Store) -> None:
    """RFC 4865 §4.2: what its sender wanted held until a time is not let go before it."""
    later = NOW + 7_200
    for tid, hold_until in (("t1", None), ("t2", later), ("t3", NOW + 5)):
        envelope = Envelope(Address("anna", "a.test"), hold_until=hold_until)
        parcel = NewParcel(made_up(), envelope, tid, 1, NOW + DAY, 0)
        errand = NewErrand(Recipient(Address("bob", "b.test")), "mx/b.test", hold_until or NOW)
        await store.write(queue.enqueue, parcel, [errand], NOW)
    assert await do(store, Act.HOLD, Which()) == 3
    assert await do(store, Act.RELEASE, Which(), NOW + 60) == 3
    found = await store.read(postmaster.listing, Which(), 0, 9)
    assert [(one.parcel.tid, one.errand.due) for one in found] == [("t1", NOW + 60), ("t2", later), ("t3", NOW + 60)]
    taken = await take(store, NOW + 60)
    assert [claim.parcel.tid for it in taken for claim in it.claims] == ["t1", "t3"]


async def test_what_is_on_its_way_is_held_when_it_comes_back(store: Store) -> None:
    await put(store, "t1", "bob@b.test")
    (it,) = await take(store)
    assert await do(store, Act.HOLD, Which()) == 1
    await settle(store, it, LATER)
    (one,) = await store.read(postmaster.listing, Which(), 0, 9)
    assert (one.errand.state, one.errand.due) == (State.HELD, NEVER)
    await do(store, Act.RELEASE, Which(), NOW + 5)
    assert len(await take(store, NOW + 5)) == 1


async def test_retry_ends_the_rest_of_a_destination(store: Store) -> None:
    await put(store, "t1", "bob@b.test")
    (it,) = await take(store)
    await settle(store, it, DOWN, Pace(1, 0, 0, 1, NOW + 900))
    assert await take(store, NOW + 300, suspects=True) == []
    listener = Listener(store, bell.QUEUE)
    assert await do(store, Act.RETRY, Which(destination="mx/b.test"), NOW + 10) == 1
    await listener.hear()
    listener.close()
    (it,) = await take(store, NOW + 10, suspects=True)
    assert await do(store, Act.RETRY, Which(), NOW + 10) == 0  # it is being tried
    await settle(store, it, LATER)


async def test_drop(store: Store) -> None:
    await put(store, "t1", "bob@b.test", "carl@c.test")
    await put(store, "t2", "ben@b.test")
    (it,) = [one for one in await take(store) if one.destination == "mx/c.test"]
    assert await do(store, Act.DROP, Which()) == 3
    assert it is not None
    assert set((await states(store)).values()) <= {State.DROPPED}
    await store.write(load.free_worker, "w")
    assert set((await overdue(store, NOW + 600)).values()) == {State.DROPPED}


async def test_drop_of_what_waits_leaves_nothing(store: Store) -> None:
    await put(store, "t1", "bob@b.test", "carl@c.test")
    await do(store, Act.HOLD, Which(localpart="bob"))
    assert await do(store, Act.DROP, Which(tid="t1")) == 2
    assert await states(store) == {}
    row = await store.read(_blobs)
    assert row == 0


async def _blobs(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM blob")
    return 0 if row is None else int(row[0])


async def test_given_back_rings_the_clock_at_once(store: Store) -> None:
    await put(store, "t1", "bob@b.test", "carl@c.test")
    await do(store, Act.HOLD, Which(localpart="bob"))
    assert await do(store, Act.RETURN, Which(localpart="bob")) == 1
    assert (await store.read(queue.agenda)).clock == NOW
    assert await overdue(store) == {"bob@b.test": State.RETURNED, "carl@c.test": State.WAITING}
