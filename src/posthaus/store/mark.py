"""Marks: how far work that goes through everything once has come, kept over restarts and shared by all workers."""

from posthaus.store.tx import Tx


async def read(tx: Tx, name: str) -> int:
    """0 where nothing has been marked."""
    row = await tx.one("SELECT value FROM mark WHERE name=$1", name)
    return 0 if row is None else int(row[0])


async def put(tx: Tx, name: str, value: int) -> None:
    await tx.run(
        "INSERT INTO mark (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value=excluded.value",
        name, value,
    )  # fmt: skip
