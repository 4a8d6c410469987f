"""Bells between the processes of one machine: a Unix datagram socket each.

A worker binds RUN/bell.<pid>.<n> and sends "17:4711 4:23" (account and its MODSEQ) to the others that want to hear of
one of these, or wait for the writers' lock (RUN/wish.<pid>.<n>, see attention.py). A full or dead socket is passed
over: a bell may be lost, because everybody also looks once a second.
"""

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from posthaus.base.process import is_alive
from posthaus.store.drivers.attention import Attention, Glance

_DATAGRAM_OCTETS = 4_096
_RESCAN_S = 5.0
_SOCKET_PATH_OCTETS = 103  # 107 on Linux, 103 elsewhere
_NAME_OCTETS = 24  # "/bell.<pid>.<n>"


class Doorbell:
    """One worker's bell; hears the others through `rung`."""

    def __init__(self, folder: Path, rung: Callable[[Mapping[int, int]], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._folder_fd = -1
        self._prefix = self._reachable()
        self._rung = rung
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._others: dict[str, Glance] = {}
        self._folder_read = 0, -_RESCAN_S  # its time of change, and when that was
        try:
            self._name = self._bind()
            self.attention = Attention(str(folder / _wish(self._name)))
        except BaseException:
            self._hang_up()
            raise
        self._loop.add_reader(self._socket.fileno(), self._heard)

    def _reachable(self) -> str:
        """A deep folder is reached through /proc, because a socket's path is short."""
        if len(os.fsencode(self._folder)) <= _SOCKET_PATH_OCTETS - _NAME_OCTETS:
            return f"{self._folder}/"
        self._folder_fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._folder_fd}/"

    def _bind(self) -> str:
        """Takes a name of this process that no living socket has."""
        for n in itertools.count():
            name = f"bell.{os.getpid()}.{n}"
            path = self._prefix + name
            try:
                self._socket.bind(path)
                return name
            except OSError:  # there already: of another store here, or of one before us with our number
                if not os.path.lexists(path):
                    raise
                if _is_dead(path):
                    Path(path).unlink()
                    self._socket.bind(path)
                    return name
        raise AssertionError

    def send(self, touched: Mapping[int, int]) -> None:
        """Rings where somebody wants to hear it."""
        self._find_others()
        for other, glance in tuple(self._others.items()):
            wanted = glance.wants(touched)
            if wanted or glance.wants_lock():
                self._send(other, b" ".join([b"%d:%d" % (account, touched[account]) for account in wanted]))

    def _send(self, other: str, text: bytes) -> None:
        if len(text) > _DATAGRAM_OCTETS:
            text = text[: text.rindex(b" ", 0, _DATAGRAM_OCTETS)]  # those left out are found by looking
        try:
            self._socket.sendto(text, other)
        except BlockingIOError:
            pass
        except OSError:
            self._others.pop(other).close()

    def _find_others(self) -> None:
        """Read again when the folder has changed, and now and then."""
        now = self._loop.time()
        try:
            changed = os.stat(self._folder).st_mtime_ns  # noqa: PTH116 (a tenth of the time of Path.stat)
            if self._folder_read[0] == changed and now - self._folder_read[1] < _RESCAN_S:
                return
            names = [p.name for p in self._folder.glob("bell.*") if p.name != self._name]
            self._folder_read = changed, now
            self._know([n for n in names if not self._buried(self._prefix + n, n)])
        except OSError:
            self._know([])

    def _know(self, names: list[str]) -> None:
        """Keeps the pages of these and of no others."""
        paths = {self._prefix + name: name for name in names}
        for path in self._others.keys() - paths.keys():
            self._others.pop(path).close()
        for path in paths.keys() - self._others.keys():
            try:
                self._others[path] = Glance(str(self._folder / _wish(paths[path])))
            except (OSError, ValueError):
                self._folder_read = 0, -_RESCAN_S  # it has its bell and not yet its page

    def _buried(self, path: str, name: str) -> bool:
        """Takes away the socket of a process that is no more."""
        pid = name.split(".")[1]
        if pid.isdigit() and is_alive(int(pid)):
            return False
        if _is_dead(path):
            Path(path).unlink(missing_ok=True)
            (self._folder / _wish(name)).unlink(missing_ok=True)
            return True
        return False

    def _heard(self) -> None:
        touched: dict[int, int] = {}
        heard = False
        while True:
            try:
                text = self._socket.recv(_DATAGRAM_OCTETS)
            except OSError:  # nothing more
                break
            heard = True
            for word in text.split():
                account, _, modseq = word.partition(b":")
                if account.isdigit() and modseq.isdigit():
                    touched[int(account)] = max(int(modseq), touched.get(int(account), 0))
        if heard:
            self._rung(touched)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._hang_up()
        self._know([])
        self.attention.close()
        (self._folder / self._name).unlink(missing_ok=True)

    def _hang_up(self) -> None:
        self._socket.close()
        if self._folder_fd >= 0:
            os.close(self._folder_fd)


def _wish(name: str) -> str:
    """The file of a bell's page."""
    return f"wish{name.removeprefix('bell')}"


def _is_dead(path: str) -> bool:
    """Nobody has this socket open."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False
