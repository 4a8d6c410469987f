"""INPROGRESS: told by the clock while a command is under way, in the midst of a piece as well, and of that command."""

import asyncio
from itertools import count
from typing import Any

import pytest

from posthaus.base import limit
from posthaus.proto.imap import code
from posthaus.serve.imap import copy, expunge, mailbox, searchread, sort, sortorder, store
from posthaus.serve.imap.progress import Progress
from posthaus.store.store import Store
from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\ntext\r\n"
NEVER_S = 1e6


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is time as soon as a command begins."""
    monkeypatch.setattr(limit, "IMAP_PROGRESS_S", 0.0)


async def told(progress: Progress, lines: "asyncio.Queue[bytes]", *at: int) -> bytes:
    if at:
        progress.at(*at)
    while not lines.empty():
        lines.get_nowait()
    async with asyncio.timeout(20):
        return await lines.get()


@pytest.mark.usefixtures("at_once")
async def test_what_is_told() -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    progress = Progress(lines.put_nowait)
    progress.begin(b"a1")
    with progress:
        assert await told(progress, lines) == b'* OK [INPROGRESS ("a1" NIL NIL)] Still at it\r\n'
        assert await told(progress, lines, 0, 10) == b'* OK [INPROGRESS ("a1" 0 10)] Still at it\r\n'
        assert await told(progress, lines, 4, 10) == b'* OK [INPROGRESS ("a1" 4 10)] Still at it\r\n'
        assert await told(progress, lines) == b'* OK [INPROGRESS ("a1" 4 10)] Still at it\r\n'
        # RFC 9585 §4: what is reached is told by the answer; who goes on all the same does something else
        assert await told(progress, lines, 10, 10) == b'* OK [INPROGRESS ("a1" NIL NIL)] Still at it\r\n'
    progress.at(1, 10)
    progress.begin(b"a2")
    with progress:
        assert await told(progress, lines) == b'* OK [INPROGRESS ("a2" NIL NIL)] Still at it\r\n'


@pytest.mark.usefixtures("at_once")
async def test_nothing_is_told_afterwards() -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    progress, other = Progress(lines.put_nowait), Progress(lines.put_nowait)
    progress.begin(b"a1")
    other.begin(b"b1")
    with pytest.raises(ZeroDivisionError), progress:
        raise ZeroDivisionError
    with other:
        for _ in range(3):
            assert b'"b1"' in await lines.get()


def test_what_is_not_known() -> None:
    assert code.in_progress(b"a]1", 0, 5) == b"INPROGRESS (NIL 0 5)"  # a tag that would end the code
    assert code.in_progress(b"a1", 0, 0) == b'INPROGRESS ("a1" NIL NIL)'


async def filled(house: ImapHouse) -> Client:
    client = await house.login()
    for _ in range(4):
        await client.append("INBOX", MAIL)
    await client.ok("CREATE Other")
    await client.ok("SELECT INBOX")
    return client


@pytest.mark.parametrize(
    ("module", "name", "command", "numbers"),
    [
        (Store, "write", "COPY 1:* Other", "0 4"),
        (Store, "write", "UID MOVE 1:* Other", "0 4"),
        (Store, "write", "STORE 1:* +FLAGS.SILENT (\\Seen)", "0 4"),
        (Store, "write", "EXPUNGE", "0 4"),
        (Store, "write", "CLOSE", "0 4"),
        (searchread, "judged", "SEARCH BODY text", "0 4"),
        (searchread, "judged", "SEARCH 1:3 BODY text", "0 3"),
        (searchread, "judged", "ESEARCH IN (personal) BODY text", "0 4"),
        (sortorder, "_ordered", "SORT (DATE) UTF-8 ALL", "NIL NIL"),
        (sort, "_tree", "THREAD REFERENCES UTF-8 ALL", "NIL NIL"),
    ],
)
async def test_of_each_command_while_a_piece_takes_long(
    house: ImapHouse, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, command: str, numbers: str
) -> None:
    client = await filled(house)
    await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    where = type(house.store) if module is Store else module
    heard = await _slowly(client, monkeypatch, where, name, command)
    assert [line for line in heard if "INPROGRESS" in line] == [f'* OK [INPROGRESS ("p7" {numbers})] Still at it']
    assert heard[-1].startswith("p7 OK")


@pytest.mark.parametrize(
    ("module", "command"),
    [
        (copy, "UID COPY 1:* Other"),
        (copy, "MOVE 1:* Other"),
        (store, "UID STORE 1:* +FLAGS (\\Seen)"),
        (expunge, "EXPUNGE"),
        (mailbox, "RENAME INBOX Kept"),
    ],
)
async def test_how_far_it_has_come(
    house: ImapHouse, monkeypatch: pytest.MonkeyPatch, module: Any, command: str
) -> None:
    client = await filled(house)
    await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    monkeypatch.setattr(module, "_PIECE", 1)
    before = 1 if module is mailbox else 0
    heard = await _slowly(client, monkeypatch, type(house.store), "write", command, 2, before)
    said = [line for line in heard if "INPROGRESS" in line]
    assert said[-1] == '* OK [INPROGRESS ("p7" 2 4)] Still at it'
    assert said == sorted(said)
    assert heard[-1].startswith("p7 OK")


async def _slowly(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    command: str,
    done: int = 0,
    before: int = 0,
) -> list[str]:
    """What is told of a command that calls this function for each piece, and so often before, while one call takes as
    long as it takes until it is told that so many messages are done."""
    is_told = asyncio.Event()
    calls = count(-before)
    real, tell = getattr(where, name), Progress._due

    def told_once(self: Progress) -> None:
        if self._done == done:
            patched.setattr(limit, "IMAP_PROGRESS_S", NEVER_S)
            is_told.set()
        tell(self)

    async def slow(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == done:
            async with asyncio.timeout(20):
                await is_told.wait()
        return await real(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "_due", told_once)
        patched.setattr(limit, "IMAP_PROGRESS_S", 0.0)
        patched.setattr(where, name, slow)
        client.send(f"p7 {command}\r\n".encode())
        return await client.answers("p7")


async def test_what_is_over_says_nothing(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await filled(house)
    assert await client.ok("SEARCH BODY text") == ["* SEARCH 1 2 3 4"]
    monkeypatch.setattr(limit, "IMAP_PROGRESS_S", 0.0)
    assert await client.ok("NOOP") == []
    assert "INPROGRESS" not in "".join(await client.ok("FETCH 1 BODY[]"))
