"""RETR and TOP: octets from the store to the engine, many messages at a time, large ones in pieces.

Pipelined RETR are read in batches bounded by octets, so fifty small messages cost one look at the store and one write.
A client that asks for one after the other, waiting for each, gets the next few read ahead. No more than a batch or a
piece is in memory, and the next one waits until the client has taken the last.

Standards: RFC 1939 §5 (RETR), §7 (TOP).
Faults:    ConnectionError where a reply cannot be finished any more; Trouble and Refusal of the store before that.
"""

from collections.abc import Awaitable, Callable, Iterator

from posthaus.base import limit
from posthaus.proto.pop3 import reply
from posthaus.proto.pop3.server import Pop3Server
from posthaus.serve.pop3.drop import Drop
from posthaus.serve.pop3.maildrop import Maildrop
from posthaus.store.blob import BlobStore, Octets, unpack

_PIECE_OCTETS = 256 * 1024  # of a body that lies outside


class Retriever:
    """For one session that has logged in."""

    def __init__(
        self,
        engine: Pop3Server,
        maildrop: Maildrop,
        drop: Drop,
        blobs: BlobStore,
        flush: Callable[[], Awaitable[None]],
    ) -> None:
        self._engine = engine
        self._maildrop = maildrop
        self._drop = drop
        self._blobs = blobs
        self._flush = flush
        self._ahead: dict[int, bytes] = {}  # number -> the reply, of messages that were read ahead
        self._last = 0  # number of the last RETR
        self.retrieved = 0  # messages
        self.retrieved_octets = 0

    def has_answered(self, numbers: tuple[int, ...]) -> bool:
        """Answers a single RETR of what was read ahead: without a coroutine, for most have to wait for nothing."""
        number = numbers[0]
        if len(numbers) > 1 or number not in self._ahead or self._drop.fault(number) is not None:
            return False
        self._engine.send(self._ahead.pop(number))
        self._last = number
        self._count(number)
        return True

    async def retrieve(self, numbers: tuple[int, ...]) -> None:
        """RETR of each number, in order."""
        for batch in self._batches(numbers):
            await self._send_batch(batch)
            if self._engine.pending_octets >= limit.POP3_BATCH_OCTETS:
                await self._flush()

    async def top(self, number: int, lines: int) -> None:
        """The header and the first lines of the body."""
        fault = self._drop.fault(number)
        if fault is not None:
            self._engine.send(fault)
            return
        message = self._drop.message(number)
        octets = (await self._maildrop.octets_of([message])).get(message)
        if octets is None:
            self._engine.send(reply.IS_GONE)
        elif octets.place and lines:
            await self._send_pieces(octets, reply.DONE, lines)
        else:
            body = first_lines(unpack(octets.body, octets.packing), lines)[0] if lines else b""
            self._engine.send(reply.render_multiline(reply.DONE, octets.prefix, octets.head, body))

    def _batches(self, numbers: tuple[int, ...]) -> Iterator[list[int]]:
        batch: list[int] = []
        size = 0
        for number in numbers:
            octets = self._drop.size_octets(number) if self._drop.fault(number) is None else 0
            if batch and size + octets > limit.POP3_BATCH_OCTETS:
                yield batch
                batch, size = [], 0
            batch.append(number)
            size += octets
        yield batch

    async def _send_batch(self, numbers: list[int]) -> None:
        drop, engine = self._drop, self._engine
        faults = {number: fault for number in numbers if (fault := drop.fault(number)) is not None}
        wanted = [number for number in numbers if number not in faults]
        # who asks for one after the other, waiting for each, will ask for the next few
        ahead = self._next_few(numbers[0] + 1) if numbers == wanted == [self._last + 1] else []
        found = await self._maildrop.octets_of([drop.message(n) for n in (*wanted, *ahead)]) if wanted else {}
        for number in numbers:
            fault = faults.get(number)
            octets = None if fault is not None else found.get(drop.message(number))
            if octets is None:
                engine.send(fault or reply.IS_GONE)
                continue
            if octets.place:
                await self._send_pieces(octets, reply.render_octets(octets.size), None)
            else:
                engine.send(_whole(octets))
            self._count(number)
        self._last = numbers[-1]
        self._ahead = {n: _whole(octets) for n in ahead if (octets := found.get(drop.message(n))) and not octets.place}

    def _count(self, number: int) -> None:
        self.retrieved += 1
        self.retrieved_octets += self._drop.size_octets(number)

    def _next_few(self, number: int) -> list[int]:
        """Numbers from this one on that are likely to be asked for next: of small messages, and few."""
        few: list[int] = []
        room = limit.POP3_AHEAD_OCTETS
        while number <= len(self._drop) and len(few) < limit.POP3_AHEAD_MESSAGES and self._drop.fault(number) is None:
            room -= self._drop.size_octets(number)
            if room < 0:
                break
            few.append(number)
            number += 1
        return few

    async def _send_pieces(self, octets: Octets, title: bytes, lines: int | None) -> None:
        """A body that lies outside; `lines` of it, or all."""
        stuffer = reply.Stuffer()
        self._engine.begin_octets(title)
        self._engine.more(stuffer.feed(octets.prefix + octets.head))
        start, end = 0, octets.size - len(octets.prefix) - len(octets.head)
        try:
            while start < end and lines != 0:
                piece = await self._blobs.read(octets.place, start, min(end, start + _PIECE_OCTETS))
                if not piece:
                    raise ConnectionAbortedError("octets of a message are missing")
                start += len(piece)
                if lines is not None:
                    piece, lines = first_lines(piece, lines)
                self._engine.more(stuffer.feed(piece))
                await self._flush()
        except Exception as fault:
            # The client already reads the message: nothing but the end of the connection tells that it is not whole.
            raise ConnectionAbortedError("a message could not be read to its end") from fault
        self._engine.more(stuffer.end())


def _whole(octets: Octets) -> bytes:
    """The reply to RETR, of octets of which nothing lies outside."""
    title = reply.render_octets(octets.size)
    return reply.render_multiline(title, octets.prefix, octets.head, unpack(octets.body, octets.packing))


def first_lines(body: bytes, lines: int) -> tuple[bytes, int]:
    """The first lines of a body, and how many are still wanted after them."""
    end = 0
    while lines:
        found = body.find(b"\n", end)
        if found < 0:
            return body, lines
        end = found + 1
        lines -= 1
    return body[:end], 0
