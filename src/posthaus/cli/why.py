"""`posthaus why`: what became of a message, or of the mail of an address, from log-in to another server's last reply.

Told are rows of the record, what waits in the queue, where it is in mailboxes, and lines of the log. Mail that stayed
in the house has no rows in the record: its own lines in front say when and from where it came. What was refused inside
a session was never kept, so the log alone knows of it.

Standards: none.
Faults:    Refusal where nothing is known.
"""

import json
import mmap
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from posthaus.base import limit
from posthaus.base.error import Refusal
from posthaus.base.log import Line, read_line
from posthaus.base.setting import read_settings
from posthaus.cli import whytext
from posthaus.cli.opening import on_store
from posthaus.mail.address import Address, AddressFault, parse_address
from posthaus.mail.compose import visible
from posthaus.mail.date import parse_utc, render_utc
from posthaus.store import account as accounts
from posthaus.store import directory, record, suppression, trail
from posthaus.store.record import Entry, Kind
from posthaus.store.store import Store
from posthaus.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Step:
    """`at` None: it is so now."""

    at: int | None
    kind: str
    text: str
    address: str = ""
    words: dict[str, str | int] = field(default_factory=dict)


@dataclass(slots=True)
class Story:
    """One message."""

    tid: str
    about: dict[str, str | int] = field(default_factory=dict)  # subject, from, message_id, size
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    stories: list[Story] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # of an address
    refusals: list[Step] = field(default_factory=list)


def run(options: Namespace) -> int:
    folder = Path(options.folder)
    settings = read_settings(folder)
    log = LogText(folder / settings.log.file if settings.log.file else None)
    what = options.what.strip().removeprefix("<").removesuffix(">")

    async def act(store: Store) -> Answer:
        return await Search(store, log, int(time.time())).answer(what)

    answer = on_store(folder, settings, act)
    if not (answer.stories or answer.notes or answer.refusals):
        looked = f"Looked through were the record and the last {limit.WHY_MESSAGES:,} messages kept here."
        raise Refusal(f"nothing is known of {options.what}. {looked} {log.about}")
    if options.json:
        print(json.dumps(_plain(answer, log), ensure_ascii=False, indent=1))
    else:
        print("\n".join([_shown(line) for line in _lines(answer, log)]))
    return 0


# -- the log -------------------------------------------------------------------------------------------------------


