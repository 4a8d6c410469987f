"""UIDBATCHES: equal parts, the same whichever are asked for, and not told twice."""

import random
from itertools import pairwise

import pytest

from posthaus.base import limit
from posthaus.mail.uidset import from_sorted
from posthaus.serve.imap.batches import batches
from posthaus.serve.imap.uidmap import UidMap
from posthaus.testing.imaphouse import ImapHouse

MAIL = b"Subject: x\r\n\r\ntext\r\n"


@pytest.mark.parametrize("seed", range(20))
def test_parts_of_mailboxes_with_gaps(seed: int) -> None:
    rnd = random.Random(seed)
    there = sorted(rnd.sample(range(1, 3_000), rnd.randrange(0, 1_500)))
    size = rnd.randrange(1, 400)
    parts = batches(UidMap(from_sorted(there)), size)
    counts = [len([uid for uid in there if low <= uid <= high]) for high, low in parts]
    assert sum(counts) == len(there)
    assert all(count == size for count in counts[:-1]) and all(0 < count <= size for count in counts)
    assert len(parts) == -(-len(there) // size)
    if parts:
        assert parts[0][0] == there[-1] and parts[-1][1] == 1
        assert all(low == high + 1 for (_, low), (high, _) in pairwise(parts))


def test_the_size_of_the_mailbox_is_one_part() -> None:
    assert batches(UidMap([(5, 9)]), 5) == [(9, 1)]
    assert batches(UidMap([(1, 2)]), 1) == [(2, 2), (1, 1)]
    assert batches(UidMap([]), 5) == []


async def test_parts_by_number(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "IMAP_BATCH_FEWEST", 2)
    client = await house.login()
    for _ in range(5):
        await client.append("INBOX", MAIL)
    await client.ok("SELECT INBOX")
    assert await client.ok("UIDBATCHES 2") == ['* UIDBATCHES (TAG "t8") 5:4,3:2,1:1']
    assert await client.ok("UIDBATCHES 2 2:3") == ['* UIDBATCHES (TAG "t9") 3:2,1:1']
    assert await client.ok("UIDBATCHES 2 3:9") == ['* UIDBATCHES (TAG "t10") 1:1']
    assert await client.ok("ENABLE UIDONLY") == ["* ENABLED UIDONLY"]
    assert await client.ok("UIDBATCHES 4") == ['* UIDBATCHES (TAG "t12") 5:2,1:1']


async def test_again_when_enough_has_come_or_gone(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "IMAP_BATCH_FEWEST", 2)
    monkeypatch.setattr(limit, "IMAP_BATCHES_ASKED", 2)
    client = await house.login()
    for _ in range(6):
        await client.append("INBOX", MAIL)
    await client.ok("SELECT INBOX")
    await client.ok("UIDBATCHES 4")
    await client.ok("UID SEARCH RETURN (SAVE) UID 1")
    for removed in (1, 2):
        assert (await client.do("UIDBATCHES 4"))[-1].startswith("NO [LIMIT]")
        await client.ok(f"UID STORE {removed} +FLAGS.SILENT (\\Deleted)")
        await client.ok("EXPUNGE")
    assert (await client.do("UIDBATCHES 4"))[-1].startswith("NO [LIMIT]")  # two are not more than half of four
    await client.ok("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    assert (await client.ok("UIDBATCHES 4"))[0].endswith(" 6:1")
    for _ in range(3):
        await client.append("INBOX", MAIL)
    assert (await client.ok("UIDBATCHES 4"))[0].endswith(" 9:6,5:1")
    assert (await client.ok("UIDBATCHES 3"))[0].endswith(" 9:7,6:1")
    assert (await client.do("UIDBATCHES 2"))[-1].startswith("NO [LIMIT]")  # another question, but there were many
