"""Octets outside: pending, live, to be unlinked; a crash at any point leaves at worst a row."""

from pathlib import Path

import pytest

from posthaus.store import blob, fetch, message, purge
from posthaus.store.drivers.disk import DiskBlobs
from posthaus.store.error import NoSuchMessage, StoreDown
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import NOW, made_up, person

BODY = b"0123456789" * 100


async def _states(tx: Tx) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await tx.all("SELECT place, state FROM blob ORDER BY id")]


async def _sweep(store: Store, outside: DiskBlobs, before: int) -> int:
    found = await store.write(blob.unnamed, before, 100)
    for _, key in found:
        await outside.remove(key)
    await store.write(blob.forget, [b for b, _ in found])
    return len(found)


async def test_the_life_of_octets_outside(store: Store, tmp_path: Path) -> None:
    anna = await person(store, "anna")
    outside = DiskBlobs(tmp_path / "blobs")
    content = made_up(body=BODY)
    size, head = content.prepared.size_octets, content.prepared.head_octets
    pending = await store.write(blob.begin, "k1", size, head, NOW)
    await outside.write("k1", iter([BODY[:10], BODY[10:]]))
    assert await _sweep(store, outside, NOW) == 0  # young enough
    content = made_up(body=BODY, blob=pending)
    await store.write(message.append, content, Placing(anna.id, anna.inbox, 0), NOW, NOW)
    assert await store.read(_states) == [("k1", blob.LIVE)]
    assert await _sweep(store, outside, NOW + 10_000) == 0
    row = await store.read(fetch.one, anna.inbox, 1, ("place", "head_size", "body", "message"))
    assert row is not None and row[:3] == ("k1", head, b"")
    assert (await store.read(blob.octets, row[3])).place == "k1"
    assert await outside.read("k1", 5, 25) == BODY[5:25]

    await store.write(message.expunge, anna.id, anna.inbox, [(1, 1)], NOW, only_deleted=False)
    assert await store.write(purge.emails, NOW + 1, 10) == 1
    assert await store.read(_states) == [("k1", blob.UNLINK)]
    with pytest.raises(NoSuchMessage):
        await store.read(blob.octets, row[3])
    assert await store.read(blob.octets_of, [row[3]]) == {}
    assert await _sweep(store, outside, NOW) == 1
    assert await store.read(_states) == []
    with pytest.raises(StoreDown):
        await outside.read("k1", 0, 1)


async def test_a_writer_that_died(store: Store, tmp_path: Path) -> None:
    outside = DiskBlobs(tmp_path / "blobs")
    await store.write(blob.begin, "before-the-octets", 10, 0, NOW)
    await store.write(blob.begin, "after-the-octets", 10, 0, NOW)
    await outside.write("after-the-octets", iter([b"x"]))
    assert await _sweep(store, outside, NOW + 1) == 2
    assert await store.read(_states) == []
    assert [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()] == []


async def test_a_sweep_that_died_between_octets_and_row(store: Store, tmp_path: Path) -> None:
    outside = DiskBlobs(tmp_path / "blobs")
    await store.write(blob.begin, "k", 10, 0, NOW)
    assert [key for _, key in await store.write(blob.unnamed, NOW + 1, 10)] == ["k"]
    assert await store.read(_states) == [("k", blob.UNLINK)]
    assert await _sweep(store, outside, 0) == 1
    assert await store.read(_states) == []


async def test_octets_that_were_pending_for_too_long_are_not_named(store: Store) -> None:
    anna = await person(store, "anna")
    late = await store.write(blob.begin, "k", 10, 0, NOW)
    await store.write(blob.unnamed, NOW + 1, 10)
    for which in (late, 4711):
        with pytest.raises(StoreDown):
            await store.write(message.append, made_up(blob=which), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    await store.write(blob.forget, [late])
    assert await store.read(_states) == []


async def test_packing_of_old_bodies(store: Store) -> None:
    anna = await person(store, "anna")
    bodies = [b"word " * 500, bytes(range(200)), b""]
    for body in bodies:
        await store.write(message.append, made_up(body=body), Placing(anna.id, anna.inbox, 0), NOW, NOW)
    last = await store.read(blob.last)
    assert await store.read(blob.unpacked, last + 1, last + 9, 10) == []
    rows = await store.read(blob.unpacked, 1, last, 10)
    assert [(created, body) for _, created, body in rows] == [(NOW, body) for body in bodies]
    assert await store.read(blob.unpacked, 1, last, 2) == rows[:2]
    await store.write(blob.put_packed, [(b, *blob.pack(body)) for b, _, body in rows])
    assert await store.read(blob.unpacked, 1, last, 10) == []
    packed = await store.read(fetch.placements, anna.inbox, 1, 9, ("body", "packing"), 9)
    assert [packing for _, packing in packed] == [blob.ZSTD, blob.UNPACKABLE, blob.UNPACKABLE]
    assert [blob.unpack(body, packing) for body, packing in packed] == bodies
    for (_, _, m), body in zip(await store.read(fetch.listing, anna.inbox), bodies, strict=True):
        assert (await store.read(blob.octets, m)).whole().endswith(b"\r\n\r\n" + body)
