"""Names of messages."""

from posthaus.base.chance import SystemChance
from posthaus.flow.transaction import make_tid
from posthaus.testing.clock import START_S


def test_names_are_in_the_order_of_time_and_no_two_are_the_same() -> None:
    chance = SystemChance()
    names = [make_tid(chance, START_S + n / 1_000) for n in range(100)]
    assert names == sorted(names) and {len(name) for name in names} == {12}
    assert len({make_tid(chance, START_S) for _ in range(100)}) == 100
