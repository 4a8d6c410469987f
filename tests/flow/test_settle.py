"""Settling while the store fails: what a host has taken is not sent again, and what is owed is told once."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from tests.flow.test_queue import BUSY, DOWN, NOBODY, NOW, OK, Office, make_office

from posthaus.base import limit
from posthaus.base.error import Trouble
from posthaus.mail.outcome import Outcome
from posthaus.store import postmaster, queue
from posthaus.store.error import StoreBusy, StoreDown, StoreFull
from posthaus.store.postmaster import Act, Which
from posthaus.store.queue import Errand, Parcel
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import person

Fails = Callable[[str, tuple[Any, ...]], Trouble | None]


class Fitful:
    """A store that fails as the test says: before a function of this name runs, or once its write was kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.before: Fails = lambda name, args: None
        self.after: Fails = lambda name, args: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self._run(self._store.write, fn, args, kwargs)

    async def read(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self._run(self._store.read, fn, args, kwargs)

    async def _run(self, run: Any, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if (trouble := self.before(fn.__name__, args)) is not None:
            raise trouble
        result = await run(fn, *args, **kwargs)
        if (trouble := self.after(fn.__name__, args)) is not None:
            raise trouble
        return result


def once(name: str, trouble: Trouble) -> Fails:
    """The first of this name."""
    left = [trouble]
    return lambda called, args: left.pop() if called == name and left else None


@pytest.fixture
async def fitful(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Office, Fitful]]:
    monkeypatch.setattr(limit, "QUEUE_SETTLE_AGAIN_S", 0.0)
    fails = Fitful(store)
    made = await make_office(cast(Store, fails), tmp_path, await person(store, "anna"))
    made.network.answer = _answer
    made.runner.start()
    yield made, fails
    await made.runner.stop(0)


def _answer(_parcel: Parcel, errand: Errand) -> Outcome:
    return NOBODY if errand.recipient.address.localpart == "nobody" else OK


async def _both(office: Office) -> None:
    """Two messages that one connection carries; one arrives, one is nobody's."""
    await office.put("bob", due=NOW + 1)
    await office.put("nobody", due=NOW + 1)
    await office.site.store.write(_one_connection)
    await office.later(1)


async def _one_connection(tx: Tx) -> None:
    await tx.run("UPDATE destination SET allowed=1")


async def test_a_notification_that_cannot_be_made_just_now(fitful: tuple[Office, Fitful]) -> None:
    office, store = fitful

    def fails(name: str, args: tuple[Any, ...]) -> Trouble | None:
        # the octets are read once for each to be sent, and then for the notification
        return broken(name, args) if len(office.network.sent) == 2 else None

    broken = once(queue.octets.__name__, StoreDown())
    store.before = fails
    await _both(office)
    await office.left(0)
    assert sorted(office.network.sent) == ["bob@b.test", "nobody@b.test"]
    assert len(await office.inbox()) == 1


async def test_a_notification_that_can_never_be_made(
    fitful: tuple[Office, Fitful], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, _ = fitful

    async def breaks(*_args: object) -> None:
        raise UnicodeDecodeError("ascii", b"\xff", 0, 1, "ours")

    monkeypatch.setattr("posthaus.flow.bounce.prepare", breaks)
    await _both(office)
    await office.left(0)
    assert sorted(office.network.sent) == ["bob@b.test", "nobody@b.test"]
    assert [line for line in office.lines if "queue.report-defect" in line]


async def test_a_full_disk_that_takes_nothing_at_all(fitful: tuple[Office, Fitful]) -> None:
    office, store = fitful
    full = [StoreFull("no space"), StoreBusy(), StoreFull("no space"), StoreFull("no space")]
    store.before = lambda name, args: full.pop() if name == "_commit" and full else None
    await _both(office)
    await office.left(0)
    assert sorted(office.network.sent) == ["bob@b.test", "nobody@b.test"]
    assert len(await office.inbox()) == 1


@pytest.mark.parametrize("at_a_time", [1, limit.QUEUE_SETTLE_PARCELS])
async def test_a_commit_that_was_kept_though_nobody_heard_of_it(
    fitful: tuple[Office, Fitful], monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    office, store = fitful
    monkeypatch.setattr(limit, "QUEUE_SETTLE_PARCELS", at_a_time)
    office.network.answer = lambda parcel, errand: (
        BUSY if errand.recipient.address.localpart == "busy" and errand.attempts == 0 else _answer(parcel, errand)
    )
    store.after = once("_commit", StoreDown())
    await office.put("nobody", "busy", due=NOW + 1)
    await _both(office)
    await office.left(1)
    assert len(await office.inbox()) == 2
    await office.later(limit.QUEUE_RETRY_FIRST_S)
    await office.left(0)
    assert sorted(office.network.sent) == ["bob@b.test", "busy@b.test", "busy@b.test", *["nobody@b.test"] * 2]
    assert await office.site.store.read(_parcels) == 0


async def test_a_clock_that_is_not_answered_for_long_is_ours(fitful: tuple[Office, Fitful]) -> None:
    """Its load is renewed as those are that go somewhere; the sender is told once."""
    office, store = fitful
    is_busy = True
    store.before = lambda name, args: StoreBusy() if is_busy and name == "_commit" else None
    await office.put("bob", due=NOW + 9_000, warn_at=100)
    await office.later(100)
    await office.until(lambda: _is_told(office, "queue.not-settled"))
    await office.later(limit.QUEUE_LEASE_S + 1)
    await office.until(lambda: _renewed(office))
    is_busy = False
    await office.quiet()
    assert len(await office.inbox()) == 1
    assert not await _is_told(office, "queue.load-lost")


async def test_a_delay_is_told_once_though_an_errand_was_held_and_released(fitful: tuple[Office, Fitful]) -> None:
    """Released while the delay is being told, it is on its way when that is settled."""
    office, store = fitful
    is_busy = True
    store.before = lambda name, args: StoreBusy() if is_busy and name == "_commit" else None
    office.network.answer = lambda _parcel, _errand: BUSY
    await office.put("bob", "ben", due=NOW + 9_000, warn_at=100)
    ben = Which(localpart="ben")
    await office.site.store.write(postmaster.act, Act.HOLD, ben, 0, 10, NOW)
    await office.later(100)
    await office.until(lambda: _is_told(office, "queue.not-settled"))
    office.network.gate.clear()
    await office.site.store.write(postmaster.act, Act.RELEASE, ben, 0, 10, NOW + 100)
    await office.sent(1)
    is_busy = False
    await office.until(lambda: _is_told(office, "queue.warned"))
    office.network.gate.set()
    await office.left(2)
    await office.later(limit.QUEUE_CLOCK_AGAIN_S)
    await office.quiet()
    (notice,) = await office.inbox()
    assert b"Action: delayed" in notice and b"bob@b.test" in notice


async def test_what_nobody_waits_for_is_settled_one_after_the_other(fitful: tuple[Office, Fitful]) -> None:
    """A hundred hosts that do not answer must not fill the store's next commit: mail that comes in waits for it."""
    office, store = fitful
    running = most = 0

    def begins(name: str, args: tuple[Any, ...]) -> None:
        nonlocal running, most
        running += name == "_commit"
        most = max(most, running)

    def ends(name: str, args: tuple[Any, ...]) -> None:
        nonlocal running
        running -= name == "_commit"

    store.before, store.after = begins, ends
    office.network.unreachable = {f"mx/d{n}.test": DOWN for n in range(30)}
    await office.put(*[f"r@d{n}.test" for n in range(30)], due=NOW + 1)
    await office.later(1)
    await office.until(lambda: _all_tried(office))
    assert most == 1


async def _all_tried(office: Office) -> bool:
    return await office.site.store.read(_untried) == 0


async def _untried(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM errand WHERE attempts=0 OR load<>0")
    assert row is not None
    return int(row[0])


async def _is_told(office: Office, words: str) -> bool:
    return any(words in line for line in office.lines)


async def _renewed(office: Office) -> bool:
    """The look that follows has been."""
    return (await office.site.store.read(queue.agenda)).until > office.clock.now()


async def _parcels(tx: Tx) -> int:
    row = await tx.one("SELECT count(*) FROM parcel")
    assert row is not None
    return int(row[0])
