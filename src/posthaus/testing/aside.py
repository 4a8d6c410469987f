"""What lives in a loop of its own, in a thread beside a test that knows no asyncio.

Standards: none.
Faults:    TimeoutError for what takes longer than a minute; those of what lives there.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE_S = 60.0


@contextmanager
def aside(opened: AbstractAsyncContextManager[T], name: str) -> Iterator[tuple[asyncio.AbstractEventLoop, T]]:
    """The loop, and what lives in it until the block ends. name: of the thread."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=_serve, args=(loop,), name=name, daemon=True)
        thread.start()
        try:
            made = run_there(loop, opened.__aenter__())
            try:
                yield loop, made
            finally:
                run_there(loop, opened.__aexit__(None, None, None))
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_PATIENCE_S)


def run_there(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """Waits here for what is done in the other thread's loop."""
    return asyncio.run_coroutine_threadsafe(work, loop).result(_PATIENCE_S)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
