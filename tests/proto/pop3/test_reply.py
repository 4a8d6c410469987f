"""POP3 replies and multi-line octets."""

import poplib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.proto.pop3 import reply
from posthaus.proto.pop3.reply import Stuffer, render_greeting, render_multiline, render_octets

CASES = [
    (b"", b".\r\n"),
    (b"a\r\n", b"a\r\n.\r\n"),
    (b"a", b"a\r\n.\r\n"),
    (b"a\n", b"a\n\r\n.\r\n"),
    (b"a\r", b"a\r\r\n.\r\n"),
    (b".\r\n", b"..\r\n.\r\n"),
    (b".", b"..\r\n.\r\n"),
    (b"\r\n.\r\n..\r\n", b"\r\n..\r\n...\r\n.\r\n"),
    (b"a\n.\r\nQUIT\r\n", b"a\n..\r\nQUIT\r\n.\r\n"),  # a bare LF must not make an end
    (b"\n.b", b"\n..b\r\n.\r\n"),
    (b"\n\r.\n", b"\n\r..\n\r\n.\r\n"),
    (b"\r.b", b"\r..b\r\n.\r\n"),
]


def rest(octets: bytes) -> bytes:
    """A multi-line reply behind its title."""
    return render_multiline(b"+OK\r\n", octets).removeprefix(b"+OK\r\n")


@pytest.mark.parametrize(("octets", "wanted"), CASES)
def test_multiline(octets: bytes, wanted: bytes) -> None:
    assert rest(octets) == wanted
    assert render_multiline(b"+OK\r\n", *[octets[i : i + 1] for i in range(len(octets))]) == b"+OK\r\n" + wanted


@given(st.lists(st.text("a.\r\n", max_size=8).map(str.encode)))
def test_pieces_make_the_whole(pieces: list[bytes]) -> None:
    stuffer = Stuffer()
    assert b"".join([*map(stuffer.feed, pieces), stuffer.end()]) == rest(b"".join(pieces))


@given(st.text("a.\r\n", max_size=30).map(str.encode))
def test_a_client_that_takes_lf_for_an_end_reads_to_our_end(octets: bytes) -> None:
    client: Any = poplib.POP3.__new__(poplib.POP3)
    client._debugging = 0
    client.file = BytesIO(render_multiline(b"+OK\r\n", octets) + b"+OK next\r\n")
    client._getlongresp()
    assert client.file.read() == b"+OK next\r\n"


@given(st.text("a.\r\n", max_size=30).map(lambda text: text.encode().replace(b"\r", b"").replace(b"\n", b"\r\n")))
def test_unstuffed_is_what_was_stuffed(octets: bytes) -> None:
    lines = rest(octets).split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    unstuffed = b"".join([line.removeprefix(b".") + b"\r\n" for line in lines[:-2]])
    assert unstuffed == octets or unstuffed == octets + b"\r\n"


def test_lines() -> None:
    assert render_greeting(None) == b"+OK Posthaus ready\r\n"
    assert render_greeting(b"<1@x>") == b"+OK Posthaus ready <1@x>\r\n"
    assert render_octets(120) == b"+OK 120 octets\r\n"


def test_every_text_is_one_short_line() -> None:
    texts = {name: value for name, value in vars(reply).items() if name.isupper() and isinstance(value, bytes)}
    for name, value in texts.items():
        if name in ("GREETING", "END", "LANGUAGES"):
            continue
        assert value.startswith((b"+OK", b"-ERR ")) and value.endswith(b"\r\n") and value.count(b"\r\n") == 1, name
        assert len(value) <= 512  # RFC 2449 §4
