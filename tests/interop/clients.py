"""What tests of real programs share: the office, its people, their mail, and running a program with a deadline.

Every test has a person of its own on one office with two workers. What arrived is looked at by imaplib, over one short
connection each time, so a look is never in the way of the program that is tested.

Standards: none.
Faults:    Failed (AssertionError) with all that a program said.
"""

import hashlib
import imaplib
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from posthaus.testing.process import ServerProcess

HOST = "localhost"  # the certificate is for this name; it leads to 127.0.0.1
DEADLINE_S = 20.0


class Failed(AssertionError):
    """A program ended otherwise than it should."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account with nothing in it yet."""

    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Done:
    """A program that has ended, and all that it said."""

    code: int
    said: str


def need(program: str) -> str:
    """The program's path; the test is skipped where it is not installed."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def run(
    *command: str | Path,
    stdin: bytes = b"",
    home: Path | None = None,
    codes: Sequence[int] = (0,),
    env: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> Done:
    """Runs a program to its end, in English, with a home of its own; Failed for an exit code that is not wanted."""
    around = {**os.environ, "LC_ALL": "C.UTF-8", **({"HOME": str(home)} if home else {}), **(env or {})}
    words = [str(word) for word in command]
    done = subprocess.run(words, input=stdin, capture_output=True, env=around, timeout=deadline_s, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode not in codes:
        raise Failed(f"{' '.join(words)}: {done.returncode}\n{said}")
    return Done(done.returncode, said)


def run_raw(*command: str | Path, home: Path | None = None) -> bytes:
    """The same for a program whose output is octets."""
    around = {**os.environ, "LC_ALL": "C.UTF-8", **({"HOME": str(home)} if home else {})}
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, env=around, timeout=DEADLINE_S, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(words)}: {done.returncode}\n{done.stderr.decode('utf-8', 'replace')}")
    return done.stdout


def message(subject: str, text: str = "Hello.\r\n", *, sender: str = "anna@example.net", to: str = "you") -> bytes:
    """A message that is the same in every run."""
    number = re.sub(r"\W+", ".", subject).strip(".")
    return (
        f"Date: Mon, 5 Jan 2026 10:00:00 +0100\r\nFrom: Anna <{sender}>\r\nTo: {to}@example.test\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{number}@example.net>\r\n\r\n{text}"
    ).encode()


def unix(octets: bytes) -> bytes:
    """As programs keep mail in files."""
    return octets.replace(b"\r\n", b"\n")


def subject_of(octets: bytes) -> str:
    found = re.search(rb"(?mi)^Subject: ([^\r\n]*)", octets)
    return found[1].decode("utf-8", "replace") if found else ""


def body_of(octets: bytes) -> bytes:
    return re.split(rb"\r?\n\r?\n", octets, maxsplit=1)[-1]


class Office:
    """The running server as a test sees it."""

    def __init__(self, server: ServerProcess, people: Iterator[Person]) -> None:
        self.server = server
        self._people = people
        (self.certificate,) = (server.folder / "tls").glob("*.crt")
        self.context = ssl.create_default_context(cafile=str(self.certificate))

    def person(self) -> Person:
        """Nobody else has this one."""
        return next(self._people)

    def port(self, port: int) -> int:
        return self.server.port(port)

    def fingerprint(self, kind: str = "sha256") -> str:
        """Of the certificate, as programs want it: AB:CD:..."""
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text().split("-----END CERTIFICATE-----")[0] + _END)
        return hashlib.new(kind, der).digest().hex(":").upper()

    def deliver(self, who: Person, *messages: bytes) -> None:
        """Mail from a stranger on port 25; it is there when this returns."""
        with smtplib.SMTP("127.0.0.1", self.port(25), "client.example") as smtp:
            for octets in messages:
                smtp.sendmail("anna@example.net", [who.address], octets)

    @contextmanager
    def imap(self, who: Person, box: str | None = None, *, readonly: bool = False) -> "Iterator[imaplib.IMAP4]":
        """Logged in, and box selected if one is named."""
        with imaplib.IMAP4("127.0.0.1", self.port(143), DEADLINE_S) as imap:
            imap.login(who.address, who.password)
            if box is not None:
                kind, words = imap.select(quote(box), readonly)
                assert kind == "OK", words
            yield imap

    def append(self, who: Person, *messages: bytes, box: str = "INBOX", flags: str = "") -> None:
        with self.imap(who) as imap:
            for octets in messages:
                kind, words = imap.append(quote(box), flags, "", octets)
                assert kind == "OK", words

    def create(self, who: Person, *boxes: str) -> None:
        with self.imap(who) as imap:
            for box in boxes:
                kind, words = imap.create(quote(box))
                assert kind == "OK", words

    def messages(self, who: Person, box: str = "INBOX") -> list[bytes]:
        """All of a mailbox, octet for octet, and nothing becomes \\Seen."""
        with self.imap(who, box, readonly=True) as imap:
            _, found = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
        return [one[1] for one in found if isinstance(one, tuple)]

    def subjects(self, who: Person, box: str = "INBOX") -> list[str]:
        return [subject_of(octets) for octets in self.messages(who, box)]

    def flags(self, who: Person, box: str = "INBOX") -> dict[str, set[str]]:
        """Flags by subject; \\Recent is nobody's business."""
        flags: dict[str, set[str]] = {}
        with self.imap(who, box, readonly=True) as imap:
            _, found = imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            for one in found:
                if isinstance(one, tuple):
                    inner = re.search(rb"FLAGS \(([^)]*)\)", one[0])
                    assert inner is not None
                    flags[subject_of(one[1])] = set(inner[1].decode().split()) - {"\\Recent"}
        return flags

    def boxes(self, who: Person) -> set[str]:
        """Names as they are on the wire (RFC 3501 §5.1.3 where they are not ASCII)."""
        with self.imap(who) as imap:
            _, found = imap.list()
        names = [re.search(r'"?([^"]*)"?$', one.decode()) for one in found if isinstance(one, bytes)]
        return {name[1] for name in names if name}

    def state(self, who: Person, box: str = "INBOX") -> bytes:
        """UIDs, flags and UIDNEXT: whoever changes anything changes this. Not \\Recent, which a look may change."""
        with self.imap(who, box, readonly=True) as imap:
            _, found = imap.uid("FETCH", "1:*", "(UID FLAGS)")
            _, status = imap.status(quote(box), "(UIDNEXT UIDVALIDITY MESSAGES)")
        return re.sub(rb" ?\\\\Recent", b"", repr((found, status)).encode()).replace(b"( ", b"(")


