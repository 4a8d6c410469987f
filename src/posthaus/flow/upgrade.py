"""Credentials made better at a log-in, the only moment at which the password is in hand.

An import leaves Argon2id out and makes quick SCRAM verifiers; a later release may want more than today's parameters.
The log-in does not wait for this, and nothing is lost where it fails: the next log-in does it. It is the same password,
so log-ins that were verified go on counting.

Standards: RFC 7677 §4, RFC 9106.
Faults:    none; a Trouble of the store is told to the log.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Protocol

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.base.task import end_tasks
from posthaus.flow.credential import CLEARTEXT, has_scram, is_outdated, make_credentials
from posthaus.store.store import Store
from posthaus.store.tx import Tx


class Accounts(Protocol):
    """What is asked of store.account."""

    async def upgrade_credentials(self, tx: Tx, account: int, version: int, values: Mapping[str, bytes]) -> bool: ...


class Upgrades:
    """Those under way in one worker: one for an account at a time, and few at all."""

    def __init__(self, store: Store, executor: Executor, chance: Chance, log: Log, accounts: Accounts) -> None:
        self._store = store
        self._executor = executor
        self._chance = chance
        self._log = log
        self._accounts = accounts
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def consider(self, account: int, version: int, values: Mapping[str, bytes], password: str) -> None:
        """The password is right, and these are the credentials that said so."""
        if account in self._tasks or len(self._tasks) >= limit.LOGIN_UPGRADES or not is_outdated(values):
            return
        task = asyncio.get_running_loop().create_task(self._upgrade(account, version, dict(values), password))
        self._tasks[account] = task
        task.add_done_callback(lambda done: self._tasks.pop(account, None))

    async def close(self) -> None:
        """Gives up what is under way."""
        await end_tasks(self._tasks.values())

    async def _upgrade(self, account: int, version: int, values: dict[str, bytes], password: str) -> None:
        scram, recoverable = has_scram(values), CLEARTEXT in values

        def make() -> dict[str, bytes]:
            return make_credentials(password, self._chance, scram=scram, recoverable=recoverable)

        try:
            better = await asyncio.get_running_loop().run_in_executor(self._executor, make)
            done = await self._store.write(self._accounts.upgrade_credentials, account, version, better)
        except Trouble as trouble:
            self._log.warn("login.not-upgraded", account=account, fault=type(trouble).__name__)
        except Exception as exc:
            self._log.defect("login.upgrade-defect", exc, account=account)
        else:
            if done:
                self._log.event("login.upgraded", account=account)
