"""Tests of posthaus.testing.fault: what each fault lets through, and the door as a whole."""

import asyncio

import pytest

from posthaus.testing.fault import Answer, Crumbs, Cut, Fault, Passage, door


def test_answer_keeps_the_command_from_the_server() -> None:
    fault = Answer("DATA", "451 4.3.0 Try later")
    assert fault.from_client(b"RCPT TO:<a@b.example>\r\nda") == Passage(b"RCPT TO:<a@b.example>\r\n")
    assert fault.from_client(b"ta\r\nRSET\r\n") == Passage(b"RSET\r\n", (b"451 4.3.0 Try later\r\n",))
    assert fault.from_client(b"DATA\r\n") == Passage(b"DATA\r\n")


def test_answer_knows_tags() -> None:
    fault = Answer("SELECT", "{tag} NO [UNAVAILABLE] Later", imap=True)
    assert fault.from_client(b"a7 select INBOX\r\n") == Passage(b"", (b"a7 NO [UNAVAILABLE] Later\r\n",))


CUTS = [
    ((b"* 1 FETCH (BODY[] {20}\r\nabcdef",), [b"* 1 FETCH (BODY[] {20}\r\na"]),
    ((b"* 1 FETCH (BODY[] ", b"{20}\r\n", b"abc", b"def"), [b"* 1 FETCH (BODY[] ", b"{20}\r\n", b"a"]),
]


@pytest.mark.parametrize(("octets", "wanted"), CUTS)
def test_cut(octets: tuple[bytes, ...], wanted: list[bytes]) -> None:
    fault = Cut(b"BODY[] {", after=6)
    passed = [fault.from_server(one) for one in octets[: len(wanted)]]
    assert [b"".join(one.to_client) for one in passed] == wanted
    assert [one.cut for one in passed] == [False] * (len(wanted) - 1) + [True]


def test_crumbs() -> None:
    assert Crumbs(2).from_server(b"abcde") == Passage(to_client=(b"ab", b"cd", b"e"))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(b"250 " + line)
    writer.close()


async def dialogue(fault: Fault, *lines: bytes) -> bytes:
    """What a client hears through a door with this fault."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, door("127.0.0.1", server.sockets[0].getsockname()[1], fault) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        heard = b""
        for line in lines:
            writer.write(line)
            heard += await reader.readline()
        writer.write_eof()
        writer.close()
    return heard


async def test_door_answers() -> None:
    assert (
        await dialogue(Answer("TWO", "451 no"), b"one\r\n", b"two\r\n", b"two\r\n")
        == b"250 one\r\n451 no\r\n250 two\r\n"
    )


async def test_door_cuts() -> None:
    assert await dialogue(Cut(b"two", after=1), b"one\r\n", b"two\r\n") == b"250 one\r\n250 two\r"


async def test_door_crumbles() -> None:
    assert await dialogue(Crumbs(), b"one\r\n") == b"250 one\r\n"
