"""The brake: how much is tried of what is likely to fail, and how long it waits for people."""

import pytest

from posthaus.base import limit
from posthaus.flow.brake import Brake
from posthaus.flow.rest import rest
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import message
from posthaus.store.message import Placing
from posthaus.store.store import Store
from posthaus.testing.clock import JumpClock
from posthaus.testing.storehouse import NOW, made_up, person

OK = Outcome(Kind.RELAYED, 250)
NOBODY = Outcome(Kind.FAILED, 550)
DOWN = Outcome(Kind.DEFERRED, text="no answer", blames_host=True)
NO_DOMAIN = Outcome(Kind.FAILED, text="no such domain")
MOST = limit.QUEUE_UNSURE_LOADS
REST_S = limit.QUEUE_FAILING_REST_S


def test_what_has_not_ended_counts_as_a_failure() -> None:
    brake = Brake()
    assert not brake.is_on(MOST - 1)
    assert brake.is_on(MOST)
    brake.note([NO_DOMAIN])  # says nothing of hosts
    assert brake.is_on(MOST)
    brake.note([DOWN])
    assert brake.is_on(MOST - 1)


@pytest.mark.parametrize("answer", [OK, NOBODY])
def test_a_success_takes_a_failure_away(answer: Outcome) -> None:
    brake = Brake()
    for _ in range(10 * MOST):
        brake.note([DOWN, DOWN])
    assert brake.is_on(0)
    brake.note([answer])
    assert not brake.is_on(0)
    for _ in range(MOST):
        brake.note([answer])
    assert not brake.is_on(MOST)  # the more have worked, the more are tried at a time


def test_a_few_that_fail_among_many_that_work_put_no_brake_on() -> None:
    brake = Brake()
    for _ in range(1_000):
        for outcome in (OK, OK, DOWN):
            brake.note([outcome])
            assert not brake.is_on(MOST - 2)
    assert not brake.is_on(limit.QUEUE_SUSPECT_LOADS)


class Worked(JumpClock):
    """Its process works for so long in each of the next rests, and then not at all."""

    def __init__(self, *working_s: float) -> None:
        super().__init__(NOW, frozen=True)
        self.rests = 0
        self._working_s = working_s
        self._worked = 0.0

    def cpu(self) -> float:
        return self._worked

    async def sleep(self, seconds: float) -> None:
        self.jump(seconds)
        self._worked += self._working_s[self.rests] if self.rests < len(self._working_s) else 0.0
        self.rests += 1


async def test_it_rests_until_the_worker_has_nothing_else_to_do(store: Store) -> None:
    busy = REST_S / 2
    for clock, wanted in ((Worked(), 1), (Worked(0.01), 1), (Worked(busy, busy), 3)):
        await rest(store, clock, REST_S, REST_S, limit.QUEUE_FAILING_PATIENCE_S, clock.sleep)
        assert clock.rests == wanted
    clock = Worked(*[busy] * 1_000)
    began = clock.monotonic()
    await rest(store, clock, REST_S, REST_S, limit.QUEUE_FAILING_PATIENCE_S, clock.sleep)
    assert limit.QUEUE_FAILING_PATIENCE_S <= clock.monotonic() - began < limit.QUEUE_FAILING_PATIENCE_S + 0.2


async def test_it_rests_while_mail_comes_in_to_any_worker(store: Store) -> None:
    anna = await person(store, "anna")
    clock = Worked()

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        if clock.rests < 4:
            await store.write(message.deliver, made_up(f"{clock.rests}"), [Placing(anna.id, anna.inbox, 0)], NOW)

    await rest(store, clock, REST_S, REST_S, limit.QUEUE_FAILING_PATIENCE_S, sleep)
    assert clock.rests == 4
