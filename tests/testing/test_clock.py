"""Tests of posthaus.testing.clock: both hands jump, and one alone steps, forth or back."""

import pytest

from posthaus.testing.clock import START_S, JumpClock


def test_jump_moves_both_hands() -> None:
    clock = JumpClock(frozen=True)
    before = clock.monotonic()
    clock.jump(90)
    assert clock.now() == START_S + 90
    assert clock.monotonic() == before + 90


@pytest.mark.parametrize("seconds", [3_600, -3_600])
def test_step_moves_the_wall_clock_only(seconds: int) -> None:
    clock = JumpClock(frozen=True)
    before = clock.monotonic()
    clock.step(seconds)
    assert clock.now() == START_S + seconds
    assert clock.monotonic() == before


def test_no_jump_back() -> None:
    with pytest.raises(ValueError, match="never goes back"):
        JumpClock().jump(-1)


def test_runs_on_unless_frozen() -> None:
    clock = JumpClock()
    first = clock.monotonic()
    while clock.monotonic() == first:
        pass
    assert clock.now() > START_S
