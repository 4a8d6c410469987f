"""SIGKILL under load, many times: every acknowledged change is there afterwards, and nothing is damaged.

Clients deliver, append, flag, copy, move and expunge, and write down what was acknowledged. Then all processes of the
server are killed at once. After the restart the store must be sound, everything acknowledged must be there, and nothing
may be there that nobody sent.
"""

import imaplib
import os
import random
import re
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from posthaus.testing.process import ServerProcess
from posthaus.testing.storehouse import Databases

ROUNDS = int(os.environ.get("POSTHAUS_KILLS", "12"))
POSTGRES_ROUNDS = max(1, ROUNDS // 3)
USERS = {f"u{i}@example.test": "pw" for i in range(4)}
GONE = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.abort, imaplib.IMAP4.error, ValueError)


@dataclass
class Ledger:
    """What was tried, and what was acknowledged; one per user, so that one thread writes each entry."""

    tried: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)  # acknowledged
    seen: set[str] = field(default_factory=set)  # STORE +FLAGS (\Seen) acknowledged
    unsure: set[str] = field(default_factory=set)  # being removed when the server died
    removed: set[str] = field(default_factory=set)  # EXPUNGE acknowledged
    work: int = 0  # acknowledged changes
    lock: threading.Lock = field(default_factory=threading.Lock)


def message(name: str) -> bytes:
    text = (f"line of {name}\r\n" * random.Random(name).choice((3, 200, 12_000))).encode()
    return b"From: a@client.example\r\nTo: u@example.test\r\nSubject: %b\r\n\r\n%b" % (name.encode(), text)


def deliver(server: ServerProcess, user: str, ledger: Ledger, enough: Callable[[], bool], tag: str) -> None:
    n = 0
    with smtplib.SMTP("127.0.0.1", server.port(25), timeout=30) as smtp:
        while not enough():
            name = f"{tag}-{n}"
            n += 1
            with ledger.lock:
                ledger.tried.add(name)
            smtp.sendmail("a@client.example", [user], message(name))
            with ledger.lock:
                ledger.there.add(name)
                ledger.work += 1


@contextmanager
def imap_of(server: ServerProcess, user: str) -> Iterator[imaplib.IMAP4]:
    imap = imaplib.IMAP4("127.0.0.1", server.port(143), timeout=30)
    try:
        imap.login(user, "pw")
        yield imap
    finally:
        imap.shutdown()


def names_in(imap: imaplib.IMAP4, mailbox: str) -> dict[str, tuple[int, bool]]:
    """subject -> (UID, \\Seen)"""
    assert imap.select(mailbox)[0] == "OK"
    found = {}
    for item in imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
        if isinstance(item, tuple):
            head, subject = item
            uid = re.search(rb"UID (\d+)", head)
            assert uid is not None
            found[subject.decode().removeprefix("Subject: ").strip()] = (int(uid[1]), b"\\Seen" in head)
    return found


def shuffle(server: ServerProcess, user: str, ledger: Ledger, enough: Callable[[], bool], tag: str) -> None:
    """APPEND, STORE, MOVE and EXPUNGE in turn."""
    n = 0
    with imap_of(server, user) as imap:
        imap.create("Other")
        imap.select("INBOX")
        while not enough():
            name = f"{tag}-{n}"
            n += 1
            with ledger.lock:
                ledger.tried.add(name)
            kind, data = imap.append("INBOX", None, None, message(name))
            assert kind == "OK"
            with ledger.lock:
                ledger.there.add(name)
            uid = re.search(rb"APPENDUID \d+ (\d+)", data[0])
            assert uid is not None
            number = uid[1].decode()
            if imap.uid("STORE", number, "+FLAGS", "(\\Seen)")[0] == "OK":
                ledger.seen.add(name)
            if n % 3 == 0:
                assert imap.uid("MOVE", number, "Other")[0] == "OK"
            elif n % 3 == 1:
                ledger.unsure.add(name)
                imap.uid("STORE", number, "+FLAGS", "(\\Deleted)")
                assert imap.uid("EXPUNGE", number)[0] == "OK"
                ledger.removed.add(name)
            ledger.work += 1


def run_until_killed(server: ServerProcess, ledgers: dict[str, Ledger], round_: int, changes: int) -> None:
    """Load from all sides; the server is killed when so many changes are acknowledged."""
    killed = threading.Event()
    start = sum(ledger.work for ledger in ledgers.values())

    def client(work: Callable[..., None], user: str, tag: str) -> None:
        try:
            work(server, user, ledgers[user], killed.is_set, tag)
        except GONE:
            pass  # the server died under it

    threads = []
    for user in USERS:
        for k, work in enumerate((deliver, deliver, shuffle)):
            tag = f"r{round_}-{user[:2]}-{k}"
            threads.append(threading.Thread(target=client, args=(work, user, tag)))
    for thread in threads:
        thread.start()
    while sum(ledger.work for ledger in ledgers.values()) - start < changes and any(t.is_alive() for t in threads):
        killed.wait(0.002)
    server.kill()
    killed.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def check(server: ServerProcess, user: str, ledger: Ledger) -> None:
    with imap_of(server, user) as imap:
        inbox = names_in(imap, "INBOX")
        imap.create("Other")
        other = names_in(imap, "Other")
    both = inbox.keys() & other.keys()
    assert not both, "a message was moved and stayed"
    there = {**inbox, **other}
    lost = ledger.there - ledger.unsure - there.keys()
    assert not lost, f"acknowledged and lost: {sorted(lost)[:5]}"
    assert not ledger.removed & there.keys(), "expunged and back again"
    assert not there.keys() - ledger.tried, "nobody sent this"
    unseen = {name for name in ledger.seen & there.keys() if not there[name][1]}
    assert not unseen, f"\\Seen was acknowledged and lost: {sorted(unseen)[:5]}"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_acknowledged_survives(tmp_path: Path) -> None:
    survives(ServerProcess(tmp_path / "house", USERS), ROUNDS)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_acknowledged_survives_on_postgresql(databases: Databases, tmp_path: Path) -> None:
    """The database lives on, as one on another host would: what is lost is every transaction under way."""
    survives(ServerProcess(tmp_path / "house", USERS, store=databases.empty()), POSTGRES_ROUNDS)


def survives(server: ServerProcess, rounds: int) -> None:
    rnd = random.Random(7)
    ledgers = {user: Ledger() for user in USERS}
    try:
        for round_ in range(rounds):
            server.start()
            run_until_killed(server, ledgers, round_, changes=rnd.randrange(1, 120))
            server.start()
            server.run("verify")  # raises where the store is damaged
            for user, ledger in ledgers.items():
                check(server, user, ledger)
            server.stop()
    finally:
        server.kill()
    assert sum(ledger.work for ledger in ledgers.values()) > 10 * rounds
    assert "defect" not in server.log()
