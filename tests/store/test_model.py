"""Many random operations against a model of sets and dictionaries, and a reader who knows the book of changes only."""

import random
from dataclasses import dataclass, field

import pytest

from posthaus.mail.uidset import Ranges, from_sorted, iterate, normalise
from posthaus.mail.uidset import parse as parse_set
from posthaus.store import account, change, fetch, flag, mailbox, message, purge
from posthaus.store.gone import present
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.store.tx import Tx
from posthaus.store.verify import verify
from posthaus.testing.storehouse import NOW, Person, made_up, person

FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"]
KEYWORDS = ["red", "green", "blue"]
STEPS = 200
SIZE = made_up("0000").size_octets


@dataclass
class Mail:
    message: int  # which of all messages ever made
    flags: frozenset[str]


@dataclass
class Box:
    """What one mailbox should be."""

    id: int
    mails: dict[int, Mail] = field(default_factory=dict)
    uidnext: int = 1

    def add(self, mail: Mail) -> int:
        self.mails[self.uidnext] = mail
        self.uidnext += 1
        return self.uidnext - 1


class Model:
    """One account with some mailboxes, done to the store and to dictionaries alike."""

    def __init__(self, store: Store, who: Person, chance: random.Random) -> None:
        self.store = store
        self.who = who
        self.chance = chance
        self.boxes = {"INBOX": Box(who.inbox)}
        self.made = 0
        self.now = NOW
        self.follower = Follower(who.id)

    def some_box(self) -> Box:
        return self.chance.choice(list(self.boxes.values()))

    def some_uids(self, box: Box) -> Ranges:
        """Scattered or not, with UIDs that are gone or have not come yet."""
        top = box.uidnext + 2
        kind = self.chance.randrange(4)
        if kind == 0:
            return [(1, top)]
        if kind == 1:
            return from_sorted(sorted(self.chance.sample(range(1, top), self.chance.randrange(1, top))))
        starts = [self.chance.randrange(1, top) for _ in range(kind)]
        return normalise((a, a + self.chance.randrange(5)) for a in starts)

    def some_flags(self) -> tuple[int, tuple[str, ...], frozenset[str]]:
        bits = self.chance.randrange(32)
        keywords = tuple(k for k in KEYWORDS if self.chance.random() < 0.3)
        return bits, keywords, _names(bits) | set(keywords)

    # -- steps -----------------------------------------------------------------------------------------------------

    async def append(self) -> None:
        box = self.some_box()
        bits, keywords, names = self.some_flags()
        placing = Placing(self.who.id, box.id, bits, keywords)
        content = made_up(f"{self.made:04}")
        if self.chance.random() < 0.5:
            placed = await self.store.write(message.append, content, placing, self.now, self.now)
            assert placed.uid == box.add(Mail(self.made, names))
        else:
            other = self.some_box()
            both = [placing, Placing(self.who.id, other.id, 0)] if other is not box else [placing]
            placings = await self.store.write(message.deliver, content, both, self.now)
            expected = [box.add(Mail(self.made, names))]
            if other is not box:
                expected.append(other.add(Mail(self.made, frozenset())))
            assert [p.uid for p in placings] == expected
        self.made += 1

    async def copy(self) -> None:
        source, target = self.some_box(), self.some_box()
        move = self.chance.random() < 0.5
        uids = self.some_uids(source)
        found = [u for u in iterate(uids) if u in source.mails]
        args = self.who.id, source.id, uids, target.id, self.now
        copied = await self.store.write(message.copy, *args, move=move)
        made = [target.add(Mail(source.mails[u].message, source.mails[u].flags)) for u in found]
        if move:
            for u in found:
                del source.mails[u]
        assert (copied.source, copied.target) == (found, made)

    async def expunge(self) -> None:
        box = self.some_box()
        uids, only = self.some_uids(box), self.chance.random() < 0.7
        found = [u for u in iterate(uids) if u in box.mails and (not only or "\\Deleted" in box.mails[u].flags)]
        args = self.who.id, box.id, uids, self.now
        _, gone = await self.store.write(message.expunge, *args, only_deleted=only)
        for u in found:
            del box.mails[u]
        assert gone == found

    async def flags(self) -> None:
        box = self.some_box()
        uids = self.some_uids(box)
        bits, keywords, names = self.some_flags()
        mode = self.chance.choice(list(flag.Mode))
        found = [u for u in iterate(uids) if u in box.mails]
        args = self.who.id, box.id, uids, flag.Edit(mode, bits, keywords), self.now
        stored = await self.store.write(flag.store, *args)
        assert list(stored.uids) == found
        for u in found:
            old = box.mails[u].flags
            new = {flag.Mode.ADD: old | names, flag.Mode.REMOVE: old - names, flag.Mode.REPLACE: names}[mode]
            box.mails[u] = Mail(box.mails[u].message, new)

    async def boxes_come_and_go(self) -> None:
        name = self.chance.choice(["a", "b", "a/c"])
        if name in self.boxes:
            await self.store.write(mailbox.remove, self.who.id, name, self.now)
            del self.boxes[name]
            return
        made = await self.store.write(mailbox.create, self.who.id, name, "", self.now)
        self.boxes[name] = Box(made)
        for box in await self.store.read(mailbox.listing, self.who.id):  # a superior may have been made, too
            if box.state == mailbox.OPEN:
                self.boxes.setdefault(box.name, Box(box.id))

    async def purge(self) -> None:
        before = self.now - self.chance.randrange(20)
        await self.store.write(purge.removed_mailboxes, self.now, 5)
        await self.store.write(purge.emails, before, 5)
        await self.store.write(purge.tombstones, before - 20, 5)
        await self.store.write(purge.changes, NOW - 1, 5)

    async def step(self) -> None:
        self.now += 1
        steps = [self.append, self.append, self.copy, self.copy, self.expunge, self.flags, self.flags]
        if self.chance.random() < 0.1:
            steps = [self.boxes_come_and_go, self.purge]
        await self.chance.choice(steps)()

    # -- what must be true -----------------------------------------------------------------------------------------

    async def check(self) -> None:
        await self.store.read(self._check)

    async def _check(self, tx: Tx) -> None:
        for name, box in self.boxes.items():
            row = await mailbox.find(tx, self.who.id, name)
            names = await mailbox.keywords(tx, row.id)
            placed = await fetch.placements(tx, row.id, 1, 0xFFFFFFFF, ("uid", "flags", "subject"), 10_000)
            found = {uid: Mail(int(subject), _names(bits, names)) for uid, bits, subject in placed}
            assert found == box.mails
            assert (row.id, row.uidnext, row.total) == (box.id, box.uidnext, len(found))
            assert row.unseen == sum("\\Seen" not in m.flags for m in found.values())
            assert row.deleted == sum("\\Deleted" in m.flags for m in found.values())
            assert row.size == SIZE * len(found)
            assert present(row.uidnext, await mailbox.gone(tx, row.id)) == from_sorted(sorted(found))
            unseen = [u for u, m in sorted(found.items()) if "\\Seen" not in m.flags]
            assert await mailbox.first_unseen(tx, row) == (unseen[0] if unseen else None)
        await self.follower.follow(tx)
        followed = self.follower.boxes
        assert {b.id: {u: m.flags for u, m in b.mails.items()} for b in self.boxes.values()} == {
            b.id: followed.get(b.id, {}) for b in self.boxes.values()
        }


