"""Tests of posthaus.proto.smtp.order: the state table as the RFC has it."""

import pytest

from posthaus.proto.smtp.order import FRUITLESS, ORDER, State

ALLOWED: list[tuple[bytes, set[State]]] = [
    (b"MAIL", {State.GREETING, State.READY}),
    (b"RCPT", {State.GREETING, State.MAIL, State.RCPT}),
    (b"DATA", {State.GREETING, State.RCPT}),
    (b"BDAT", {State.GREETING, State.RCPT, State.CHUNKS}),
    (b"STARTTLS", {State.GREETING, State.READY}),
    (b"AUTH", {State.GREETING, State.READY}),
    *((verb, set(State)) for verb in (b"EHLO", b"HELO", b"RSET", b"NOOP", b"HELP", b"VRFY", b"EXPN", b"QUIT")),
]


@pytest.mark.parametrize(("verb", "states"), ALLOWED)
def test_order(verb: bytes, states: set[State]) -> None:
    """RFC 5321 §4.1.4; before the greeting nothing is read, so nothing is refused there."""
    assert {state for state in State if state not in ORDER[verb]} == states


def test_every_refusal_is_out_of_order() -> None:
    assert {reply.code for refused in ORDER.values() for reply in refused.values()} == {503}


def test_fruitless_commands_are_commands() -> None:
    assert set(ORDER) >= FRUITLESS
