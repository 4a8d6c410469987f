"""The end of tasks.

Standards: none.
Faults:    none.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_S = 1.0


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels them, and again until all have ended: where a library answers a cancellation with a fault of its own, a
    loop that goes on after faults goes on after that one, too."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_S)