_END = "-----END CERTIFICATE-----\n"


def quote(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Raw:
    """A connection by hand, for what a library cannot say: IDLE, pipelines, and being pushed to."""

    def __init__(self, port: int, *, deadline_s: float = 20.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), deadline_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self.local_port: int = self._socket.getsockname()[1]

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode() + b"\r\n")

    def line(self) -> str:
        """The next line; it is an error if there is none before the deadline."""
        octets: bytes = self._file.readline()
        if not octets:
            raise Failed("the server hung up")
        return octets.decode("utf-8", "replace").removesuffix("\r\n")

    def until(self, start: str) -> list[str]:
        """All lines up to the one that begins so."""
        lines = [self.line()]
        while not lines[-1].startswith(start):
            lines.append(self.line())
        return lines

    def until_all(self, *wanted: str) -> list[str]:
        """All lines until each of these was among them, in any order."""
        missing, lines = set(wanted), list[str]()
        while missing:
            lines.append(self.line())
            missing.discard(lines[-1])
        return lines

    def ask(self, text: str) -> list[str]:
        """A tagged command; the answer with its last line. NO and BAD are errors."""
        tag = text.split(" ", 1)[0]
        self.send(text)
        lines = self.until(f"{tag} ")
        if not lines[-1].startswith(f"{tag} OK"):
            raise Failed(f"{text}: {lines[-1]}")
        return lines

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()
