"""Events are values."""

from posthaus.proto.pop3.event import Retrieve, Stat


def test_values() -> None:
    assert Stat() == Stat()
    assert Retrieve((1, 2)) == Retrieve((1, 2))
