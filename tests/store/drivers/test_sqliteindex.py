"""The index of texts beside other work."""

import os
import sys
from pathlib import Path

import pytest

from posthaus.store.drivers.sqliteindex import SqliteIndex


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no priority of its own")
async def test_who_adds_lets_others_go_first(tmp_path: Path) -> None:
    index = await SqliteIndex.open(tmp_path)
    here = os.getpriority(os.PRIO_PROCESS, 0)
    (adding,) = index._adding._threads
    assert adding.native_id is not None
    assert os.getpriority(os.PRIO_PROCESS, adding.native_id) == min(here + 10, 19)
    await index.candidates(1, ["abc"])
    (seeking,) = index._seeking._threads
    assert seeking.native_id is not None
    assert os.getpriority(os.PRIO_PROCESS, seeking.native_id) == here
    await index.close()
