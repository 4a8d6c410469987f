"""The index is made beside the mail, catches up after a stop, and drops what is gone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from posthaus.base import limit
from posthaus.flow.index import Indexer
from posthaus.mail.casemap import casemap
from posthaus.mail.prepare import prepare
from posthaus.mail.text import Text
from posthaus.store import blob, message, purge, textsource
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.message import Content, Placing
from posthaus.store.store import Store, open_text_index
from posthaus.store.textindex import TextIndex
from posthaus.testing.clock import JumpClock
from posthaus.testing.storehouse import NOW, Person, Storehouse, person


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "blobs")


@pytest.fixture
async def index(house: Storehouse, store: Store) -> AsyncIterator[TextIndex]:
    opened = await open_text_index(house.url, house.folder)
    await opened.clear()
    assert await opened.own()
    yield opened
    await opened.close()


async def _keep(store: Store, anna: Person, words: str, outside: int = 0) -> None:
    octets = f"Subject: about {words}\r\n\r\ntext of {words}\r\n".encode()
    p = prepare(octets)
    body = b"" if outside else octets[p.head_octets :]
    content = Content(p, b"", octets[: p.head_octets], body, blob.PLAIN, outside)
    await store.write(message.deliver, content, [Placing(anna.id, anna.inbox, 0)], NOW)


async def _found(index: TextIndex, anna: Person, needle: str) -> int:
    needle = casemap(needle)
    return len((await index.candidates(anna.id, [needle])).messages[needle])


async def test_all_is_taken_in(store: Store, blobs: DiskBlobs, index: TextIndex) -> None:
    anna = await person(store, "anna")
    indexer = Indexer(store, blobs, index, JumpClock(NOW, frozen=True))
    assert await indexer.round() == 0
    most = limit.INDEX_PIECE * 2 + 3
    for number in range(most):
        await _keep(store, anna, f"number {number}!")
    assert await indexer.round() == most
    assert await indexer.round() == 0
    assert await _found(index, anna, "text of number") == most
    assert await _found(index, anna, "number 7!") == 1
    await _keep(store, anna, "later")
    assert await indexer.round() == 1
    assert await _found(index, anna, "later") == 1


async def test_what_is_in_is_not_taken_in_again_after_a_stop(
    house: Storehouse, store: Store, blobs: DiskBlobs, index: TextIndex
) -> None:
    """Under PostgreSQL the number up to which all is in lags behind; what is in beyond is known all the same."""
    anna = await person(store, "anna")
    clock = JumpClock(NOW, frozen=True)
    await _keep(store, anna, "one")
    assert await Indexer(store, blobs, index, clock).round() == 1
    await _keep(store, anna, "two")
    later = Indexer(store, blobs, index, clock)
    assert await later.round() == 1
    last = (await store.read(textsource.ids, 0, 9))[-1]
    assert await index.upto() == (last if house.kind == "sqlite" else 0)
    clock.jump(limit.INDEX_LATE_S + 1)
    assert await later.round() == 0
    assert await index.upto() == last


async def test_few_long_texts_are_in_memory_together(
    store: Store, blobs: DiskBlobs, index: TextIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two do not fit, each is a piece of its own; all are taken in."""
    monkeypatch.setattr(limit, "INDEX_PIECE_CHARACTERS", 300)
    anna = await person(store, "anna")
    for number in range(5):
        await _keep(store, anna, f"{number} and on and on" * (1 + 20 * (number % 2)))
    indexer = Indexer(store, blobs, index, JumpClock(NOW, frozen=True))
    assert await indexer.round() == 5
    assert await indexer.round() == 0
    assert await _found(index, anna, "and on and on") == 5


async def test_a_huge_text_is_not_even_decoded(
    store: Store, blobs: DiskBlobs, index: TextIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "INDEX_TEXT_OCTETS", 1_000)
    monkeypatch.setattr(Text, "whole", property(lambda _: pytest.fail("it is decoded")))
    anna = await person(store, "anna")
    await _keep(store, anna, "much " * 1_000)
    assert await Indexer(store, blobs, index, JumpClock(NOW, frozen=True)).round() == 1
    assert (await index.candidates(anna.id, ["MUCH"])).messages["MUCH"]  # read by every search


