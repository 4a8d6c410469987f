"""The index of texts, on both drivers: candidates, texts, who adds, and beginning anew."""

from collections.abc import AsyncIterator

import pytest

from posthaus.store import message, textsource
from posthaus.store.message import Placing
from posthaus.store.store import Store, open_text_index
from posthaus.store.textindex import Entry, NoIndex, TextIndex
from posthaus.testing.storehouse import NOW, Storehouse, made_up, person

DIVIDER = "\0"


@pytest.fixture
async def index(house: Storehouse, store: Store) -> AsyncIterator[TextIndex]:
    opened = await open_text_index(house.url, house.folder)
    await opened.clear()
    yield opened
    await opened.close()


async def _kept(store: Store, *names: str) -> tuple[list[int], list[int]]:
    """Accounts; and messages: one for each of them alone, then one for all, then two of which no text is kept."""
    people = [await person(store, name) for name in names]
    for group in (*([one] for one in people), people, people, people):
        await store.write(message.deliver, made_up(), [Placing(one.id, one.inbox, 0) for one in group], NOW)
    return [one.id for one in people], await store.read(textsource.ids, 0, 9)


def _text(head: str, *bodies: str) -> str:
    return DIVIDER.join([head, *bodies])


async def test_candidates(store: Store, index: TextIndex) -> None:
    (anna, ben), (first, second, third, *_) = await _kept(store, "anna", "ben")
    await index.add(
        [
            Entry(first, (anna,), _text("subject: hello", "a body with words")),
            Entry(second, (ben,), _text("subject: hello", "another body")),
            Entry(third, (anna, ben), _text("subject: größe", "日本語の本文", '50%_\\ off "now" o\'clock')),
        ],
        third,
    )
    assert await index.upto() == third

    async def found(account: int, needle: str) -> set[int]:
        candidates = await index.candidates(account, [needle])
        assert candidates.upto == third and list(candidates.messages) == [needle]
        return set(candidates.messages[needle])

    assert await found(anna, "hello") == {first}
    assert await found(ben, "hello") == {second}
    assert await found(anna, "body with") == {first}
    assert await found(anna, "another") == set()
    for needle in ("größe", "本語の本", "50%_\\ off", '"now"', "o'clock", "subject: gr"):
        assert await found(anna, needle) == await found(ben, needle) == {third}, needle
    assert await found(anna, "x" * 10_000) == set()
    assert (await index.candidates(anna, [])).messages == {}
    several = await index.candidates(anna, ["hello", "größe", "nowhere"])
    assert several.messages == {"hello": {first}, "größe": {third}, "nowhere": set()}


async def test_texts_come_back_as_they_were(store: Store, index: TextIndex) -> None:
    (anna,), (one, two, three, _) = await _kept(store, "anna")
    whole = _text("head", "one", "two\n" * 5_000)
    await index.add(
        [Entry(one, (anna,), whole), Entry(two, (anna,), None), Entry(three, (anna,), _text("", ""))], three
    )
    assert await index.texts([one, two, three, three + 1]) == {one: whole, three: DIVIDER}
    assert await index.texts(list(range(three + 1, three + 3_000))) == {}
    # what is too long to be kept is always a candidate
    assert (await index.candidates(anna, ["nowhere"])).messages == {"nowhere": {two}}


async def test_added_again_forgotten_and_begun_anew(store: Store, index: TextIndex) -> None:
    (anna,), (one, two, *_) = await _kept(store, "anna")
    await index.add([Entry(one, (anna,), _text("", "first"))], one)
    await index.add([Entry(one, (anna,), _text("", "second")), Entry(two, (anna,), _text("", "third"))], two)
    found = (await index.candidates(anna, ["first", "second", "third"])).messages
    assert found == {"first": set(), "second": {one}, "third": {two}}
    assert await index.kept(0, 10) == [one, two]
    assert await index.kept(one, 10) == [two] and await index.kept(0, 1) == [one]
    await index.forget([one])
    assert (await index.candidates(anna, ["second", "third"])).messages == {"second": set(), "third": {two}}
    assert await index.kept(0, 10) == [two]
    await index.clear()
    assert (await index.upto(), await index.kept(0, 10)) == (0, [])
    assert (await index.candidates(anna, ["third"])).messages == {"third": set()}


async def test_one_of_all_adds(house: Storehouse, index: TextIndex) -> None:
    one, other = [await open_text_index(house.url, house.folder) for _ in range(2)]
    assert await one.own() and await one.own()
    assert not await other.own()
    await one.add([Entry(1, (1,), _text("", "words"))], 1)
    assert await other.upto() == 1  # all of them read
    await one.close()
    assert await other.own()
    await other.close()


async def test_a_file_that_is_none_is_made_anew(house: Storehouse, store: Store) -> None:
    if house.kind != "sqlite":
        pytest.skip("a file of SQLite's")
    (house.folder / "index.db").write_bytes(b"this is no database, " * 1_000)
    opened = await open_text_index(house.url, house.folder)
    assert await opened.upto() == 0
    await opened.add([Entry(1, (1,), _text("", "words"))], 1)
    assert await opened.texts([1])
    await opened.close()


async def test_none() -> None:
    none = NoIndex()
    assert not await none.own()
    assert (await none.candidates(1, ["words"])).upto == 0
    assert await none.texts([1]) == {} and await none.kept(0, 9) == []
    await none.forget([1])
    await none.clear()
    await none.close()
