"""Faults on order: a door in front of the server that answers in its place, cuts, or lets octets through in crumbs.

Your client meets here what a network and a busy server do to it once in a year, and meets it in every run. The server
behind the door knows nothing of it and needs no hook. Faults are judged on clear octets: with STARTTLS a door is blind.

    async with office.door("smtp", Answer("DATA", "451 4.3.0 Try later")) as port: ...
    async with office.door("imap", Cut(b"BODY[] {", after=20)) as port: ...

Standards: none.
Faults:    those ordered.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

_READ_OCTETS = 65_536


@dataclass(frozen=True, slots=True)
class Passage:
    """What a fault makes of some octets: where they go, and whether both sides are cut off after them."""

    to_server: bytes = b""
    to_client: tuple[bytes, ...] = ()  # each goes out for itself
    cut: bool = False


class Fault(Protocol):
    """One connection's fault; it is copied for each."""

    def fresh(self) -> "Fault":
        """For a new connection."""
        ...

    def from_client(self, octets: bytes) -> Passage: ...

    def from_server(self, octets: bytes) -> Passage: ...


@dataclass(slots=True)
class Answer:
    """The next `times` commands of this name are answered with `reply`, and the server never hears of them.

    The name is the first word of a line, or in IMAP the second, where `reply` may have {tag} in it.
    """

    verb: str
    reply: str
    times: int = 1
    imap: bool = False
    _rest: bytes = field(default=b"", init=False)

    def fresh(self) -> "Answer":
        return Answer(self.verb, self.reply, self.times, self.imap)

    def from_client(self, octets: bytes) -> Passage:
        lines = (self._rest + octets).split(b"\r\n")
        self._rest = lines.pop()
        on: list[bytes] = []
        back: list[bytes] = []
        for line in lines:
            tag = self._tag(line)
            if tag is None:
                on.append(line + b"\r\n")
            else:
                self.times -= 1
                back.append(self.reply.replace("{tag}", tag).encode() + b"\r\n")
        return Passage(b"".join(on), tuple(back))

    def from_server(self, octets: bytes) -> Passage:
        return Passage(to_client=(octets,))

    def _tag(self, line: bytes) -> str | None:
        words = line.decode("latin-1").split(" ")
        place = 1 if self.imap else 0
        if self.times > 0 and len(words) > place and words[place].upper() == self.verb.upper():
            return words[0]
        return None


@dataclass(slots=True)
class Cut:
    """The connection is gone `after` octets behind the first place where the server says `marker`."""

    marker: bytes
    after: int = 0
    _passed: bytes = field(default=b"", init=False)

    def fresh(self) -> "Cut":
        return Cut(self.marker, self.after)

    def from_client(self, octets: bytes) -> Passage:
        return Passage(octets)

    def from_server(self, octets: bytes) -> Passage:
        before = len(self._passed)
        self._passed += octets
        at = self._passed.find(self.marker)
        end = at + len(self.marker) + self.after
        if at < 0 or len(self._passed) < end:
            return Passage(to_client=(octets,))
        return Passage(to_client=(octets[: max(0, end - before)],), cut=True)


@dataclass(slots=True)
class Crumbs:
    """The server's octets arrive in pieces of this size, as over a very slow line."""

    size_octets: int = 1

    def fresh(self) -> "Crumbs":
        return self

    def from_client(self, octets: bytes) -> Passage:
        return Passage(octets)

    def from_server(self, octets: bytes) -> Passage:
        return Passage(
            to_client=tuple(octets[i : i + self.size_octets] for i in range(0, len(octets), self.size_octets))
        )


@asynccontextmanager
async def door(host: str, port: int, fault: Fault) -> AsyncIterator[int]:
    """A port on loopback that leads to the server, through the fault."""
    visits: list[asyncio.Task[None]] = []

    def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(asyncio.create_task(_visit(reader, writer, host, port, fault.fresh())))

    server = await asyncio.start_server(knock, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


async def _visit(
    reader: asyncio.StreamReader, client: asyncio.StreamWriter, host: str, port: int, fault: Fault
) -> None:
    behind, server = await asyncio.open_connection(host, port)
    ways = (
        asyncio.create_task(_carry(reader, fault.from_client, client, server)),
        asyncio.create_task(_carry(behind, fault.from_server, client, server)),
    )
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        client.close()  # first of all: the visit may be cancelled at the next await
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


class _Judge(Protocol):
    def __call__(self, octets: bytes, /) -> Passage: ...


async def _carry(
    source: asyncio.StreamReader, judge: _Judge, client: asyncio.StreamWriter, server: asyncio.StreamWriter
) -> None:
    """One direction, until its end or the cut; the other is ended with it."""
    while octets := await source.read(_READ_OCTETS):
        passage = judge(octets)
        if passage.to_server:
            server.write(passage.to_server)
            await server.drain()
        for piece in passage.to_client:
            client.write(piece)
            await client.drain()
            await asyncio.sleep(0)
        if passage.cut:
            return
