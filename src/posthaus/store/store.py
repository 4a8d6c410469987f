"""One store, one SQL, two drivers.

A write is a function of a transaction and comes back after its commit: what it returns is on disk. A read sees one
snapshot. Several processes and nodes may have the same store open; a bell tells each of them what the others wrote.

Standards: none.
Faults:    StoreBusy, StoreFull, StoreDown (Trouble); whatever the function raises, its own changes undone.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from posthaus.store.error import StoreDown
from posthaus.store.textindex import TextIndex
from posthaus.store.tx import Tx

P = ParamSpec("P")
T = TypeVar("T")

Function = Callable[Concatenate[Tx, P], Awaitable[T]]
Ring = Callable[[], None]


class Watch(Protocol):
    """Somebody who wants to hear the bell of an account."""

    def close(self) -> None: ...


class Store(Protocol):
    """What the rest of the house knows of a driver."""

    async def write(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Run fn in a transaction that may write; return after COMMIT. A cancelled caller cancels nothing."""
        ...

    async def read(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Run fn on one snapshot."""
        ...

    async def scan(self, fn: "Function[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """As read, for much: many messages, or their octets."""
        ...

    def watch(self, account: int, ring: Ring) -> Watch:
        """Call ring() whenever the account may have changed, on any worker of any node; now and then for nothing.

        Watch first and read then, or what is written in between is heard of with the next bell only.
        """
        ...

    async def close(self) -> None: ...


def is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))


async def open_store(url: str, folder: Path) -> Store:
    """Open, and migrate where needed. url: "sqlite:" (FOLDER/store.db) or "postgresql://..."."""
    return await load_driver(url)(url, folder)


async def open_text_index(url: str, folder: Path) -> TextIndex:
    """The index of texts beside such a store; NoIndex where there can be none."""
    if is_postgres(url):
        from posthaus.store.drivers.postgresindex import open_index

        return await open_index(url)
    from posthaus.store.drivers.sqliteindex import SqliteIndex

    return await SqliteIndex.open(folder)


def load_driver(url: str) -> Callable[[str, Path], Awaitable[Store]]:
    """Imports what opens such a store, and no more: a supervisor does so once for all of its workers."""
    if is_postgres(url):
        try:
            from posthaus.store.drivers.postgres import PostgresStore
        except ModuleNotFoundError as e:
            raise StoreDown(f"{e.name} is not installed; `pip install posthaus[postgres]` does it") from e
        return lambda url, _: PostgresStore.open(url)
    from posthaus.store.drivers.sqlite import SqliteStore

    return lambda _, folder: SqliteStore.open(folder)