class LogText:
    """The log file of the house, if it has one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is None:
            self.about = "The log is in no file ([log] file), so what was refused inside a session cannot be told."
        elif not path.is_file():
            self.about = f"There is no log at {path}, so what was refused inside a session cannot be told."
        else:
            self.about = f"The log was read: {path}."

    def with_text(self, text: str) -> list[Line]:
        """The last lines that have it somewhere."""
        if self._path is None or not self._path.is_file() or not self._path.stat().st_size:
            return []
        with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            found = list(_found(octets, text.encode("utf-8", "replace")))
        return [line for one in reversed(found) if (line := read_line(one)) is not None]


def _found(octets: mmap.mmap, needle: bytes) -> Iterator[str]:
    """From the end on."""
    first, end = max(0, len(octets) - limit.WHY_LOG_OCTETS), len(octets)
    for _ in range(limit.WHY_LINES):
        at = octets.rfind(needle, first, end)
        if at < 0:
            return
        start = octets.rfind(b"\n", 0, at) + 1
        stop = octets.find(b"\n", at)
        yield octets[start : stop if stop >= 0 else len(octets)].decode("utf-8", "replace")
        end = start


# -- looking for it ------------------------------------------------------------------------------------------------


class Search:
    def __init__(self, store: Store, log: LogText, now: int) -> None:
        self._store = store
        self._log = log
        self._now = now
        self._since = now - limit.KEEP_RECORD_S
        self._names: dict[int, str] = {}

    async def answer(self, what: str) -> Answer:
        self._names = {one.id: one.address for one in await self._store.read(accounts.listing)}
        if "@" not in what:
            story = await self._story(what, await self._kept(trail.of_transaction, what))
            return Answer([story] if story.steps else [])
        sent = [one.tid for one in await self._store.read(record.submissions, what)]
        kept = await self._kept(trail.with_message_id, what)
        stories = [await self._story(tid, []) for tid in sent]
        stories += [await self._story("", [one]) for one in kept if not await self._is_of(one, sent)]
        if stories:
            return Answer(stories)
        address = _address(what)
        return Answer() if address is None else await self._of_address(address)

    async def _kept(self, find: Callable[[Tx, str, int, int], Awaitable[list[int]]], what: str) -> list[int]:
        """Page by page, the latest first, until something is found."""
        last = await self._store.read(trail.last_message)
        lowest = max(0, last - limit.WHY_MESSAGES)
        for end in range(last, lowest, -limit.WHY_PAGE):
            found = await self._store.read(find, what, max(end - limit.WHY_PAGE + 1, lowest), end)
            if found:
                return found
        return []

    async def _is_of(self, message: int, tids: list[str]) -> bool:
        return any([await self._store.read(trail.of_transaction, tid, message, message) for tid in tids])

    async def _story(self, tid: str, kept: list[int]) -> Story:
        story = Story(tid)
        told = await self._store.read(record.of_transaction, tid, self._since, self._now) if tid else []
        for entry in told:
            story.steps.append(self._of_entry(entry))
            if entry.kind is Kind.SUBMITTED:
                story.about.update({"message_id": entry.message_id, "from": entry.address})
                story.about.update({name: entry.words[name] for name in ("subject", "size") if name in entry.words})
        for message in kept:
            await self._of_message(story, message, has_begin=any(one.kind is Kind.SUBMITTED for one in told))
        if story.tid:
            for parcel, errand in await self._store.read(trail.waiting, story.tid):
                text = whytext.of_errand(parcel, errand, self._now)
                story.steps.append(Step(None, "waiting", text, errand.recipient.address.key))
            has_begin = any(step.kind in ("submitted", "received") for step in story.steps)
            for line in self._log.with_text(f"tid={story.tid}"):
                if not _is_told(line, has_begin=has_begin, has_record=bool(told)):
                    story.steps.append(_of_line(line))
        story.steps.sort(key=lambda step: (step.at is None, step.at or 0))
        return story

    def _of_entry(self, entry: Entry) -> Step:
        text = whytext.of_entry(entry, self._names)
        return Step(entry.at, entry.kind.name.lower(), text, entry.address, dict(entry.words))

    async def _of_message(self, story: Story, message: int, *, has_begin: bool) -> None:
        kept = await self._store.read(trail.kept, message)
        if kept is None:
            return
        story.about.update(
            {"subject": kept.subject, "from": kept.sender, "message_id": kept.message_id, "size": kept.size}
        )
        at, tid, text = whytext.of_prefix(kept.prefix)
        story.tid = story.tid or tid
        if at and not has_begin:
            story.steps.append(Step(at, "received", text))
        for place in await self._store.read(trail.places, message):
            kind = "deleted" if place.expunged else "kept"
            story.steps.append(Step(place.expunged or None, kind, whytext.of_place(place), place.address))

    async def _of_address(self, address: Address) -> Answer:
        answer = Answer()
        found = await self._store.read(accounts.find, address.key)
        targets = await self._store.read(directory.alias_targets, address.key)
        if found is not None:
            answer.notes.append(f"{found.address} is an account here with {found.used_messages} messages.")
            if found.room_octets == 0:
                answer.notes.append("It is full: mail for it is refused until there is room.")
        if targets:
            answer.notes.append(f"{address} is an alias that leads to {', '.join(targets)}.")
        for entry in await self._store.read(suppression.listing):
            if entry.key == address.key and (entry.until == 0 or entry.until > self._now):
                answer.notes.append(self._of_suppression(entry))
        tids = await self._store.read(record.with_address, address.key, self._since, self._now, limit.WHY_FOUND)
        answer.stories = [await self._story(tid, []) for tid in reversed(tids)]
        if found is not None:
            known = set(tids)
            kept = await self._store.read(trail.of_account, found.id, limit.WHY_FOUND)
            stories = [await self._story("", [one]) for one in reversed(kept)]
            answer.stories += [one for one in stories if one.tid not in known]
        lines = self._log.with_text(f"rcpt={address}")
        answer.refusals = [_of_line(line) for line in lines if line.name == "smtp.rcpt"]
        return answer

    def _of_suppression(self, entry: suppression.Suppression) -> str:
        whose = f"{self._names.get(entry.account, 'an account')} sends" if entry.account else "Nobody here sends"
        ends = f", until {whytext.local(entry.until)}" if entry.until else ""
        no = " nothing" if entry.account else ""
        return f"{whose}{no} there since {whytext.local(entry.since)}{ends}: {entry.reason}"


def _is_told(line: Line, *, has_begin: bool, has_record: bool) -> bool:
    """By a row already."""
    is_taken = line.name == "smtp.message" and line.fields.get("code", "").startswith("2")
    return (is_taken and has_begin) or (line.name.startswith("queue.") and has_record)


def _of_line(line: Line) -> Step:
    return Step(parse_utc(line.at.encode()), line.name, whytext.of_line(line), words=dict(line.fields))


def _address(text: str) -> Address | None:
    try:
        return parse_address(text.encode("utf-8", "replace"), smtputf8=True)
    except AddressFault:
        return None


def _shown(line: str) -> str:
    """What peers wrote must not move the cursor of whoever reads it."""
    return line[: len(line) - len(line.lstrip(" "))] + visible(line)


# -- telling it ----------------------------------------------------------------------------------------------------


_LABELS = {"message_id": "Message-ID"}


def _lines(answer: Answer, log: LogText) -> Iterator[str]:
    yield from answer.notes
    for number, story in enumerate(answer.stories):
        if number or answer.notes:
            yield ""
        yield f"Message {story.tid or '(without an id of ours)'}"
        for name, value in story.about.items():
            if value:
                yield f"  {_LABELS.get(name, name.capitalize())}: {value}"
        yield from _steps(story.steps)
    if answer.refusals:
        yield ""
        yield "Refused of late:"
        yield from _steps(answer.refusals)
    yield ""
    yield f"Times are in {time.strftime('%Z')}. {log.about}"


def _steps(steps: list[Step]) -> Iterator[str]:
    for step in steps:
        when = "now" if step.at is None else whytext.local(step.at)
        yield f"  {when:<19}  {step.text.rstrip()}"


def _plain(answer: Answer, log: LogText) -> dict[str, object]:
    return {
        "notes": answer.notes,
        "messages": [
            {"id": story.tid, **story.about, "steps": [_plain_step(step) for step in story.steps]}
            for story in answer.stories
        ],
        "refusals": [_plain_step(step) for step in answer.refusals],
        "log": log.about,
    }


def _plain_step(step: Step) -> dict[str, object]:
    at = None if step.at is None else render_utc(step.at)
    return {"at": at, "kind": step.kind, "address": step.address, "text": step.text.rstrip(), "words": step.words}
