"""What the dead of this house held is free; what the living and other nodes hold is not."""

import os
import subprocess
import sys

import pytest

from posthaus.base.clock import SystemClock
from posthaus.base.log import Log
from posthaus.flow.heir import release_dead, worker_name
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store import lease, load, queue
from posthaus.store.error import Locked
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, made_up


def dead() -> int:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        child.wait()
    return child.pid


async def test_only_the_dead_of_this_house_lose_what_they_held(store: Store) -> None:
    gone = dead()
    free = (f"here/{gone}/abc/12", f"here/{gone}/abc", f"{worker_name('here', 'before')}/1")
    held = (f"here/{os.getppid()}/abc/12", f"there/{gone}/abc/12", f"backup/{gone}", "here/odd/x", "here")
    for owner in free + held:
        await store.write(lease.take, f"of {owner}", owner, 0, 1_000)
    lines: list[str] = []
    await release_dead(store, "here", Log(SystemClock(), lines.append))
    for owner in free:
        await store.write(lease.take, f"of {owner}", "new", 0, 1_000)
    for owner in held:
        with pytest.raises(Locked):
            await store.write(lease.take, f"of {owner}", "new", 0, 1_000)
    assert len(lines) == 2
    assert any(f"worker={gone} count=2" in line for line in lines)


async def test_the_loads_of_the_dead_wait_again(store: Store) -> None:
    recipient = Recipient(Address("bob", "b.test"))
    parcel = NewParcel(made_up(), Envelope(None), "t", 0, NOW + 99, 0)
    await store.write(queue.enqueue, parcel, [NewErrand(recipient, "mx/b.test", NOW)], NOW)
    assert await store.write(load.claim, f"here/{dead()}/abc", NOW, NOW + 300, 1, 1, suspects=True)
    assert await store.write(load.claim, "here/1/abc", NOW, NOW + 300, 1, 1, suspects=True) == []
    await release_dead(store, "here", Log(SystemClock(), lambda _line: None))
    assert await store.write(load.claim, "here/1/abc", NOW, NOW + 300, 1, 1, suspects=True)
