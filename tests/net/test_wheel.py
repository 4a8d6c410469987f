"""Deadlines per second: never early, at most a tick late."""

import pytest

from posthaus.net.wheel import Wheel
from posthaus.testing.clock import JumpClock


def test_runs_what_is_due_and_nothing_else() -> None:
    clock = JumpClock(frozen=True)
    wheel = Wheel(clock)
    rung: list[str] = []
    wheel.after(5, lambda: rung.append("five"))
    wheel.after(1.5, lambda: rung.append("one and a half"))
    for wanted in ([], [], ["one and a half"], ["one and a half"], ["one and a half"], ["one and a half", "five"]):
        wheel.tick()
        assert rung == wanted
        clock.jump(1)
    assert len(wheel) == 0


def test_a_long_jump_runs_all_in_order() -> None:
    clock = JumpClock(frozen=True)
    wheel = Wheel(clock)
    rung: list[int] = []
    for second in (3000, 10, 1):
        wheel.after(second, lambda second=second: rung.append(second))  # type: ignore[misc]
    clock.jump(1_000_000)
    wheel.tick()
    assert rung == [1, 10, 3000]


def test_cancelled_lets_go_at_once() -> None:
    clock = JumpClock(frozen=True)
    wheel = Wheel(clock)
    handle = wheel.after(1, lambda: pytest.fail("cancelled"))
    handle.cancel()
    assert handle.callback is None
    assert len(wheel) == 0
    clock.jump(2)
    wheel.tick()


def test_a_defect_does_not_eat_the_others() -> None:
    clock = JumpClock(frozen=True)
    seen: list[Exception] = []
    wheel = Wheel(clock, seen.append)
    rung: list[int] = []

    def broken() -> None:
        raise KeyError("x")

    wheel.after(1, broken)
    wheel.after(1, lambda: rung.append(1))
    clock.jump(2)
    wheel.tick()
    assert rung == [1]
    assert isinstance(seen[0], KeyError)


def test_set_again_from_inside() -> None:
    clock = JumpClock(frozen=True)
    wheel = Wheel(clock)
    rung: list[float] = []

    def again() -> None:
        rung.append(clock.monotonic())
        wheel.after(1, again)

    wheel.after(1, again)
    for _ in range(4):
        clock.jump(1)
        wheel.tick()
    assert rung == [1001.0, 1002.0, 1003.0, 1004.0]
