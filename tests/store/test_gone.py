"""Bitmaps of what is gone, against sets."""

import random

import pytest

from posthaus.mail.uidset import from_sorted
from posthaus.store import gone, mailbox
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import person

CHUNK = gone.CHUNK


def _bits(*positions: int) -> bytes:
    return sum(1 << p for p in positions).to_bytes(CHUNK // 8, "little")


@pytest.mark.parametrize(
    ("uidnext", "chunks", "expected"),
    [
        (1, [], []),
        (2, [], [(1, 1)]),
        (10, [(0, _bits(1))], [(2, 9)]),
        (10, [(0, _bits(*range(1, 10)))], []),
        (10, [(0, _bits(3, 5))], [(1, 2), (4, 4), (6, 9)]),
        (CHUNK + 10, [(0, _bits(CHUNK - 1))], [(1, CHUNK - 2), (CHUNK, CHUNK + 9)]),
        (CHUNK + 10, [(1, _bits(0))], [(1, CHUNK - 1), (CHUNK + 1, CHUNK + 9)]),
        (3 * CHUNK, [(1, _bits(*range(CHUNK)))], [(1, CHUNK - 1), (2 * CHUNK, 3 * CHUNK - 1)]),
    ],
)
def test_present(uidnext: int, chunks: list[tuple[int, bytes]], expected: list[tuple[int, int]]) -> None:
    assert gone.present(uidnext, chunks) == expected


async def test_marks_against_a_set(store: Store) -> None:
    anna = await person(store, "anna")
    chance = random.Random(7)
    uidnext = 4 * CHUNK + 77
    there = set(range(1, uidnext))
    for width in (1, 1, 5, 100, CHUNK, 2 * CHUNK, 3):
        ranges = sorted((a, min(a + width - 1, uidnext - 1)) for a in chance.sample(range(1, uidnext), 3))
        await store.write(gone.mark, anna.inbox, ranges)
        for a, b in ranges:
            there -= set(range(a, b + 1))
        assert gone.present(uidnext, await store.read(mailbox.gone, anna.inbox)) == from_sorted(sorted(there))
    await store.write(_unmark, anna.inbox)


async def _unmark(tx: Tx, box: int) -> None:
    await tx.run("DELETE FROM gone WHERE mailbox=$1", box)  # nothing was ever there, as the last check would say
