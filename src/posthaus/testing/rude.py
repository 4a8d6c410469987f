"""Clients without manners, in blocking sockets, and the server that they are let loose on.

    with attacked(folder) as server:
        with beside(server, NEIGHBOUR, PASSWORD) as seen, Smtp(server) as smtp:
            smtp.push(octets)
        judge(seen)

A Wire sends what it is told to, in whatever pieces, and hears what comes; its kinds begin where a session has begun.

Standards: none.
Faults:    AssertionError where the server does not let a session begin.
"""

import contextlib
import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from posthaus.testing.neighbour import Seen
from posthaus.testing.process import ServerProcess

LOOP_S = 0.5  # the loop may work so long before it comes to the neighbour
CLOCK_S = 10.0  # other loads of the machine count here
GROWN_OCTETS = 30 << 20
PER_ADDRESS = 100  # connections
NEIGHBOUR, TARGET, PASSWORD = "neighbour@example.test", "target@example.test", "pw"
HEAD = b"From: a@client.example\r\nTo: target@example.test\r\nSubject: x\r\n"
MB = 1 << 20
_PARTS = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 10_000 + b"--b--\r\n"


@contextmanager
def attacked(folder: Path) -> Iterator[ServerProcess]:
    """A server with one worker and a message for each of two accounts; sound and without a defect in the end."""
    server = ServerProcess(folder, {NEIGHBOUR: PASSWORD, TARGET: PASSWORD}, workers=1)
    settings = server.folder / "posthaus.toml"
    line = f"connections_per_address = {PER_ADDRESS}"
    text, count = re.subn(r"(?m)^#? ?connections_per_address = .*", line, settings.read_text())
    assert count == 1
    settings.write_text(text)
    with server:
        for who in (NEIGHBOUR, TARGET):
            with Smtp(server) as smtp:
                assert smtp.send(who, HEAD + b"\r\nhello\r\n") == b"250"
        with Smtp(server) as smtp:
            smtp.send(TARGET, HEAD + _PARTS)
        read(server, 2)  # what the server needs once shall not count for the first attack
        yield server
    server.run("verify")
    assert " defect " not in server.log(), server.log()[-3000:]


def judge(seen: Seen, more_octets: int = 0) -> None:
    print(f"\nloop {seen.loop_s:.3f} s, clock {seen.clock_s:.3f} s, {seen.grown_octets / MB:.1f} MB")
    assert seen.loop_s < LOOP_S
    assert seen.clock_s < CLOCK_S
    assert seen.grown_octets < GROWN_OCTETS + more_octets


# -- clients -------------------------------------------------------------------------------------------------------


class Wire:
    """A connection whose octets are the test's own."""

    def __init__(self, server: ServerProcess, port: int, source: str = "127.0.0.1") -> None:
        self.sock = socket.create_connection(("127.0.0.1", server.port(port)), 30, source_address=(source, 0))
        self.answers = self.sock.makefile("rb")

    def line(self) -> bytes:
        return self.answers.readline()

    def push(self, octets: bytes) -> bool:
        """Sends; whether the server took all of it."""
        try:
            self.sock.sendall(octets)
        except OSError:
            return False
        return True

    def rest(self) -> bytes:
        """All that the server says until it closes."""
        with contextlib.suppress(ConnectionError):
            return self.answers.read()
        return b""

    def half_close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.answers.close()
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Smtp(Wire):
    """After EHLO."""

    def __init__(self, server: ServerProcess, port: int = 25) -> None:
        super().__init__(server, port)
        self.line()
        self.ask(b"EHLO client.example")

    def ask(self, command: bytes) -> bytes:
        self.push(command + b"\r\n")
        return self.reply()

    def reply(self) -> bytes:
        while (line := self.line())[3:4] == b"-":
            pass
        return line[:3]

    def begin(self, to: str = TARGET, more: bytes = b"") -> bytes:
        self.ask(b"MAIL FROM:<a@client.example>" + more)
        return self.ask(b"RCPT TO:<%b>" % to.encode())

    def send(self, to: str, octets: bytes) -> bytes:
        self.begin(to)
        self.ask(b"DATA")
        return self.ask(octets + b"\r\n.")


class Imap(Wire):
    """Logged in and selected."""

    def __init__(self, server: ServerProcess, mailbox: str = "INBOX") -> None:
        super().__init__(server, 143)
        self.line()
        self.ok(f"LOGIN {TARGET} {PASSWORD}".encode())
        self.ok(b"SELECT %b" % mailbox.encode())

    def ask(self, command: bytes) -> list[bytes]:
        self.push(b"a " + command + b"\r\n")
        lines = [self.line()]
        while lines[-1] and not lines[-1].startswith((b"a ", b"* BYE", b"+ ")):
            lines.append(self.line())
        return lines

    def ok(self, command: bytes) -> list[bytes]:
        lines = self.ask(command)
        assert lines[-1].startswith(b"a OK"), lines[-1]
        return lines


class Pop3(Wire):
    """Logged in."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(server, 110)
        self.line()
        for command in (f"USER {TARGET}", f"PASS {PASSWORD}"):
            self.push(command.encode() + b"\r\n")
            assert self.line().startswith(b"+OK")


def exists(server: ServerProcess) -> int:
    """Messages in the target's INBOX."""
    with Imap(server) as imap:
        (line,) = [line for line in imap.ok(b"STATUS INBOX (MESSAGES)") if b"MESSAGES" in line]
        return int(re.findall(rb"MESSAGES (\d+)", line)[0])


def exchange(wire: Wire, octets: bytes) -> bytes:
    """Sends all of it while reading what comes back; what came."""
    view, said = memoryview(octets), bytearray()
    sock = wire.sock
    sock.setblocking(False)
    open_for_writing = True
    while True:
        ready, writable, _ = select.select([sock], [sock] if view and open_for_writing else [], [], 30)
        assert ready or writable
        try:
            if writable:
                view = view[sock.send(view[: 256 * 1024]) :]
            if not view and open_for_writing:
                open_for_writing = False
                sock.shutdown(socket.SHUT_WR)
            if ready:
                piece = sock.recv(MB)
                if not piece:
                    return bytes(said)
                said += piece
        except OSError:
            return bytes(said)


def read(server: ServerProcess, number: int) -> None:
    """All that a client may ask of a message; it is gone afterwards."""
    with Imap(server) as imap:
        imap.ok(b"FETCH %d (ENVELOPE BODYSTRUCTURE PREVIEW BODY.PEEK[HEADER.FIELDS (SUBJECT REFERENCES)])" % number)
        imap.ok(b"FETCH %d (BODY.PEEK[1] BODY.PEEK[1.1.1.MIME] BODY.PEEK[HEADER.FIELDS.NOT (TO)])" % number)
        imap.ok(b'SEARCH %d TEXT "no such text" SUBJECT "no such subject" HEADER X-Long "y"' % number)
        imap.ok(b"STORE %d +FLAGS (\\Deleted)" % number)
        imap.ok(b"EXPUNGE")
