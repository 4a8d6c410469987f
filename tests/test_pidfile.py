"""Who runs this house: the lock counts, not the file."""

import os
from pathlib import Path

import pytest

from posthaus.pidfile import AlreadyRunning, PidFile, running


def test_written_and_gone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "posthaus.pid"
    with PidFile(path):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()
    assert running(tmp_path) is None


def test_a_file_left_behind_by_a_crash_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "run" / "posthaus.pid"
    path.parent.mkdir()
    path.write_text("999999999\n")
    assert running(tmp_path) is None
    with PidFile(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_another_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run" / "posthaus.pid"
    with PidFile(path):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with PidFile(path):
                    pass
            except AlreadyRunning as fault:
                right = f"already running, process {os.getppid()}" in str(fault)
                code = 0 if right and running(tmp_path) == os.getppid() else 2
            finally:
                os._exit(code)
        with pytest.raises(ChildProcessError):
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            os.waitpid(pid, 0)
        assert path.exists()
