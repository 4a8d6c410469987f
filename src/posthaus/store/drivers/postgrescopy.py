"""A PostgreSQL store to files, one for each table, and back.

All tables are read in one snapshot, so they fit together; writers go on meanwhile. The files have PostgreSQL's binary
COPY format, which is the same on every machine.

Standards: none.
Faults:    StoreDown, StoreFull, StoreBusy; NotEmpty.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from posthaus.store import migrate
from posthaus.store.drivers import postgreslink
from posthaus.store.drivers.postgreslink import FAULTS, Connection
from posthaus.store.drivers.sqlitecopy import sync
from posthaus.store.error import NotEmpty, StoreDown

_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_HOURS_S = 24 * 3600.0  # a table may be large
_MAILBOX_IDS, _OTHER_IDS = 10_000, 1_000_000  # left out after a restore; a mailbox's id has 31 bits
_TABLE = re.compile(r"CREATE TABLE (\w+)")


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[Connection]:
    connection = None
    try:
        connection = await postgreslink.connect(url, "posthaus copy", statement_timeout_s=_HOURS_S)
        yield connection
    except FAULTS as e:
        raise postgreslink.translated(e, connection) from e
    finally:
        if connection is not None:
            await postgreslink.hang_up(connection)


async def _tables(connection: Connection) -> dict[str, list[str]]:
    """The columns of each table; in the order of the schema, so that none refers to a later one."""
    rows = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema=current_schema()"
        " ORDER BY table_name, ordinal_position"
    )
    there: dict[str, list[str]] = {}
    for table, column in rows:
        there.setdefault(table, []).append(column)
    statements = [s for _, statements in migrate.migrations(migrate.POSTGRES) for s in statements]
    made = [match.group(1) for s in statements if (match := _TABLE.match(s))]
    return {table: there[table] for table in made if table in there}


async def dump(url: str, folder: Path) -> tuple[int, dict[str, list[str]], list[str]]:
    """Copies all tables; the number of the schema, the tables, and the keys of the octets outside that they name."""
    async with _connection(url) as connection:
        await connection.execute(_SNAPSHOT)
        number = await postgreslink.schema_number(connection)
        tables = await _tables(connection)
        for table, columns in tables.items():
            file = folder / f"{table}.copy"
            await connection.copy_from_table(table, columns=columns, output=file, format="binary")
            await asyncio.to_thread(sync, file)
        keys = await connection.fetch("SELECT place FROM blob WHERE place<>'' AND state=0")
        await connection.execute("COMMIT")
    return number, tables, [row[0] for row in keys]


async def load(folder: Path, url: str, number: int, tables: dict[str, list[str]]) -> None:
    """Fills an empty database, with ids from now on that nobody can have seen."""
    async with _connection(url) as connection:
        await postgreslink.check(connection)
        if await _is_used(connection, number):
            raise NotEmpty("the database is in use")
        await postgreslink.bring_up(connection, number)
        if not tables.keys() <= (await _tables(connection)).keys():
            raise StoreDown("the backup has tables that this release does not know")
        async with connection.transaction():
            for table, columns in tables.items():
                source = folder / f"{table}.copy"
                await connection.copy_to_table(table, columns=columns, source=source, format="binary")
            for table, columns in tables.items():
                await _skip_ids(connection, table, columns)


async def _is_used(connection: Connection, number: int) -> bool:
    tables = await _tables(connection)
    if not tables:
        return False
    if await postgreslink.schema_number(connection) != number:
        return True
    return any([await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})") for table in tables])


async def _skip_ids(connection: Connection, table: str, columns: list[str]) -> None:
    if "id" not in columns:
        return
    sequence = await connection.fetchval("SELECT pg_get_serial_sequence($1, 'id')", table)
    if sequence is not None:
        skip = _MAILBOX_IDS if table == "mailbox" else _OTHER_IDS
        await connection.execute(f"SELECT setval('{sequence}', (SELECT coalesce(max(id), 0) + {skip} FROM {table}))")
