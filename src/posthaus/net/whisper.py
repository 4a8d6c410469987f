"""What sibling workers tell each other: small payloads over datagram pairs that their supervisor made.

The supervisor keeps a pair for each slot, so a worker that takes a dead one's place hears on the same. A payload may be
lost (a full queue, a slot without a worker): only what is merely useful goes this way.

Standards: none.
Faults:    none.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_DATAGRAM_OCTETS = 512


@dataclass(frozen=True, slots=True)
class Pair:
    """A slot's ear, and the mouth by which the others speak to it."""

    ear: socket.socket
    mouth: socket.socket

    def close(self) -> None:
        self.ear.close()
        self.mouth.close()


def make_pair() -> Pair:
    ear, mouth = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.setblocking(False)
    mouth.setblocking(False)
    return Pair(ear, mouth)


class Whisper:
    """One worker's end: its own ear, and the mouths to all others."""

    def __init__(self, ear: socket.socket | None, mouths: Sequence[socket.socket]) -> None:
        self._ear = ear
        self._mouths = tuple(mouths)

    def listen(self, heard: Callable[[bytes], None]) -> None:
        """From now on heard() gets each payload; what was said before is too old."""
        if self._ear is None:
            return
        while self._take() is not None:
            pass
        asyncio.get_running_loop().add_reader(self._ear.fileno(), self._read, heard)

    def say(self, payload: bytes) -> None:
        for mouth in self._mouths:
            try:
                mouth.send(payload)
            except OSError:
                pass  # full: nobody there, or too busy to care

    def stop(self) -> None:
        if self._ear is not None:
            asyncio.get_running_loop().remove_reader(self._ear.fileno())

    def _read(self, heard: Callable[[bytes], None]) -> None:
        while (payload := self._take()) is not None:
            heard(payload)

    def _take(self) -> bytes | None:
        assert self._ear is not None
        try:
            return self._ear.recv(_DATAGRAM_OCTETS)
        except OSError:
            return None
