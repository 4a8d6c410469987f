"""A dialogue with one host: the SMTP client engine on a stream, one reply after the other.

The one place where the relay waits. Each reply has its own time from when it is awaited, so that a host which lets one
octet through a minute gains nothing by it.

Standards: RFC 5321 §4.5.3.2.
Faults:    Lost, with words for the sender: nothing more can be asked of this host.
"""

from posthaus.base import limit
from posthaus.net.stream import Stream, Wake
from posthaus.proto.line import NEED_DATA, Need
from posthaus.proto.smtp.client import Client
from posthaus.proto.smtp.heard import Ask, Broken, ContentDue, Gone, Replied, Settled, Told
from posthaus.proto.smtp.replyread import Heard


class Lost(Exception):
    """The connection, or the sense of what comes over it."""


class Dialogue:
    """One connection to one host."""

    __slots__ = ("_seen", "engine", "is_verified", "stream", "tls")

    def __init__(self, stream: Stream, engine: Client) -> None:
        self.stream = stream
        self.engine = engine
        self.tls = ""
        """What protects it, in words; "" in the clear."""
        self.is_verified = False
        self._seen: Told | Need = NEED_DATA  # by look()

    async def next(self) -> Replied | ContentDue | Settled:
        """What happens next."""
        engine, stream = self.engine, self.stream
        heard = -1
        due = 0.0
        while (told := self._happened()) is NEED_DATA:
            await self.flush()
            if heard != engine.replies:
                heard = engine.replies
                due = stream.now() + engine.patience_s
            wake = await stream.wait(due - stream.now())
            if wake is Wake.OCTETS:
                engine.receive(stream.take())
            elif wake is Wake.END:
                engine.receive(b"")
            elif wake is Wake.DEADLINE:
                words = _words("no reply to", engine.awaited)
                stream.abort()
                raise Lost(words)
        if isinstance(told, Broken):
            stream.abort()
            raise Lost(told.why)
        if isinstance(told, Gone):
            raise Lost(_words("the connection was lost after", engine.awaited))
        assert not isinstance(told, type(NEED_DATA))
        return told

    async def reply(self) -> Heard:
        """The reply to the one thing that was asked."""
        told = await self.next()
        assert isinstance(told, Replied)
        return told.reply

    async def flush(self) -> None:
        """Sends what is due. That the host is gone is seen by reading: it may have left a last word."""
        octets = self.engine.outgoing()
        if octets:
            self.stream.write(octets)
            try:
                await self.stream.drain(limit.RELAY_BLOCK_TIMEOUT_S)
            except ConnectionError:
                pass

    def look(self) -> None:
        """Lets the engine know what has come in meanwhile, without waiting; next() tells of it."""
        if self._seen is not NEED_DATA:
            return
        if not self.stream.is_quiet:
            octets = self.stream.take()
            if octets or not self.stream.is_quiet:  # none of them: it has ended
                self.engine.receive(octets)
        self._seen = self.engine.next_event()

    def _happened(self) -> Told | Need:
        told, self._seen = self._seen, NEED_DATA
        return self.engine.next_event() if told is NEED_DATA else told

    async def close(self) -> None:
        """QUIT where it can still be said (RFC 5321 §4.1.1.10), and the end."""
        engine = self.engine
        if engine.awaited is None and not engine.is_over and not self.stream.closing:
            engine.quit()
            try:
                await self.next()
            except Lost:
                pass
        await self.stream.close()


def _words(what: str, awaited: Ask | None) -> str:
    return f"{what} {(awaited or Ask.NOTHING).value}"
