"""Dovecot as a yardstick: the same real mail in both, the same questions to both, and every difference has its reason.

Dovecot's imap is run by hand, logged in already (PREAUTH), over pipes. What differs is a fault of ours and mended, or
stands in DIFFERENT with the sentence that decides; docs/compatibility.md sums it up.
"""

import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.interop.clients import Office, Person

ROOT = Path(__file__).resolve().parents[2]
ARCHIVES = sorted((ROOT.parent / "shared" / "corpus").glob("*.tar.xz"))
MADE_UP = sorted((ROOT / "tests" / "mail" / "messages").glob("*.eml"))
SAMPLE = 300  # of the real mail, in the run that is not slow
DOVECOT = Path("/usr/lib/dovecot/imap")
DEADLINE_S = 60.0

Value = bytes | None | list["Value"]

# -- what is asked -------------------------------------------------------------------------------------------------

SECTIONS = (
    "", "HEADER", "TEXT", "HEADER.FIELDS (Subject FROM x-mailer)", "HEADER.FIELDS.NOT (Received To)",
    "1", "1.MIME", "1.TEXT", "1.HEADER", "2", "2.MIME", "1.1", "1.1.MIME", "1.2", "2.HEADER", "2.TEXT", "2.1", "3",
    "2.HEADER.FIELDS (Subject)", "4.2.1",
)  # fmt: skip
PARTIALS = ("[]<10.50>", "[TEXT]<0.100>", "[HEADER]<5.20>", "[1]<3.1000000>", "[]<9999999.10>")
ITEMS = (
    "ENVELOPE", "BODYSTRUCTURE", "BODY", "RFC822.SIZE", "INTERNALDATE", "RFC822.HEADER",
    *(f"BODY.PEEK[{one}]" for one in SECTIONS), *(f"BODY.PEEK{one}" for one in PARTIALS),
)  # fmt: skip
KEYS = (
    "ALL", "SUBJECT linux", "SUBJECT re:", "FROM yahoo", "FROM .com", "TO list", "CC @",
    "BCC x", "TEXT perl", "BODY money", "HEADER X-Mailer outlook",
    'HEADER X-Mailer ""', 'HEADER List-Id ""', "HEADER Received localhost",
    "SINCE 10-Sep-2002", "BEFORE 10-Sep-2002", "ON 10-Sep-2002", "SENTSINCE 10-Sep-2002", "SENTBEFORE 10-Sep-2002",
    "SENTON 10-Sep-2002", "LARGER 4000", "SMALLER 2000", "NOT SUBJECT re:",
    "OR FROM yahoo FROM hotmail",
    "NOT (OR SUBJECT linux LARGER 3000)", "OR (SMALLER 2000 NOT FROM com) (SUBJECT spam NOT BODY free)",
    "UID 5:20 1:10",
    "SUBJECT iso-8859-1", "BODY nonsensewordthatis", 'TEXT "X-Mailer: "', "NEW", "OLD", "SEEN", "UNSEEN LARGER 100000",
)  # fmt: skip
# RFC 5051 §2: with marks and without, letters that have no capital, a space that is none
LETTERS = (
    'BODY "é"', 'BODY "É"', 'TEXT "ü"', 'BODY "Ö"', 'BODY "ß"', 'TEXT "ss"', 'BODY "cafe"', 'BODY "señor"',
    'BODY "SEN"', 'BODY "à la"', 'BODY "ma\u00f1ana"', 'BODY "man\u0303ana"', 'BODY "ﬁ"',
)  # fmt: skip
ORDERS = (
    "ARRIVAL", "REVERSE ARRIVAL", "DATE", "REVERSE DATE", "SIZE", "SUBJECT", "FROM", "TO", "CC", "SUBJECT REVERSE DATE",
    "REVERSE SIZE FROM", "DISPLAYFROM", "DISPLAYTO",
)  # fmt: skip
ALGORITHMS = ("ORDEREDSUBJECT", "REFERENCES", "REFS")


# -- a conversation ------------------------------------------------------------------------------------------------


