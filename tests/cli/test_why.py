"""`posthaus why`, in this process: on rows as the house writes them, and on a log."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthaus.base.log import Log, LogFile
from posthaus.cli import main
from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Kind as OutcomeKind
from posthaus.mail.outcome import Outcome
from posthaus.mail.prepare import prepare
from posthaus.store import account, message, queue, record, suppression
from posthaus.store.message import Content, Placing
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.record import Entry, Kind
from posthaus.store.store import Store, open_store
from posthaus.testing.clock import JumpClock

ANNA, OTTO, ULI = Address("anna", "a.test"), Address("otto", "b.test"), Address("uli", "c.test")
OCTETS = b"From: Anna <anna@a.test>\r\nSubject: Offer\r\nMessage-ID: <m1@a.test>\r\n\r\nhello\r\n"
LATE = Outcome(OutcomeKind.DEFERRED, 451, "4.7.1", "4.7.1 wait", "mx.b.test", "192.0.2.9")
SILENT = Outcome(OutcomeKind.DEFERRED, text="nobody answered", blames_host=True)
TAKEN = Outcome(OutcomeKind.RELAYED, 250, "2.0.0", "ok", "mx.b.test", "192.0.2.9", "TLSv1.3 X, verified by DANE")
GONE = Outcome(OutcomeKind.FAILED, 550, "5.1.1", "no such user\nreally", "mx.c.test", "192.0.2.8")


class House:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.now = int(time.time()) - 60

    def at(self, seconds: int) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.now + seconds))

    def why(self, what: str) -> list[str]:
        code = main(["-C", str(self.folder), "why", what])
        said = self.capsys.readouterr()
        assert (code, said.err) == (0, "")
        return said.out.splitlines()

    def plain(self, what: str) -> dict[str, list[dict[str, object]]]:
        assert main(["-C", str(self.folder), "why", what, "--json"]) == 0
        found: dict[str, list[dict[str, object]]] = json.loads(self.capsys.readouterr().out)
        return found

    def log(self) -> Log:
        text = (self.folder / "posthaus.toml").read_text()
        (self.folder / "posthaus.toml").write_text(text.replace('#file = ""', 'file = "house.log"'))
        return Log(JumpClock(self.now, frozen=True), LogFile(self.folder / "house.log"))


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    folder, secret = tmp_path / "house", tmp_path / "secret"
    secret.write_text("correct horse\n")
    assert main(["init", str(folder), "--domain", "a.test", "--loopback"]) == 0
    assert main(["-C", str(folder), "account", "add", str(ANNA), "--password-file", str(secret)]) == 0
    made = House(folder, capsys)
    asyncio.run(_fill(folder, made.now))
    capsys.readouterr()
    yield made
    monkeypatch.undo()
    time.tzset()


async def _fill(folder: Path, now: int) -> None:
    """A message to Otto and Uli, one that waits, and one that came in."""
    store = await open_store("sqlite:", folder / "store")
    anna = await store.read(account.find, ANNA.key)
    assert anna is not None
    submitted: dict[str, str | int] = {
        "account": anna.id,
        "auth": "SCRAM-SHA-256",
        "by": "ESMTPSA",
        "peer": "192.0.2.7",
        "name": "laptop",
        "tls": "TLSv1.3 X",
    }
    later: dict[str, str | int] = {"action": "failed", "host": "mx.b.test"}
    await store.write(
        record.write,
        [
            Entry("t1", now, Kind.SUBMITTED, ANNA.key, {**submitted, "subject": "Offer", "size": 99}, "m1@a.test"),
            Entry("t1", now, Kind.QUEUED, OTTO.key, {"to": "mx/b.test"}),
            Entry("t1", now, Kind.QUEUED, ULI.key, {"to": "mx/c.test/relay"}),
            record.of_outcome("t1", now + 1, OTTO, LATE, due=now + 30),
            record.of_outcome("t1", now + 1, ULI, GONE),
            Entry("t1", now + 1, Kind.TOLD, ANNA.key, {"action": "failed", "of": 1, "where": "inbox"}),
            record.of_outcome("t1", now + 31, OTTO, TAKEN),
            Entry("t1", now + 40, Kind.REPORTED, OTTO.key, {**later, "text": "x\x1b[2J"}),
        ],
    )
    await store.write(suppression.failed, anna.id, ULI, "5.1.1", "550 no such user", now)
    prepared = prepare(OCTETS)
    hop = trace.Hop("c.test", "192.0.2.3", "", "mail.a.test", "ESMTPS", "t2", now, "TLSv1.3 X")
    prefix = trace.render_return_path(OTTO) + trace.render_delivered_to(ANNA) + trace.render_received(hop)
    head, body = OCTETS[: prepared.head_octets], OCTETS[prepared.head_octets :]
    content = Content(prepared, prefix, head, body, 0)
    placing = Placing(anna.id, anna.inbox, 1)
    await store.write(message.deliver, content, [placing, placing], now)
    await store.write(message.expunge, anna.id, anna.inbox, [(2, 2)], now + 20, only_deleted=False)
    await _wait(store, content, now)
    await store.close()


async def _wait(store: Store, content: Content, now: int) -> None:
    parcel = NewParcel(content, Envelope(ANNA), "t3", 1, now + 900, 0)
    await store.write(queue.enqueue, parcel, [NewErrand(Recipient(OTTO), "mx/b.test", now + 600)], now)
    await store.write(record.write, [record.of_outcome("t3", now, OTTO, SILENT, due=now + 600)])


def test_to_the_end(house: House) -> None:
    zone = time.strftime("%Z")
    assert house.why("t1") == [
        "Message t1",
        "  Message-ID: m1@a.test",
        "  From: anna@a.test",
        "  Subject: Offer",
        "  Size: 99",
        f"  {house.at(0)}  anna@a.test logged in by SCRAM-SHA-256 from laptop (192.0.2.7) in TLSv1.3 X and"
        " handed it in by ESMTPSA, as mail from anna@a.test.",
        f"  {house.at(0)}  otto@b.test: put into the queue, on its way to the servers of b.test.",
        f"  {house.at(0)}  uli@c.test: put into the queue, on its way to the servers of c.test or the smart host"
        " relay.",
        f"  {house.at(1)}  otto@b.test: not possible just then. mx.b.test (192.0.2.9) said: 451 4.7.1 wait"
        f" Next try: {house.at(30)}.",
        f"  {house.at(1)}  uli@c.test: failed for good. There is no mailbox of this name at that domain."
        " mx.c.test (192.0.2.8) said: 550 5.1.1 no such user / really",
        f"  {house.at(1)}  anna@a.test was told (failed): the notification is in the INBOX.",
        f"  {house.at(31)}  otto@b.test: handed over to mx.b.test (192.0.2.9), in TLSv1.3 X, verified by DANE."
        " mx.b.test (192.0.2.9) said: 250 2.0.0 ok",
        f"  {house.at(40)}  otto@b.test: mx.b.test reported later that it was failed: x [2J",
        "",
        f"Times are in {zone}. The log is in no file ([log] file), so what was refused inside a session cannot be"
        " told.",
    ]


def test_it_came_in(house: House) -> None:
    told = house.why("t2")
    assert told[5:8] == [
        f"  {house.at(0)}  It came from c.test (192.0.2.3) in TLS (TLSv1.3 X), as mail from <otto@b.test> for"
        " anna@a.test.",
        f"  {house.at(20)}  It was deleted from INBOX of anna@a.test, where it was number 2.",
        "  now                  It is in INBOX of anna@a.test as number 1: read.",
    ]


def test_it_waits(house: House) -> None:
    assert house.why("t3")[1:3] == [
        f"  {house.at(0)}  otto@b.test: not possible just then. Nobody answered. Next try: {house.at(600)}.",
        f"  now                  otto@b.test: in the queue, on its way to the servers of b.test; not tried yet,"
        f" next try {house.at(600)}, given up {house.at(900)}.",
    ]


def test_by_message_id(house: House) -> None:
    """What was sent, and what was kept."""
    for what in ("m1@a.test", "<m1@a.test>"):
        assert [story["id"] for story in house.plain(what)["messages"]] == ["t1", "t2"]


def test_by_address(house: House) -> None:
    told = house.why("Anna@a.test")
    assert told[0] == "anna@a.test is an account here with 1 messages."
    assert [line for line in told if line.startswith("Message ")] == ["Message t1", "Message t2"]
    told = house.why("uli@c.test")
    assert told[0].startswith(f"anna@a.test sends nothing there since {house.at(0)}, until ")
    assert {story["id"] for story in house.plain("otto@b.test")["messages"]} == {"t1", "t3"}


def test_json(house: House) -> None:
    (story,) = house.plain("t1")["messages"]
    steps = story["steps"]
    assert isinstance(steps, list)
    kinds = [step["kind"] for step in steps]
    assert kinds == ["submitted", "queued", "queued", "deferred", "failed", "told", "relayed", "reported"]
    assert steps[4]["words"]["code"] == 550 and steps[4]["at"].endswith("Z")


def test_refused(house: House) -> None:
    log = house.log()
    log.event("smtp.rcpt", cid="c1", tid="t9", rcpt="nobody@a.test", code=550, why="no-mailbox")
    log.event("smtp.message", cid="c1", tid="t9", reverse_path="<>", recipients=1, size=2048, code=554, why="go away")
    assert house.why("t9")[:3] == [
        "Message t9",
        f"  {house.at(0)}  The recipient nobody@a.test was refused with 550: there is no such mailbox here.",
        f"  {house.at(0)}  The message from <> for 1 recipients, 2 KB, was refused: 554 go away",
    ]
    told = house.why("nobody@a.test")
    assert told[1] == "Refused of late:" and "no such mailbox" in told[2]


def test_what_the_log_has_too_is_told_once(house: House) -> None:
    log = house.log()
    log.event("smtp.message", cid="c1", tid="t1", reverse_path="anna@a.test", recipients=2, size=9, code=250, why="ok")
    log.event("queue.relayed", tid="t1", to="otto@b.test", host="mx.b.test", code=250)
    log.event("queue.relayed", tid="t4", to="otto@b.test", host="mx.b.test", code=250)
    (story,) = house.plain("t1")["messages"]
    steps = story["steps"]
    assert isinstance(steps, list) and len(steps) == 8
    assert house.why("t4")[1].endswith("  queue.relayed to=otto@b.test host=mx.b.test code=250")


def test_nothing_known(house: House) -> None:
    for what in ("t0", "m0@a.test", "no address@", "<>"):
        assert main(["-C", str(house.folder), "why", what]) == 1
        assert house.capsys.readouterr().err.startswith(f"posthaus: nothing is known of {what}. Looked through were ")
