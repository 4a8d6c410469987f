"""Listeners over real sockets: service, limits, PROXY, TLS from the start, drain."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable

import pytest

from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.net.bind import bind
from posthaus.net.listen import Census, Greeting, Listener, Service, Surroundings, drain
from posthaus.net.peer import Networks, Peer
from posthaus.net.stream import Stream, Wake
from posthaus.net.tls import Certificates
from posthaus.net.wheel import Wheel
from posthaus.testing.clock import JumpClock

REFUSAL = b"421 4.7.0 Too many connections\r\n"
LONG_S = 1_000.0


class CountedChance:
    """Names in order, as no attacker could wish for more."""

    def __init__(self) -> None:
        self._count = 0

    def octets(self, n: int) -> bytes:
        return bytes(n)

    def name(self, n: int) -> str:
        self._count += 1
        return f"c{self._count}"


class House:
    """One listener with all that is around it."""

    def __init__(self, service: Service, greeting: Greeting, census: Census, proxies: tuple[str, ...]) -> None:
        self.clock = JumpClock(frozen=True)
        self.lines: list[str] = []
        self.metric = Metric()
        self.wheel = Wheel(self.clock)
        self.census = census
        log = Log(self.clock, self.lines.append)
        around = Surroundings(self.wheel, CountedChance(), log, self.metric, census, Networks(proxies))
        self.listener = Listener(bind("127.0.0.1", 0)[0], service, greeting, around)

    async def connect(self, context: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = None if context is None else "mx.example"
        return await asyncio.open_connection("127.0.0.1", self.listener.port, ssl=context, server_hostname=name)

    async def settled(self) -> None:
        """All sessions are over."""
        await until(lambda: not self.listener.sessions)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(100_000):
        if true():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came true")


async def echo(stream: Stream) -> None:
    while await stream.wait(LONG_S) is Wake.OCTETS:
        stream.write(stream.take())


@contextlib.asynccontextmanager
async def house(
    service: Service = echo,
    *,
    tls: Certificates | None = None,
    census: Census | None = None,
    proxies: tuple[str, ...] = (),
) -> AsyncIterator[House]:
    greeting = Greeting("smtp", REFUSAL, None if tls is None else lambda: tls.context("smtp"))
    it = House(service, greeting, census or Census(), proxies)
    await it.listener.start()
    try:
        yield it
    finally:
        await drain([it.listener], 0)


async def leave(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_a_service_runs_for_each_connection() -> None:
    async with house() as it:
        clients = [await it.connect() for _ in range(5)]
        for number, (reader, writer) in enumerate(clients):
            writer.write(b"%d\n" % number)
            assert await reader.readline() == b"%d\n" % number
        assert it.census.total == 5
        for _, writer in clients:
            await leave(writer)
        await it.settled()
        assert it.census.total == 0
        assert it.metric.value("connection.smtp") == 5
        assert it.lines == []


async def test_a_defect_is_logged_and_ends_one_connection_only() -> None:
    async def broken(stream: Stream) -> None:
        await stream.wait(LONG_S)
        if stream.take() == b"crash\n":
            raise KeyError("x")
        await echo(stream)

    async with house(broken) as it:
        reader, writer = await it.connect()
        other_reader, other_writer = await it.connect()
        writer.write(b"crash\n")
        assert await reader.read() == b""
        await leave(writer)
        other_writer.write(b"a\n")
        other_writer.write(b"b\n")
        assert it.metric.value("session.defect") == 1
        assert "session.defect cid=c1 service=smtp fault=KeyError" in it.lines[0]
        assert it.census.total == 1
        await leave(other_writer)
        assert await other_reader.read() in (b"", b"b\n")


async def test_limits_are_refused_in_one_line() -> None:
    async with house(census=Census(total=10, each=2)) as it:
        clients = [await it.connect() for _ in range(2)]
        for reader, writer in clients:
            writer.write(b"x\n")
            await reader.readline()
        reader, writer = await it.connect()
        assert await reader.read() == REFUSAL
        await leave(writer)
        assert it.metric.value("connection.refused") == 1
        assert 'connection.refused cid=c3 service=smtp peer=127.0.0.1 why="too many"' in it.lines[0]
        await leave(clients[0][1])
        await until(lambda: it.census.total == 1)
        reader, writer = await it.connect()
        writer.write(b"again\n")
        assert await reader.readline() == b"again\n"
        for _, one in (clients[1], (reader, writer)):
            await leave(one)


def test_census() -> None:
    census = Census(total=3, each=2)
    assert [census.enter(address) for address in ("a", "a", "a", "b", "c")] == [True, True, False, True, False]
    census.leave("a")
    assert census.enter("c")
    assert census.total == 3


# -- PROXY ---------------------------------------------------------------------------------------------------------


async def tell_peer(stream: Stream) -> None:
    peer: Peer = stream.peer
    await stream.wait(LONG_S)
    stream.write(f"{peer.address} {peer.port} {peer.proxied} {peer.is_loopback} ".encode() + stream.take() + b"\n")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 443 25\r\n", b"192.0.2.7 443 True False "),
        (
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x01\xbb\x00\x19",
            b"192.0.2.7 443 True False ",
        ),
        (b"PROXY UNKNOWN\r\n", b"127.0.0.1 "),
        (b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", b"127.0.0.1 "),
    ],
)
@pytest.mark.parametrize("piecewise", [False, True])
async def test_the_clients_address_comes_from_the_header(header: bytes, wanted: bytes, piecewise: bool) -> None:
    async with house(tell_peer, proxies=("127.0.0.0/8",)) as it:
        reader, writer = await it.connect()
        pieces = [bytes([octet]) for octet in header] + [b"hello"] if piecewise else [header + b"hello"]
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        line = await reader.readline()
        assert line.startswith(wanted)
        assert line.rstrip().endswith(b"hello")
        await leave(writer)


async def test_a_trusted_network_must_send_the_header() -> None:
    async with house(tell_peer, proxies=("127.0.0.0/8",)) as it:
        reader, writer = await it.connect()
        writer.write(b"EHLO x\r\n")
        assert await reader.read() == b""
        assert 'proxy.refused cid=c1 service=smtp peer=127.0.0.1 why="no PROXY header"' in it.lines[0]
        await leave(writer)


async def test_the_header_has_a_deadline() -> None:
    async with house(tell_peer, proxies=("127.0.0.0/8",)) as it:
        reader, writer = await it.connect()
        await until(lambda: len(it.wheel) > 0)
        it.clock.jump(11)
        it.wheel.tick()
        assert await reader.read() == b""
        await leave(writer)


async def test_others_cannot_claim_an_address() -> None:
    async with house(tell_peer, proxies=("10.0.0.0/8",)) as it:
        reader, writer = await it.connect()
        writer.write(b"PROXY TCP4 192.0.2.7 198.51.100.1 443 25\r\n")
        assert (await reader.readline()).startswith(b"127.0.0.1 ")
        await leave(writer)


async def test_limits_count_the_client_and_not_the_load_balancer() -> None:
    async with house(census=Census(each=1), proxies=("127.0.0.0/8",)) as it:
        clients = []
        for number in range(3):
            reader, writer = await it.connect()
            writer.write(b"PROXY TCP4 192.0.2.%d 198.51.100.1 443 25\r\nx\n" % number)
            assert await reader.readline() == b"x\n"
            clients.append(writer)
        reader, writer = await it.connect()
        writer.write(b"PROXY TCP4 192.0.2.0 198.51.100.1 443 25\r\nx\n")
        assert await reader.read() == REFUSAL
        for one in [*clients, writer]:
            await leave(one)


# -- TLS from the start --------------------------------------------------------------------------------------------


async def test_tls_from_the_start(certificates: Certificates, trust: ssl.SSLContext) -> None:
    async with house(tls=certificates) as it:
        reader, writer = await it.connect(trust)
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        await leave(writer)


async def test_proxy_stands_before_tls(certificates: Certificates, trust: ssl.SSLContext) -> None:
    async with house(tell_peer, tls=certificates, proxies=("127.0.0.0/8",)) as it:
        reader, writer = await it.connect()
        writer.write(b"PROXY TCP4 192.0.2.7 198.51.100.1 443 465\r\n")
        await writer.start_tls(trust, server_hostname="mx.example")
        writer.write(b"hello")
        assert (await reader.readline()).startswith(b"192.0.2.7 443 True")
        await leave(writer)


async def test_clear_text_on_a_tls_port_is_no_defect(certificates: Certificates) -> None:
    async with house(tls=certificates) as it:
        reader, writer = await it.connect()
        writer.write(b"EHLO x\r\n")
        assert REFUSAL not in await reader.read()
        await leave(writer)
        await it.settled()
        assert it.metric.value("tls.failed") == 1
        assert it.metric.value("session.defect") == 0
        assert "info tls.failed cid=c1 service=smtp peer=127.0.0.1" in it.lines[0]


# -- the end -------------------------------------------------------------------------------------------------------


async def polite(stream: Stream) -> None:
    while True:
        wake = await stream.wait(LONG_S)
        if stream.draining:
            stream.write(b"421 bye\r\n")
            return
        if wake is Wake.END:
            return
        stream.write(stream.take())


async def test_drain_tells_the_sessions_and_accepts_no_more() -> None:
    async with house(polite) as it:
        reader, writer = await it.connect()
        writer.write(b"x\n")
        await reader.readline()
        draining = asyncio.create_task(drain([it.listener], 30))
        assert await reader.read() == b"421 bye\r\n"
        await leave(writer)
        await draining
        with pytest.raises(ConnectionError):
            await it.connect()


async def test_drain_cuts_who_does_not_leave() -> None:
    async def deaf(stream: Stream) -> None:
        while await stream.wait(LONG_S) is not Wake.END:
            stream.take()

    async with house(deaf) as it:
        reader, writer = await it.connect()
        await until(lambda: len(it.listener.sessions) == 1)
        await drain([it.listener], 0.01)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        assert it.listener.sessions == ()
        assert it.census.total == 0
        await leave(writer)
