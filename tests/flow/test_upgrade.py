"""Better credentials at a log-in: what they are, when they are kept, and that nobody waits or suffers for them."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from posthaus.base import limit
from posthaus.base.log import Log
from posthaus.flow.credential import false_hash, is_outdated, make_credentials, make_quick_credentials, proves
from posthaus.flow.upgrade import Upgrades
from posthaus.store.error import StoreBusy
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock

PASSWORD = "correct horse"
QUICK = make_quick_credentials(PASSWORD, SeededChance())
WEAK = b"$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


class HeldExecutor(Executor):
    """Works when it is told to."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as exc:
                future.set_exception(exc)

        self.held.append(run)
        return future


class House:
    """The upgrades of a worker, and a store of one account."""

    def __init__(self) -> None:
        self.version = 3
        self.kept: dict[str, bytes] | None = None
        self.writes = 0
        self.trouble: Exception | None = None
        self.lines: list[str] = []
        self.executor = HeldExecutor()
        log = Log(JumpClock(frozen=True), self.lines.append)
        self.upgrades = Upgrades(self, self.executor, SeededChance(1), log, self)  # type: ignore[arg-type]

    async def write(self, fn: Callable[..., Any], *args: Any) -> Any:
        self.writes += 1
        if self.trouble is not None:
            raise self.trouble
        return await fn(None, *args)

    async def upgrade_credentials(self, tx: object, account: int, version: int, values: Mapping[str, bytes]) -> bool:
        if version == self.version:
            self.kept = dict(values)
        return version == self.version

    async def work(self) -> None:
        await asyncio.sleep(0)
        for run in self.executor.held:
            run()
        self.executor.held.clear()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "values",
    [
        QUICK,
        make_credentials(PASSWORD, SeededChance(), recoverable=True) | QUICK,
        make_credentials(PASSWORD, SeededChance(), recoverable=True) | {"argon2": WEAK},
        make_credentials(PASSWORD, SeededChance(), scram=False) | {"argon2": WEAK},
    ],
)
async def test_the_same_kinds_and_better(values: dict[str, bytes]) -> None:
    house = House()
    house.upgrades.consider(17, 3, values, PASSWORD)
    await house.work()
    assert house.kept is not None
    assert house.kept.keys() == values.keys() | {"argon2"}
    assert not is_outdated(house.kept)
    assert proves(house.kept, false_hash(SeededChance()), PASSWORD)
    assert house.lines[-1].endswith("login.upgraded account=17\n")
    assert PASSWORD not in "".join(house.lines)


async def test_good_ones_are_left_alone() -> None:
    house = House()
    house.upgrades.consider(17, 3, make_credentials(PASSWORD, SeededChance()), PASSWORD)
    assert house.executor.held == []


async def test_a_password_set_meanwhile_is_left_alone() -> None:
    house = House()
    house.upgrades.consider(17, 3, QUICK, PASSWORD)
    house.version += 1
    await house.work()
    assert (house.writes, house.kept, house.lines) == (1, None, [])


@pytest.mark.parametrize(
    ("trouble", "told"), [(StoreBusy("x"), "login.not-upgraded"), (ValueError("x"), "login.upgrade-defect")]
)
async def test_a_failure_is_told_and_the_next_log_in_tries_again(trouble: Exception, told: str) -> None:
    house = House()
    house.trouble = trouble
    house.upgrades.consider(17, 3, QUICK, PASSWORD)
    await house.work()
    assert told in house.lines[-1]
    house.trouble = None
    house.upgrades.consider(17, 3, QUICK, PASSWORD)
    await house.work()
    assert house.kept is not None


async def test_few_at_once_and_none_after_the_end() -> None:
    house = House()
    for account in range(2 * limit.LOGIN_UPGRADES):
        house.upgrades.consider(account, 3, QUICK, PASSWORD)
        house.upgrades.consider(account, 3, QUICK, PASSWORD)
    await asyncio.sleep(0)
    assert len(house.executor.held) == limit.LOGIN_UPGRADES
    await house.upgrades.close()
    assert house.writes == 0
    await house.upgrades.close()
