"""Sets of UIDs in few questions."""

import pytest

from posthaus.mail.uidset import Ranges
from posthaus.store import message, span
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, made_up, person


@pytest.mark.parametrize(
    ("ranges", "groups"),
    [
        ([], []),
        ([(1, 5)], [[(1, 5)]]),
        ([(1, 5), (37, 37)], [[(1, 5), (37, 37)]]),
        ([(1, 5), (38, 38)], [[(1, 5)], [(38, 38)]]),
        ([(1, 1), (30, 30), (60, 60), (100, 200)], [[(1, 1), (30, 30), (60, 60)], [(100, 200)]]),
    ],
)
def test_near(ranges: Ranges, groups: list[Ranges]) -> None:
    assert list(span.near(ranges)) == groups


async def test_placed(store: Store) -> None:
    anna = await person(store, "anna")
    await store.write(message.deliver, made_up(), [Placing(anna.id, anna.inbox, i % 2) for i in range(50)], NOW)

    async def uids(ranges: Ranges, where: str = "") -> list[int]:
        return [row[0] & span.UID for row in await store.read(span.placed, anna.inbox, ranges, "flags", where)]

    assert await uids([(2, 3), (7, 7), (45, 99)]) == [2, 3, 7, 45, 46, 47, 48, 49, 50]
    assert await uids([(2, 3), (7, 7), (45, 99)], " AND flags & 1 = 0") == [3, 7, 45, 47, 49]
    assert await uids([(1, 1), (50, 0xFFFFFFFF)]) == [1, 50]
    assert await uids([(60, 70)]) == []
