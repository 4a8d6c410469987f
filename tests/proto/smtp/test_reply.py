"""Tests of posthaus.proto.smtp.reply: how replies look on the wire, and rules for all that have a name."""

import re

import pytest

from posthaus.base import limit
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply

NAMED = {name: value for name, value in vars(reply).items() if isinstance(value, Reply)}


def test_wire() -> None:
    assert reply.OK.wire == b"250 2.0.0 OK\r\n"
    assert reply.ehlo("mx.example", ("SIZE 10", "DSN")).wire == b"250-mx.example\r\n250-SIZE 10\r\n250 DSN\r\n"
    assert reply.challenge(b"Username:").wire == b"334 VXNlcm5hbWU6\r\n"
    assert reply.challenge(b"").wire == b"334 \r\n"
    assert Reply(250, "", ()).wire == b"250 \r\n"


def test_nothing_can_be_smuggled_into_a_reply() -> None:
    wire = Reply(550, "5.7.1", ("no\r\n250 yes\0", "Grüße")).wire
    assert wire == b"550-5.7.1 no??250 yes?\r\n550 5.7.1 Gr??e\r\n"


def test_lines_are_not_longer_than_the_limit() -> None:
    assert len(Reply(550, "5.7.1", ("x" * 5_000,)).wire) <= limit.SMTP_REPLY_OCTETS
    challenge = reply.challenge(b"x" * 3_000).wire  # RFC 4954 §4 allows it more
    assert challenge.startswith(b"334 eHh4") and len(challenge) > 4_000


@pytest.mark.parametrize(("name", "named"), NAMED.items(), ids=NAMED)
def test_every_reply_with_a_name(name: str, named: Reply) -> None:
    """RFC 2034 §4: an enhanced code of the same class, except with 3xx."""
    assert 200 <= named.code < 600
    if 300 <= named.code < 400:
        assert named.enhanced == ""
    else:
        assert re.fullmatch(rf"{named.code // 100}\.\d{{1,3}}\.\d{{1,3}}", named.enhanced)
    assert named.is_positive + named.is_permanent == (named.code // 100 != 4)
    assert named.wire.endswith(b"\r\n") and named.wire.isascii() and len(named.wire) <= limit.SMTP_REPLY_OCTETS
