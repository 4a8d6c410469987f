"""Remembered log-ins."""

from posthaus.flow.verified import TOKEN_OCTETS, TokenMemory, make_token, parse_payload, render_payload
from posthaus.testing.clock import JumpClock


def test_life_and_number() -> None:
    clock = JumpClock(frozen=True)
    memory = TokenMemory(clock, 10.0, 3)
    for token in (b"a", b"b", b"c"):
        memory.put(token)
    assert memory.get(b"a")  # used, so b is the oldest now
    memory.put(b"d")
    assert not memory.get(b"b")
    assert len(memory) == 3
    clock.jump(9.0)
    assert memory.get(b"c")
    clock.jump(9.0)
    assert not memory.get(b"a")
    memory.sweep()
    assert len(memory) == 1
    clock.jump(9.0)
    memory.sweep()
    assert len(memory) == 0
    memory.sweep()


def test_token_depends_on_all() -> None:
    tokens = {
        make_token(*args)
        for args in ((b"k", 1, 1, "p"), (b"j", 1, 1, "p"), (b"k", 2, 1, "p"), (b"k", 1, 2, "p"), (b"k", 1, 1, "q"))
    }
    assert len(tokens) == 5
    assert {len(token) for token in tokens} == {TOKEN_OCTETS}
    assert make_token(b"k", 1, 1, "\udcff")


def test_payload() -> None:
    token = bytes(TOKEN_OCTETS)
    assert parse_payload(render_payload(token)) == token
    for noise in (b"", b"V", b"X" + token, b"V" + token + b"x"):
        assert parse_payload(noise) is None
