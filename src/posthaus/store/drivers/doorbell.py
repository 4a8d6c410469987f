"""Bells between the processes of one machine: a Unix datagram socket each.

A worker binds RUN/bell.<pid>.<n> and sends "17:4711 4:23" (account and its MODSEQ) to all others. A full or dead socket is passed over: a
bell may be lost, because everybody also looks once a second.
"""

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

_DATAGRAM_OCTETS = 4_096
_RESCAN_S = 5.0
_number = itertools.count()


class Doorbell:
    """One worker's bell; hears the others through `rung`."""

    def __init__(self, folder: Path, rung: Callable[[Mapping[int, int]], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._rung = rung
        self._loop = asyncio.get_running_loop()
        self._path = folder / f"bell.{os.getpid()}.{next(_number)}"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._bind()
        self._loop.add_reader(self._socket.fileno(), self._heard)
        self._others: list[str] = []
        self._others_read_at = -_RESCAN_S

    def _bind(self) -> None:
        """The path of a socket has at most 107 octets; a deep folder is reached through /proc."""
        path = str(self._path)
        if len(os.fsencode(path)) < 104:
            self._socket.bind(path)
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._socket.bind(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)

    def send(self, touched: Mapping[int, int]) -> None:
        now = self._loop.time()
        if now - self._others_read_at > _RESCAN_S:
            self._others_read_at = now
            self._others = self._find_others()
        if not self._others:
            return
        text = b" ".join([b"%d:%d" % item for item in touched.items()])[:_DATAGRAM_OCTETS]
        if len(text) == _DATAGRAM_OCTETS:
            text = text[: text.rindex(b" ")]  # those left out are found by looking
        for other in self._others:
            try:
                self._socket.sendto(text, other)
            except (BlockingIOError, ConnectionRefusedError, FileNotFoundError):
                self._others_read_at = min(self._others_read_at, now - _RESCAN_S + 0.5)
            except OSError:
                self._others_read_at = -_RESCAN_S

    def _find_others(self) -> list[str]:
        others = []
        folder = str(self._folder)
        if len(os.fsencode(folder)) > 80:
            folder = os.path.relpath(folder)
        for path in self._folder.glob("bell.*"):
            if path.name != self._path.name:
                if _is_alive(int(path.name.split(".")[1])):
                    others.append(f"{folder}/{path.name}")
                else:
                    path.unlink(missing_ok=True)
        return others

    def _heard(self) -> None:
        touched: dict[int, int] = {}
        heard = False
        while True:
            try:
                text = self._socket.recv(_DATAGRAM_OCTETS)
            except BlockingIOError:
                break
            except OSError:
                return
            heard = True
            for word in text.split():
                account, _, modseq = word.partition(b":")
                touched[int(account)] = int(modseq)
        if heard:
            self._rung(touched)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
