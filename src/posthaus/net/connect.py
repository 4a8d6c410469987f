"""Outgoing connections: an address and a port -> a Stream.

One address at a time, in the order of whoever asks, IPv6 and IPv4 alike: an address that does not answer costs one
time-out, and the next one is tried. Where the settings name source addresses, only their families are used, and each
destination always sees the same one of ours, because reputation is kept by address.

Standards: RFC 5321 §5.1 (each address in turn).
Faults:    ConnectFault.
"""

import asyncio
import errno
import os
import zlib
from collections.abc import Sequence

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.net.stream import Stream
from posthaus.net.wheel import Wheel

_CID_LETTERS = 8


class ConnectFault(ConnectionError):
    """No connection; the words are for people."""


class Connector:
    """Makes the outgoing connections of one worker."""

    def __init__(self, wheel: Wheel, chance: Chance, sources: Sequence[str] = ()) -> None:
        self._wheel = wheel
        self._chance = chance
        self._sources = tuple(sources)

    async def connect(self, address: str, port: int, timeout_s: float = limit.RELAY_CONNECT_TIMEOUT_S) -> Stream:
        source = self.source(address)
        cid = self._chance.name(_CID_LETTERS)
        try:
            async with asyncio.timeout(timeout_s):
                _, stream = await asyncio.get_running_loop().create_connection(
                    lambda: Stream(self._wheel, _nobody, cid),
                    address,
                    port,
                    local_addr=None if source is None else (source, 0),
                )
        except TimeoutError:
            raise ConnectFault("no answer") from None
        except OSError as fault:
            raise ConnectFault(_words(fault)) from None
        return stream

    def source(self, address: str) -> str | None:
        """Our own address towards this one; None: the system picks."""
        if not self._sources:
            return None
        ours = [one for one in self._sources if (":" in one) == (":" in address)]
        if not ours:
            raise ConnectFault("no source address of this family in the settings")
        return ours[zlib.crc32(address.encode()) % len(ours)]


def _nobody(stream: Stream) -> None:
    """There is no session to be started."""


def _words(fault: OSError) -> str:
    """asyncio's own text names address and error in many words; errno says it in two."""
    if fault.errno is not None and fault.errno in errno.errorcode:
        return os.strerror(fault.errno)
    return str(fault) or type(fault).__name__
