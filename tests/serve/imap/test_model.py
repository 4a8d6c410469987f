"""Sessions against a model: many random commands from several clients, and what each of them must then believe.

All look at the same mailboxes: sessions of their owner or, in some plays, of members too, to whom they are another's
and who have a \\Seen of their own there. `Box` is the truth in dictionaries. A `Mirror` is what a client makes of the
responses it hears, by the RFCs. After each command the truth is compared with STATUS, and the mirrors with the truth.
"""

import random
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from posthaus.base import limit
from posthaus.flow.sortfact import Keeper
from posthaus.mail import uidset
from posthaus.store import sortfact
from posthaus.testing.imaphouse import Client, ImapHouse, imap_house
from posthaus.testing.storehouse import Databases, databases

__all__ = ["databases"]

BEGIN = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Junk", "own")
WORDS = ("alpha", "beta", "gamma", "delta")
OWNER, BEN, CLEO = "anna@example.test", "ben@example.test", "cleo@example.test"
KINDS = ("plain", "plain", "rev2", "condstore", "qresync", "qresync", "uidonly")
ALONE = tuple((OWNER, kind) for kind in KINDS)
SHARED = (
    (OWNER, "plain"), (OWNER, "qresync"), (BEN, "plain"), (BEN, "qresync"), (BEN, "uidonly"), (CLEO, "rev2"),
    (CLEO, "condstore"),
)  # fmt: skip
BOXES = ("INBOX", "Other")
MOST = 40  # messages in a mailbox before it is emptied rather than filled


# -- the truth -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mail:
    number: int  # of all that were ever made
    word: str
    is_reply: bool
    chain: tuple[int, ...]  # what it answers, the eldest first
    sent: int
    size: int
    flags: frozenset[str] = frozenset()  # without \\Seen
    seen: frozenset[str] = frozenset()  # by whom
    modseq: int = 0
    born: int = 0  # MODSEQ

    def flags_of(self, who: str) -> frozenset[str]:
        return self.flags | {"\\Seen"} if who in self.seen else self.flags

    def with_flags(self, who: str, flags: Iterable[str]) -> "Mail":
        """As one person has set them; its MODSEQ is not known."""
        seen = self.seen | {who} if "\\Seen" in flags else self.seen - {who}
        return replace(self, flags=frozenset(flags) - {"\\Seen"}, seen=seen, modseq=0)

    @property
    def subject(self) -> str:
        return f"Re: {self.word}" if self.is_reply else self.word


@dataclass
class Box:
    name: str
    mails: dict[int, Mail] = field(default_factory=dict)
    dead: dict[int, Mail] = field(default_factory=dict)  # MODSEQ: when it was expunged
    uidnext: int = 1
    validity: int = 0
    highest: int = 0

    def take_in(self, mail: Mail) -> int:
        """Its MODSEQ is known when STATUS has told it."""
        self.mails[self.uidnext] = replace(mail, modseq=0, born=0)
        self.uidnext += 1
        return self.uidnext - 1

    def expunge(self, uids: Iterable[int]) -> None:
        for uid in uids:
            self.dead[uid] = replace(self.mails.pop(uid), modseq=0)

    def learn(self, highest: int) -> None:
        """What changed in the last command has the mailbox's new MODSEQ."""
        assert highest >= self.highest
        for mails in (self.mails, self.dead):
            fresh = [uid for uid, mail in mails.items() if not mail.modseq]
            assert not fresh or highest > self.highest
            for uid in fresh:
                mails[uid] = replace(mails[uid], modseq=highest, born=mails[uid].born or highest)
        self.highest = highest


def name_for(who: str, box: Box) -> str:
    """The mailbox's name as somebody says it."""
    return box.name if who == OWNER else f'"Other users/{OWNER}/{box.name}"'


# -- a client ------------------------------------------------------------------------------------------------------


