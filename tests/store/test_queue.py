"""The queue's rows: in with local mail in one commit, claimed by one, settled by who holds the load, never lost."""

from dataclasses import replace

import pytest

from posthaus.mail.address import Address
from posthaus.mail.envelope import DeliverBy, Envelope, Recipient
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import bell, fetch, load, message, postmaster, purge, queue
from posthaus.store.error import NoSuchAccount
from posthaus.store.load import Load, Settled
from posthaus.store.message import Placing
from posthaus.store.queue import NEVER, NewErrand, NewParcel, Pace, State
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, Listener, Storehouse, made_up, person

RELAYED = Outcome(Kind.RELAYED, 250, "2.0.0", "ok", "mx.b.test")
LATER = Outcome(Kind.DEFERRED, 451, "4.3.0", "not now", "mx.b.test", has_dsn=True)
NEVER_MIND = Outcome(Kind.FAILED, 550, "5.1.1", "nobody\nhere", "mx.b.test")
DAY = 86_400
SENDER = Envelope(Address("anna", "a.example"))


def parcel(words: str = "hello", envelope: Envelope = SENDER, tid: str = "t1", warn_at: int = NOW + 100) -> NewParcel:
    return NewParcel(made_up(words, prefix=b"Received: x\r\n"), envelope, tid, 7, NOW + DAY, warn_at)


def errand(name: str = "bob", destination: str = "mx/b.test", due: int = NOW, account: int = 0) -> NewErrand:
    domain = destination.partition("/")[2] or "a.example"
    return NewErrand(Recipient(Address(name, domain)), destination, due, account)


async def put(store: Store, *errands: NewErrand, envelope: Envelope = SENDER, words: str = "hello") -> int:
    return await store.write(queue.enqueue, parcel(words, envelope), errands or (errand(),), NOW)


async def take(
    store: Store, now: int = NOW, loads: int = 10, most: int = 50, *, owner: str = "w/1", suspects: bool | None = None
) -> list[Load]:
    """None: of any destination."""
    found: list[Load] = []
    for which in (False, True) if suspects is None else (suspects,):
        left = loads - len(found)
        found += await store.write(load.claim, owner, now, now + 600, left, most, suspects=which)
    return found


def names(claimed: Load) -> list[str]:
    return [e.recipient.address.localpart for claim in claimed.claims for e in claim.errands]


def same(pace: Pace) -> Pace:
    return pace


async def settle(
    store: Store,
    claimed: Load,
    outcome: Outcome | None,
    due: int = 0,
    now: int = NOW,
    *,
    ends: bool = True,
    is_told: bool = False,
) -> bool:
    results = [Settled(e, outcome, due) for claim in claimed.claims for e in claim.errands]

    async def act(tx: Tx) -> bool:
        if not await load.renew(tx, claimed.id, now + 600):
            return False
        told = [claim.parcel.id for claim in claimed.claims if is_told]
        await load.settle(tx, claimed, results, now, same, ends=ends, told=told)
        return True

    return await store.write(act)


async def count(tx: Tx, table: str) -> int:
    row = await tx.one(f"SELECT count(*) FROM {table}")
    return 0 if row is None else int(row[0])


# -- in ------------------------------------------------------------------------------------------------------------


async def test_everything_that_was_said_comes_out_again(store: Store) -> None:
    envelope = Envelope(
        Address("änna b", "a.example"), "BINARYMIME", 123, True, "HDRS", b"id+2B\xff", True, NOW + 5,
        DeliverBy(90, "R", True), 3,
    )  # fmt: skip
    recipient = Recipient(Address("bo b", "[192.0.2.1]"), b"rfc822;b\xff", frozenset({"SUCCESS", "DELAY"}))
    number = await store.write(
        queue.enqueue, parcel("words", envelope), [NewErrand(recipient, "mx/[192.0.2.1]", NOW)], NOW
    )
    (one,) = await take(store)
    (claim,) = one.claims
    assert claim.parcel == queue.Parcel(
        number, "t1", envelope, 7, "1@a.example", claim.parcel.size, NOW, NOW + DAY, NOW + 100
    )
    (it,) = claim.errands
    assert it == queue.Errand(number << 16, number, recipient, "mx/[192.0.2.1]", 0, NOW, queue.State.WAITING, None)
    octets = await store.read(queue.octets, number)
    assert octets.whole() == b"Received: x\r\nSubject: words\r\n\r\nwords\r\n"
    assert octets.size == claim.parcel.size == len(octets.whole())


