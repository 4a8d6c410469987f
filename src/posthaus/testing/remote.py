"""A remote MX on order: the server that your program or ours sends mail to, as polite or as broken as a test wants it.

    async with remote_mx() as mx: ...                                       # takes everything
    async with remote_mx({"RCPT": [None, "452 4.5.3 Too many"]}) as mx: ...  # the first as usual, the second not
    async with remote_mx({"END": DROP}) as mx: ...                          # gone after the final dot, every time
    ... mx.host, mx.port; mx.messages, mx.commands, mx.connections ...
    with running_remote_mx(...) as mx: ...                                  # the same for tests without asyncio

An order is for a moment: GREETING, a verb (EHLO, HELO, STARTTLS, MAIL, RCPT, DATA, BDAT, RSET, NOOP, QUIT ...), or END,
the end of the message. It is a reply, DROP, HANG, ENDLESS, Raw octets, or Last(reply), which closes after it; a list of
orders is for one such moment after the other, None in it meaning as usual, and what comes after its end is as usual. A
reply 421 closes as well. RCPT's reply can be given by address: {"bob@example.net": "550 5.1.1 No such user"}.

Standards: RFC 5321, RFC 1870, RFC 2920, RFC 3030, RFC 3207, as far as they are wanted here.
Faults:    those ordered.
"""

import asyncio
import contextlib
import enum
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from posthaus.net.tls import make_self_signed
from posthaus.testing.aside import aside

HOST = "127.0.0.1"
KEYWORDS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN")
_LINE_OCTETS = 1 << 24
_LONG_AGO_S = 20 * 366 * 86_400


class Deed(enum.Enum):
    """What a host may do instead of a reply."""

    DROP = "the connection is cut"
    HANG = "nothing is said any more"
    ENDLESS = "a reply without an end"


DROP, HANG, ENDLESS = Deed.DROP, Deed.HANG, Deed.ENDLESS


@dataclass(frozen=True, slots=True)
class Raw:
    """Exactly these octets."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Last:
    """This reply, and the connection is closed."""

    reply: str


Order = str | Deed | Raw | Last | None
Orders = Mapping[str, Order | Sequence[Order]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that was taken."""

    mail: str  # the lines as they came
    rcpts: tuple[str, ...]  # those that were accepted
    octets: bytes
    helo: str
    is_tls: bool

    @property
    def reverse_path(self) -> str:
        return _path(self.mail)

    @property
    def forward_paths(self) -> tuple[str, ...]:
        return tuple(_path(one) for one in self.rcpts)


