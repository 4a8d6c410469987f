"""Peculiarities of POP3 clients; their scripts are checked by tests/proto/test_quirk.py."""

import pytest

from posthaus.proto.pop3.command import Auth, parse_command


@pytest.mark.parametrize("line", [b"AUTH", b"AUTH ", b"auth  "])
def test_bare_auth(line: bytes) -> None:
    assert parse_command(line) == Auth("", None)
