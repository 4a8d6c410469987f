"""Each leniency: tolerated and told by name, and a fault in strict mode."""

import pytest

from posthaus.proto.imap.capability import Offer
from posthaus.proto.imap.parse import State
from posthaus.proto.imap.quirk import LENIENT, STRICT, Quirk
from posthaus.proto.imap.server import Engine
from posthaus.proto.line import NEED_DATA

_CASES = [
    (Quirk.BARE_LF, b"a NOOP\n"),
    (Quirk.TRAILING_SPACE, b"a SEARCH UNSEEN \r\n"),
    (Quirk.TRAILING_SPACE, b"a NOOP \r\n"),
    (Quirk.TRAILING_SPACE, b"a FETCH 1 (FLAGS) \r\n"),
    (Quirk.DOUBLE_SPACE, b'a LIST ""  *\r\n'),
    (Quirk.DOUBLE_SPACE, b"a SELECT  INBOX\r\n"),
    (Quirk.SPACE_MISSING, b"a STATUS INBOX(MESSAGES)\r\n"),
    (Quirk.SPACE_MISSING, b"a STORE 1 +FLAGS(\\Seen)\r\n"),
    (Quirk.SPACE_MISSING, b"a FETCH 1(FLAGS)\r\n"),
    (Quirk.SPACE_MISSING, b"a FETCH 1 BODY[HEADER.FIELDS(DATE)]\r\n"),
    (Quirk.RECENT_FLAG, b"a STORE 1 FLAGS (\\Recent \\Seen)\r\n"),
    (Quirk.EIGHT_BIT_QUOTED, b'a SEARCH TEXT "\xc3\xbc"\r\n'),
    (Quirk.RFC822_PEEK, b"a UID FETCH 39 (UID RFC822.SIZE RFC822.PEEK)\r\n"),
    (Quirk.RFC822_PEEK, b"a FETCH 1 rfc822.peek\r\n"),
    (Quirk.CHANGED_SINCE_ZERO, b"a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 0)\r\n"),
    (Quirk.EXTRA_SEPARATOR, b'a SELECT "Trash/"\r\n'),
    (Quirk.EXTRA_SEPARATOR, b"a COPY 1 Trash/\r\n"),
]


def _told(octets: bytes, quirks: frozenset[Quirk]) -> tuple[list[Quirk], bytes]:
    told: list[Quirk] = []
    engine = Engine(Offer(), quirks=quirks, note=told.append)
    engine.state = State.SELECTED
    engine.receive(octets)
    if engine.next_event() is not NEED_DATA:
        engine.ok(b"a", "done")
    return told, engine.outgoing()


@pytest.mark.parametrize(("quirk", "octets"), _CASES)
def test_tolerated_by_name(quirk: Quirk, octets: bytes) -> None:
    assert _told(octets, LENIENT) == ([quirk], b"a OK done\r\n")
    assert _told(octets, frozenset({quirk})) == ([quirk], b"a OK done\r\n")
    told, out = _told(octets, STRICT)
    assert told == []
    assert out.startswith(b"a BAD ")


def test_empty_line() -> None:
    assert _told(b"\r\na NOOP\r\n", LENIENT) == ([Quirk.EMPTY_LINE], b"a OK done\r\n")
    assert _told(b"\r\na NOOP\r\n", STRICT)[1].startswith(b"* BAD ")


def test_name_in_utf8() -> None:
    octets = b'a SELECT "\xc3\xbc"\r\n'
    assert _told(octets, LENIENT) == ([Quirk.EIGHT_BIT_QUOTED, Quirk.UTF8_NAME], b"a OK done\r\n")
    assert _told(octets, frozenset({Quirk.EIGHT_BIT_QUOTED}))[1].startswith(b"a ")
    assert _told(octets, STRICT)[1].startswith(b"a BAD ")


@pytest.mark.parametrize("octets", [b'a CREATE "Trash/"\r\n', b'a LIST "Trash/" "%"\r\n', b'a LIST "" "Trash/"\r\n'])
def test_a_separator_that_means_something(octets: bytes) -> None:
    assert _told(octets, STRICT) == ([], b"a OK done\r\n")


def test_every_leniency_is_tested() -> None:
    elsewhere = {Quirk.EMPTY_LINE, Quirk.UTF8_NAME, Quirk.SHORT_DAY}  # the last in test_parse_message.py
    assert {quirk for quirk, _ in _CASES} | elsewhere == LENIENT
