"""`posthaus queue`: what waits is listed with its reasons, and goes where a person says."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from tests.cli.shell import Shell, make_house

from posthaus.base.setting import read_settings
from posthaus.cli import main
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import load, queue
from posthaus.store.load import Settled
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.store import Store, open_store
from posthaus.store.tx import Tx
from posthaus.testing.storehouse import made_up


class Queue(Shell):
    def listed(self, *arguments: str) -> dict[str, str]:
        return {one["to"]: one["state"] for one in json.loads(self.done("list", "--json", *arguments))}


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Queue:
    folder = make_house(tmp_path / "house")
    asyncio.run(fill(folder))
    return Queue(folder, capsys, "queue")


async def fill(folder: Path) -> None:
    """A message to two at b.test, tried once, and one to carl at c.test."""
    settings = read_settings(folder)
    store = await open_store(settings.store.url, folder / settings.store.folder)
    now = int(time.time())
    try:
        await put(store, "t1", now, "bob@b.test", "ben@b.test")
        (tried,) = await store.write(load.claim, "w", now, now + 60, 1, 50, suspects=True)

        async def defer(tx: Tx) -> None:
            said = Outcome(Kind.DEFERRED, 451, "4.7.1", "come back\nlater", "mx.b.test")
            results = [Settled(e, said, now + 310) for claim in tried.claims for e in claim.errands]
            await load.settle(tx, tried, results, now, lambda pace: pace, ends=True)

        await store.write(defer)
        await put(store, "t2", now, "carl@c.test")
    finally:
        await store.close()


async def put(store: Store, tid: str, now: int, *addresses: str) -> None:
    errands = []
    for one in addresses:
        local, _, domain = one.partition("@")
        errands.append(NewErrand(Recipient(Address(local, domain)), f"mx/{domain}", now))
    parcel = NewParcel(made_up(tid), Envelope(Address("anna", "a.test")), tid, 1, now + 86_400, 0)
    await store.write(queue.enqueue, parcel, errands, now)


def test_list_and_count(shell: Queue) -> None:
    lines = [line.split() for line in shell.done("list").splitlines()]
    assert lines[0] == ["ID", "STATE", "FROM", "TO", "DESTINATION", "AGE", "ATTEMPTS", "NEXT", "REASON"]
    assert lines[1][:5] == ["1.0", "waiting", "<anna@a.test>", "<bob@b.test>", "mx/b.test"]
    assert lines[1][6:] == ["1", "in", "5m", "mx.b.test", "451", "4.7.1", "come", "back", "later"]
    assert lines[3][0] == "2.0"
    assert lines[3][7:] == ["now"]
    assert shell.listed("--to", "b.test", "--most", "1") == {"bob@b.test": "waiting"}
    assert list(shell.listed("--to", "ben@b.test")) == ["ben@b.test"]
    assert list(shell.listed("--id", "2")) == list(shell.listed("--tid", "t2")) == ["carl@c.test"]
    counted = json.loads(shell.done("count", "--json"))
    assert [(one["destination"], one["errands"]) for one in counted] == [("mx/b.test", 2), ("mx/c.test", 1)]
    assert shell.done("count").splitlines()[0].startswith("DESTINATION  ERRANDS  HELD  ON ITS WAY")


def test_hold_release_drop_and_bounce(shell: Queue) -> None:
    assert shell.done("hold", "--to", "b.test") == "2\n"
    assert shell.listed() == {"bob@b.test": "held", "ben@b.test": "held", "carl@c.test": "waiting"}
    assert list(shell.listed("--state", "held")) == ["bob@b.test", "ben@b.test"]
    assert shell.done("release", "--id", "1.1") == "1\n"
    assert shell.done("retry", "--destination", "mx/b.test") == "1\n"
    assert shell.done("bounce", "--to", "ben@b.test") == "1\n"
    assert json.loads(shell.done("drop", "--id", "1.0", "--json")) == [{"done": 1}]
    assert shell.listed() == {"ben@b.test": "returned", "carl@c.test": "waiting"}
    assert shell.done("drop", "--all") == "1\n"
    assert main(["-C", str(shell.folder), "verify"]) == 0


def test_refusals(shell: Queue) -> None:
    for arguments in (("drop",), ("hold", "--id", "x"), ("hold", "--account", "nobody@a.test"), ("hold", "--to", "@")):
        code, out, err = shell.run(*arguments)
        assert (code, out, err.count("\n")) == (1, "", 1), arguments
    assert len(shell.listed()) == 3
