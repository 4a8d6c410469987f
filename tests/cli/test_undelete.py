"""`posthaus undelete`, in this process."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from tests.cli.shell import Shell, make_house

from posthaus.base.setting import read_settings
from posthaus.cli import main
from posthaus.store import account, fetch, mailbox, message
from posthaus.store.message import Placing
from posthaus.store.store import Store, open_store
from posthaus.testing.storehouse import made_up

T = TypeVar("T")
HOUR_S = 3_600


def on_store(folder: Path, act: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = read_settings(folder).store
        store = await open_store(settings.url, folder / settings.folder)
        try:
            return await act(store)
        finally:
            await store.close()

    return asyncio.run(run())


def listed(shell: Shell, *arguments: str) -> list[str]:
    return [
        f"{one['mailbox']}: {one['subject']}" for one in json.loads(shell.done("anna@a.test", "--json", *arguments))
    ]


async def _throw_away(store: Store) -> None:
    """Two in INBOX, deleted five hours ago and now; one in a mailbox that was removed."""
    now = int(time.time())
    anna = await store.read(account.find, "anna@a.test")
    assert anna is not None
    old = await store.write(mailbox.create, anna.id, "Old", "", now)
    for box, words in ((anna.inbox, "first"), (anna.inbox, "second"), (old, "third")):
        await store.write(message.append, made_up(words), Placing(anna.id, box, 0), now, now)
    for uid, when in ((1, now - 5 * HOUR_S), (2, now)):
        await store.write(message.expunge, anna.id, anna.inbox, [(uid, uid)], when, only_deleted=False)
    await store.write(mailbox.remove, anna.id, "Old", now)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(make_house(tmp_path / "house"), capsys, "undelete")
    shell.add("anna@a.test")
    on_store(shell.folder, _throw_away)
    return shell


def test_list_and_choose(shell: Shell) -> None:
    assert listed(shell, "--list") == ["Old: third", "INBOX: second", "INBOX: first"]
    assert listed(shell, "--list", "--since", "1 hour") == ["Old: third", "INBOX: second"]
    assert listed(shell, "--list", "--since", "2001-01-01", "--mailbox", "inbox") == ["INBOX: second", "INBOX: first"]
    code, out, _ = shell.run("anna@a.test", "--list")
    head, *rows = out.splitlines()
    assert code == 0 and head.split() == ["ID", "MAILBOX", "UID", "DELETED", "SIZE", "FROM", "SUBJECT"]
    assert rows[1].endswith("Anna <anna@a.example>  second")


def test_bring_back(shell: Shell) -> None:
    assert listed(shell, "--since", "1 hour", "--mailbox", "INBOX") == ["INBOX: second"]
    first = json.loads(shell.run("anna@a.test", "--list", "--mailbox", "INBOX", "--json")[1])[0]
    assert (first["subject"], first["uid"]) == ("first", 1)
    assert listed(shell, "--id", str(first["id"])) == ["INBOX: first"]
    assert listed(shell, "--all") == ["Old: third"]
    assert listed(shell, "--all") == []

    async def subjects(store: Store) -> list[str]:
        anna = await store.read(account.find, "anna@a.test")
        assert anna is not None
        found = []
        for name in ("INBOX", "Old"):
            box, _ = await store.read(mailbox.find_at, anna.id, name)
            rows = await store.read(fetch.placements, box.id, 1, 9, ("subject", "uid"), 9)
            found += [f"{name} {uid}: {subject}" for subject, uid in rows]
        return found

    assert on_store(shell.folder, subjects) == ["INBOX 3: second", "INBOX 4: first", "Old 1: third"]
    assert main(["-C", str(shell.folder), "verify"]) == 0


def test_refusals(shell: Shell) -> None:
    assert shell.run("anna@a.test")[2].startswith("posthaus: say which: ")
    assert shell.run("ben@a.test", "--list") == (1, "", "posthaus: there is no account ben@a.test\n")
    assert shell.run("anna@a.test", "--id", "4711")[2].startswith("posthaus: there is no deleted message 4711 ")
    assert "is no time" in shell.run("anna@a.test", "--since", "tea time")[2]
    assert main(["-C", str(shell.folder), "account", "quota", "anna@a.test", "10 B"]) == 0
    shell.capsys.readouterr()
    code, out, err = shell.run("anna@a.test", "--all")
    assert (code, out) == (1, "") and "over its quota" in err and err.endswith("; nothing was changed\n")
    assert len(listed(shell, "--list")) == 3
