"""AUTH LOGIN, as Outlook speaks it."""

import pytest

from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.login import LoginServer


@pytest.mark.parametrize("tail", [b"", b"\0"])
def test_dialogue(tail: bytes) -> None:
    server = LoginServer()
    assert server.start() == b"Username:"
    assert server.step(b"tim" + tail) == b"Password:"
    assert server.step("pä ss".encode() + tail) is None
    assert (server.name, server.password) == ("tim", "pä ss")


@pytest.mark.parametrize("response", [b"", b"\0", b"a\0b", b"\xff"])
def test_faults(response: bytes) -> None:
    with pytest.raises(SaslFault):
        LoginServer().step(response)
