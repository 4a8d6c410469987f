"""A write of SQLite's store that waits for its commit, with others of the same turn of the loop.

Standards: none.
Faults:    none of its own; it keeps the one that its caller is to have.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from posthaus.store.drivers.sqlitefile import SqliteTx


class Job:
    """A write that waits for its commit."""

    __slots__ = ("call", "error", "future", "result", "touched")

    def __init__(self, call: Callable[[SqliteTx], Awaitable[Any]], future: "asyncio.Future[Any]") -> None:
        self.call = call
        self.future = future
        self.forget()

    def forget(self) -> None:
        """What it did is undone; it may run again."""
        self.result: Any = None
        self.error: BaseException | None = None
        self.touched: dict[int, int] = {}

    def settle(self) -> None:
        if not self.future.done():  # else the caller went away; the write stands
            if self.error is None:
                self.future.set_result(self.result)
            else:
                self.future.set_exception(self.error)
