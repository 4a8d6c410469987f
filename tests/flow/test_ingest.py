"""What comes in by whatever door can be given out at every other."""

import imaplib
import poplib
import random
import socket
from collections.abc import Iterator

import pytest

from posthaus.base import limit
from posthaus.testing import kit

HEAD = b"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: "
SMALL = bytes(range(256)) * 4
LARGE = random.Random(1).randbytes(limit.SPOOL_MEMORY_OCTETS + 12_345)


@pytest.fixture(scope="module")
def office() -> Iterator[kit.Office]:
    with kit.running() as office:
        yield office


def _account(office: kit.Office, name: str) -> str:
    address = f"{name}@example.test"
    office.account(address, "pw")
    return address


def _bdat(office: kit.Office, to: str, octets: bytes, body: str) -> None:
    with socket.create_connection((office.host, office.port("smtp")), timeout=10) as s, s.makefile("rb") as answers:
        answers.readline()
        for line in ("HELO c.example", f"MAIL FROM:<> BODY={body}", f"RCPT TO:<{to}>"):
            s.sendall(line.encode() + b"\r\n")
            assert answers.readline().startswith(b"250")
        half = len(octets) // 2
        s.sendall(b"BDAT %d\r\n%bBDAT %d LAST\r\n%b" % (half, octets[:half], len(octets) - half, octets[half:]))
        assert answers.readline().startswith(b"250")
        assert answers.readline().startswith(b"250")


def _login(office: kit.Office, address: str) -> imaplib.IMAP4:
    imap = imaplib.IMAP4_SSL(office.host, office.port("imaps"), ssl_context=office.context, timeout=10)
    imap.login(address, "pw")
    return imap


def _retr(office: kit.Office, address: str) -> bytes:
    pop = poplib.POP3_SSL(office.host, office.port("pop3s"), context=office.context, timeout=10)
    pop.user(address)
    pop.pass_("pw")
    lines = pop.retr(1)[1]
    pop.quit()
    return b"\r\n".join(lines) + b"\r\n"


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_binarymime(office: kit.Office, content: bytes) -> None:
    who = _account(office, f"binary{len(content)}")
    _bdat(office, who, HEAD + b"binary\r\n\r\n" + content, "BINARYMIME")
    (found,) = office.messages(who)
    assert b"\0" not in found
    assert HEAD + b"base64\r\n\r\n" in found
    assert _retr(office, who) == found
    imap = _login(office, who)
    imap.select("INBOX")
    ((_, whole), _) = imap.fetch("1", "(BODY.PEEK[])")[1]  # type: ignore[misc]
    assert whole == found
    ((_, part), _) = imap.fetch("1", "(BINARY.PEEK[1])")[1]  # type: ignore[misc]
    assert part == content
    imap.logout()


def test_binary_by_its_label_alone_stays(office: kit.Office) -> None:
    who = _account(office, "label")
    octets = HEAD + b"binary\r\n\r\nplain\r\n"
    _bdat(office, who, octets, "8BITMIME")
    (found,) = office.messages(who)
    assert found.endswith(octets)


def test_append_of_a_literal8_with_nul(office: kit.Office) -> None:
    who = _account(office, "append")
    octets = HEAD + b"binary\r\n\r\n" + SMALL
    imap = _login(office, who)
    imap.send(b"x1 APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(octets), octets))
    while not (line := imap.readline()).startswith(b"x1"):
        pass
    assert line.startswith(b"x1 OK"), line
    (found,) = office.messages(who)
    assert b"\0" not in found
    assert found.startswith(HEAD + b"base64\r\n\r\n")
    imap.shutdown()
