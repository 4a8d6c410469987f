"""INPROGRESS: told by the clock, never when all is done, and of the command that is under way."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from posthaus.base import limit
from posthaus.flow import guarded
from posthaus.proto.imap import code
from posthaus.serve.imap import copy, expunge, searchfind, searchread, store
from posthaus.serve.imap.progress import Progress
from posthaus.testing.clock import JumpClock
from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: x\r\n\r\ntext\r\n"


def test_what_is_due() -> None:
    clock = JumpClock(frozen=True)
    progress = Progress(clock.monotonic)
    progress.begin(b"a1")
    assert progress.line(1, 10) == b""
    clock.jump(limit.IMAP_PROGRESS_S)
    assert progress.line(10, 10) == b""  # RFC 9585 §4: then the command is over
    assert progress.line(4, 10) == b'* OK [INPROGRESS ("a1" 4 10)] Still at it\r\n'
    assert progress.line(5, 10) == b""
    clock.jump(limit.IMAP_PROGRESS_S)
    progress.begin(b"a2")
    assert progress.line(1, 10) == b""


def test_a_tag_that_would_end_the_code() -> None:
    assert code.in_progress(b"a]1", 0, 5) == b"INPROGRESS (NIL 0 5)"


async def filled(house: ImapHouse) -> Client:
    client = await house.login()
    for _ in range(4):
        await client.append("INBOX", MAIL)
    await client.ok("CREATE Other")
    await client.ok("SELECT INBOX")
    return client


def slow(house: ImapHouse, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Each call takes seven seconds: every second piece is told of."""

    async def work(*args: Any, **kwargs: Any) -> Any:
        house.clock.jump(limit.IMAP_PROGRESS_S / 2 + 1)
        return await real(*args, **kwargs)

    return work


@pytest.mark.parametrize(
    ("module", "name", "command"),
    [
        (copy, "copy", "COPY 1:* Other"),
        (copy, "copy", "UID MOVE 1:* Other"),
        (store, "store", "STORE 1:* +FLAGS.SILENT (\\Seen)"),
        (expunge, "expunge", "EXPUNGE"),
    ],
)
async def test_of_each_command(
    house: ImapHouse, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, command: str
) -> None:
    client = await filled(house)
    await client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    monkeypatch.setattr(module, "_PIECE", 1)
    monkeypatch.setattr(guarded, name, slow(house, getattr(guarded, name)))
    client.send(f"p7 {command}\r\n".encode())
    heard = await client.answers("p7")
    assert [line for line in heard if "INPROGRESS" in line] == ['* OK [INPROGRESS ("p7" 2 4)] Still at it']
    assert heard[-1].startswith("p7 OK")


async def test_of_a_search(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await filled(house)
    monkeypatch.setattr(searchfind, "_ROWS", 1)
    monkeypatch.setattr(searchread, "judged", slow(house, searchread.judged))
    heard = await client.ok("SEARCH BODY text")
    assert len([line for line in heard if "INPROGRESS (" in line]) == 1
    assert heard[0].endswith(" 2 4)] Still at it") and heard[-1] == "* SEARCH 1 2 3 4"
    heard = await client.ok("SEARCH 1:3 BODY text")
    assert heard == [heard[0], "* SEARCH 1 2 3"] and heard[0].endswith(" 2 3)] Still at it")


async def test_what_is_quick_says_nothing(house: ImapHouse) -> None:
    client = await filled(house)
    house.clock.jump(100 * limit.IMAP_PROGRESS_S)
    assert await client.ok("SEARCH BODY text") == ["* SEARCH 1 2 3 4"]
    await client.ok("STORE 1 +FLAGS.SILENT (\\Seen)")
