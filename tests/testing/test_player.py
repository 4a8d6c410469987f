"""Tests of posthaus.testing.player: a small server of fixed answers, played in each way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from posthaus.testing.place import Place, Skipped
from posthaus.testing.player import play, read_mail
from posthaus.testing.script import Mismatch, parse_script

ANSWERS = {b"one": b"1\r\n", b"two": b"2a\r\n2b\r\n", b"bye": b""}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* OK ready\r\n")
    while line := await reader.readline():
        reply = ANSWERS[line.strip()]
        if not reply:
            break
        writer.write(reply)
    writer.close()


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    sessions: list[asyncio.Task[None]] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sessions.append(asyncio.create_task(answer(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield Place("imap", "127.0.0.1", server.sockets[0].getsockname()[1], "alice@example.test", "secret")
    finally:
        server.close()
        await asyncio.gather(*sessions)


GOOD = "# x\npipeline: yes\n\nC: one\nS: 1\nC: two\nS~ 2b\nS~ 2a\nC: bye\nEOF\n"


@pytest.mark.parametrize("way", ["whole", "octets", "piece"])
async def test_each_way(way: str) -> None:
    async with place() as here:
        await play(parse_script(GOOD), here, way)


BAD = [
    ("C: one\nS: 2\n", "another line came"),
    ("C: bye\nS: 1\n", "the connection ended"),
    ("C: one\nEOF\n", "another line came"),
    ("C: one\nCLOSE\nC: two\nS: 2a\n", "closed connection"),
    ("C: two\n!: 2a\nS? 2a\nS: 2b\n", "must not come"),
]


@pytest.mark.parametrize(("steps", "told"), BAD)
async def test_faults_are_found(steps: str, told: str) -> None:
    async with place() as here:
        with pytest.raises(Mismatch, match=told):
            await play(parse_script("# x\n\n" + steps), here)


async def test_open_again() -> None:
    async with place() as here:
        await play(parse_script("# x\n\nC: one\nS: 1\nCLOSE\nOPEN\nC: one\nS: 1\n"), here)


@pytest.mark.parametrize("steps", ["WAIT 60s\nS: x\n", "MAIL <> a b\nS: x\n", "TLS\nS: x\n"])
async def test_what_this_place_has_not(steps: str) -> None:
    async with place() as here:
        with pytest.raises(Skipped):
            await play(parse_script("# x\n\n" + steps), here)


async def test_not_in_this_way() -> None:
    async with place() as here:
        with pytest.raises(Skipped):
            await play(parse_script("# x\n\nC: one\nS: 1\n"), here, "piece")


async def test_waiting_is_the_places_own() -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async with place() as here:
        there = Place("imap", here.host, here.port, "a", "b", wait=wait)
        await play(parse_script("# x\n\nWAIT 2h\nC: one\nS: 1\n"), there)
    assert waited == [7_200]


MAIL: list[tuple[str, bytes, list[bytes]]] = [
    ("one.eml", b"A: b\n\nText\n", [b"A: b\r\n\r\nText\r\n"]),
    ("two.mbox", b"From x\nA: 1\n\nx\n\nFrom y\nA: 2\n\n>From z\n", [b"A: 1\r\n\r\nx\r\n", b"A: 2\r\n\r\nFrom z\r\n"]),
]


@pytest.mark.parametrize(("name", "octets", "messages"), MAIL)
def test_read_mail(tmp_path: Path, name: str, octets: bytes, messages: list[bytes]) -> None:
    (tmp_path / name).write_bytes(octets)
    assert read_mail(name, tmp_path) == messages