@dataclass
class Mirror:
    """What a client knows. A slot is a message number: its UID, or None until it was told."""

    client: Client
    who: str
    kind: str
    box: Box | None = None
    read_only: bool = False
    has_modseqs: bool = False
    is_idle: bool = False
    was_idle: bool = False  # what it hears was said some while ago
    slots: list[int | None] = field(default_factory=list)
    flags: dict[int, frozenset[str]] = field(default_factory=dict)
    wants_uids: bool = True  # no FETCH without UID is under way
    highest: int = 0  # up to here it has heard of everything
    heard_modseq: int = 0
    told: list[tuple[int, str]] = field(default_factory=list)  # (UID, response) of FETCHes since the last command

    @property
    def known(self) -> list[int]:
        return [uid for uid in self.slots if uid is not None]

    @property
    def is_certain(self) -> bool:
        return None not in self.slots

    def flags_of(self, uid: int) -> frozenset[str]:
        """As they are, for this client."""
        assert self.box is not None
        return (self.box.mails.get(uid) or self.box.dead[uid]).flags_of(self.who)

    def alive(self, uids: Iterable[int]) -> list[int]:
        assert self.box is not None
        return sorted(set(uids) & set(self.known) & self.box.mails.keys())

    # -- responses -------------------------------------------------------------------------------------------------

    def hear(self, lines: Iterable[str], *, may_expunge: bool = True) -> None:
        self.told.clear()
        for line in lines:
            if found := re.fullmatch(r"\* (\d+) EXISTS", line):
                assert int(found[1]) >= len(self.slots)  # RFC 9051 §7.4.1: it never shrinks
                self.slots += [None] * (int(found[1]) - len(self.slots))
            elif found := re.fullmatch(r"\* (\d+) EXPUNGE", line):
                # RFC 9051 §7.5.1; RFC 7162 §3.2.10; RFC 9586 §3.6
                assert may_expunge and self.kind not in ("qresync", "uidonly"), line
                self._forget(self.slots.pop(int(found[1]) - 1))
            elif found := re.fullmatch(r"\* VANISHED (\(EARLIER\) )?(\S+)", line):
                assert self.kind in ("qresync", "uidonly") and (may_expunge or found[1]), line
                assert self.kind == "qresync" or not found[1], line
                self._vanished(uidset.iterate(uidset.parse(found[2])), earlier=bool(found[1]))
            elif found := re.fullmatch(r"\* (\d+) FETCH \((.*)\)", line, re.DOTALL):
                assert self.kind != "uidonly", line  # RFC 9586 §3.3
                self._fetched(int(found[1]), found[2])
            elif found := re.fullmatch(r"\* (\d+) UIDFETCH \((.*)\)", line, re.DOTALL):
                assert self.kind == "uidonly", line
                self._fetched_by_uid(int(found[1]), found[2])
            elif found := re.search(r"OK \[HIGHESTMODSEQ (\d+)\]", line):
                self.note_highest(int(found[1]))

    def _forget(self, uid: int | None) -> None:
        assert self.box is not None
        if uid is not None:
            assert uid in self.box.dead
            self.flags.pop(uid, None)

    def _vanished(self, uids: Iterable[int], *, earlier: bool) -> None:
        assert self.box is not None
        for uid in uids:
            assert uid in self.box.dead, "it is there"
            if earlier:  # RFC 7162 §3.2.10.1: message numbers stay as they are
                continue
            if uid in self.slots:
                self.slots.remove(uid)
            elif self.kind == "uidonly":
                self.slots.remove(None)
            else:  # it must be one of those whose UID was not asked for
                above = next((i for i, other in enumerate(self.slots) if other is not None and other > uid), None)
                at = (len(self.slots) if above is None else above) - 1
                assert self.slots[at] is None, f"{uid} was never told of"
                del self.slots[at]
            self._forget(uid)

    def _fetched(self, number: int, text: str) -> None:
        assert self.box is not None
        assert number <= len(self.slots)
        uid = self.slots[number - 1]
        if found := re.search(r"UID (\d+)", text):
            assert uid in (None, int(found[1])), text
            uid = self.slots[number - 1] = int(found[1])
        elif self.has_modseqs:
            assert not self.wants_uids, text  # RFC 7162 §3.2.4
        if uid is not None:
            self._told_of(uid, text)

    def _fetched_by_uid(self, uid: int, text: str) -> None:
        """Such a client knows how many there are, and no numbers."""
        if uid not in self.slots:
            self.slots.remove(None)
            self.slots = [*sorted([*self.known, uid]), *[None] * self.slots.count(None)]
        self._told_of(uid, text)

    def _told_of(self, uid: int, text: str) -> None:
        assert self.box is not None
        self.told.append((uid, text))
        mail = self.box.mails.get(uid) or self.box.dead[uid]
        if found := re.search(r"FLAGS \(([^)]*)\)", text):
            self.flags[uid] = frozenset(found[1].split()) - {"\\Recent"}
            assert self.was_idle or self.flags[uid] == self.flags_of(uid), (uid, text)
        if found := re.search(r"MODSEQ \((\d+)\)", text):
            assert self.was_idle or uid in self.box.dead or int(found[1]) == mail.modseq, (uid, text)
            self.heard_modseq = max(self.heard_modseq, int(found[1]))

    def note_highest(self, highest: int) -> None:
        """Whoever comes back with it is told of later things only, so it must know of all earlier ones."""
        assert self.box is not None
        for uid, mail in self.box.dead.items():
            assert mail.modseq > highest or uid not in self.slots, f"{uid} was withheld"
        unknown = [uid for uid, mail in self.box.mails.items() if 0 < mail.born <= highest and uid not in self.flags]
        assert len([uid for uid in unknown if uid not in self.slots]) <= self.slots.count(None)
        for uid, flags in self.flags.items():
            mail = self.box.mails[uid] if uid in self.box.mails else self.box.dead[uid]
            assert mail.modseq > highest or flags == self.flags_of(uid)
        self.highest = max(self.highest, highest)

    # -- what must be true -----------------------------------------------------------------------------------------

    def check(self, *, is_complete: bool) -> None:
        """After a command: all additions and flags are told, and expunges where they may be."""
        box = self.box
        if box is None or self.is_idle:
            return
        unknown = self.slots.count(None)
        missing = [uid for uid in box.mails if uid not in self.slots]
        assert self.known == sorted(self.known)
        assert len(missing) <= unknown
        if is_complete:
            assert len(missing) == unknown
            assert not [uid for uid in self.known if uid in box.dead]
        for uid, flags in self.flags.items():
            assert uid not in box.mails or flags == self.flags_of(uid), uid