async def test_the_null_reverse_path(store: Store) -> None:
    await put(store, envelope=Envelope(None))
    (one,) = await take(store)
    assert one.claims[0].parcel.envelope == Envelope(None)


async def test_local_and_foreign_recipients_share_their_octets(store: Store) -> None:
    anna = await person(store, "anna")
    content = made_up(prefix=b"Return-Path: <>\r\n")
    placing = Placing(anna.id, anna.inbox, 0)
    (placed,) = await store.write(queue.send, content, [placing], parcel(), [errand()], NOW)
    assert placed.uid == 1
    assert await store.read(count, "blob") == 1
    (one,) = await take(store)
    await settle(store, one, RELAYED)
    assert await store.read(count, "parcel") == 0
    assert await store.read(fetch.one, anna.inbox, 1, ("body",)) == (b"hello\r\n",)


async def test_octets_outlive_the_message_that_shares_them(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(queue.send, made_up(), [Placing(anna.id, anna.inbox, 0)], parcel(), [errand()], NOW)
    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW, only_deleted=False)
    assert await store.write(purge.emails, NOW + 1, 100) == 1
    assert (await store.read(count, "message"), await store.read(count, "blob")) == (0, 1)
    (one,) = await take(store)
    assert (await store.read(queue.octets, one.claims[0].parcel.id)).body == b"hello\r\n"
    await settle(store, one, RELAYED)
    assert [await store.read(count, table) for table in ("blob", "errand", "load")] == [0, 0, 0]


async def test_a_write_that_fails_keeps_nothing(store: Store) -> None:
    with pytest.raises(NoSuchAccount):
        await store.write(queue.send, made_up(), [Placing(99, 99, 0)], parcel(), [errand()], NOW)
    assert [await store.read(count, table) for table in ("parcel", "errand", "destination", "blob")] == [0, 0, 0, 0]


async def test_a_bell_rings_for_other_workers(house: Storehouse) -> None:
    one, other = await house.open(), await house.open()
    listener = Listener(other, bell.QUEUE)
    await put(one)
    await listener.hear()
    listener.close()


# -- claims --------------------------------------------------------------------------------------------------------


async def test_an_errand_is_claimed_once_and_settled_by_its_holder(house: Storehouse) -> None:
    one, other = await house.open(), await house.open()
    await put(one)
    (mine,) = await take(one)
    assert await take(other) == []
    assert not await other.write(load.renew, mine.id + 1, NOW + 600)
    assert await settle(one, mine, RELAYED)
    assert not await settle(one, mine, RELAYED)  # the load has ended
    assert await take(other) == []


async def test_deferred_comes_again_when_it_is_due(store: Store) -> None:
    await put(store)
    (mine,) = await take(store)
    await settle(store, mine, LATER, NOW + 300)
    assert await take(store, NOW + 299) == []
    assert (await store.read(queue.agenda)).suspect_due == NOW + 300
    (again,) = await take(store, NOW + 300)
    it = again.claims[0].errands[0]
    assert (it.attempts, it.reason) == (1, LATER)
    await settle(store, again, NEVER_MIND)
    assert await store.read(count, "parcel") == 0


async def test_what_was_not_tried_counts_no_attempt(store: Store) -> None:
    await put(store)
    (mine,) = await take(store)
    await settle(store, mine, None, NOW + 5)
    (again,) = await take(store, NOW + 5)
    assert again.claims[0].errands[0].attempts == 0
    await settle(store, again, RELAYED)


