"""How work that can wait gives way to mail: it is done in pieces, and rests between them.

Standards: none.
Faults:    those of the store.
"""

import asyncio

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.store import textsource
from posthaus.store.store import Store


async def rest(store: Store, clock: Clock, worked_s: float, patience_s: float) -> None:
    """As long as the piece took, and on while mail comes in anywhere or others have work for this worker; not for
    ever."""
    patience = clock.monotonic() + patience_s
    rest_s = max(worked_s, limit.INDEX_REST_S) if worked_s else 0.0
    while True:
        began = clock.cpu()
        last = await store.read(textsource.last)
        await asyncio.sleep(rest_s)
        is_quiet = clock.cpu() - began <= rest_s * limit.INDEX_QUIET_SHARE
        is_quiet = is_quiet and await store.read(textsource.last) == last
        if is_quiet or clock.monotonic() >= patience:
            return
        rest_s = limit.INDEX_QUIET_S  # a client thinks between two commands, and has not gone away
