"""Lines by templates against a format for each."""

import random

import pytest

from posthaus.serve.imap import flagline
from posthaus.serve.imap.view import FlagText

TEXT = FlagText({10: "$Label", 11: "100%"})


def plain(numbers: range | list[int], uids: range | list[int] | None, inner: list[bytes]) -> bytes:
    if uids is None:
        return b"".join(b"* %d FETCH (FLAGS (%b))\r\n" % row for row in zip(numbers, inner, strict=True))
    return b"".join(b"* %d FETCH (UID %d FLAGS (%b))\r\n" % row for row in zip(numbers, uids, inner, strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_neighbours(seed: int) -> None:
    rnd = random.Random(seed)
    number = rnd.choice((1, rnd.randrange(1, 300), rnd.randrange(1, 10**9)))
    uid = number + rnd.choice((0, 100, 2_000, rnd.randrange(10**9)))
    count = rnd.choice((0, 1, 19, 20, 99, 100, 101, rnd.randrange(3_000)))
    flags = [rnd.choice((0, 1, 3, 1 << 10, 3 << 10)) for _ in range(count)]
    numbers, uids = range(number, number + count), range(uid, uid + count)
    inner = flagline.texts(TEXT, flags, uids, 0)
    assert inner == [TEXT[f] for f in flags]
    assert flagline.lines(numbers, uids, inner) == plain(numbers, uids, inner)
    assert flagline.lines(list(numbers), None, inner) == plain(numbers, None, inner)


@pytest.mark.parametrize("seed", range(20))
def test_gaps(seed: int) -> None:
    rnd = random.Random(seed)
    uids = sorted(rnd.sample(range(1, 5_000), 1_000))
    numbers = sorted(rnd.sample(range(1, 2_000), 1_000))
    inner = [rnd.choice((b"", b"\\Seen")) for _ in uids]
    assert flagline.lines(numbers, uids, inner) == plain(numbers, uids, inner)
    assert flagline.lines(numbers, None, inner) == plain(numbers, None, inner)
    assert flagline.lines(range(1, 1_001), uids, inner) == plain(range(1, 1_001), uids, inner)


@pytest.mark.parametrize("recent_from", [1, 10, 12, 14, 15])
def test_recent(recent_from: int) -> None:
    found = flagline.texts(TEXT, [0, 1, 0, 1, 1], range(10, 15), recent_from)
    assert found == [
        (b"\\Seen" if seen else b"") + (b" " if seen and uid >= recent_from else b"") * 1
        + (b"\\Recent" if uid >= recent_from else b"")
        for seen, uid in zip([0, 1, 0, 1, 1], range(10, 15), strict=True)
    ]  # fmt: skip
