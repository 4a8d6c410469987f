"""DIR/run/posthaus.pid: who runs this house. Its lock, not its being there, says that somebody does.

Standards: none.
Faults:    AlreadyRunning (Refusal).
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from posthaus.base.error import Refusal


class AlreadyRunning(Refusal):
    """One line that names the process."""


class PidFile:
    """Held by the supervisor as long as it lives; the kernel lets go of the lock when it dies in any way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> "PidFile":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # Not flock(): a forked worker that lives on for a moment must not hold it.
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(self._fd, 20).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise AlreadyRunning(f"{self._path.parent.parent}: already running, process {pid}") from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def running(folder: Path) -> int | None:
    """The process that runs the house in this folder."""
    try:
        fd = os.open(folder / "run" / "posthaus.pid", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        text = os.read(fd, 20).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(fd)
    return None
