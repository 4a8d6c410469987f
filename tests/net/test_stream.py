"""One connection over a real loopback socket, on both event loops, with a clock of ours."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator

import pytest

from posthaus.base import limit
from posthaus.net.deflate import Deflate
from posthaus.net.stream import Stream, Wake
from posthaus.net.tls import Certificates, server_end_point
from posthaus.net.tlslayer import TlsFault
from posthaus.net.wheel import Wheel
from posthaus.testing.clock import JumpClock

LONG_S = 1_000.0


class Client:
    """The other end: a plain socket, and TLS over memory when asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._loop = asyncio.get_running_loop()
        self._side: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()

    async def send(self, octets: bytes) -> None:
        if self._side is not None:
            self._side.write(octets)
            octets = self._out.read()
        await self._loop.sock_sendall(self.sock, octets)

    async def receive(self) -> bytes:
        """The next octets; b"" at the end."""
        while True:
            if self._side is not None:
                try:
                    return self._side.read(1 << 20)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLZeroReturnError:
                    return b""
            octets = await self._loop.sock_recv(self.sock, 1 << 16)
            if self._side is None or not octets:
                return octets
            self._in.write(octets)

    async def receive_exactly(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            piece = await self.receive()
            assert piece, "ended early"
            octets += piece
        return octets

    async def handshake(self, context: ssl.SSLContext, name: str = "mx.example", piece: int = 1 << 20) -> None:
        side = context.wrap_bio(self._in, self._out, server_hostname=name)
        while True:
            try:
                side.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            octets = self._out.read()
            for at in range(0, len(octets), piece):
                await self._loop.sock_sendall(self.sock, octets[at : at + piece])
                await asyncio.sleep(0)
            if done:
                self._side = side
                return
            octets = await self._loop.sock_recv(self.sock, 1 << 16)
            if not octets:
                raise ConnectionResetError
            self._in.write(octets)

    @property
    def side(self) -> ssl.SSLObject:
        assert self._side is not None
        return self._side


class Pair:
    """A Stream, its client and its clock."""

    def __init__(self, stream: Stream, client: Client, clock: JumpClock, wheel: Wheel) -> None:
        self.stream, self.client, self.clock, self.wheel = stream, client, clock, wheel

    async def later(self, seconds: float) -> None:
        """Lets everybody run, then moves the clock, then lets them run again."""
        await turns()
        self.clock.jump(seconds)
        self.wheel.tick()
        await turns()


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def paired() -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    clock = JumpClock(frozen=True)
    wheel = Wheel(clock)
    accepted: asyncio.Future[Stream] = loop.create_future()
    server = await loop.create_server(lambda: Stream(wheel, accepted.set_result, "c1"), "127.0.0.1", 0)
    sock = socket.socket()
    sock.setblocking(False)
    await loop.sock_connect(sock, server.sockets[0].getsockname())
    stream = await accepted
    try:
        yield Pair(stream, Client(sock), clock, wheel)
    finally:
        sock.close()
        stream.abort()
        server.close()
        await turns()


# -- clear ---------------------------------------------------------------------------------------------------------


async def test_octets_come_and_go_and_the_peer_is_known() -> None:
    async with paired() as pair:
        await pair.client.send(b"NOOP\r\n")
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        assert pair.stream.take() == b"NOOP\r\n"
        assert pair.stream.take() == b""
        pair.stream.write(b"250 ")
        pair.stream.write(b"")
        pair.stream.write(b"OK\r\n")
        assert await pair.client.receive_exactly(8) == b"250 OK\r\n"
        assert (pair.stream.peer.address, pair.stream.peer.port) == pair.client.sock.getsockname()
        assert pair.stream.peer.local_port == pair.client.sock.getpeername()[1]
        assert pair.stream.peer.is_loopback
        assert pair.stream.tls is None
        assert pair.stream.channel_binding("tls-server-end-point") is None


async def test_deflated() -> None:
    """In both directions, and a bomb is taken in pieces without anything more coming."""
    async with paired() as pair:
        pair.stream.begin_deflate()
        assert pair.stream.compressed
        theirs = Deflate()
        await pair.client.send(theirs.seal(b"a1 NOOP\r\n"))
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        assert pair.stream.take() == b"a1 NOOP\r\n"
        pair.stream.write(b"a1 OK\r\n")
        assert theirs.open(await pair.client.receive()) == (b"a1 OK\r\n", None)
        await pair.client.send(theirs.seal(b"x" * 3_000_000))
        octets = 0
        while octets < 3_000_000:
            assert await pair.stream.wait(LONG_S) is Wake.OCTETS
            piece = pair.stream.take()
            assert len(piece) <= limit.INFLATE_OCTETS
            octets += len(piece)
        assert octets == 3_000_000
        await pair.client.send(b"no deflated octets")
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        with pytest.raises(ConnectionError):
            pair.stream.take()


async def test_what_is_not_taken_wakes_again() -> None:
    async with paired() as pair:
        await pair.client.send(b"one")
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        await pair.client.send(b"two")
        await turns()
        assert pair.stream.take() == b"onetwo"


async def test_what_is_no_reason_does_not_wake() -> None:
    """Half a record of TLS, tickets, a peer that reads again: all rouse, and none of them is the deadline."""
    async with paired() as pair:
        waiting = asyncio.create_task(pair.stream.wait(60))
        await turns()
        pair.stream.data_received(b"")
        await turns()
        pair.stream.pause_writing()
        pair.stream.resume_writing()
        await turns()
        assert not waiting.done()
        await pair.later(61)
        assert await waiting is Wake.DEADLINE


async def test_deadline_of_a_silent_client() -> None:
    async with paired() as pair:
        waiting = asyncio.create_task(pair.stream.wait(60))
        await pair.later(59)
        assert not waiting.done()
        await pair.later(1)
        assert await waiting is Wake.DEADLINE
        assert await pair.stream.wait(0) is Wake.DEADLINE


async def test_each_wait_has_its_own_deadline() -> None:
    async with paired() as pair:
        for _ in range(5):
            waiting = asyncio.create_task(pair.stream.wait(60))
            await pair.later(50)
            assert not waiting.done()
            await pair.client.send(b"x")
            assert await waiting is Wake.OCTETS
            pair.stream.take()
        waiting = asyncio.create_task(pair.stream.wait(10))  # shorter than what the wheel was told before
        await pair.later(11)
        assert await waiting is Wake.DEADLINE
        assert len(pair.wheel) == 0


async def test_the_bell_wakes_once() -> None:
    async with paired() as pair:
        pair.stream.ring()
        pair.stream.ring()
        assert await pair.stream.wait(LONG_S) is Wake.BELL
        waiting = asyncio.create_task(pair.stream.wait(LONG_S))
        await turns()
        assert not waiting.done()
        pair.stream.ring()
        assert await waiting is Wake.BELL


async def test_octets_come_before_the_bell_and_the_bell_is_not_lost() -> None:
    async with paired() as pair:
        await pair.client.send(b"x")
        await pair.stream.wait(LONG_S)
        pair.stream.ring()
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        pair.stream.take()
        assert await pair.stream.wait(LONG_S) is Wake.BELL


async def test_half_close_still_hears_the_reply() -> None:
    async with paired() as pair:
        await pair.client.send(b"QUIT\r\n")
        pair.client.sock.shutdown(socket.SHUT_WR)
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        assert pair.stream.take() == b"QUIT\r\n"
        assert await pair.stream.wait(LONG_S) is Wake.END
        assert not pair.stream.closing
        pair.stream.write(b"221 bye\r\n")
        await pair.stream.close()
        assert await pair.client.receive_exactly(9) == b"221 bye\r\n"
        assert await pair.client.receive() == b""


async def test_reset_is_the_end_and_nothing_raises() -> None:
    async with paired() as pair:
        pair.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        pair.client.sock.close()
        assert await pair.stream.wait(LONG_S) is Wake.END
        assert pair.stream.closing
        pair.stream.write(b"into the void")
        with pytest.raises(ConnectionError):
            await pair.stream.drain(LONG_S)
        await pair.stream.close()


async def test_close_waits_for_the_client_that_still_sends() -> None:
    """The last reply must not be eaten by a reset."""
    async with paired() as pair:
        await pair.client.send(b"x" * 100_000)
        await pair.stream.wait(LONG_S)
        pair.stream.write(b"554 no\r\n")
        closing = asyncio.create_task(pair.stream.close())
        await pair.client.send(b"x" * 100_000)
        assert await pair.client.receive_exactly(8) == b"554 no\r\n"
        assert await pair.client.receive() == b""
        assert not closing.done()
        pair.client.sock.close()
        await closing


async def test_close_does_not_wait_for_ever() -> None:
    async with paired() as pair:
        closing = asyncio.create_task(pair.stream.close())
        await pair.later(limit.CLOSE_TIMEOUT_S - 1)
        assert not closing.done()
        await pair.later(2)
        await closing
        await pair.stream.close()


async def test_close_after_a_reset_that_nobody_has_seen() -> None:
    """The socket is gone before the loop tells us; shutting it down fails and must not leave it open."""
    async with paired() as pair:
        pair.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        pair.client.sock.close()
        await pair.stream.close()
        assert pair.stream.closing
        assert await pair.stream.wait(LONG_S) is Wake.END


async def test_we_stop_reading_when_nobody_takes() -> None:
    async with paired() as pair:
        sent = asyncio.create_task(pair.client.send(b"x" * 30_000_000))
        while pair.stream._held < limit.INCOMING_HIGH_OCTETS:
            await turns()
        await turns()
        assert pair.stream._held < limit.INCOMING_HIGH_OCTETS + 512 * 1024
        assert not sent.done()
        taken = 0
        while taken < 30_000_000:
            await pair.stream.wait(LONG_S)
            taken += len(pair.stream.take())
        await sent


async def test_drain_waits_for_the_client_and_gives_up_on_a_dead_one() -> None:
    async with paired() as pair:
        await pair.stream.drain(LONG_S)
        pair.stream.write(b"x" * 20_000_000)
        draining = asyncio.create_task(pair.stream.drain(60))
        await pair.later(30)
        assert not draining.done()
        await pair.client.receive_exactly(20_000_000)
        await draining
        pair.stream.write(b"x" * 20_000_000)
        draining = asyncio.create_task(pair.stream.drain(60))
        await pair.later(61)
        with pytest.raises(ConnectionAbortedError):
            await draining
        assert pair.stream.closing


# -- TLS -----------------------------------------------------------------------------------------------------------


async def shake(pair: Pair, certificates: Certificates, trust: ssl.SSLContext, piece: int = 1 << 20) -> None:
    await asyncio.gather(pair.stream.start_tls(certificates.context("imap")), pair.client.handshake(trust, piece=piece))


@pytest.mark.parametrize("piece", [1 << 20, 1])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_whole_and_octet_by_octet(
    certificates: Certificates, trust: ssl.SSLContext, piece: int, version: ssl.TLSVersion
) -> None:
    trust.set_alpn_protocols(["imap"])
    trust.maximum_version = version
    async with paired() as pair:
        await shake(pair, certificates, trust, piece)
        state = pair.stream.tls
        assert state is not None
        assert (state.version, state.sni, state.alpn) == (pair.client.side.version(), "mx.example", "imap")
        shown = pair.client.side.getpeercert(True)
        assert shown is not None
        assert pair.stream.channel_binding("tls-server-end-point") == server_end_point(shown)
        assert pair.stream.channel_binding("tls-exporter") is None
        await pair.client.send(b"a1 NOOP\r\n")
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        assert pair.stream.take() == b"a1 NOOP\r\n"
        pair.stream.write(b"a1 OK\r\n")
        assert await pair.client.receive_exactly(7) == b"a1 OK\r\n"


async def test_half_a_record_of_tls_does_not_wake(certificates: Certificates, trust: ssl.SSLContext) -> None:
    """A slow network cuts records in two: a session must not take the first half for the end of its patience."""
    async with paired() as pair:
        await shake(pair, certificates, trust)
        waiting = asyncio.create_task(pair.stream.wait(60))
        pair.client.side.write(b"A001 NOOP\r\n")
        record = pair.client._out.read()
        await asyncio.get_running_loop().sock_sendall(pair.client.sock, record[:10])
        for _ in range(20):
            await turns()
        assert not waiting.done()
        await asyncio.get_running_loop().sock_sendall(pair.client.sock, record[10:])
        assert await waiting is Wake.OCTETS
        assert pair.stream.take() == b"A001 NOOP\r\n"


async def test_tls_moves_much_both_ways(certificates: Certificates, trust: ssl.SSLContext) -> None:
    octets = bytes(range(256)) * 12_000
    async with paired() as pair:
        await shake(pair, certificates, trust)
        sending = asyncio.create_task(pair.client.send(octets))
        taken = b""
        while len(taken) < len(octets):
            await pair.stream.wait(LONG_S)
            taken += pair.stream.take()
        await sending
        assert taken == octets
        pair.stream.write(octets)
        assert await pair.client.receive_exactly(len(octets)) == octets
        await pair.stream.drain(LONG_S)


async def test_injected_clear_octets_are_dropped(certificates: Certificates, trust: ssl.SSLContext) -> None:
    # RFC 3207 §4.2, CVE-2011-0411: what was sent in one piece with STARTTLS must not be read as if it came over TLS
    async with paired() as pair:
        await pair.client.send(b"STARTTLS\r\nMAIL FROM:<evil@example>\r\n")
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        assert pair.stream.take().startswith(b"STARTTLS\r\n")  # the engine drops its own part
        await pair.client.send(b"RCPT TO:<evil@example>\r\n")
        await turns()
        pair.stream.write(b"220 go\r\n")
        starting = asyncio.create_task(pair.stream.start_tls(certificates.context("smtp")))
        assert await pair.client.receive_exactly(8) == b"220 go\r\n"
        await pair.client.handshake(trust)
        await starting
        assert pair.stream.take() == b""
        await pair.client.send(b"EHLO x\r\n")
        await pair.stream.wait(LONG_S)
        assert pair.stream.take() == b"EHLO x\r\n"


async def test_a_bell_during_the_handshake_is_kept(certificates: Certificates, trust: ssl.SSLContext) -> None:
    async with paired() as pair:
        pair.stream.ring()
        await shake(pair, certificates, trust)
        assert await pair.stream.wait(LONG_S) is Wake.BELL


async def test_octets_before_begin_tls_belong_to_it(certificates: Certificates, trust: ssl.SSLContext) -> None:
    async with paired() as pair:
        shaking = asyncio.create_task(pair.client.handshake(trust))
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        await pair.stream.begin_tls(certificates.context("imap"))
        await shaking


async def test_clear_text_instead_of_a_handshake(certificates: Certificates) -> None:
    async with paired() as pair:
        await pair.client.send(b"EHLO x\r\n")
        await turns()
        with pytest.raises(TlsFault):
            await pair.stream.begin_tls(certificates.context("smtp"))
        assert pair.stream.closing
        await pair.client.receive()  # an alert
        assert await pair.client.receive() == b""
        await pair.stream.close()


async def test_a_handshake_has_a_deadline(certificates: Certificates) -> None:
    async with paired() as pair:
        starting = asyncio.create_task(pair.stream.start_tls(certificates.context("smtp")))
        await turns()
        for octet in b"\x16\x03\x01\x02\x00\x01":  # slowly
            await pair.client.send(bytes([octet]))
            await pair.later(4)
        assert not starting.done()
        await pair.later(10)
        with pytest.raises(TlsFault, match="TIMEOUT"):
            await starting


async def test_a_client_that_leaves_in_the_handshake(certificates: Certificates) -> None:
    async with paired() as pair:
        starting = asyncio.create_task(pair.stream.start_tls(certificates.context("smtp")))
        await turns()
        await pair.client.send(b"\x16\x03\x01")
        pair.client.sock.close()
        with pytest.raises(TlsFault, match="EOF"):
            await starting


@pytest.mark.parametrize("offered", [["h2", "http/1.1"], ["pop3"]])
async def test_another_protocol_is_turned_away(
    certificates: Certificates, trust: ssl.SSLContext, offered: list[str]
) -> None:
    trust.set_alpn_protocols(offered)
    async with paired() as pair:
        starting = asyncio.create_task(pair.stream.start_tls(certificates.context("imap")))
        await turns()
        with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
            await pair.client.handshake(trust)
        with pytest.raises(TlsFault, match="NO_APPLICATION_PROTOCOL"):
            await starting
        assert pair.stream.closing


async def test_one_protocol_in_common_is_enough(certificates: Certificates, trust: ssl.SSLContext) -> None:
    trust.set_alpn_protocols(["h2", "imap"])
    async with paired() as pair:
        await shake(pair, certificates, trust)
        assert pair.stream.tls is not None
        assert pair.stream.tls.alpn == "imap"


async def test_old_tls_is_refused(certificates: Certificates, trust: ssl.SSLContext) -> None:
    with pytest.warns(DeprecationWarning):
        trust.minimum_version = ssl.TLSVersion.TLSv1
        trust.maximum_version = ssl.TLSVersion.TLSv1_1
    async with paired() as pair:
        starting = asyncio.create_task(pair.stream.start_tls(certificates.context("imap")))
        await turns()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await pair.client.handshake(trust)
        pair.client.sock.close()
        with pytest.raises(TlsFault):
            await starting


async def test_both_sides_say_close_notify(certificates: Certificates, trust: ssl.SSLContext) -> None:
    async with paired() as pair:
        await shake(pair, certificates, trust)
        pair.stream.write(b"* BYE\r\n")
        closing = asyncio.create_task(pair.stream.close())
        assert await pair.client.receive_exactly(7) == b"* BYE\r\n"
        assert await pair.client.receive() == b""
        assert pair.client._side is not None
        pair.client.sock.close()
        await closing


async def test_the_clients_close_notify_is_the_end(certificates: Certificates, trust: ssl.SSLContext) -> None:
    async with paired() as pair:
        await shake(pair, certificates, trust)
        pair.client.side.write(b"last")
        with pytest.raises(ssl.SSLWantReadError):
            pair.client.side.unwrap()
        await asyncio.get_running_loop().sock_sendall(pair.client.sock, pair.client._out.read())
        assert await pair.stream.wait(LONG_S) is Wake.OCTETS
        assert pair.stream.take() == b"last"
        assert await pair.stream.wait(LONG_S) is Wake.END


async def test_damaged_records_end_the_connection(certificates: Certificates, trust: ssl.SSLContext) -> None:
    async with paired() as pair:
        await shake(pair, certificates, trust)
        await asyncio.get_running_loop().sock_sendall(pair.client.sock, b"\x17\x03\x03\x00\x20" + b"x" * 32)
        assert await pair.stream.wait(LONG_S) is Wake.END
        assert pair.stream.closing
        await pair.stream.close()
