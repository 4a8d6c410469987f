"""One connection, accepted or made by us: octets in, octets out, a bell, a deadline, and TLS when asked for.

A session has one place to wait and one to take octets. Nothing runs while it waits: no task, no timer of its own (the
wheel holds one handle at most), no buffer. When a session does not take what came in, we stop reading; when the peer
does not read, drain() waits. Clear octets that were received before the TLS handshake are dropped, because an attacker
may have put them there (STARTTLS injection).

Standards: RFC 3207 §4.2, RFC 9051 §6.2.1, RFC 2595 §4, RFC 5929 §4, RFC 4978 §4.
Faults:    ConnectionError when the peer is gone, too slow, or its handshake fails.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from enum import Enum
from typing import cast

from posthaus.base import limit
from posthaus.net.deflate import Deflate
from posthaus.net.peer import Peer, TlsState, plain_address
from posthaus.net.tlslayer import TlsFault, TlsLayer
from posthaus.net.wheel import Handle, Wheel

__all__ = ["Peer", "Stream", "TlsState", "Wake"]


class Wake(Enum):
    """Why wait() came back."""

    OCTETS = 0
    BELL = 1
    DEADLINE = 2
    END = 3


class Stream(asyncio.Protocol):
    """Our end of one connection. One task uses it; only ring() and abort() may be called by others."""

    __slots__ = (
        "_accepted",
        "_alarm",
        "_chunks",
        "_closing",
        "_deadline",
        "_deflate",
        "_ended",
        "_full",
        "_held",
        "_layer",
        "_loop",
        "_lost",
        "_paused",
        "_rung",
        "_silent",
        "_transport",
        "_turn_ends",
        "_waiter",
        "_wheel",
        "cid",
        "draining",
        "peer",
        "tls",
    )

    def __init__(self, wheel: Wheel, accepted: "Callable[[Stream], None]", cid: str = "") -> None:
        self._wheel = wheel
        self._accepted: Callable[[Stream], None] | None = accepted
        self._transport: asyncio.Transport | None = None
        self._layer: TlsLayer | None = None
        self._deflate: Deflate | None = None  # inside of TLS
        self._waiter: asyncio.Future[bool] | None = None
        self._alarm: Handle | None = None
        self._deadline = 0.0
        self._loop = asyncio.get_running_loop()
        self._chunks: list[bytes] = []  # what came in and was not taken
        self._held = 0  # octets in it
        self._paused = False  # we do not read
        self._full = False  # the peer does not read
        self._rung = False
        self._silent = False  # octets were taken, and nothing was said since
        self._ended = False  # the peer sends no more
        self._lost = False  # the connection is gone in both directions
        self._closing = False
        self._turn_ends = 0.0  # 0.0: nobody has asked since the session last waited
        self.peer = Peer("", 0, "", 0)
        self.tls: TlsState | None = None
        self.cid = cid
        """Names the connection in the log."""
        self.draining = False
        """The worker is about to stop: say goodbye when the current command is done."""

    # -- for the session -------------------------------------------------------------------------------------------

    async def wait(self, timeout_s: float) -> Wake:
        """The one place to wait. Octets come first, then the end, then the bell."""
        if self._chunks:
            return Wake.OCTETS
        wake = self._reason()
        if wake is None and timeout_s > 0:
            if self._silent:
                self._acknowledge()
            # _park() written out: this is the path of every command, and a coroutine more is a tenth of its time
            self._deadline = due = self._wheel.monotonic() + timeout_s
            if self._alarm is None or self._alarm.due_s > due:
                self._arm(due)
            self._turn_ends = 0.0
            in_time = True
            while wake is None and in_time:  # half a record of TLS, or a ticket, rouses and is no reason to wake
                self._waiter = waiter = self._loop.create_future()
                try:
                    in_time = await waiter
                finally:
                    self._waiter = None
                wake = self._reason()
        return wake or Wake.DEADLINE

    def has_had_its_turn(self) -> bool:
        """Asked after each command of a pipeline: if so, `await asyncio.sleep(0)`, for others want to be served."""
        now = self._wheel.monotonic()
        if not self._turn_ends:
            self._turn_ends = now + limit.TURN_S
        elif now > self._turn_ends:
            self._turn_ends = 0.0
            return True
        return False

    def take(self) -> bytes:
        """All octets that came in; b"" if none, or if what came opens to none yet."""
        chunks = self._chunks
        if not chunks:
            return b""
        octets = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._held = 0
        if self._deflate is not None:
            octets, rest = self._deflate.open(octets)
            if rest is not None:
                chunks.append(rest)
                self._held = len(rest)
        self._silent = True
        if self._paused:
            self._paused = False
            if self._transport is not None and not self._lost:
                self._transport.resume_reading()
        return octets

    def ring(self) -> None:
        """Wakes the session; may be called often and by anybody."""
        if not self._rung:
            self._rung = True
            self._rouse()

    def write(self, octets: bytes) -> None:
        """Queued and sent soon; dropped when the connection is gone."""
        if not octets or self._lost or self._closing or self._transport is None:
            return
        self._silent = False
        if self._deflate is not None:
            octets = self._deflate.seal(octets)
        self._transport.write(octets if self._layer is None else self._layer.seal(octets))

    async def drain(self, timeout_s: float) -> None:
        """Returns when little is left to send; at once in nearly all cases."""
        if self._full:
            due = self._wheel.monotonic() + timeout_s
            while self._full:
                if not await self._park(due):
                    self.abort()
                    raise ConnectionAbortedError("the peer does not read")
        if self._lost:
            raise ConnectionResetError("the connection is lost")

    @property
    def compressed(self) -> bool:
        return self._deflate is not None

    def begin_deflate(self) -> None:
        """From here on, both sides deflate what they send."""
        self._deflate = Deflate()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """The server's side of a handshake; all clear octets that stand here are dropped."""
        self.take()
        await self.begin_tls(context)
        self._acknowledge()

    async def begin_tls(self, context: ssl.SSLContext) -> None:
        """A handshake whose first octets may have come in already: TLS from the start, or after a PROXY header."""
        await self._shake_hands(TlsLayer(context))

    async def connect_tls(self, context: ssl.SSLContext, name: str | None) -> None:
        """The client's side of a handshake; whatever the server has said in the clear until now is dropped."""
        self.take()
        layer = TlsLayer(context, client=True, name=name)
        self._step(layer)
        await self._shake_hands(layer)

    async def _shake_hands(self, layer: TlsLayer) -> None:
        due = self._wheel.monotonic() + limit.TLS_HANDSHAKE_TIMEOUT_S
        rung = False
        while True:
            wake = await self.wait(due - self._wheel.monotonic())
            rung = rung or wake is Wake.BELL
            if wake in (Wake.DEADLINE, Wake.END):
                self.abort()
                raise TlsFault("TIMEOUT" if wake is Wake.DEADLINE else "UNEXPECTED_EOF")
            if wake is Wake.OCTETS and self._step(layer):
                break
        self._layer = layer
        self.tls = layer.state()
        self._rung = self._rung or rung
        self.data_received(b"")  # octets may have come in one piece with the last of the handshake

    def _step(self, layer: TlsLayer) -> bool:
        try:
            done = layer.handshake(self.take())
        except TlsFault:
            self.write(layer.alert())
            self._hang_up()
            raise
        self.write(layer.outgoing())
        return done

    def _acknowledge(self) -> None:
        """Acknowledges at once what came in, where nothing that we say would carry it. With Nagle's algorithm on (it
        mostly is) a client that has half a command on its way may not send the rest before it has heard from us: 40 ms
        for each STARTTLS with TLS 1.3, and for each APPEND of imaplib, which writes the literal and its CRLF apart."""
        self._silent = False
        sock = None if self._transport is None else self._transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_QUICKACK"):
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            except OSError:
                pass  # not TCP, or gone

    def channel_binding(self, kind: str) -> bytes | None:
        """Octets of RFC 5929 that both ends of this TLS connection know; None where there are none."""
        if kind == "tls-server-end-point" and self._layer is not None:
            return self._layer.end_point()
        return None  # tls-exporter (RFC 9266): the ssl module has no exporter

    def peer_chain(self) -> list[bytes]:
        """The certificates (DER) that the server has sent to us, its own first."""
        return [] if self._layer is None else self._layer.peer_chain()

    def now(self) -> float:
        """The time by which wait() counts."""
        return self._wheel.monotonic()

    @property
    def is_quiet(self) -> bool:
        """The connection stands, and nothing has come in."""
        return not (self._chunks or self._ended or self.closing)

    @property
    def closing(self) -> bool:
        return self._closing or self._lost

    async def close(self) -> None:
        """Sends what is queued, says close_notify, and waits a little for the peer to close. Cancelled, it cuts."""
        try:
            await self._close(self._wheel.monotonic() + limit.CLOSE_TIMEOUT_S)
        finally:
            self.abort()

    async def _close(self, due: float) -> None:
        if not self.closing and self._transport is not None:
            if self._layer is not None:
                self._transport.write(self._layer.close_notify())
            self._closing = True
            self.take()
            if not self._ended:
                # Closing while the peer still sends would reset the connection and eat our last reply on its way.
                try:
                    self._transport.write_eof()
                except OSError:  # the peer has reset the connection, and the loop has not told us yet
                    self.abort()
                await self._until(lambda: self._ended or self._lost, due)
            self._transport.close()
        await self._until(lambda: self._lost, due)

    def abort(self) -> None:
        """Cuts the connection; what is queued is lost."""
        self._closing = True
        if not self._lost and self._transport is not None:
            self._transport.abort()

    def take_address(self, peer: Peer, rest: bytes) -> None:
        """The client's address came in a PROXY header; rest is what stood behind it."""
        self.peer = peer
        if rest:
            self._chunks.insert(0, rest)
            self._held += len(rest)

    def refuse(self, octets: bytes) -> None:
        """One line and the end, without a session."""
        self.write(octets)
        self._hang_up()

    def _hang_up(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    # -- waiting ---------------------------------------------------------------------------------------------------

    def _reason(self) -> Wake | None:
        if self._chunks:
            return Wake.OCTETS
        if self._ended or self._lost or self._closing:
            return Wake.END
        if self._rung:
            self._rung = False
            return Wake.BELL
        return None

    async def _park(self, due: float) -> bool:
        """Sleeps until something happens; false when the deadline passed."""
        self._deadline = due
        if self._alarm is None or self._alarm.due_s > due:
            self._arm(due)
        waiter: asyncio.Future[bool]
        self._waiter = waiter = self._loop.create_future()
        try:
            return await waiter
        finally:
            self._waiter = None

    def _arm(self, due: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._wheel.after(due - self._wheel.monotonic(), self._expire)

    async def _until(self, over: Callable[[], bool], due: float) -> None:
        while not over():
            if not await self._park(due):
                return

    def _rouse(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(True)

    def _expire(self) -> None:
        """The alarm rang. Deadlines mostly move on before they pass, so it is set again only now (lazily)."""
        self._alarm = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        left = self._deadline - self._wheel.monotonic()
        if left > 0:
            self._alarm = self._wheel.after(left, self._expire)
        else:
            waiter.set_result(False)

    # -- for the event loop ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        transport.set_write_buffer_limits(high=limit.OUTGOING_HIGH_OCTETS)
        theirs = transport.get_extra_info("peername") or ("", 0)
        ours = transport.get_extra_info("sockname") or ("", 0)
        self.peer = Peer(plain_address(theirs[0]), theirs[1], plain_address(ours[0]), ours[1])
        accepted, self._accepted = self._accepted, None
        if accepted is not None:
            accepted(self)

    def data_received(self, octets: bytes) -> None:
        if self._closing:
            self._held += len(octets)
            if self._held > limit.CLOSE_DISCARD_OCTETS:
                self.abort()  # who sends so much does not wait for our last words
            return
        if self._layer is not None:
            octets = self._open(self._layer, octets)
        if octets:
            self._chunks.append(octets)
            self._held += len(octets)
            if self._held >= limit.INCOMING_HIGH_OCTETS and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
        self._rouse()

    def _open(self, layer: TlsLayer, octets: bytes) -> bytes:
        try:
            clear, ended = layer.receive(octets)
        except ssl.SSLError:
            self._ended = True
            self.abort()
            return b""
        self._ended = self._ended or ended
        answer = layer.outgoing()
        if answer and self._transport is not None:
            self._transport.write(answer)
        return clear

    def eof_received(self) -> bool:
        self._ended = True
        self._rouse()
        return True  # RFC 9293 §3.6: half closed; a client may send QUIT, close its side, and still read the reply

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._rouse()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._ended = True
        self._full = False
        self._layer = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._rouse()
