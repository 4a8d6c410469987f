"""What a worker that died still held: leases and loads are let go by the next worker that starts in the same house.

A worker's name is "<node>/<pid>/<letters>", and what it holds is owned by that or "<name>/<session>". Of another node's
worker nobody here can say that it is dead: its leases run out.

Standards: RFC 1939 §4 (the maildrop of a session that died is free for the next).
Faults:    StoreBusy, StoreFull, StoreDown.
"""

import os

from posthaus.base.log import Log
from posthaus.base.process import is_alive
from posthaus.store import lease, load
from posthaus.store.store import Store
from posthaus.store.tx import Tx


def worker_name(node: str, letters: str) -> str:
    """Of this process."""
    return f"{node}/{os.getpid()}/{letters}"


async def release_dead(store: Store, node: str, log: Log, *, is_first: bool = True) -> None:
    """is_first: this worker has taken nothing yet, and what has its number is of one before it. Later calls find what
    the database has committed for one that was dead by then."""
    owners = [owner.split("/") for owner in await store.read(_owners)]
    pids = {int(words[1]) for words in owners if words[0] == node and len(words) > 2 and words[1].isdigit()}
    for pid in sorted(pids):
        if not is_alive(pid) or (is_first and pid == os.getpid()):
            count = await store.write(_release, f"{node}/{pid}/")
            log.event("lease.released", worker=pid, count=count)


async def _owners(tx: Tx) -> list[str]:
    return await lease.owners(tx) + await load.owners(tx)


async def _release(tx: Tx, owner_prefix: str) -> int:
    return await lease.release_all(tx, owner_prefix) + await load.free_worker(tx, owner_prefix)