class Remote:
    """The running host."""

    def __init__(
        self,
        orders: Orders,
        keywords: Sequence[str],
        names: Sequence[str],
        expired: bool,
        tls_first: bool,
        crumbs: bool,
    ) -> None:
        self.host = HOST
        self.port = 0
        self.messages: list[Arrived] = []
        self.commands: list[str] = []
        """Every command line of every connection, in the order in which they came."""
        self.connections = 0
        self.orders: dict[str, Order | Sequence[Order]] = dict(orders)
        """May be changed at any time."""
        self.keywords = tuple(keywords)
        self.certificate = b""
        """Its certificate (PEM), self-signed, to be trusted by who wants to."""
        self.names_asked: list[str | None] = []
        """By SNI, in each handshake."""
        self.tls_first = tls_first
        self.crumbs = crumbs
        self._turns: dict[str, int] = {}
        self._context = self._make_context(names, expired) if names else None

    def _make_context(self, names: Sequence[str], expired: bool) -> ssl.SSLContext:
        self.certificate, key = make_self_signed(tuple(names), time.time() - (_LONG_AGO_S if expired else 0))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            for name, octets in (("crt", self.certificate), ("key", key)):
                (Path(folder) / name).write_bytes(octets)
            context.load_cert_chain(Path(folder) / "crt", Path(folder) / "key")
        context.sni_callback = lambda _, name, __: self.names_asked.append(name)
        return context

    def next_order(self, moment: str) -> Order:
        """What was ordered for this moment, and the next one for the next."""
        found = self.orders.get(moment)
        if found is None or isinstance(found, str | Deed | Raw | Last):
            return found
        turn = self._turns.get(moment, 0)
        self._turns[moment] = turn + 1
        return found[turn] if turn < len(found) else None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        visit = _Visit(self, reader, writer, is_tls=self.tls_first)
        try:
            await visit.run()
        except (_Over, ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()  # the test is over: a client that is gone says no goodbye in TLS
            raise
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    @property
    def context(self) -> ssl.SSLContext | None:
        return self._context


class _Over(Exception):
    """The connection ends."""


@dataclass(slots=True)
class _Visit:
    remote: Remote
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    helo: str = ""
    is_tls: bool = False
    is_last: bool = False
    is_raw: bool = False  # what was said last
    mail: str = ""
    rcpts: list[str] = field(default_factory=list)
    content: list[bytes] = field(default_factory=list)

    async def run(self) -> None:
        await self.answer("GREETING", "220 mx.example ESMTP")
        while not self.is_last and (line := await self.reader.readline()):
            text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
            self.remote.commands.append(text)
            await self.command(text)

    async def command(self, line: str) -> None:
        verb = line.partition(" ")[0].upper()
        known = {
            "EHLO": self.hello,
            "HELO": self.hello,
            "STARTTLS": self.starttls,
            "MAIL": self.begin,
            "RCPT": self.rcpt,
            "DATA": self.data,
            "BDAT": self.bdat,
            "RSET": self.reset,
            "QUIT": self.quit,
        }.get(verb)
        if known is None:
            await self.answer(verb, "250 2.0.0 OK" if verb == "NOOP" else "500 5.5.1 Unknown")
        else:
            await known(line)

    async def answer(self, moment: str, usual: str) -> bool:
        """Says what was ordered, or the usual; whether it was positive."""
        order = self.remote.next_order(moment)
        self.is_raw = isinstance(order, Raw)
        if order is DROP:
            self.writer.transport.abort()
            raise _Over
        if order is HANG:
            while await self.reader.read(1 << 16):
                pass
            raise _Over
        if order is ENDLESS:
            while True:
                await self.say(b"250-and so on\r\n" * 1_000)
                await asyncio.sleep(0)
        if isinstance(order, Raw):
            await self.say(order.octets)
            return _is_positive(moment, order.octets.decode("latin-1")) and order.octets.endswith(b"\n")
        reply = order.reply if isinstance(order, Last) else order if isinstance(order, str) else usual
        await self.say(reply.replace("\n", "\r\n").encode() + b"\r\n")
        self.is_last = isinstance(order, Last) or reply.startswith("421")
        return _is_positive(moment, reply)

    async def say(self, octets: bytes) -> None:
        size = 1 if self.remote.crumbs else len(octets)
        for at in range(0, len(octets), size):
            if at:
                await asyncio.sleep(0)  # never after the last piece: the answer to 220 is start_tls()'s to read
            self.writer.write(octets[at : at + size])
            await self.writer.drain()

    async def hello(self, line: str) -> None:
        verb, _, self.helo = line.partition(" ")
        keywords = self.remote.keywords if verb.upper() == "EHLO" else ()
        if keywords and self.remote.context is not None and not self.is_tls:
            keywords = (*keywords, "STARTTLS")
        lines = ["mx.example", *keywords]
        await self.answer(verb.upper(), "\n".join([f"250-{one}" for one in lines[:-1]] + [f"250 {lines[-1]}"]))
        self.forget()

    async def starttls(self, line: str) -> None:
        if await self.answer("STARTTLS", "220 2.0.0 Go ahead") and not self.is_last and not self.is_raw:
            assert self.remote.context is not None
            await self.writer.start_tls(self.remote.context)
            self.is_tls = True

    async def begin(self, line: str) -> None:
        if await self.answer("MAIL", "250 2.1.0 OK"):
            self.forget()
            self.mail = line

    async def rcpt(self, line: str) -> None:
        by_address = self.remote.orders.get(_path(line))
        usual = by_address if isinstance(by_address, str) else "250 2.1.5 OK"
        if await self.answer("RCPT", usual if self.mail else "503 5.5.1 MAIL first"):
            self.rcpts.append(line)

    async def data(self, line: str) -> None:
        if not await self.answer("DATA", "354 Go ahead" if self.rcpts else "554 5.5.1 No valid recipients"):
            return
        content = []
        while (octets := await self.reader.readline()) != b".\r\n":
            if not octets:
                raise _Over
            content.append(octets[1:] if octets.startswith(b".") else octets)
        await self.end(b"".join(content))

    async def bdat(self, line: str) -> None:
        words = line.upper().split()
        self.content.append(await self.reader.readexactly(int(words[1])))
        if not self.rcpts:
            await self.answer("BDAT", "503 5.5.1 No valid recipients")
        elif words[-1] == "LAST":
            await self.end(b"".join(self.content))
        elif not await self.answer("BDAT", "250 2.0.0 OK"):
            self.forget()

    async def end(self, octets: bytes) -> None:
        arrived = Arrived(self.mail, tuple(self.rcpts), octets, self.helo, self.is_tls)
        self.forget()
        if await self.answer("END", "250 2.0.0 Taken" if arrived.rcpts else "554 5.5.1 No valid recipients"):
            self.remote.messages.append(arrived)

    async def reset(self, line: str) -> None:
        self.forget()
        await self.answer("RSET", "250 2.0.0 OK")

    async def quit(self, line: str) -> None:
        await self.answer("QUIT", "221 2.0.0 Bye")
        raise _Over

    def forget(self) -> None:
        self.mail, self.rcpts, self.content = "", [], []


def _is_positive(moment: str, reply: str) -> bool:
    return reply.startswith("3" if moment == "DATA" else "2")


def _path(line: str) -> str:
    return line.partition("<")[2].rpartition(">")[0]


@asynccontextmanager
async def remote_mx(
    orders: Orders | None = None,
    *,
    keywords: Sequence[str] = KEYWORDS,
    names: Sequence[str] = ("mx.example",),
    expired: bool = False,
    tls_first: bool = False,
    crumbs: bool = False,
    host: str = HOST,
) -> AsyncIterator[Remote]:
    """A host in this loop. names: of its certificate, () for none and no STARTTLS. crumbs: replies octet by octet."""
    made = Remote(orders or {}, keywords, names, expired, tls_first, crumbs)
    visits: set[asyncio.Task[None]] = set()

    def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.create_task(made.serve(reader, writer))
        visits.add(visit)
        visit.add_done_callback(visits.discard)

    context = made.context if tls_first else None
    server = await asyncio.start_server(knock, host, 0, limit=_LINE_OCTETS, ssl=context)
    made.host, made.port = host, server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for visit in list(visits):
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)


@contextmanager
def running_remote_mx(
    orders: Orders | None = None,
    *,
    keywords: Sequence[str] = KEYWORDS,
    names: Sequence[str] = ("mx.example",),
    expired: bool = False,
    tls_first: bool = False,
    crumbs: bool = False,
    host: str = HOST,
) -> Iterator[Remote]:
    """The same for tests without asyncio: the host has a thread of its own."""
    opened = remote_mx(
        orders, keywords=keywords, names=names, expired=expired, tls_first=tls_first, crumbs=crumbs, host=host
    )
    with aside(opened, "remote-mx") as (_, made):
        yield made
