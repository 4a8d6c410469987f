"""Alive or not."""

import os
import subprocess
import sys

from posthaus.base.process import is_alive


def test_alive_and_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        child.wait()
    assert not is_alive(child.pid)
    assert is_alive(os.getpid())
    assert is_alive(1)  # somebody else's
