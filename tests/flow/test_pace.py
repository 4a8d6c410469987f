"""Pace: slow starts, quick retreats, growing pauses."""

import pytest

from posthaus.base import limit
from posthaus.flow.pace import Times, after, schedule, times
from posthaus.mail.address import Address
from posthaus.mail.envelope import DeliverBy, Envelope
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store.queue import Pace

NOW = 1_700_000_000
OK = Outcome(Kind.RELAYED, 250)
BUSY = Outcome(Kind.DEFERRED, 451)
NOBODY = Outcome(Kind.FAILED, 550)
DOWN = Outcome(Kind.DEFERRED, text="no answer", blames_host=True)
CLOSING = Outcome(Kind.DEFERRED, 421, blames_host=True)
NO_DOMAIN = Outcome(Kind.FAILED, text="no such domain")
SENDER = Address("anna", "a.example")


def test_an_errand_waits_longer_each_time_up_to_an_hour() -> None:
    assert [schedule(n) for n in range(1, 7)] == [300, 600, 1_200, 2_400, 3_600, 3_600]
    assert schedule(0) == 300
    assert schedule(10_000) == 3_600


def test_connections_grow_by_one_for_a_round_of_successes() -> None:
    pace = Pace()
    for _ in range(limit.QUEUE_CONNECTIONS_FIRST):
        assert pace.allowed == limit.QUEUE_CONNECTIONS_FIRST
        pace = after(pace, [OK], NOW)
    assert pace == Pace(limit.QUEUE_CONNECTIONS_FIRST + 1)
    assert after(pace, [OK] * 13, NOW) == Pace(8)
    assert after(pace, [OK] * 10_000, NOW) == Pace(limit.QUEUE_CONNECTIONS_MOST)
    assert after(Pace(limit.QUEUE_CONNECTIONS_MOST), [OK], NOW) == Pace(limit.QUEUE_CONNECTIONS_MOST)  # no row changes


@pytest.mark.parametrize("outcome", [BUSY, NOBODY])
def test_a_refused_recipient_speaks_for_its_host(outcome: Outcome) -> None:
    assert after(Pace(deaths=3, rest=NOW), [outcome], NOW) == Pace(credit=1)


def test_what_met_no_host_says_nothing_of_it() -> None:
    assert after(Pace(2, 1, 1, 4, 7), [NO_DOMAIN], NOW) == Pace(2, 1, 1, 4, 7)
    assert after(Pace(), [], NOW) == Pace()


def test_a_host_that_does_not_work_is_dead_after_a_round_of_failures() -> None:
    pace = Pace()
    seen = []
    while not pace.rest:
        pace = after(pace, [DOWN], NOW)
        seen.append(pace.allowed)
    assert seen == [4, 3, 1]
    assert pace == Pace(1, 0, 0, 1, NOW + 300)
    assert after(pace, [DOWN], NOW + 299) == pace  # it was under way
    assert after(pace, [DOWN], NOW + 300) == Pace(1, 0, 0, 2, NOW + 900)


def test_pauses_grow_up_to_an_hour_and_end_with_the_first_success() -> None:
    pace, now = Pace(1), NOW
    pauses = []
    for _ in range(6):
        pace = after(pace, [DOWN, DOWN], now)
        pauses.append(pace.rest - now)
        now = pace.rest
    assert pauses == [300, 600, 1_200, 2_400, 3_600, 3_600]
    assert after(pace, [OK], now) == Pace(2)


def test_a_host_that_ends_a_long_connection_is_not_dead() -> None:
    pace = Pace()
    for _ in range(10):
        pace = after(pace, [OK, OK, CLOSING], NOW)
    assert pace == Pace(1)


def test_times_of_a_message() -> None:
    def of(**more: object) -> Times:
        return times(Envelope(SENDER, **more), NOW, 1_000, 100)  # type: ignore[arg-type]

    assert of() == Times(NOW, NOW + 1_000, NOW + 100)
    assert of(hold_until=NOW + 50) == Times(NOW + 50, NOW + 1_050, NOW + 150)
    assert of(hold_until=NOW - 50) == Times(NOW, NOW + 1_000, NOW + 100)
    assert of(deliver_by=DeliverBy(60, "R")) == Times(NOW, NOW + 60, 0)
    assert of(deliver_by=DeliverBy(500, "R")) == Times(NOW, NOW + 500, NOW + 100)
    assert of(deliver_by=DeliverBy(5_000, "R")) == Times(NOW, NOW + 1_000, NOW + 100)
    assert of(deliver_by=DeliverBy(60, "N")) == Times(NOW, NOW + 1_000, NOW + 60)
    assert of(deliver_by=DeliverBy(-60, "N")) == Times(NOW, NOW + 1_000, NOW)
    assert times(Envelope(SENDER), NOW, 1_000, 0) == Times(NOW, NOW + 1_000, 0)
    assert times(Envelope(None), NOW, 1_000, 100) == Times(NOW, NOW + 1_000, 0)
