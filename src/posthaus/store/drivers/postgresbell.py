"""Bells between the workers of all nodes: LISTEN and NOTIFY on one connection of each worker.

NOTIFY is never part of a write: PostgreSQL lets one notifying transaction commit at a time (measured: 8,061 -> 3,675
commits a second). What was touched while a NOTIFY was under way goes out with the next one. Once a second a worker
compares the server's snapshot with the last one: where it is the same, nothing can have been committed; where not, the
watched accounts are compared with their last bells. The same is done after the connection was lost and made again.

Standards: none.
Faults:    none; a lost connection is made again for ever.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from posthaus.base.task import end_tasks
from posthaus.store.bell import QUEUE, Bells
from posthaus.store.drivers.postgreslink import FAULTS, Connection, connect, hang_up

_CHANNEL = "posthaus"
_PAYLOAD_OCTETS = 7_000  # PostgreSQL takes fewer than 8,000
_LOOK_S = 1.0
_COMMAND_S = 10.0  # then the connection is taken for lost
_RECONNECT_S = (0.05, 1.0)  # first and longest pause
_ACCOUNTS_AT_ONCE = 1_000  # compared in one question


class NotifyBell:
    """One worker's bell."""

    def __init__(self, url: str, bells: Bells) -> None:
        self._url = url
        self._bells = bells
        self._due: dict[int, int] = {}  # touched here, not yet told to the others
        self._wake = asyncio.Event()
        self._snapshot = ""
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    def send(self, touched: Mapping[int, int]) -> None:
        """Rings everywhere else, soon."""
        if touched:
            for account, modseq in touched.items():
                self._due[account] = max(modseq, self._due.get(account, 0))
            self._wake.set()

    async def close(self) -> None:
        """What is due still goes out."""
        self._closed = True
        self._wake.set()
        if self._task is not None:
            _, left = await asyncio.wait([self._task], timeout=_COMMAND_S)
            await end_tasks(left)

    async def _run(self) -> None:
        pause = _RECONNECT_S[0]
        while not self._closed:
            connection = None
            try:
                connection = await connect(self._url, "posthaus bell")
                await connection.add_listener(_CHANNEL, self._heard)
                connection.add_termination_listener(self._lost)
                pause = _RECONNECT_S[0]
                self._snapshot = ""  # look at once: what rang in the meantime was not heard
                await self._ring_and_look(connection)
            except FAULTS:
                pass
            if connection is not None:
                await hang_up(connection)
            if not self._closed:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _RECONNECT_S[1])

    async def _ring_and_look(self, connection: Connection) -> None:
        """Until the end, or the loss of the connection."""
        loop = asyncio.get_running_loop()
        next_look = loop.time()
        while not connection.is_closed():
            self._wake.clear()
            while self._due:
                await self._notify(connection)
            if self._closed:
                return
            if loop.time() >= next_look:
                await self._look(connection)
                next_look = loop.time() + _LOOK_S
            try:
                async with asyncio.timeout_at(next_look):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _notify(self, connection: Connection) -> None:
        due, self._due = self._due, {}
        words: list[str] = []
        room = _PAYLOAD_OCTETS
        for account, modseq in due.items():
            word = f"{account}:{modseq}"
            room -= len(word) + 1
            if room < 0:
                self._due.setdefault(account, modseq)  # in the next one
            else:
                words.append(word)
        await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, " ".join(words), timeout=_COMMAND_S)

    def _heard(self, connection: Any, pid: int, _channel: str, payload: object) -> None:
        if pid == connection.get_server_pid():
            return  # our own; rung already
        touched: dict[int, int] = {}
        for word in str(payload).split():
            account, _, modseq = word.partition(":")
            if account.isdigit() and modseq.isdigit():
                touched[int(account)] = int(modseq)
        self._bells.ring(touched)

    def _lost(self, _connection: Any) -> None:
        self._wake.set()

    async def _look(self, connection: Connection) -> None:
        """Ring for the watched accounts that are further than their last bell said."""
        heard = self._bells.heard()
        if not heard:
            return
        snapshot = await connection.fetchval("SELECT pg_current_snapshot()::text", timeout=_COMMAND_S)
        if snapshot == self._snapshot and not self._bells.has_new():
            return
        self._bells.ring({QUEUE: 0})
        for i in range(0, len(heard), _ACCOUNTS_AT_ONCE):
            some = heard[i : i + _ACCOUNTS_AT_ONCE]
            rows = await connection.fetch(
                "SELECT a.id, a.modseq FROM unnest($1::bigint[], $2::bigint[]) AS w(id, heard)"
                " JOIN account a ON a.id=w.id WHERE a.modseq>w.heard",
                [account for account, _ in some],
                [modseq for _, modseq in some],
                timeout=_COMMAND_S,
            )
            self._bells.ring({row[0]: row[1] for row in rows})
        self._snapshot = snapshot