class Silent:
    """The MODIFIED or COPYUID of an answer."""

    def __init__(self, answer: str, name: str) -> None:
        found = re.search(rf"\[{name} ([^\]]*)\]", answer)
        self.words = found[1].split() if found else []

    def uids(self, at: int) -> list[int]:
        return list(uidset.iterate(uidset.parse(self.words[at]))) if self.words else []


# -- what to look for ----------------------------------------------------------------------------------------------

Test = Callable[[int, Mail], bool]


def some_key(rnd: random.Random, box: Box, depth: int = 2) -> tuple[str, Test]:
    kind = rnd.choice(["leaf", "leaf", "not", "or", "and"]) if depth else "leaf"
    if kind != "leaf":
        one, first = some_key(rnd, box, depth - 1)
        if kind == "not":
            return f"NOT {one}", lambda uid, mail: not first(uid, mail)
        other, second = some_key(rnd, box, depth - 1)
        if kind == "or":
            return f"OR {one} {other}", lambda uid, mail: first(uid, mail) or second(uid, mail)
        return f"({one} {other})", lambda uid, mail: first(uid, mail) and second(uid, mail)
    word, flag = rnd.choice(WORDS), rnd.choice(FLAGS)
    uids = set(rnd.sample(range(1, box.uidnext + 3), min(box.uidnext, rnd.randrange(1, 9))))
    size = rnd.randrange(100, 400)
    leaves: list[tuple[str, Test]] = [
        ("ALL", lambda uid, mail: True),
        (f"SUBJECT {word}", lambda uid, mail: word in mail.subject),
        (f"BODY {word}x", lambda uid, mail: False),
        (f"UID {uidset.render(uidset.from_sorted(sorted(uids)))}", lambda uid, mail: uid in uids),
        (f"LARGER {size}", lambda uid, mail: mail.size > size),
        (f"KEYWORD {flag}" if flag[0] != "\\" else flag[1:].upper(), lambda uid, mail: flag in mail.flags),
        (f"UNKEYWORD {flag}" if flag[0] != "\\" else f"UN{flag[1:]}", lambda uid, mail: flag not in mail.flags),
    ]
    return rnd.choice(leaves)


def roots_of(found: list[Mail]) -> list[object]:
    """For each the thread that it is in, by its references; a second message of one id is another one."""
    taken: set[int] = set()
    roots: list[object] = []
    for at, mail in enumerate(found):
        if mail.chain:
            roots.append(mail.chain[0])
        else:
            roots.append(("again", at) if mail.number in taken else mail.number)
            taken.add(mail.number)
    return roots


def threads_of(text: str) -> list[list[int]]:
    """The numbers of each thread, in the order they are in."""
    threads: list[list[int]] = []
    depth = 0
    for token in re.findall(r"[()]|\d+", text):
        if token == "(":
            if not depth:
                threads.append([])
            depth += 1
        elif token == ")":
            depth -= 1
        else:
            threads[-1].append(int(token))
    assert depth == 0
    return threads


# -- the play ------------------------------------------------------------------------------------------------------


