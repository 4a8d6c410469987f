"""Octets on their way out: what is seen in them, and that stuffing is what body.py takes away again."""

import random

import pytest

from posthaus.proto.smtp.body import Body
from posthaus.proto.smtp.content import Stuffer, Survey

SURVEYS: list[tuple[bytes, str]] = [
    # is_eightbit, is_header_eightbit, is_bare, lacks_end
    (b"", "...."),
    (b"a: b\r\n\r\nc\r\n", "...."),
    (b"a: b\r\n\r\nc", "...x"),
    (b"a: b\r\n\r\n\xc3\xa4\r\n", "x..."),
    (b"a: \xc3\xa4\r\n\r\nc\r\n", "xx.."),
    (b"a: \xc3\xa4\r\n", "xx.."),
    (b"\r\n\xc3\xa4\r\n", "x..."),
    (b"a\nb\r\n", "..x."),
    (b"a\rb\r\n", "..x."),
    (b"a\r", "..xx"),
    (b"\n", "..xx"),
    (b"a\r\r\n", "..x."),
    (b"a\r\n\nb\r\n", "..x."),
    (b"\r\n\r\n", "...."),
]


@pytest.mark.parametrize(("octets", "wanted"), SURVEYS)
@pytest.mark.parametrize("size", [10**6, 1, 2, 3])
def test_survey(octets: bytes, wanted: str, size: int) -> None:
    survey = Survey()
    survey.add(b"")
    for at in range(0, len(octets), size):
        survey.add(octets[at : at + size])
    survey.finish()
    seen = (survey.is_eightbit, survey.is_header_eightbit, survey.is_bare, survey.lacks_end)
    assert "".join("x" if one else "." for one in seen) == wanted
    assert survey.size == len(octets)


STUFFED: list[tuple[bytes, bytes]] = [
    (b"", b".\r\n"),
    (b"a\r\n", b"a\r\n.\r\n"),
    (b"a", b"a\r\n.\r\n"),
    (b".", b"..\r\n.\r\n"),
    (b".\r\n", b"..\r\n.\r\n"),
    (b"a\r\n.\r\n..\r\n.b", b"a\r\n..\r\n...\r\n..b\r\n.\r\n"),
    (b"a.\r\n", b"a.\r\n.\r\n"),
    (b"\r\n.\r\n.\r\n", b"\r\n..\r\n..\r\n.\r\n"),
]


@pytest.mark.parametrize(("octets", "wire"), STUFFED)
@pytest.mark.parametrize("size", [10**6, 1, 2, 3])
def test_stuffing(octets: bytes, wire: bytes, size: int) -> None:
    stuffer = Stuffer()
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    assert b"".join([stuffer.feed(b""), *map(stuffer.feed, pieces), stuffer.end()]) == wire


def test_what_is_stuffed_comes_back() -> None:
    """RFC 5321 §4.5.2, against our own reader, cut anywhere."""
    dice = random.Random(7)
    for _ in range(500):
        octets = b"".join(dice.choices([b"\r\n", b".", b"a", b"\r\n.", b"..\r\n"], k=dice.randrange(12))) + b"\r\n"
        stuffer, wire, at = Stuffer(), b"", 0
        while at < len(octets):
            step = dice.randrange(1, 6)
            wire += stuffer.feed(octets[at : at + step])
            at += step
        wire += stuffer.end()
        body, start, content, ended = Body(10**6), 0, b"", False
        while not ended:
            piece, start, ended = body.read(wire, start)
            content += piece
        assert content == octets
        assert start == len(wire)