async def test_a_load_has_one_destination_and_whole_parcels(store: Store) -> None:
    await put(store, *[errand(f"b{n}") for n in range(4)], errand("carl", "mx/c.test", NOW - 1))
    await put(store, errand("b4"))
    first, second = sorted(await take(store, loads=2), key=lambda one: one.destination)
    assert (first.destination, second.destination) == ("mx/b.test", "mx/c.test")
    assert names(first) == ["b0", "b1", "b2", "b3"]  # a fifth of five would be one, but the parcel stays whole
    (third,) = await take(store)
    assert names(third) == ["b4"]
    await settle(store, first, RELAYED)
    assert await store.read(count, "parcel") == 2
    for rest in (second, third):
        await settle(store, rest, RELAYED)
    assert await store.read(count, "parcel") == 0


async def test_connections_share_what_there_is(store: Store) -> None:
    for n in range(20):
        await put(store, errand(f"b{n}"))
    loads = await take(store)
    assert [len(names(one)) for one in loads] == [4, 5, 7, 4]  # of what the counter says, claimed ones with it


async def test_no_more_connections_than_are_allowed(store: Store) -> None:
    for n in range(300):
        await put(store, errand(f"b{n}"))
    loads = await take(store, most=10)
    assert [len(names(one)) for one in loads] == [10] * 5
    assert await take(store) == []
    assert (await store.read(queue.agenda)).suspect_due == NEVER  # nothing can be done before one of them ends
    await settle(store, loads[0], RELAYED)
    assert (await store.read(queue.agenda)).suspect_due <= NOW
    (more,) = await take(store, most=10)
    assert more.destination == "mx/b.test"


async def test_a_load_goes_on_with_what_is_there(store: Store) -> None:
    for n in range(3):
        await put(store, errand(f"b{n}"))
    (mine, *_) = await take(store, loads=1, most=1)
    await settle(store, mine, RELAYED, ends=False)
    more = await store.write(load.claim_more, mine, NOW, 50)
    assert [e.recipient.address.localpart for claim in more for e in claim.errands] == ["b1"]
    mine = replace(mine, claims=more)
    await settle(store, mine, RELAYED, ends=False)
    more = await store.write(load.claim_more, mine, NOW, 50)
    await settle(store, replace(mine, claims=more), RELAYED)
    assert await store.read(count, "load") == 0


async def test_higher_priority_goes_first_among_what_is_due(store: Store) -> None:
    for name, priority, due in (("low", -4, NOW - 9), ("usual", 0, NOW - 5), ("high", 6, NOW), ("late", 9, NOW + 50)):
        await put(store, errand(name, due=due), envelope=Envelope(None, priority=priority))
    order = [names(one) for one in await take(store, most=1)]
    assert order == [["high"], ["usual"], ["low"]]
    assert (await store.read(queue.agenda)).suspect_due == NOW + 50


async def test_what_is_held_for_later_release_waits(store: Store) -> None:
    await put(store, errand(due=NOW + 1_000))
    assert await take(store) == []
    assert (await store.read(queue.agenda)).suspect_due == NOW + 1_000
    await put(store, errand("now"))  # the same destination, and due
    (mine,) = await take(store)
    assert names(mine) == ["now"]


async def test_two_workers_share_a_long_queue(house: Storehouse) -> None:
    one, other = await house.open(), await house.open()
    for n in range(40):
        await put(one, errand(f"n{n}", f"mx/{n}.test"))
    mine, theirs = await take(one, loads=20), await take(other, loads=40)
    seen = [name for it in mine + theirs for name in names(it)]
    assert sorted(seen) == sorted(f"n{n}" for n in range(40))


# -- what dies -----------------------------------------------------------------------------------------------------


