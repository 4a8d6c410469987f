"""The whole server on PostgreSQL, in two workers: mail's way in and out, bells, the maildrop, and a database that ends.

What was acknowledged survives SIGKILL: tests/flow/test_kill.py, on both stores. All dialogues: tests/scripts.
"""

import contextlib
import imaplib
import json
import os
import poplib
import re
import signal
import smtplib
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from posthaus.testing.postgres import NoServer, Server, running_server
from posthaus.testing.process import ServerProcess, posthaus

HOST, PASSWORD = "127.0.0.1", "pw"
USERS = [f"u{n}@example.test" for n in range(8)]
ALL = dict.fromkeys(USERS, PASSWORD)
BELL_S = 1.0
BACK_S = 10.0  # until all works again after the database has come back
HEAD = b"From: a@client.example\r\nTo: u@example.test\r\nSubject: %b\r\n\r\n"


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    try:
        with running_server() as database:
            yield database
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def server(database: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("postgres") / "house"
    with ServerProcess(folder, ALL, store=database.create("house"), workers=2) as server:
        yield server
        assert server.run("verify") == "sound\n"
    assert " defect " not in server.log(), server.log()[-3000:]


NEXT = count(1)  # USERS[0] is for those that do not ask for it


@pytest.fixture
def user() -> str:
    """With an empty INBOX."""
    return USERS[next(NEXT)]


def send(server: ServerProcess, user: str, subject: str, text: bytes = b"hello\r\n") -> bytes:
    octets = HEAD % subject.encode() + text
    with smtplib.SMTP(HOST, server.port(25), timeout=30) as smtp:
        smtp.sendmail("a@client.example", [user], octets)
    return octets


class Imap(imaplib.IMAP4):
    """Logged in, INBOX selected."""

    def __init__(self, server: ServerProcess, user: str) -> None:
        super().__init__(HOST, server.port(143), timeout=30)
        self.worker = server.worker_of(self.sock)
        self.login(user, PASSWORD)
        self.select()

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.shutdown()

    def say(self, words: bytes) -> None:
        self.send(words + b"\r\n")

    def until(self, words: bytes) -> bytes:
        """The line that begins so."""
        while not (line := self.readline()).startswith(words):
            assert line, "the connection ended"
        return line

    def ask(self, words: bytes) -> bytes:
        """The last line of the answer."""
        self.say(b"x " + words)
        return self.until(b"x ")


class Pop(poplib.POP3):
    """Connected."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(HOST, server.port(110), timeout=30)
        self.worker = server.worker_of(self.sock)

    def enter(self, user: str) -> str:
        """What is said about the log-in."""
        try:
            self.user(user)
            return self.pass_(PASSWORD).decode()
        except poplib.error_proto as refused:
            return refused.args[0].decode()  # type: ignore[no-any-return]

    def __enter__(self) -> "Pop":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def on(make: Callable[[], "Imap | Pop"], fits: Callable[[int], bool]) -> "Imap | Pop":
    """A connection on a worker that fits: the kernel spreads connections, so one tries until it is so."""
    for _ in range(100):
        one = make()
        if fits(one.worker):
            return one
        one.__exit__()
    raise AssertionError("all connections came to one worker")


@contextlib.contextmanager
def pair(server: ServerProcess, user: str) -> Iterator[tuple[Imap, Imap]]:
    """Two sessions of one account, on two workers."""
    with Imap(server, user) as one:
        other = on(lambda: Imap(server, user), lambda worker: worker != one.worker)
        assert isinstance(other, Imap)
        with other:
            yield one, other


# -- the way of the mail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 100_000, 400_000])
def test_octets_come_out_as_they_went_in(server: ServerProcess, size: int) -> None:
    user = USERS[0]
    sent = send(server, user, f"size {size}", b"0123456789abcdef\r\n" * (size // 18 + 1))
    with Imap(server, user) as imap:
        number = imap.search(None, f'SUBJECT "size {size}"')[1][0].decode()
        (part, _) = imap.fetch(number, "(BODY.PEEK[])")[1]
        assert isinstance(part, tuple)
        assert part[1].endswith(sent)
        assert imap.search(None, f'{number} TEXT "abcdef"')[1][0].decode() == number
    with Pop(server) as pop:
        assert pop.enter(user).startswith("+OK")
        lines = pop.retr(int(number))[1]
        assert b"".join([line + b"\r\n" for line in lines]) == part[1]
        pop.quit()


def test_commands_on_the_running_house(server: ServerProcess, database: Server, tmp_path: Path) -> None:
    """Accounts, aliases, backup; and the way back after the database was lost."""
    folder = tmp_path / "house"
    url = database.create("second")
    posthaus("init", str(folder), "--domain", "example.test", "--store", url, "--loopback")

    def run(*words: str, stdin: str = "") -> str:
        return posthaus("-C", str(folder), *words, stdin=stdin)

    run("account", "add", "anna@example.test", "--quota", "1 GB", stdin="secret")
    run("alias", "add", "info@example.test", "anna@example.test")
    run("domain", "catch-all", "example.test", "anna@example.test")
    with pytest.raises(RuntimeError, match="is there already"):
        run("account", "add", "anna@example.test", stdin="secret")
    assert run("verify") == "sound\n"
    before = [run(*words) for words in (("account", "list"), ("alias", "list"), ("domain", "list"))]
    run("backup", str(tmp_path / "copy"))
    with pytest.raises(RuntimeError, match="in use"):
        posthaus("-C", str(tmp_path / "again"), "restore", str(tmp_path / "copy"))
    assert not (tmp_path / "again" / "posthaus.toml").exists()
    database.drop("second")
    with pytest.raises(RuntimeError, match="the store cannot be read"):
        run("account", "list")
    database.create("second")
    posthaus("-C", str(tmp_path / "again"), "restore", str(tmp_path / "copy"))
    folder = tmp_path / "again"
    assert [run(*words) for words in (("account", "list"), ("alias", "list"), ("domain", "list"))] == before
    assert run("verify") == "sound\n"


def test_a_backup_of_the_running_house_holds_its_mail(server: ServerProcess, database: Server, tmp_path: Path) -> None:
    send(server, USERS[0], "large", b"0123456789abcdef\r\n" * 20_000)
    server.run("backup", str(tmp_path / "copy"))
    settings = tmp_path / "copy" / "posthaus.toml"
    text = settings.read_text()
    assert database.url("house") in text
    settings.write_text(text.replace(database.url("house"), database.create("third")))
    again = tmp_path / "again"
    posthaus("-C", str(again), "restore", str(tmp_path / "copy"))
    assert posthaus("-C", str(again), "verify") == "sound\n"
    counts = [
        {
            one["address"]: one["used_octets"]
            for one in json.loads(posthaus("-C", str(house), "account", "list", "--json"))
        }
        for house in (server.folder, again)
    ]
    assert counts[0] == counts[1]
    assert counts[0][USERS[0]] > 300_000


# -- over both workers ---------------------------------------------------------------------------------------------


def test_idle_hears_what_another_worker_delivered(server: ServerProcess, user: str) -> None:
    with pair(server, user) as sessions:
        for one in sessions:
            one.say(b"i IDLE")
            one.until(b"+ ")
        for n in range(1, 9):  # some on either worker
            began = time.monotonic()
            send(server, user, str(n))
            for one in sessions:
                one.until(b"* %d EXISTS" % n)
            assert time.monotonic() - began < BELL_S
        for one in sessions:
            one.say(b"DONE")
            one.until(b"i OK")


def test_flags_and_expunges_are_heard_on_the_other_worker(server: ServerProcess, user: str) -> None:
    for n in range(3):
        send(server, user, str(n))
    with pair(server, user) as (one, other):
        other.say(b"i IDLE")
        other.until(b"+ ")
        began = time.monotonic()
        one.store("2", "+FLAGS", "(\\Flagged $Own)")
        line = other.until(b"* 2 FETCH")
        assert b"\\Flagged" in line and b"$Own" in line
        one.store("1,3", "+FLAGS", "(\\Deleted)")
        one.expunge()
        expunged = 0
        while expunged < 2:
            expunged += other.until(b"* ").endswith(b"EXPUNGE\r\n")
        assert time.monotonic() - began < 3 * BELL_S
        other.say(b"DONE")
        other.until(b"i OK")
        assert other.search(None, "ALL")[1] == [b"1"]
        assert other.search(None, "FLAGGED")[1] == [b"1"]


def test_a_maildrop_is_one_session_s_over_all_workers(server: ServerProcess, user: str) -> None:
    send(server, user, "one")
    with Pop(server) as mine:
        assert mine.enter(user).startswith("+OK")
        for wanted in (True, False):
            other = on(lambda: Pop(server), lambda worker, wanted=wanted: (worker == mine.worker) is wanted)  # type: ignore[misc]
            with other:
                assert isinstance(other, Pop)
                assert "[IN-USE]" in other.enter(user)
        mine.dele(1)
        mine.quit()
    with Pop(server) as next_one:
        assert next_one.enter(user).startswith("+OK")
        assert next_one.stat() == (0, 0)
        next_one.quit()


def test_a_killed_worker_s_maildrop_is_free_again(server: ServerProcess, user: str) -> None:
    send(server, user, "one")
    with Pop(server) as mine:
        assert mine.enter(user).startswith("+OK")
        mine.dele(1)
        os.kill(mine.worker, signal.SIGKILL)
    began = time.monotonic()
    said = ""
    while not said.startswith("+OK"):
        assert time.monotonic() - began < 5, said
        with contextlib.suppress(OSError, poplib.error_proto), Pop(server) as other:  # first, some die with the worker
            said = other.enter(user)
            if said.startswith("+OK"):
                assert other.stat()[0] == 1
                other.quit()


# -- the database goes and comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_without_a_database_all_is_deferred_and_then_goes_on(
    server: ServerProcess, database: Server, user: str, how: signal.Signals
) -> None:
    send(server, user, "before")
    workers = server.worker_pids()
    with pair(server, user) as (one, other), smtplib.SMTP(HOST, server.port(25), timeout=30) as smtp:
        other.say(b"i IDLE")
        other.until(b"+ ")
        smtp.ehlo()
        smtp.mail("a@client.example")
        assert smtp.rcpt(user)[0] == 250
        with Pop(server) as pop:
            assert pop.enter(user).startswith("+OK")
            pop.dele(1)
            database.stop(how)
            try:
                assert smtp.data(b"Subject: lost\r\n\r\n")[0] == 451
                smtp.mail("a@client.example")
                assert smtp.rcpt(user)[0] == 451
                assert smtp.rset()[0] == 250
                for words in (b"FETCH 1 BODY[]", b"STATUS INBOX (MESSAGES)", b"SELECT INBOX", b"CREATE x"):
                    assert one.ask(words).startswith(b"x NO [UNAVAILABLE]"), words
                with (
                    imaplib.IMAP4(HOST, server.port(143), timeout=30) as third,
                    pytest.raises(third.error, match="UNAV"),
                ):
                    third.login(user, PASSWORD)
                with Pop(server) as late:
                    assert late.enter(user).startswith("-ERR [SYS/TEMP]")
                with pytest.raises(poplib.error_proto, match="not"):
                    pop.quit()
            finally:
                database.start()
        began = time.monotonic()
        while True:
            with contextlib.suppress(smtplib.SMTPException):
                send(server, user, "after")
                break
            assert time.monotonic() - began < BACK_S
        other.until(b"* 2 EXISTS")  # LISTEN is there again, or the look at its return
        took_s = time.monotonic() - began
        assert took_s < BACK_S
        began = time.monotonic()
        send(server, user, "later")
        other.until(b"* 3 EXISTS")
        assert time.monotonic() - began < BELL_S
        other.say(b"DONE")
        other.until(b"i OK")
        assert one.ask(b"SELECT INBOX").startswith(b"x OK")
        assert len(one.search(None, "ALL")[1][0].split()) == 3
    assert server.worker_pids() == workers
    assert not re.search(r" defect ", server.log()), server.log()[-3000:]


def test_a_worker_that_dies_without_a_database_has_its_successor_when_it_is_back(
    server: ServerProcess, database: Server, user: str
) -> None:
    before = set(server.worker_pids())
    died = min(before)
    ready = server.log().count(" worker.ready ")
    refused = server.log().count(" worker.refused ")
    database.stop()
    try:
        os.kill(died, signal.SIGKILL)
        wait(lambda: server.log().count(" worker.refused ") >= refused + 2)
    finally:
        database.start()
    wait(lambda: server.log().count(" worker.ready ") == ready + 1)
    assert before - {died} < set(server.worker_pids())
    for n in range(8):  # some come to the successor
        send(server, user, str(n))
    with Imap(server, user) as imap:
        assert len(imap.search(None, "ALL")[1][0].split()) == 8


def wait(until: Callable[[], bool]) -> None:
    """For something outside of this process."""
    began = time.monotonic()
    while not until():
        assert time.monotonic() - began < BACK_S
        time.sleep(0.01)
