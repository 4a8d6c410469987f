"""Counting of wrong guesses; what the door makes of it is in test_login.py."""

import pytest

from posthaus.base import limit
from posthaus.flow.guess import Guesses
from posthaus.flow.identity import TooManyGuesses
from posthaus.testing.clock import JumpClock


class FakePeer:
    def __init__(self, address: str, *, is_loopback: bool = False) -> None:
        self.address = address
        self.is_loopback = is_loopback


PHONE = FakePeer("2001:db8::1")
THIEF = FakePeer("192.0.2.66")


def counted() -> tuple[JumpClock, Guesses]:
    clock = JumpClock(frozen=True)
    return clock, Guesses(clock, lambda address: address == "198.51.100.1")


def test_right_is_taken_back() -> None:
    _, guesses = counted()
    for _ in range(200):
        guesses.charge(PHONE, "alice")
        guesses.right(PHONE, "alice")
    assert guesses.delay_s(PHONE, "alice") == 0.0


def test_many_at_once_are_charged_before() -> None:
    _, guesses = counted()
    for _ in range(limit.GUESSES_PER_ACCOUNT):
        guesses.charge(THIEF, "alice")
    with pytest.raises(TooManyGuesses):
        guesses.charge(THIEF, "alice")
    guesses.withdraw(THIEF, "alice")
    guesses.charge(THIEF, "alice")


def test_known_network_lasts_a_day() -> None:
    clock, guesses = counted()
    guesses.charge(PHONE, "alice")
    guesses.right(PHONE, "alice")
    for _ in range(2):
        for _ in range(limit.GUESSES_PER_ACCOUNT):
            guesses.charge(THIEF, "alice")
        guesses.charge(PHONE, "alice")
        clock.jump(limit.GUESS_WINDOW_S)
    clock.jump(limit.KNOWN_PEER_LIFE_S)
    for _ in range(limit.GUESSES_PER_ACCOUNT):
        guesses.charge(THIEF, "alice")
    with pytest.raises(TooManyGuesses):
        guesses.charge(PHONE, "alice")


@pytest.mark.parametrize("peer", [FakePeer("127.0.0.1", is_loopback=True), FakePeer("198.51.100.1")])
def test_speakers_for_many(peer: FakePeer) -> None:
    _, guesses = counted()
    for i in range(limit.GUESSES_PER_ADDRESS * 2):
        guesses.charge(peer, f"user{i}")
    guesses.right(peer, "user0")
    assert guesses.delay_s(peer, "user1") == 0.0
    for _ in range(limit.GUESSES_PER_ACCOUNT - 1):
        guesses.charge(peer, "user1")
    with pytest.raises(TooManyGuesses):
        guesses.charge(peer, "user1")


@pytest.mark.parametrize("peer", [PHONE, FakePeer("127.0.0.1", is_loopback=True)])
def test_vain_tries_come_back_to_their_owner_alone(peer: FakePeer) -> None:
    _, guesses = counted()
    for _ in range(3 * limit.GUESSES_PER_ADDRESS):
        for _ in range(3):
            guesses.charge(peer, "alice")
            guesses.in_vain(peer, "alice")
        guesses.charge(peer, "alice")
        guesses.right(peer, "alice")
    assert guesses.delay_s(peer, "alice") == 0.0
    for _ in range(limit.GUESSES_PER_ACCOUNT):
        guesses.charge(THIEF, "alice")
        guesses.in_vain(THIEF, "alice")
    guesses.forgive(peer, "alice")
    with pytest.raises(TooManyGuesses):
        guesses.charge(THIEF, "alice")
