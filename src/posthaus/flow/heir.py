"""What a worker that died still held: its leases are let go by the next worker that starts in the same house.

A worker's name is "<node>/<pid>/<letters>", and its leases are owned by that or "<name>/<session>". Of another node's
worker nobody here can say that it is dead: its leases run out.

Standards: RFC 1939 §4 (the maildrop of a session that died is free for the next).
Faults:    StoreBusy, StoreFull, StoreDown.
"""

import os

from posthaus.base.log import Log
from posthaus.base.process import is_alive
from posthaus.store import lease
from posthaus.store.store import Store


def worker_name(node: str, letters: str) -> str:
    """Of this process."""
    return f"{node}/{os.getpid()}/{letters}"


async def release_dead(store: Store, node: str, log: Log) -> None:
    """Before this worker takes a lease: what has its number now is of one before it."""
    owners = [owner.split("/") for owner in await store.read(lease.owners)]
    pids = {int(words[1]) for words in owners if words[0] == node and len(words) > 2 and words[1].isdigit()}
    for pid in sorted(pids):
        if pid == os.getpid() or not is_alive(pid):
            count = await store.write(lease.release_all, f"{node}/{pid}/")
            log.event("lease.released", worker=pid, count=count)
