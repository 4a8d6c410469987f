"""Hostile clients against the real server: each costs little, and the client beside it does not notice.

Beside every attack a neighbour asks NOOP and FETCH; the loop may not work for half a second before it comes to him, and
the worker's memory may not grow by 30 MB. When all is over the store is sound and nothing was a defect.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable

import pytest

from posthaus.testing.process import ServerProcess
from posthaus.testing.rude import (
    HEAD,
    MB,
    PER_ADDRESS,
    Imap,
    Pop3,
    Smtp,
    Wire,
    exchange,
    exists,
)  # fmt: skip

ALL_PORTS = (25, 587, 465, 2525, 143, 993, 110, 995)
CLEAR_PORTS = (25, 587, 2525, 143, 110)


# -- much of one thing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", [b"\0" * MB, b"a" * 8 * MB, b"\r" * MB, b"\n" * MB, b"\xff\xfe\r\n" * 50_000],
                         ids=["nul", "endless line", "cr", "lf", "odd lines"])  # fmt: skip
def test_rubbish(near: ServerProcess, octets: bytes) -> None:
    for port in ALL_PORTS:
        with Wire(near, port) as wire:
            wire.push(octets)
            wire.half_close()
            assert len(wire.rest()) < 16 * 1024


def test_endless_lines_after_log_in(near: ServerProcess) -> None:
    for wire in (Imap(near), Pop3(near), Smtp(near)):
        with wire:
            wire.push(b"a NOOP " + b"x" * 8 * MB)
            wire.half_close()
            assert len(wire.rest()) < 4096


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
def test_100_000_pipelined_noops(near: ServerProcess, kind: Callable[[ServerProcess], Wire]) -> None:
    line = b"a NOOP\r\n" if kind is Imap else b"NOOP\r\n"
    with kind(near) as wire:
        said = exchange(wire, line * 100_000)
    answers = said.count(b"\r\n")
    assert answers < 200 if kind is Smtp else answers >= 100_000


# -- much announced ------------------------------------------------------------------------------------------------

TWO_GB = 2 << 30
LITERALS = {
    "log-in, waits": (False, b"LOGIN {%d}", b"a BAD"),
    "log-in, does not wait": (False, b"LOGIN {%d+}", b"a BAD"),
    "append, waits": (True, b"APPEND INBOX {%d}", b"a NO [TOOBIG]"),
    "append, does not wait": (True, b"APPEND INBOX {%d+}", b"a NO [TOOBIG]"),
    "append literal8": (True, b"APPEND INBOX ~{%d+}", b"a NO [TOOBIG]"),
    "search": (True, b"SEARCH TEXT {%d+}", b"a BAD"),
    "mailbox": (True, b"SELECT {%d+}", b"a BAD"),
}


@pytest.mark.parametrize(("logged_in", "command", "answer"), LITERALS.values(), ids=LITERALS)
def test_2_gb_literal(near: ServerProcess, logged_in: bool, command: bytes, answer: bytes) -> None:
    with Imap(near) if logged_in else Wire(near, 143) as wire:
        if not logged_in:
            wire.line()
        wire.push(b"a " + command % TWO_GB + b"\r\n")
        line = wire.line()
        assert line.startswith((answer, b"* BYE")), line
        wire.push(b"x" * 4 * MB)


def test_literal_that_breaks_off(near: ServerProcess) -> None:
    spool = near.folder / "store" / "spool"
    for size in (100_000, 20 * MB):
        with Imap(near) as imap:
            assert imap.ask(b"APPEND INBOX {%d}" % size)[-1].startswith(b"+")
            imap.push(b"x" * (size - 1))
    assert exists(near) >= 0
    assert list(spool.iterdir()) == []


def test_2_gb_smtp(near: ServerProcess) -> None:
    with Smtp(near) as smtp:
        assert smtp.ask(b"MAIL FROM:<> SIZE=%d" % TWO_GB) == b"552"
        smtp.begin()
        smtp.push(b"BDAT %d LAST\r\n" % TWO_GB)
        piece, sent = b"MAIL FROM:<>\r\n" * (MB // 14), 0
        while sent < 300 * MB and smtp.push(piece):
            sent += len(piece)
        assert sent < 300 * MB, "swallowed without an end"
    with Smtp(near) as smtp:
        smtp.begin()
        smtp.push(b"BDAT %d LAST\r\n" % TWO_GB + b"x" * 4 * MB)


# -- who does not read, or does not talk ---------------------------------------------------------------------------


def test_nobody_reads(near: ServerProcess) -> None:
    with Imap(near) as imap, Pop3(near) as pop, Smtp(near) as smtp:
        big = HEAD + b"\r\n" + b"x" * 70 * 1024 + b"\r\n"
        for _ in range(3):
            imap.push(b"a APPEND INBOX {%d+}\r\n%b\r\n" % (len(big), big))
            while not imap.line().startswith(b"a "):
                pass
        for wire, octets in ((imap, b"b FETCH 1:* (BODY.PEEK[])\r\n" * 5_000), (pop, b"RETR 1\r\n" * 20_000),
                             (smtp, b"EHLO x\r\n" * 20_000)):  # fmt: skip
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.sock.settimeout(0.5)
            wire.push(octets)


def test_slow_readers_many(near: ServerProcess) -> None:
    clients = [Imap(near) for _ in range(20)]
    for imap in clients:
        imap.sock.settimeout(0.1)
        imap.push(b"b FETCH 1:* (BODY.PEEK[])\r\n" * 1_000)
    for imap in clients:
        imap.close()


def test_flood_of_connections(near: ServerProcess) -> None:
    for port in ALL_PORTS:
        flood = [Wire(near, port, source=f"127.0.1.{port % 256}") for _ in range(PER_ADDRESS + 20)]
        refused = [wire for wire in flood[PER_ADDRESS:] if is_refused(wire)]
        for wire in flood:
            wire.close()
        assert len(refused) == 20


def is_refused(wire: Wire) -> bool:
    said = wire.rest()
    return said == b"" or said.startswith((b"421 ", b"* BYE", b"-ERR"))


# -- other protocols -----------------------------------------------------------------------------------------------

REQUESTS = {
    "GET": b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "POST with mail in it": (
        b"POST / HTTP/1.0\r\nContent-Length: 500\r\n\r\nEHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<target@example.test>\r\n"
        b"DATA\r\nSubject: from a browser\r\n\r\n.\r\n"
    ),
    "PUT with IMAP in it": (
        b"PUT / HTTP/1.1\r\n\r\na LOGIN target@example.test pw\r\na APPEND INBOX {3+}\r\nabc\r\na DELETE INBOX\r\n"
    ),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(range(200)) * 4,
    "SSLv2": bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0") * 4,
    "heartbeat": bytes.fromhex("1803020003014000"),
    "huge record": bytes.fromhex("160301ffff01ffffff0303") + b"\0" * 200_000,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "PROXY from a stranger": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nEHLO x\r\n",
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_another_protocol(near: ServerProcess, request_: bytes) -> None:
    before = exists(near)
    for port in ALL_PORTS:
        with Wire(near, port) as wire:
            wire.push(request_)
            wire.half_close()
            said = wire.rest()
            assert b"354" not in said and b"a OK" not in said
    assert exists(near) == before


def test_half_closed(near: ServerProcess) -> None:
    """Who says all and closes its side still hears all answers."""
    talks = {
        25: (b"EHLO x\r\nNOOP\r\nQUIT\r\n", b"221 "),
        143: (b"a CAPABILITY\r\nb NOOP\r\nc LOGOUT\r\n", b"c OK"),
        110: (b"CAPA\r\nQUIT\r\n", b"+OK"),
    }
    for port, (octets, last) in talks.items():
        for cut in (octets, octets[: octets.rindex(b"\r\n", 0, -2) + 2]):  # also without saying goodbye
            with Wire(near, port) as wire:
                wire.push(cut)
                wire.half_close()
                said = wire.rest()
                assert said.endswith(b"\r\n")
                assert cut is not octets or said.splitlines()[-1].startswith(last)


# -- STARTTLS injection --------------------------------------------------------------------------------------------

INJECTIONS = {
    25: (b"EHLO x\r\n", b"STARTTLS\r\nEHLO injected\r\nRSET\r\n", b"220", b"NOOP\r\n", b"250"),
    587: (b"EHLO x\r\n", b"STARTTLS\r\nEHLO injected\r\nRSET\r\n", b"220", b"NOOP\r\n", b"250"),
    143: (b"a NOOP\r\n", b"b STARTTLS\r\ninjected CAPABILITY\r\n", b"b OK", b"c NOOP\r\n", b"c OK"),
    110: (b"CAPA\r\n", b"STLS\r\nCAPA\r\n", b"+OK", b"QUIT\r\n", b"+OK"),
}


@pytest.mark.parametrize("port", INJECTIONS)
def test_starttls_injection(near: ServerProcess, port: int) -> None:
    """What stands in the clear behind STARTTLS is never run, and never answered."""
    first, octets, ready, ours, answer = INJECTIONS[port]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with Wire(near, port) as wire:
        wire.sock.sendall(first)
        wait_for(wire, {110: b"\n.\r\n", 143: b"a OK"}.get(port, b"250 "))
        wire.sock.sendall(octets)
        wait_for(wire, ready)
        with context.wrap_socket(wire.sock, do_handshake_on_connect=True) as tls:
            tls.settimeout(10)
            tls.sendall(ours)
            said = tls.recv(4096)
            assert said.startswith(answer) and said.count(b"\r\n") == 1, said
            tls.setblocking(False)
            time.sleep(0.05)
            with contextlib.suppress(ssl.SSLWantReadError):
                assert tls.recv(4096) == b"" and port == 110


def wait_for(wire: Wire, octets: bytes) -> None:
    said = b""
    while octets not in said:
        piece = wire.sock.recv(4096)
        assert piece, said
        said += piece


# -- smuggling -----------------------------------------------------------------------------------------------------

EVIL = b"MAIL FROM:<evil@client.example>\r\nRCPT TO:<target@example.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n.\r\n"
ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\r\n.\r\r\n", b"\r\n\0.\r\n",
    b"\r\n.\0\r\n", b"\r\n.\r\0\n", b"\n\n.\n\n", b"\r\n. \r\n", b"\r\n ..\r\n", b"\x85.\x85", b"\r\n.\x0b\r\n",
    b"\xe2\x80\xa8.\xe2\x80\xa8", b"\r\n..\r\n",
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS, ids=[repr(end) for end in ENDS])
def test_smuggling(server: ServerProcess, end: bytes) -> None:
    """Never do two messages come out of one, whatever is kept or refused."""
    before = exists(server)
    with Smtp(server) as smtp:
        smtp.begin()
        smtp.ask(b"DATA")
        smtp.push(HEAD + b"\r\nhello" + end + EVIL + b"QUIT\r\n")
        smtp.rest()
    after = exists(server)
    assert after <= before + 1
    with Imap(server) as imap:
        assert after == before or b"evil" not in b"".join(imap.ok(b"FETCH %d (BODY[HEADER.FIELDS (SUBJECT)])" % after))