class Speaker:
    """One connection; responses as values."""

    def __init__(self, reads: BinaryIO, writes: BinaryIO) -> None:
        self._reads, self._writes = reads, writes
        self._response()

    def _response(self) -> bytes:
        octets = self._reads.readline()
        assert octets, "the server hung up"
        while found := re.search(rb"\{(\d+)\}\r\n\Z", octets):
            octets += self._reads.read(int(found[1])) + self._reads.readline()
        return octets

    def ask(self, command: bytes) -> list[bytes]:
        self._writes.write(b"a " + command + b"\r\n")
        self._writes.flush()
        heard = [self._response()]
        while not heard[-1].startswith(b"a "):
            heard.append(self._response())
        assert heard[-1].startswith(b"a OK"), (command[:200], heard[-1])
        return heard[:-1]

    def append(self, octets: bytes, day: int) -> None:
        date = f'"{day % 28 + 1:02}-{("Aug", "Sep", "Oct")[day % 3]}-2002 {day % 24:02}:{day % 60:02}:00 +0000"'
        self.ask(f"APPEND INBOX {date} {{{len(octets)}+}}\r\n".encode() + octets)

    def fetch(self, number: int, item: str) -> Value:
        (line,) = [line for line in self.ask(f"FETCH {number} ({item})".encode()) if b" FETCH (" in line]
        value = read(line[line.index(b"(") :].rstrip(b"\r\n"))
        assert isinstance(value, list)
        return value[-1]

    def numbers(self, command: str) -> bytes:
        return self.ask(command.encode())[0].split(b" ", 2)[-1].strip()


_TOKEN = re.compile(rb'[()]|"(?:[^"\\]|\\.)*"|\{(\d+)\}\r\n|(?:[^\s()"{\[]|\[[^\]]*\])+|\s+')


def read(octets: bytes) -> Value:
    """The first value of these octets."""
    stack: list[list[Value]] = [[]]
    at = 0
    while at < len(octets):
        found = _TOKEN.match(octets, at)
        assert found is not None, octets[at : at + 50]
        token, at = found[0], found.end()
        if token == b"(":
            stack.append([])
        elif token == b")":
            done = stack.pop()
            stack[-1].append(done)
        elif found[1]:
            stack[-1].append(octets[at : at + int(found[1])])
            at += int(found[1])
        elif token[:1] == b'"':
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", token[1:-1]))
        elif token.upper() == b"NIL":
            stack[-1].append(None)
        elif token.strip():
            stack[-1].append(token)
    return stack[0][0]


def lower(value: Value) -> Value:
    """Types, encodings and names of parameters have no case (RFC 2045 §5.1, §6.1)."""
    return [lower(one) for one in value] if isinstance(value, list) else value and value.lower()


