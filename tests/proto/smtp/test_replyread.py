"""Replies of hosts: good ones, odd ones, and what is none."""

import pytest

from posthaus.base import limit
from posthaus.proto.line import NEED_DATA
from posthaus.proto.smtp.replyread import Heard, Replies, ReplyFault

WHOLE: list[tuple[bytes, Heard]] = [
    (b"250 OK\r\n", Heard(250, "", ("OK",))),
    (b"250\r\n", Heard(250, "", ("",))),
    (b"250 \r\n", Heard(250, "", ("",))),
    (b"250 2.1.5 OK\r\n", Heard(250, "2.1.5", ("OK",))),
    (b"250 2.1.5\r\n", Heard(250, "2.1.5", ("",))),
    (b"250 OK\n", Heard(250, "", ("OK",))),
    (b"250-mx.example\r\n250-SIZE 10\r\n250 DSN\r\n", Heard(250, "", ("mx.example", "SIZE 10", "DSN"))),
    (b"550-5.1.1 No\r\n550 5.1.1 such user\r\n", Heard(550, "5.1.1", ("No", "such user"))),
    (b"550-No\r\n550 5.1.1 such user\r\n", Heard(550, "5.1.1", ("No", "such user"))),
    # a class that is not the reply's own is text
    (b"550 4.1.1 x\r\n", Heard(550, "", ("4.1.1 x",))),
    (b"550 5.1.1.1 x\r\n", Heard(550, "", ("5.1.1.1 x",))),
    (b"550 5.01.1 x\r\n", Heard(550, "", ("5.01.1 x",))),
    (b"550 5.1000.1 x\r\n", Heard(550, "", ("5.1000.1 x",))),
    # RFC 5321 §4.2.1: the codes of all lines are the same; where they are not, the last one counts
    (b"250-a\r\n550 b\r\n", Heard(550, "", ("a", "b"))),
    (b"550 a\0b\rc\x1b[2J\r\n", Heard(550, "", ("a?b?c?[2J",))),
    ("550 größer\r\n".encode(), Heard(550, "", ("größer",))),
    (b"550 \xff\r\n", Heard(550, "", ("\ufffd",))),
]


@pytest.mark.parametrize(("octets", "wanted"), WHOLE)
@pytest.mark.parametrize("size", [10**6, 1, 3])
def test_reply(octets: bytes, wanted: Heard, size: int) -> None:
    """Whole, octet by octet, and with the next reply behind it."""
    replies = Replies()
    both = octets + b"221 next\r\n"
    found = []
    for at in range(0, len(both), size):
        replies.receive(both[at : at + size])
        while (reply := replies.next_reply()) is not NEED_DATA:
            found.append(reply)
    assert found == [wanted, Heard(221, "", ("next",))]
    assert len(replies) == 0


@pytest.mark.parametrize(
    "octets",
    [b"hello\r\n", b"\r\n", b"150 x\r\n", b"600 x\r\n", b"25 x\r\n", b"2500 x\r\n", b"250_x\r\n", b"250-a\r\nb\r\n"],
)
@pytest.mark.parametrize("size", [10**6, 1])
def test_no_reply(octets: bytes, size: int) -> None:
    replies = Replies()
    for at in range(0, len(octets), size):
        replies.receive(octets[at : at + size])
        found = replies.next_reply()
    assert found is ReplyFault.MALFORMED
    replies.receive(b"250 OK\r\n")
    assert replies.next_reply() is ReplyFault.MALFORMED


@pytest.mark.parametrize(
    "piece", [b"250 " + b"x" * 100, b"250-x\r\n", b"250-" + b"x" * 5_000 + b"\r\n"], ids=["line", "lines", "octets"]
)
def test_no_end(piece: bytes) -> None:
    """However much comes, little is kept."""
    replies = Replies()
    for _ in range(5_000):
        replies.receive(piece)
        found = replies.next_reply()
        assert len(replies) <= limit.RELAY_REPLY_OCTETS + 2 * limit.RELAY_REPLY_LINE_OCTETS
        if found is not NEED_DATA:
            break
    assert found is ReplyFault.TOO_LONG


def test_clear_forgets_half_a_reply() -> None:
    replies = Replies()
    replies.receive(b"250-a\r\n250-b")
    assert replies.next_reply() is NEED_DATA
    assert len(replies) == 12
    replies.clear()
    replies.receive(b"220 c\r\n")
    assert replies.next_reply() == Heard(220, "", ("c",))


@pytest.mark.parametrize(
    ("code", "kinds"),
    [(250, (1, 0, 0)), (354, (0, 1, 0)), (451, (0, 0, 0)), (554, (0, 0, 1))],
)
def test_kinds(code: int, kinds: tuple[int, ...]) -> None:
    heard = Heard(code, "", ("a", "b"))
    assert (heard.is_positive, heard.is_intermediate, heard.is_permanent) == kinds
    assert heard.text == "a\nb"


def test_text_has_an_end() -> None:
    assert len(Heard(550, "", ("x" * 1_000,) * 10).text) == limit.RELAY_TEXT_CHARACTERS
