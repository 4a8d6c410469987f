"""The map of message numbers and UIDs against a plain list."""

import random

import pytest

from posthaus.mail.uidset import from_sorted
from posthaus.serve.imap.uidmap import UidMap


def model_of(uids: UidMap) -> list[int]:
    return [uids.uid(n) for n in range(1, len(uids) + 1)]


@pytest.mark.parametrize("seed", range(20))
def test_against_a_list(seed: int) -> None:
    rnd = random.Random(seed)
    model = sorted(rnd.sample(range(1, 200), rnd.randrange(0, 120)))
    uids = UidMap(from_sorted(model))
    highest = 200
    for _ in range(60):
        assert len(uids) == len(model)
        assert model_of(uids) == model
        assert uids.ranges() == from_sorted(model)
        assert uids.last_uid == (model[-1] if model else 0)
        for uid in range(highest + 2):
            assert uids.number(uid) == (model.index(uid) + 1 if uid in model else 0)
            assert uids.count_from(uid) == sum(u >= uid for u in model)
        some = sorted(rnd.sample(range(1, highest + 5), 30))
        assert list(uids.numbers_of(some)) == [model.index(u) + 1 for u in some if u in model]
        mixed = rnd.sample(model, len(model) // 2)
        assert uids.numbers_in_order(mixed) == [model.index(u) + 1 for u in mixed]
        span = range(some[3], some[20])
        assert list(uids.numbers_of(span)) == [model.index(u) + 1 for u in span if u in model]
        spans = from_sorted(some)
        assert [
            u for number, low, high in uids.pieces(spans) for u in range(low, high + 1) if uids.number(low) == number
        ] == [u for u in some if u in model]
        if model:
            numbers = from_sorted(sorted(rnd.sample(range(1, len(model) + 1), rnd.randrange(1, len(model) + 1))))
            asked = [n for a, b in numbers for n in range(a, b + 1)]
            assert [u for a, b in uids.uids_of(numbers) for u in range(a, b + 1)] == [model[n - 1] for n in asked]
        if rnd.random() < 0.5:
            out = sorted(rnd.sample(range(1, highest + 1), rnd.randrange(0, 12)))
            gone = uids.remove(from_sorted(out))
            assert [n for a, b in gone for n in range(a, b + 1)] == [model.index(u) + 1 for u in out if u in model]
            model = [u for u in model if u not in out]
        else:
            first = highest + rnd.randrange(1, 3)
            last = first + rnd.randrange(0, 4)
            uids.add(first, last)
            model += range(first, last + 1)
            highest = last
