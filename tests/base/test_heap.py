"""What a password took goes back to the system."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

_PROVE = """
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from argon2 import PasswordHasher
from posthaus.base import heap

def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

heap.share_one_heap()
hasher = PasswordHasher(time_cost=1, memory_cost=20_000, parallelism=1)
with ThreadPoolExecutor(1) as threads:
    threads.submit(hasher.hash, "secret").result()  # glibc learns how large such blocks are
    threads.submit(hasher.hash, "secret").result()  # and keeps this one
    before = resident()
    threads.submit(heap.give_back).result()
    print(before - resident())
"""


def _has_glibc() -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")


@pytest.mark.skipif(not _has_glibc(), reason="another C library")
def test_what_argon2_took_is_given_back(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", _PROVE], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert int(child.stdout) > 15_000_000
