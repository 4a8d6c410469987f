"""How work that can wait gives way to mail: it is done in pieces, and rests between them.

Standards: none.
Faults:    those of the store.
"""

import asyncio
from collections.abc import Awaitable, Callable

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.store import textsource
from posthaus.store.store import Store


async def rest(
    store: Store,
    clock: Clock,
    worked_s: float,
    again_s: float,
    patience_s: float,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """As long as the piece took, and so long again and again while mail comes in anywhere or others have work for this
    process; not for ever. sleep: it may come back earlier, where the worker is about to stop."""
    patience = clock.monotonic() + patience_s
    rest_s = max(worked_s, limit.REST_LEAST_S) if worked_s else 0.0
    while True:
        began, last = clock.cpu(), await store.read(textsource.last)
        await sleep(rest_s)
        is_quiet = clock.cpu() - began <= rest_s * limit.REST_QUIET_SHARE
        is_quiet = is_quiet and await store.read(textsource.last) == last
        if is_quiet or clock.monotonic() >= patience:
            return
        rest_s = again_s