async def test_the_load_of_a_dead_worker_runs_out(store: Store) -> None:
    await put(store)
    (mine,) = await take(store)
    assert (await store.read(queue.agenda)).until == NOW + 600
    assert await store.read(load.out_of_time, NOW + 599, NOW + 600) == []
    (seen,) = await store.read(load.out_of_time, NOW + 600, NOW + 600)
    assert await store.write(load.free_silent, [(seen[0], seen[1] - 1)]) == 0  # it was renewed meanwhile
    assert await store.write(load.free_silent, [seen]) == 1
    assert not await settle(store, mine, RELAYED)
    (again,) = await take(store, NOW + 600)
    assert names(again) == ["bob"]


async def test_an_heir_frees_at_once_what_a_worker_held(store: Store) -> None:
    await put(store, errand("b"), errand("c", "mx/c.test"))
    (mine,) = await take(store, loads=1, owner="node/1/x")
    (theirs,) = await take(store, owner="node/12/x")
    assert await store.read(load.owners) == ["node/1/x", "node/12/x"]
    assert await store.write(load.free_worker, "node/1/") == 1
    assert not await settle(store, mine, RELAYED)
    assert await settle(store, theirs, RELAYED)
    (again,) = await take(store)
    assert names(again) == names(mine)


# -- the clock -----------------------------------------------------------------------------------------------------


async def overdue(store: Store, now: int) -> Load | None:
    return await store.write(load.claim_overdue, "w/1", now, now + 600, 50)


async def test_the_clock_rings_for_the_warning_and_for_the_end(store: Store) -> None:
    await put(store, errand("b"), errand("c", "mx/c.test", NOW + 1_000))
    for late in await take(store):
        await settle(store, late, LATER, NOW + 2_000)
    assert await overdue(store, NOW + 99) is None
    ringing = await overdue(store, NOW + 100)
    assert ringing is not None
    assert names(ringing) == ["b", "c"]
    assert [e.due for e in ringing.claims[0].errands] == [NOW + 2_000, NOW + 1_000]
    assert await overdue(store, NOW + 100) is None
    assert await settle(store, ringing, None, NOW + DAY - 1_000, NOW + 100, is_told=True)
    assert (await store.read(queue.agenda)).clock == NOW + DAY
    end = await overdue(store, NOW + DAY)
    assert end is not None
    assert end.claims[0].parcel.warn_at == 0
    await settle(store, end, NEVER_MIND, now=NOW + DAY)
    assert [await store.read(count, table) for table in ("parcel", "blob", "load")] == [0, 0, 0]


async def test_the_clock_of_a_worker_that_died_rings_again(store: Store) -> None:
    await put(store)
    assert await overdue(store, NOW + 100) is not None
    await store.write(load.free_worker, "w/1")
    again = await overdue(store, NOW + 700)
    assert again is not None
    assert again.claims[0].parcel.warn_at == NOW + 100


async def test_a_clock_that_a_person_set_meanwhile_rings(store: Store) -> None:
    """Given back while the delay is being told: it does not wait for the end of its days."""
    await put(store)
    ringing = await overdue(store, NOW + 100)
    assert ringing is not None
    await store.write(postmaster.act, postmaster.Act.RETURN, postmaster.Which(), 0, 10, NOW + 101)
    assert await settle(store, ringing, None, NOW + 1_000, NOW + 102, is_told=True)
    assert (await store.read(queue.agenda)).clock == NOW + 101
    again = await overdue(store, NOW + 103)
    assert again is not None
    assert (again.claims[0].parcel.warn_at, again.claims[0].errands[0].state) == (0, State.RETURNED)


async def test_the_warning_waits_for_errands_on_their_way(store: Store) -> None:
    await put(store)
    (mine,) = await take(store)
    ringing = await overdue(store, NOW + 100)
    assert ringing is not None
    assert ringing.claims == ()
    await settle(store, mine, LATER, NOW + 900)
    ringing = await overdue(store, NOW + 100 + 60)
    assert ringing is not None
    assert names(ringing) == ["bob"]


# -- destinations --------------------------------------------------------------------------------------------------