class Play:
    """Clients, mailboxes, and what is done."""

    def __init__(self, house: ImapHouse, seed: int, clients: tuple[tuple[str, str], ...] = ALONE) -> None:
        self.house = house
        self.kinds = clients
        self.rnd = random.Random(seed)
        self.boxes = {name: Box(name) for name in BOXES}
        self.mirrors: list[Mirror] = []
        self.letters: list[Mail] = []
        self.steps = 0
        self.keeper = Keeper(house.store, house.clock, "w1")

    async def begin(self) -> None:
        people = sorted({who for who, _ in self.kinds})
        self.watchers = {who: await self.house.login(who) for who in people}
        for name in BOXES[1:]:
            await self.watchers[OWNER].ok(f"CREATE {name}")
        for who in people:
            for name in BOXES if who != OWNER else ():
                await self.watchers[OWNER].ok(f"SETACL {name} {who} lrswipkxte")
        for who, kind in self.kinds:
            self.mirrors.append(await self.new_mirror(who, kind))
        await self.look()

    async def new_mirror(self, who: str, kind: str) -> Mirror:
        mirror = Mirror(await self.house.login(who, rev2=kind == "rev2"), who, kind)
        if kind == "qresync":
            await mirror.client.ok("ENABLE QRESYNC")
            mirror.has_modseqs = True
        if kind == "uidonly":
            await mirror.client.ok("ENABLE UIDONLY")
        return mirror

    async def status(self, who: str, box: Box, items: str) -> dict[str, int]:
        heard = await self.watchers[who].ok(f"STATUS {name_for(who, box)} ({items})")
        (line,) = [line for line in heard if line.startswith("* STATUS")]
        return {name: int(value) for name, value in re.findall(r"([A-Z]+) (\d+)", line.rpartition("(")[2])}

    async def look(self) -> None:
        """STATUS against the truth; the MODSEQs of what has just changed."""
        for box in self.boxes.values():
            told = await self.status(OWNER, box, "MESSAGES UIDNEXT UNSEEN DELETED SIZE UIDVALIDITY HIGHESTMODSEQ")
            box.learn(told["HIGHESTMODSEQ"])
            box.validity = box.validity or told["UIDVALIDITY"]
            mails = box.mails.values()
            assert told == {
                "MESSAGES": len(mails),
                "UIDNEXT": box.uidnext,
                "UNSEEN": sum(OWNER not in mail.seen for mail in mails),
                "DELETED": sum("\\Deleted" in mail.flags for mail in mails),
                "SIZE": sum(mail.size for mail in mails),
                "UIDVALIDITY": box.validity,
                "HIGHESTMODSEQ": box.highest,
            }
            for who in self.watchers.keys() - {OWNER}:
                assert await self.status(who, box, "UNSEEN") == {"UNSEEN": sum(who not in mail.seen for mail in mails)}

    async def do(
        self,
        mirror: Mirror,
        command: str | bytes,
        *,
        may_expunge: bool = True,
        effect: Callable[[str], None] | None = None,
    ) -> list[str]:
        """A command; its effect on the truth comes before what the mirror hears is judged by it."""
        heard = await mirror.client.do(command)
        assert heard[-1].startswith("OK"), (command, heard[-1])
        if effect is not None:
            effect(heard[-1])
            await self.look()
        mirror.hear(heard, may_expunge=may_expunge)
        mirror.check(is_complete=may_expunge)
        return heard

    async def learn(self, mirror: Mirror) -> None:
        """As clients do: what is new is asked for."""
        while not mirror.is_certain:
            if mirror.kind == "uidonly":
                await self.do(mirror, "UID FETCH 1:* (FLAGS)")
                continue
            numbers = [i + 1 for i, uid in enumerate(mirror.slots) if uid is None]
            await self.do(mirror, f"FETCH {numbers[0]}:{numbers[-1]} (UID FLAGS)", may_expunge=False)

    # -- sets ------------------------------------------------------------------------------------------------------

    def some_set(self, mirror: Mirror, *, uid: bool) -> tuple[str, list[int]]:
        """A set as it is written, and the UIDs of the mirror that it names. All UIDs are known by now."""
        box, rnd, known = mirror.box, self.rnd, mirror.known
        assert box is not None and mirror.is_certain
        last = known[-1] if known and uid else len(known)
        top = box.uidnext + 3 if uid else len(known)
        kind = rnd.randrange(5)
        if kind == 0 and known:
            return "1:*", known
        if kind == 1 and known:
            low = rnd.randrange(1, top + 1)
            wanted = range(min(low, last), max(low, last) + 1)
            text = f"*:{low}"
        else:
            wanted_set = set(rnd.sample(range(1, top + 1), min(top, rnd.randrange(1, 7))))
            text = ",".join(map(str, rnd.sample(sorted(wanted_set), len(wanted_set))))
            return text, [u for n, u in enumerate(known, 1) if (u if uid else n) in wanted_set]
        return text, [u for n, u in enumerate(known, 1) if (u if uid else n) in wanted]

    # -- what a client with a mailbox does ---------------------------------------------------------------------------

    def _by_uid(self, mirror: Mirror) -> bool:
        return self.rnd.random() < 0.5 or mirror.kind == "uidonly"

    async def noop(self, mirror: Mirror) -> None:
        await self.do(mirror, self.rnd.choice(["NOOP", "NOOP", "CHECK"]))
        if mirror.kind == "qresync":
            mirror.note_highest(mirror.heard_modseq)

    async def store(self, mirror: Mirror) -> None:
        box, rnd, uid = self.selected(mirror), self.rnd, self._by_uid(mirror)
        text, named = self.some_set(mirror, uid=uid)
        if not uid and not named:
            return
        sign, silent = rnd.choice(["+", "-", ""]), rnd.random() < 0.4
        flags = frozenset(rnd.sample(FLAGS, rnd.randrange(4)))
        since = rnd.randrange(max(0, box.highest - 20), box.highest + 2) if rnd.random() < 0.3 else None
        there = mirror.alive(named)
        refused = [u for u in there if since is not None and box.mails[u].modseq > since]
        done = [u for u in there if u not in refused]
        changed = []

        def effect(answer: str) -> None:
            for u in done:
                old = mirror.flags_of(u)
                new = old | flags if sign == "+" else old - flags if sign == "-" else flags
                if new != old:
                    changed.append(u)
                    box.mails[u] = box.mails[u].with_flags(mirror.who, new)
                if silent and u in mirror.flags:
                    mirror.flags[u] = new  # the client works it out
            modified = Silent(answer, "MODIFIED").uids(0)
            numbers = refused if uid else [mirror.slots.index(u) + 1 for u in refused]
            assert modified == numbers  # RFC 7162 §3.1.3

        mirror.has_modseqs = mirror.has_modseqs or since is not None
        words = f"({' '.join(sorted(flags))})"
        unchanged = "" if since is None else f"(UNCHANGEDSINCE {since}) "
        command = f"{'UID ' if uid else ''}STORE {text} {unchanged}{sign}FLAGS{'.SILENT' if silent else ''} {words}"
        await self.do(mirror, command, may_expunge=uid, effect=effect)
        told = [u for u, _ in mirror.told]
        assert silent or set(done) <= set(told)
        if mirror.has_modseqs:  # RFC 7162 §3.1.3: with its MODSEQ, after .SILENT too
            assert set(changed) <= {u for u, line in mirror.told if "MODSEQ" in line}

    async def copy(self, mirror: Mirror) -> None:
        await self._carry(mirror, move=False)

    async def move(self, mirror: Mirror) -> None:
        await self._carry(mirror, move=True)

    async def _carry(self, mirror: Mirror, *, move: bool) -> None:
        box, rnd, uid = self.selected(mirror), self.rnd, self._by_uid(mirror)
        text, named = self.some_set(mirror, uid=uid)
        target = rnd.choice(list(self.boxes.values()))
        if (not uid and not named) or (not move and len(target.mails) > MOST):
            return
        there = mirror.alive(named)
        command = f"{'UID ' if uid else ''}{'MOVE' if move else 'COPY'} {text} {name_for(mirror.who, target)}"
        heard = await mirror.client.do(command)
        assert heard[-1].startswith("OK"), heard[-1]
        copies = [target.take_in(box.mails[u]) for u in there]
        if move:
            box.expunge(there)
        await self.look()
        said = next((line for line in heard if "COPYUID" in line), "")
        told = Silent(said, "COPYUID")
        assert (told.uids(1), told.uids(2)) == (there, copies), (command, said)
        mirror.hear(heard)
        mirror.check(is_complete=True)

    async def expunge(self, mirror: Mirror) -> None:
        box, uid = self.selected(mirror), self.rnd.random() < 0.5
        text, named = self.some_set(mirror, uid=True) if uid else ("", mirror.known)
        gone = [u for u in mirror.alive(named) if "\\Deleted" in box.mails[u].flags]
        command = f"UID EXPUNGE {text}" if uid else "EXPUNGE"
        heard = await self.do(mirror, command, effect=lambda answer: box.expunge(gone))
        if gone and mirror.has_modseqs:
            assert "[HIGHESTMODSEQ" in heard[-1]  # RFC 7162 §3.2.7

    async def fetch(self, mirror: Mirror) -> None:
        box, rnd, uid = self.selected(mirror), self.rnd, self._by_uid(mirror)
        text, named = self.some_set(mirror, uid=uid)
        if not uid and not named:
            return
        since = rnd.randrange(max(1, box.highest - 20), box.highest + 2)
        kind = rnd.choice(["flags", "modseq", "since", "body", "vanished" if mirror.kind == "qresync" else "since"])
        items, more = "(UID FLAGS)", ""
        if kind in ("modseq", "since", "vanished"):
            mirror.has_modseqs = True
            items = "(FLAGS MODSEQ)" if kind == "modseq" else "(UID FLAGS)"
            more = "" if kind == "modseq" else f" (CHANGEDSINCE {since})"
        if kind == "vanished":
            uid, more = True, f" (CHANGEDSINCE {since} VANISHED)"
            text, named = self.some_set(mirror, uid=True)
        if kind == "body":
            items = "(BODY[HEADER.FIELDS (Subject)])"
        there = mirror.alive(named)
        lost = any(u in box.dead for u in named)

        seen = [u for u in there if kind == "body" and mirror.who not in box.mails[u].seen]

        def effect(_: str) -> None:
            for u in seen:
                box.mails[u] = box.mails[u].with_flags(mirror.who, box.mails[u].flags | {"\\Seen"})

        if kind == "body" and (lost or mirror.read_only):
            return
        before = {u for u in there if box.mails[u].modseq > since}
        mirror.wants_uids = "UID" in items or bool(seen)
        heard = await self.do(
            mirror, f"{'UID ' if uid else ''}FETCH {text} {items}{more}", may_expunge=uid, effect=effect
        )
        mirror.wants_uids = True
        told = [u for u, _ in mirror.told]
        if mirror.has_modseqs:
            assert set(seen) <= {u for u, line in mirror.told if "FLAGS" in line and "MODSEQ" in line}
        if kind in ("since", "vanished"):
            assert before <= set(told)
            assert set(told[: len(before)]) == before  # what comes after these is news
        else:
            assert set(named) <= set(told)
        if kind == "vanished":
            earlier = [line.split()[-1] for line in heard if line.startswith("* VANISHED (EARLIER)")]
            said = {u for one in earlier for u in uidset.iterate(uidset.parse(one))}
            assert {u for u in named if u in box.dead and box.dead[u].modseq > since} <= said

    async def search(self, mirror: Mirror) -> None:
        uid = self._by_uid(mirror)
        key, wanted = self._wanted(mirror)
        command = f"{'UID ' if uid else ''}SEARCH {'RETURN (ALL) ' if self.rnd.random() < 0.5 else ''}{key}"
        numbers = self._named(mirror, wanted, uid=uid)
        heard = await self.do(mirror, command, may_expunge=uid)
        if found := next((line for line in heard if line.startswith("* ESEARCH")), None):
            told = found.split(" ALL ")[1] if " ALL " in found else ""
            assert list(uidset.iterate(uidset.parse(told))) == numbers if told else not numbers, (command, found)
        else:
            (line,) = [line for line in heard if line.startswith("* SEARCH")]
            assert [int(n) for n in line.split()[2:]] == numbers, command

    async def modseq_search(self, mirror: Mirror) -> None:
        box = self.selected(mirror)
        since = self.rnd.randrange(max(1, box.highest - 20), box.highest + 2)
        wanted = [u for u in mirror.alive(mirror.known) if box.mails[u].modseq >= since]
        mirror.has_modseqs = True
        heard = await self.do(mirror, f"UID SEARCH RETURN (ALL) MODSEQ {since}")
        (line,) = [line for line in heard if line.startswith("* ESEARCH")]
        if wanted:
            assert f" ALL {uidset.render(uidset.from_sorted(wanted))}" in line
            assert line.endswith(f"MODSEQ {max(box.mails[u].modseq for u in wanted)}")  # RFC 7162 §3.1.5

    async def sort(self, mirror: Mirror) -> None:
        box, uid = self.selected(mirror), self._by_uid(mirror)
        key, wanted = self._wanted(mirror)
        orders: dict[str, Callable[[int], object]] = {
            "DATE": lambda u: box.mails[u].sent,
            "SUBJECT": lambda u: box.mails[u].word,
            "SIZE": lambda u: box.mails[u].size,
        }
        name = self.rnd.choice(sorted(orders))
        reverse = self.rnd.random() < 0.3
        ordered = sorted(wanted, key=orders[name], reverse=reverse)  # type: ignore[arg-type]
        numbers = self._named(mirror, ordered, uid=uid)
        command = f"{'UID ' if uid else ''}SORT ({'REVERSE ' if reverse else ''}{name}) UTF-8 {key}"
        heard = await self.do(mirror, command, may_expunge=uid)
        (line,) = [line for line in heard if line.startswith("* SORT")]
        assert [int(n) for n in line.split()[2:]] == numbers, command

    async def thread(self, mirror: Mirror) -> None:
        box, uid = self.selected(mirror), self._by_uid(mirror)
        key, wanted = self._wanted(mirror)
        algorithm = self.rnd.choice(["ORDEREDSUBJECT", "REFERENCES", "REFS"])
        named = dict(zip(self._named(mirror, wanted, uid=uid), wanted, strict=True))
        heard = await self.do(mirror, f"{'UID ' if uid else ''}THREAD {algorithm} UTF-8 {key}", may_expunge=uid)
        (line,) = [line for line in heard if line.startswith("* THREAD")]
        threads = [[named[n] for n in thread] for thread in threads_of(line)]
        assert sorted(u for one in threads for u in one) == wanted
        if algorithm == "ORDEREDSUBJECT":
            by_word: dict[str, list[int]] = {}
            for u in sorted(wanted, key=lambda u: (box.mails[u].sent, u)):
                by_word.setdefault(box.mails[u].word, []).append(u)
            assert threads == list(by_word.values())
        elif algorithm == "REFS":
            together: dict[object, list[int]] = {}
            for u, root in zip(wanted, roots_of([box.mails[u] for u in wanted]), strict=True):
                together.setdefault(root, []).append(u)
            assert sorted(map(sorted, threads)) == sorted(together.values())
        else:  # RFC 5256 §3: no two threads of one subject are left
            firsts = [box.mails[one[0]].word for one in threads]
            assert len(firsts) == len(set(firsts))

    def _wanted(self, mirror: Mirror) -> tuple[str, list[int]]:
        box = self.selected(mirror)
        key, test = some_key(self.rnd, box)
        mine = {u: replace(box.mails[u], flags=mirror.flags_of(u)) for u in mirror.alive(mirror.known)}
        return key, [u for u, mail in mine.items() if test(u, mail)]

    def _named(self, mirror: Mirror, uids: list[int], *, uid: bool) -> list[int]:
        """Before the command: its answer uses the numbers that the client knows."""
        return uids if uid else [mirror.slots.index(u) + 1 for u in uids]

    async def close(self, mirror: Mirror) -> None:
        box = self.selected(mirror)
        gone = [u for u in mirror.alive(mirror.known) if "\\Deleted" in box.mails[u].flags]
        heard = await mirror.client.do("CLOSE")
        assert heard[-1].startswith("OK") and len(heard) == 1
        if not mirror.read_only:
            box.expunge(gone)
            for u in [u for u in mirror.known if "\\Deleted" in mirror.flags.get(u, ())]:
                if u in box.dead and "HIGHESTMODSEQ" in heard[-1]:
                    mirror.slots.remove(u)
                    mirror.flags.pop(u)
        await self.look()
        mirror.hear(heard)
        await self.forget(mirror)

    async def forget(self, mirror: Mirror) -> None:
        mirror.box = None
        mirror.heard_modseq = 0

    async def cut(self, mirror: Mirror) -> None:
        """The connection breaks; another client, or the same one with what it knew."""
        box = self.selected(mirror)
        await mirror.client.close()
        self.house.clients.remove(mirror.client)
        new = await self.new_mirror(mirror.who, mirror.kind)
        mirror.client, mirror.has_modseqs, mirror.is_idle = new.client, new.has_modseqs, False
        await self.forget(mirror)
        if mirror.kind == "qresync" and mirror.highest:
            await self.come_back(mirror, box)

    async def come_back(self, mirror: Mirror, box: Box) -> None:
        """RFC 7162 §3.2.5: with what it knows, and afterwards it knows everything."""
        known = sorted(mirror.known)
        some = self.rnd.random()
        more = f" {uidset.render(uidset.from_sorted(known))}" if known and some < 0.4 else ""
        if more and some < 0.2:
            pairs = sorted(self.rnd.sample(range(len(known)), min(len(known), 3)))
            numbers, uids = ",".join(str(n + 1) for n in pairs), ",".join(str(known[n]) for n in pairs)
            more += f" ({numbers} {uids})"
        command = f"SELECT {name_for(mirror.who, box)} (QRESYNC ({box.validity} {mirror.highest}{more}))"
        heard = await mirror.client.do(command)
        assert heard[-1].startswith("OK"), heard[-1]
        cache = {u: mirror.flags[u] for u in known}
        for line in heard:
            if found := re.fullmatch(r"\* VANISHED \(EARLIER\) (\S+)", line):
                for u in uidset.iterate(uidset.parse(found[1])):
                    assert u in box.dead
                    cache.pop(u, None)
            elif found := re.fullmatch(r"\* (\d+) FETCH \(UID (\d+) FLAGS \(([^)]*)\) MODSEQ \((\d+)\)\)", line):
                cache[int(found[2])] = frozenset(found[3].split()) - {"\\Recent"}
                assert sorted(box.mails)[int(found[1]) - 1] == int(found[2])
        truth = {u: mail.flags_of(mirror.who) for u, mail in box.mails.items() if not more or u in known}
        assert cache == truth, (command, heard)
        self._open(mirror, box, heard, read_only=False)
        mirror.slots = [*sorted(box.mails)]
        mirror.flags = {u: mail.flags_of(mirror.who) for u, mail in box.mails.items() if u in cache}
        await self.do(mirror, "UID FETCH 1:* (FLAGS)")

    def _open(self, mirror: Mirror, box: Box, heard: list[str], *, read_only: bool) -> None:
        mirror.box, mirror.read_only = box, read_only
        (exists,) = [int(line.split()[1]) for line in heard if line.endswith(" EXISTS")]
        assert exists == len(box.mails)
        assert f"[UIDNEXT {box.uidnext}]" in "".join(heard)
        assert f"[HIGHESTMODSEQ {box.highest}]" in "".join(heard)
        mirror.slots, mirror.flags = [None] * exists, {}
        mirror.highest, mirror.heard_modseq = box.highest, box.highest

    async def select(self, mirror: Mirror) -> None:
        box = self.rnd.choice(list(self.boxes.values()))
        if self.rnd.random() < 0.5 and mirror.box is not None and mirror.kind == "qresync" and mirror.highest:
            await self.come_back(mirror, self.selected(mirror))
            return
        read_only = self.rnd.random() < 0.15
        parameter = " (CONDSTORE)" if mirror.kind == "condstore" else ""
        mirror.has_modseqs = mirror.has_modseqs or bool(parameter)
        heard = await mirror.client.ok(f"{'EXAMINE' if read_only else 'SELECT'} {name_for(mirror.who, box)}{parameter}")
        self._open(mirror, box, heard, read_only=read_only)
        await self.learn(mirror)

    async def idle(self, mirror: Mirror) -> None:
        mirror.client.send(b"i IDLE\r\n")
        heard = [await mirror.client.hear()]
        while not heard[-1].startswith("+"):
            heard.append(await mirror.client.hear())
        mirror.hear(heard)
        mirror.is_idle = True

    async def done(self, mirror: Mirror) -> None:
        mirror.client.send(b"DONE\r\n")
        heard = await mirror.client.answers("i")
        mirror.is_idle, mirror.was_idle = False, True
        mirror.hear(heard)
        mirror.was_idle = False
        mirror.check(is_complete=True)

    def selected(self, mirror: Mirror) -> Box:
        assert mirror.box is not None
        return mirror.box

    # -- what any client does ----------------------------------------------------------------------------------------

    def _letter(self) -> tuple[Mail, bytes]:
        rnd, number = self.rnd, len(self.letters)
        answered = rnd.choice(self.letters) if self.letters and rnd.random() < 0.6 else None
        chain = (*answered.chain, answered.number)[-6:] if answered else ()
        if answered and answered.chain:
            chain = tuple(dict.fromkeys((answered.chain[0], *chain)))
        word = rnd.choice(WORDS)
        sent = BEGIN + rnd.randrange(10_000) * 1_000 + number
        mail = Mail(number, word, answered is not None, chain, sent, 0)
        date = datetime.fromtimestamp(sent, UTC).strftime("%d %b %Y %H:%M:%S +0000")
        references = "".join(f"\r\n <{n}@x>" for n in chain)
        octets = (
            f"From: a@a.example\r\nDate: {date}\r\nSubject: {mail.subject}\r\nMessage-ID: <{number}@x>\r\n"
            f"{'References:' + references + chr(13) + chr(10) if chain else ''}\r\n{'y' * rnd.randrange(200)}\r\n"
        ).encode()
        mail = replace(mail, size=len(octets))
        self.letters.append(mail)
        return mail, octets

    async def append(self, mirror: Mirror) -> None:
        box = self.rnd.choice(list(self.boxes.values()))
        mail, octets = self._letter()
        flags = self.rnd.sample(FLAGS, self.rnd.randrange(3))
        uid = box.uidnext

        def effect(answer: str) -> None:
            assert f"[APPENDUID {box.validity} {uid}]" in answer
            box.take_in(mail.with_flags(mirror.who, flags))

        command = f"APPEND {name_for(mirror.who, box)} ({' '.join(flags)}) {{{len(octets)}+}}\r\n".encode() + octets
        await self.do(mirror, command, effect=effect)

    async def step(self) -> None:
        self.steps += 1
        if self.steps % 10 == 0:
            await self.keeper.round()
        rnd = self.rnd
        mirror = rnd.choice(self.mirrors)
        if mirror.is_idle:
            await self.done(mirror)
            return
        if mirror.box is None:
            await self.select(mirror)
            return
        many = len(mirror.box.mails) > MOST
        calm = [self.noop, self.fetch, self.search, self.sort, self.thread, self.modseq_search, self.idle]
        writing = [self.store, self.store, self.store, self.copy, self.move, self.expunge, self.expunge]
        steps = [*calm, self.close if rnd.random() < 0.5 else self.noop, self.select, self.cut]
        if not mirror.read_only:
            steps += writing
        if not many:
            steps += [self.append, self.append, self.append]
        act = rnd.choice(steps)
        if act in (self.noop, self.idle, self.append) and rnd.random() < 0.7:
            await act(mirror)
            return
        await self.learn(mirror)
        await act(mirror)

    async def run(self, steps: int) -> None:
        await self.begin()
        for _ in range(steps):
            await self.step()
        for mirror in self.mirrors:
            if mirror.is_idle:
                await self.done(mirror)
            if mirror.box is not None:
                await self.do(mirror, "NOOP")
                await self.learn(mirror)
                assert mirror.slots == sorted(mirror.box.mails)
                assert mirror.flags == {uid: mail.flags_of(mirror.who) for uid, mail in mirror.box.mails.items()}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is kept for SORT, so that mailboxes of some dozen messages have several."""
    monkeypatch.setattr(sortfact, "SIZE", 8)
    monkeypatch.setattr(sortfact, "FEWEST", 2)
    monkeypatch.setattr(limit, "REST_LEAST_S", 0.0)


@pytest.fixture
async def on_postgres(databases: Databases, tmp_path: Path) -> AsyncIterator[ImapHouse]:
    url = await databases.take()
    async with imap_house(tmp_path, url) as made:
        yield made
    await databases.give_back(url)


@pytest.mark.parametrize("seed", range(3))
async def test_sessions_keep_to_the_model(house: ImapHouse, seed: int) -> None:
    await Play(house, seed).run(700)


async def test_on_postgres(on_postgres: ImapHouse) -> None:
    await Play(on_postgres, 100).run(300)


@pytest.mark.parametrize("seed", range(20, 22))
async def test_members_too(house: ImapHouse, seed: int) -> None:
    await Play(house, seed, SHARED).run(500)


async def test_members_on_postgres(on_postgres: ImapHouse) -> None:
    await Play(on_postgres, 102, SHARED).run(200)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10, 16))
async def test_for_long(house: ImapHouse, seed: int) -> None:
    await Play(house, seed, SHARED if seed % 2 else ALONE).run(3_000)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_for_long_on_postgres(on_postgres: ImapHouse) -> None:
    await Play(on_postgres, 101).run(1_000)