class Follower:
    """A reader who asks the book what changed, and looks at nothing else but that."""

    def __init__(self, who: int) -> None:
        self.who = who
        self.modseq = 0
        self.boxes: dict[int, dict[int, frozenset[str]]] = {}

    async def follow(self, tx: Tx) -> None:
        for entry in await change.since(tx, self.who, self.modseq):
            box = self.boxes.setdefault(entry.mailbox, {})
            uids = list(iterate(parse_set(entry.uids))) if entry.uids else []
            if entry.kind == change.Kind.GONE:
                for uid in uids:
                    box.pop(uid, None)
            elif entry.kind in (change.Kind.ADDED, change.Kind.FLAGS):
                names = await mailbox.keywords(tx, entry.mailbox)
                for uid in uids:
                    row = await fetch.one(tx, entry.mailbox, uid, ("flags",))
                    if row is not None:
                        box[uid] = _names(row[0], names)
        self.modseq = await account.modseq(tx, self.who)


def _names(bits: int, keywords: dict[int, str] | None = None) -> frozenset[str]:
    known = {**dict(enumerate(FLAGS)), **(keywords or {})}
    return frozenset(name for bit, name in known.items() if bits >> bit & 1)


@pytest.mark.parametrize("seed", range(4))
async def test_many_steps(store: Store, seed: int) -> None:
    model = Model(store, await person(store, "anna"), random.Random(seed))
    for i in range(STEPS):
        await model.step()
        if i % 8 == 0:
            await model.check()
        if i % 40 == 0:
            assert await store.read(verify) == []
    await model.check()