async def pace_of(store: Store, claimed: Load, outcome: Outcome, pace: Pace) -> None:
    """All of it ends so, and that is what it means for the destination."""

    async def act(tx: Tx) -> None:
        await load.renew(tx, claimed.id, NOW + 600)
        results = [Settled(e, outcome, NOW + 9) for claim in claimed.claims for e in claim.errands]
        await load.settle(tx, claimed, results, NOW, lambda _: pace, ends=True)

    await store.write(act)


async def test_whose_host_has_never_been_tried_is_suspect_until_it_works(store: Store) -> None:
    await put(store, errand("bob"), errand("ben", queue.LOCAL, account=1))
    (mine,) = await take(store, suspects=False)
    assert mine.destination == queue.LOCAL
    (mine,) = await take(store, suspects=True)
    assert mine.destination == "mx/b.test" and mine.is_suspect
    await pace_of(store, mine, RELAYED, Pace(credit=1))
    await put(store, errand("bea"))
    (mine,) = await take(store, suspects=False)
    assert mine.destination == "mx/b.test" and not mine.is_suspect


async def test_what_has_just_come_may_be_claimed_before_what_waits(store: Store) -> None:
    """The newest first, and nothing of a destination that is being tried or has failed."""

    async def newest(loads: int) -> list[Load]:
        return await store.write(load.claim, "w", NOW + 9, NOW + 99, loads, 1, suspects=True, since=NOW)

    for n in range(3):
        await put(store, errand("old", f"mx/old{n}.test", NOW - 1), errand("new", f"mx/new{n}.test", NOW + n))
    await put(store, errand("bob", due=NOW + 9), errand("ben", due=NOW + 9))
    (bob,) = await newest(1)
    assert bob.destination == "mx/b.test"
    assert [one.destination for one in await newest(1)] == ["mx/new2.test"]
    await pace_of(store, bob, LATER, Pace(4, failures=1))
    assert [one.destination for one in await newest(10)] == ["mx/new1.test", "mx/new0.test"]
    left = await take(store, NOW + 9, suspects=True)
    assert {one.destination for one in left} == {"mx/b.test", *(f"mx/old{n}.test" for n in range(3))}


async def test_pace_is_kept_with_the_destination(store: Store) -> None:
    for n in range(3):
        await put(store, errand(f"b{n}"))
    (mine, *_) = await take(store, loads=1, most=1)
    down = Outcome(Kind.DEFERRED, text="no answer", blames_host=True)

    async def fails(tx: Tx) -> None:
        await load.renew(tx, mine.id, NOW + 600)
        results = [Settled(e, down, NOW + 50) for claim in mine.claims for e in claim.errands]
        await load.settle(tx, mine, results, NOW, lambda _: Pace(1, 0, 1, 1, NOW + 900), ends=True)

    await store.write(fails)
    assert await take(store, NOW + 899) == []
    await put(store, errand("new"))  # as long as it rests, new ones rest, too
    agenda = await store.read(queue.agenda)
    assert (agenda.due, agenda.suspect_due) == (NEVER, NOW + 900)
    assert await take(store, NOW + 900, suspects=False) == []
    (probe,) = await take(store, NOW + 900, suspects=True)
    assert probe.is_suspect

    async def works(tx: Tx) -> None:
        await load.renew(tx, probe.id, NOW + 600)
        results = [Settled(e, RELAYED) for claim in probe.claims for e in claim.errands]
        await load.settle(tx, probe, results, NOW, lambda _: Pace(2), ends=True)

    await store.write(works)
    assert len(await take(store, NOW + 900)) <= 2


async def test_destinations_that_were_not_used_for_long_are_forgotten(store: Store) -> None:
    await put(store)
    await put(store, errand("c", "mx/c.test"))
    (mine, _) = await take(store)
    await settle(store, mine, RELAYED)
    assert await store.write(queue.forget_destinations, NOW, 100) == 0
    assert await store.write(queue.forget_destinations, NOW + 1, 100) == 1
    await put(store)
    (again,) = await take(store)
    assert again.destination == "mx/b.test"
