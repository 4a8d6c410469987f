"""Events are values."""

from posthaus.proto.pop3.event import Quit, Retrieve, Stat


def test_values() -> None:
    assert Stat() == Stat()
    assert Retrieve((1, 2)) == Retrieve((1, 2))
    assert Quit(True) != Quit(False)
