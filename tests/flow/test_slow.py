"""Clients that send an octet a minute: each has its end, and nobody waits for them."""

import socket
from collections.abc import Iterator

import pytest

from posthaus.base import limit
from posthaus.testing import kit


@pytest.fixture(scope="module")
def office() -> Iterator[kit.Office]:
    with kit.running() as office:
        office.account("alice@example.test", "secret")
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


@pytest.mark.parametrize(("a_minute", "goes_on"), [(1, False), (limit.SMTP_DATA_OCTETS_PER_S * 61, True)])
def test_a_message_comes_at_a_least_rate(office: kit.Office, a_minute: int, goes_on: bool) -> None:
    with socket.create_connection((office.host, office.port("smtp")), 10) as sock, sock.makefile("rb") as answers:
        answers.readline()
        for line in (b"HELO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<alice@example.test>", b"DATA"):
            sock.sendall(line + b"\r\n")
            assert answers.readline()[:1] in b"23", line
        for _ in range(12):  # minutes
            sock.sendall((b"x" * 60 + b"\r\n") * (a_minute // 62) if a_minute > 62 else b"x")
            answered(office)
            office.jump(60.0)
        if goes_on:
            sock.sendall(b".\r\n")
        assert answers.readline().startswith(b"250 " if goes_on else b"421 4.4.2")


def answered(office: kit.Office) -> None:
    """Somebody else is served, so what was sent before has been read."""
    with socket.create_connection((office.host, office.port("pop3")), 10) as sock:
        assert sock.recv(100).startswith(b"+OK")