@contextmanager
def dovecot() -> Iterator[Speaker]:
    if not DOVECOT.exists():
        pytest.skip("Dovecot is not installed")
    with tempfile.TemporaryDirectory(prefix="interop-") as name:
        folder = Path(name)
        who: dict[str, str] = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
        (folder / "dovecot.conf").write_text(
            f"mail_home = {folder}\nmail_location = sdbox:{folder}/mail\nfirst_valid_uid = 0\nfirst_valid_gid = 0\n"
            f"mail_uid = {who.get('user', os.getuid())}\nmail_gid = {who.get('group', os.getgid())}\nssl = no\n"
            f"base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = /dev/null\nmail_fsync = never\n"
            "namespace inbox {\n  inbox = yes\n  separator = /\n}\n"
        )
        if who:
            shutil.chown(folder, **who)
        process = subprocess.Popen(
            [DOVECOT, "-c", folder / "dovecot.conf"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={"USER": "me", "HOME": name, "TZ": "UTC", "PATH": os.environ["PATH"]},
            extra_groups=[] if who else None, **who,  # type: ignore[call-overload]
        )  # fmt: skip
        try:
            yield Speaker(process.stdout, process.stdin)
        finally:
            process.kill()
            process.communicate()


@contextmanager
def posthaus(office: Office, person: Person) -> Iterator[Speaker]:
    with socket.create_connection(("127.0.0.1", office.port(143)), DEADLINE_S) as sock, sock.makefile("rwb") as both:
        speaker = Speaker(both, both)  # type: ignore[arg-type]
        speaker.ask(f'LOGIN {person.address} "{person.password}"'.encode())
        yield speaker


# -- mail ----------------------------------------------------------------------------------------------------------


def mail(most: int | None) -> list[tuple[str, bytes]]:
    found = [(path.name, path.read_bytes()) for path in MADE_UP]
    real: list[tuple[str, bytes]] = []
    for archive in ARCHIVES:
        with tarfile.open(archive) as tar:
            real += [(one.name, tar.extractfile(one).read()) for one in tar if one.isfile()]  # type: ignore[union-attr]
    real.sort()
    found += real[:: max(1, len(real) // most)][:most] if most else real
    # Dovecot gives LF as CRLF, we the octets that came: so none that came with LF alone is asked about
    lines = [(name, re.sub(rb"\r*\n", b"\r\n", octets)) for name, octets in found]
    return [(name, octets) for name, octets in lines if octets and b"\0" not in octets]


# -- the comparison ------------------------------------------------------------------------------------------------

# What differs in one message alone, and why ours stands. A name is the beginning of the file's.
DIFFERENT: dict[str, tuple[str, str]] = {
    "01-": ("BODY.PEEK[HEADER.FIELDS", "there is no empty line, so none is given (RFC 9051 §6.4.5.1)"),
    "08-": ("BODY", "a multipart without boundary is no multipart: one part of text (RFC 2046 §5.1.1)"),
    "09-": ("BODY", "a boundary that is never used: as above"),
    "12-": ("BODY.PEEK[1.MIME]", "the part's only line ends with CRLF, and that is part of it"),
    "13-": ("BODY.PEEK[2.MIME]", "the empty line belongs to the part's header (RFC 2046 §5.1.1)"),
    "14-": ("BODY", "its size is that of BODY[2], without the CRLF of the delimiter (RFC 2046 §5.1.1)"),
    "15-": ("BODY", "message/rfc822 in base64 is forbidden, and opaque to us (RFC 2046 §5.2.1)"),
    "20-": ("ENVELOPE", "space around a dot, and a domain literal as localpart, are read (RFC 5322 §4.4)"),
    "21-": ("ENVELOPE", "of two Subjects the first counts; more than one is forbidden (RFC 5322 §3.6)"),
    "22-": ("BODY", "parameters stay in their order, and octets in %20 stay encoded (RFC 2231 §4)"),
    "23-": ("BODY", "values with spaces that are not quoted are read to their end"),
    "24-": ("BODY", "a type that cannot be read is text/plain (RFC 2045 §5.2)"),
    "27-": ("ENVELOPE", "what can be read of an address list with faults is told"),
    "30-": ("BODY", "message/global is a message (RFC 6532 §3.7)"),
    "spam/00467": ("BODY", "a boundary that is never used: as above"),
    "31-": ("ENVELOPE", "a bare CR is no space"),
}
# Real mail that is left out where messages are searched for and put in order: what senders may not write, and each
# server reads in its own way.
ODD = (
    (re.compile(rb"[\x80-\xff]"), "octets above 127 that name no charset"),
    (re.compile(rb'(?i)\nFrom: ""'), "quotes in quotes"),
    (re.compile(rb"(?i)\nTo: <[^>@]*:"), "a colon in a localpart; Dovecot says SYNTAX_ERROR"),
    (re.compile(rb"0915\.9\.TXT@"), "octets that are not in the charset they name"),
)
DATE = re.compile(rb"(?i)\nDate: *(?:[a-z]{3}, *)?\d{1,2} [a-z]{3} [12]\d{3} ")  # others are read by one of us alone


def same(item: str, here: Value, there: Value) -> bool:
    """Up to what may be told in one way or the other."""
    if item == "INTERNALDATE":  # date-day-fixed is a space and a digit, or two digits (RFC 9051 §9)
        assert isinstance(there, bytes)
        return here == re.sub(rb"^0", b" ", there)
    if item == "ENVELOPE":  # unfolding takes CRLF away and leaves the space (RFC 5322 §2.2.3); Dovecot makes it one
        # and an address with signs in its localpart that have no place there is told as it stands
        return squeezed(here) == squeezed(there) or b"SYNTAX_ERROR" in repr(there).encode()
    if item in ("BODYSTRUCTURE", "BODY"):
        return without_default(lower(here)) == without_default(lower(there))
    if isinstance(here, bytes) and item.startswith("BODY.PEEK[1]"):
        # of a multipart in a multipart: the CRLF before the outer delimiter is the delimiter's (RFC 2046 §5.1.1)
        return here == there or here + b"\r\n" == there
    if here is None:  # no such part (RFC 9051 §7.5.2, nstring); Dovecot gives for n.1 of a single part that part itself
        return there in (None, b"") or re.search(r"\d\.1(\.MIME)?\]", item) is not None
    return here == there


def squeezed(value: Value) -> Value:
    if isinstance(value, list):
        return [squeezed(one) for one in value]
    return value and re.sub(rb"\s+", b" ", value.strip())


def without_default(value: Value) -> Value:
    """US-ASCII is what text/plain is without a charset; other kinds of text have no default (RFC 6657 §3)."""
    if not isinstance(value, list):
        return value
    if value[:1] == [b"text"] and value[1] != b"plain" and value[2] == [b"charset", b"us-ascii"]:
        return [*value[:2], None, *value[3:]]
    return [without_default(one) for one in value]


def is_known(name: str, item: str) -> bool:
    return any(name.startswith(start) and item.startswith(what) for start, (what, _) in DIFFERENT.items())


def is_odd(name: str, octets: bytes) -> bool:
    """Not to be searched for or put in order."""
    header = b"\n" + octets.split(b"\r\n\r\n")[0]
    return "/" not in name or not DATE.search(header) or any(odd.search(header) for odd, _ in ODD)


CHARSET = re.compile(rb"^content-type:[ \t]*text(?:[^\n]|\n[ \t])*charset=", re.IGNORECASE | re.MULTILINE)


def is_guessed(octets: bytes) -> bool:
    """In no charset that is named: each reads it as it thinks best (RFC 5255 §4.6)."""
    return not octets.isascii() and CHARSET.search(octets) is None


def compare(office: Office, person: Person, most: int | None) -> list[str]:
    faults: list[str] = []
    messages = mail(most)
    with dovecot() as theirs, posthaus(office, person) as ours:
        for at, (_, octets) in enumerate(messages):
            for one in (theirs, ours):
                one.append(octets, at)
        for one in (theirs, ours):
            one.ask(b"SELECT INBOX")
        for number, (name, _) in enumerate(messages, 1):
            for item in ITEMS:
                here, there = ours.fetch(number, item), theirs.fetch(number, item)
                if not same(item, here, there) and not is_known(name, item):
                    faults.append(f"{item}\t{name}\n  ours   {here!r}\n  theirs {there!r}")
        odd = [n for n, (name, octets) in enumerate(messages, 1) if is_odd(name, octets)]
        real = f"NOT UID {','.join(map(str, odd))}"
        guessed = [n for n, (_, octets) in enumerate(messages, 1) if is_guessed(octets)]
        known = f"NOT UID {','.join(map(str, guessed))}"
        for command in (
            *(f"SEARCH {real} {key}" for key in KEYS),
            *(f"SEARCH CHARSET UTF-8 {real} {known} {key}" for key in LETTERS),
            *(f"SORT ({order}) UTF-8 {real}" for order in ORDERS),
            *(f"THREAD {one} UTF-8 {real}" for one in ALGORITHMS),
        ):
            left, right = ours.numbers(command), theirs.numbers(command)
            if left != right:
                faults.append(f"{command.replace(real, 'x')}\n  ours   {left!r}\n  theirs {right!r}")
        wider = [set(one.numbers(f'SEARCH {real} BODY "click here"').split()) for one in (ours, theirs)]
        if not wider[0] >= wider[1]:  # we read HTML as people see it, too
            faults.append(f"BODY: not found by us: {wider[1] - wider[0]}")
    return faults


def test_sample(office: Office, person: Person) -> None:
    faults = compare(office, person, SAMPLE)
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all(office: Office, person: Person) -> None:
    faults = compare(office, person, None)
    assert not faults, "\n".join(faults)