async def test_begun_anew_by_somebody_else(store: Store, blobs: DiskBlobs, index: TextIndex) -> None:
    anna = await person(store, "anna")
    indexer = Indexer(store, blobs, index, JumpClock(NOW, frozen=True))
    for words in ("one", "two"):
        await _keep(store, anna, words)
    assert await indexer.round() == 2
    await index.clear()
    assert await indexer.round() == 2
    assert await _found(index, anna, "text of") == 2


async def test_octets_outside_and_texts_too_long(
    store: Store, blobs: DiskBlobs, index: TextIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await person(store, "anna")
    body = b"text of outside\r\n"
    outside = await store.write(blob.begin, "outside", 43, 26, NOW)
    await blobs.write("outside", iter([body]))
    await _keep(store, anna, "outside", outside)
    indexer = Indexer(store, blobs, index, JumpClock(NOW, frozen=True))
    assert await indexer.round() == 1
    assert await _found(index, anna, "text of outside") == 1
    monkeypatch.setattr(limit, "INDEX_TEXT_CHARACTERS", 100)
    await _keep(store, anna, "a long story " * 20)
    assert await indexer.round() == 1
    first, second = await store.read(textsource.ids, 0, 9)
    assert list(await index.texts([first, second])) == [first]
    assert await _found(index, anna, "no such words") == 1  # whoever looks must read it


async def test_what_is_gone_is_taken_out(store: Store, blobs: DiskBlobs, index: TextIndex) -> None:
    anna = await person(store, "anna")
    clock = JumpClock(NOW, frozen=True)
    indexer = Indexer(store, blobs, index, clock)
    for words in ("staying", "going"):
        await _keep(store, anna, words)
    await indexer.round()
    await store.write(message.expunge, anna.id, anna.inbox, [(2, 2)], NOW, only_deleted=False)
    await store.write(purge.emails, NOW + 1, 10)
    assert await indexer.clean() == 0  # not every time
    clock.jump(limit.INDEX_CLEAN_S)
    assert await indexer.clean() == 1
    assert await _found(index, anna, "going") == 0
    assert await _found(index, anna, "staying") == 1


class Busy:
    """A store into which a message comes each time that somebody looks whether one has come."""

    def __init__(self, store: Store, anna: Person, coming: int) -> None:
        self._store = store
        self._anna = anna
        self.coming = coming
        self.coming_when_taken: list[int] = []

    async def read(self, fn: Any, *args: Any) -> Any:
        if fn is textsource.last and self.coming:
            self.coming -= 1
            await _keep(self._store, self._anna, f"coming {self.coming}!")
        return await self._store.read(fn, *args)

    async def scan(self, fn: Any, *args: Any) -> Any:
        self.coming_when_taken.append(self.coming)
        return await self._store.scan(fn, *args)


async def _waited_for(store: Store, blobs: DiskBlobs, index: TextIndex) -> list[int]:
    """A round while six more messages come: for each reading of messages, how many were still to come."""
    anna = await person(store, "anna")
    await _keep(store, anna, "there before")
    busy = Busy(store, anna, 6)
    indexer = Indexer(cast(Store, busy), blobs, index, JumpClock(NOW, frozen=True))
    assert await indexer.round() == 7
    return busy.coming_when_taken


async def test_what_comes_in_goes_first(
    store: Store, blobs: DiskBlobs, index: TextIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "REST_AGAIN_S", 0.0)
    assert set(await _waited_for(store, blobs, index)) == {0}


async def test_but_the_index_does_not_wait_for_ever(
    store: Store, blobs: DiskBlobs, index: TextIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "INDEX_PATIENCE_S", 0.0)
    assert (await _waited_for(store, blobs, index))[0] == 4
