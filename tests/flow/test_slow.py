"""Clients that send an octet a minute: each has its end, and nobody waits for them."""

import socket
from collections.abc import Iterator

import pytest

from posthaus.base import limit
from posthaus.testing import kit


@pytest.fixture(scope="module")
def office() -> Iterator[kit.Office]:
    with kit.running() as office:
        yield office


@pytest.mark.parametrize(
    ("port", "octets", "most_s", "last"),
    [
        ("smtp", b"NOOP x", limit.SMTP_IDLE_TIMEOUT_S, b"421 "),
        ("submission", b"EHLO " + b"x" * 100, limit.SMTP_IDLE_TIMEOUT_S, b"421 "),
        ("imap", b"a LOGIN {100+}\r\n" + b"x" * 100, limit.IMAP_LOGIN_TIMEOUT_S, b"* BYE"),
        ("imap", b"a NOOP\r\n" * 100, limit.IMAP_LOGIN_TIMEOUT_S, b"* BYE"),
        ("pop3", b"CAPA" + b" " * 100, limit.POP3_LOGIN_TIMEOUT_S, b""),
    ],
)
def test_an_octet_now_and_then(office: kit.Office, port: str, octets: bytes, most_s: float, last: bytes) -> None:
    step_s = 20.0
    with socket.create_connection((office.host, office.port(port)), 10) as sock, sock.makefile("rb") as answers:
        answers.readline()
        for n in range(int(most_s / step_s) + 1):
            sock.sendall(octets[n : n + 1])
            answered(office)
            office.jump(step_s)
        said = answers.read()
        assert (said.splitlines() or [b""])[-1].startswith(last)


def answered(office: kit.Office) -> None:
    """Somebody else is served, so what was sent before has been read."""
    with socket.create_connection((office.host, office.port("pop3")), 10) as sock:
        assert sock.recv(100).startswith(b"+OK")
