"""Token windows with a clock that jumps."""

import pytest

from posthaus.base.rate import Rate, network
from posthaus.testing.clock import JumpClock


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unix", "unix"),
    ],
)
def test_network(address: str, wanted: str) -> None:
    assert network(address) == wanted


def test_tokens_come_back() -> None:
    clock = JumpClock(frozen=True)
    rate = Rate(clock, 10, 100.0)
    assert all(rate.take("a") for _ in range(10))
    assert not rate.take("a")
    assert rate.is_spent("a")
    assert rate.take("b")
    clock.jump(10.0)
    assert rate.used("a") == pytest.approx(9.0)
    assert rate.take("a")
    clock.jump(1000.0)
    assert rate.used("a") == 0.0


def test_add_give_back_and_forget() -> None:
    rate = Rate(JumpClock(frozen=True), 3, 60.0)
    assert [rate.add("a") for _ in range(5)] == [1, 2, 3, 3, 3]
    assert rate.add("a", -1) == 2
    assert rate.add("a", -9) == 0
    assert len(rate) == 0
    rate.add("a")
    rate.forget("a")
    rate.forget("a")
    assert rate.used("a") == 0.0


def test_never_more_than_so_many_keys() -> None:
    rate = Rate(JumpClock(frozen=True), 5, 60.0, keys=100)
    for i in range(1000):
        rate.add(str(i))
        assert len(rate) <= 100
    assert rate.used("999") == 1.0
    assert rate.used("0") == 0.0
