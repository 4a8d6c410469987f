"""Several clients on one mailbox at the same time, on both workers: POP3 beside IMAP, and many IMAP sessions."""

import contextlib
import poplib
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.interop.clients import Failed, Office, Person, Raw, message

AT_ONCE_S = 3.0  # for what takes milliseconds: a look once a second would not do for so many steps


def workers(office: Office) -> list[int]:
    return [int(pid) for pid in re.findall(r"worker\.ready worker=(\d+)", office.server.log())]


def worker_of(office: Office, local_port: int) -> int:
    """The process that has the other end of a connection of ours: its socket among the open files of the workers."""
    inode = ""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[2].rsplit(":", 1)[1], 16) == local_port and words[9] != "0":
            inode = f"socket:[{words[9]}]"
            for pid in workers(office):
                for fd in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if str(fd.readlink()) == inode:
                            return pid
    pytest.skip("no way to tell which worker has a connection")


class Session(Raw):
    """An IMAP session with INBOX open."""

    def __init__(self, office: Office, who: Person, box: str = "INBOX") -> None:
        super().__init__(office.port(143))
        self.line()
        self.worker = worker_of(office, self.local_port)
        self.ask(f'l LOGIN {who.address} "{who.password}"')
        self.ask(f"s SELECT {box}")
        self._count = 0

    def do(self, words: str) -> list[str]:
        """The answer to a command, without its last line."""
        self._count += 1
        return self.ask(f"t{self._count} {words}")[:-1]

    def idle(self) -> None:
        self.send("i IDLE")
        self.until("+ ")

    def done(self) -> None:
        self.send("DONE")
        self.until("i OK")


@contextmanager
def on_both(office: Office, who: Person, count: int) -> "Iterator[list[Session]]":
    """So many sessions, some of them on each worker: the kernel spreads connections, so one tries until it is so."""
    with ExitStack() as stack:
        sessions: list[Session] = []
        for _ in range(100):
            session = stack.enter_context(Session(office, who))
            others = {one.worker for one in sessions}
            if len(sessions) < count - 1 or session.worker not in others or len(others) == len(workers(office)):
                sessions.append(session)
            else:
                session.close()
            if len(sessions) == count:
                break
        assert {one.worker for one in sessions} == set(workers(office))
        yield sessions


def pop(office: Office, who: Person) -> poplib.POP3:
    client = poplib.POP3("127.0.0.1", office.port(110), 20)
    client.user(who.address)
    client.pass_(who.password)
    return client


def flags_of(line: str) -> set[str]:
    found = re.search(r"FLAGS \(([^)]*)\)", line)
    return set(found[1].split()) - {"\\Recent"} if found else set()


def test_delete_after_download_is_seen_in_idle(office: Office, person: Person) -> None:
    office.append(person, *[message(f"m{n}") for n in range(4)])
    with on_both(office, person, 2) as sessions:
        for session in sessions:
            session.idle()
        client = pop(office, person)
        for number in (1, 3):
            client.retr(number)
            client.dele(number)
        started = time.monotonic()
        client.quit()
        for session in sessions:
            gone = [int(session.until("* ")[-1].split()[1]) for _ in range(2)]
            assert gone in ([1, 2], [3, 1])
        assert time.monotonic() - started < AT_ONCE_S
        for session in sessions:
            session.done()
            assert session.do("UID SEARCH ALL") == ["* SEARCH 2 4"]
    assert office.subjects(person) == ["m1", "m3"]


def test_leave_a_copy_changes_nothing(office: Office, person: Person) -> None:
    office.append(person, message("stays"))
    with Session(office, person) as session:
        client = pop(office, person)
        client.retr(1)
        client.quit()
        assert session.do("NOOP") == []
        (line,) = session.do("FETCH 1 (FLAGS)")
        assert flags_of(line) == set()


def test_expunged_behind_a_pop3_session(office: Office, person: Person) -> None:
    """POP3 numbers stand for the whole session, whatever IMAP does; what is gone cannot be retrieved or harm others."""
    office.append(person, *[message(f"m{n}") for n in range(3)])
    client = pop(office, person)
    with Session(office, person) as session:
        session.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
        session.do("EXPUNGE")
        office.append(person, message("new"))
        assert client.stat()[0] == 3
        assert b"\n".join(client.retr(2)[1]).endswith(b"\n\nHello.")
        client.dele(1)
        client.dele(2)
        client.quit()
        session.do("NOOP")
        assert session.do("UID SEARCH ALL") == ["* SEARCH 3 4"]
    assert office.subjects(person) == ["m2", "new"]


def test_maildrop_is_exclusive(office: Office, person: Person) -> None:
    """RFC 1939 §4 over both workers: 12 more tries, of which some meet each."""
    office.append(person, message("one"))
    first = pop(office, person)
    met: set[int] = set()
    clients = [Raw(office.port(110)) for _ in range(12)]
    for client in clients:
        client.line()
        met.add(worker_of(office, client.local_port))
        client.send(f"USER {person.address}\r\nPASS {person.password}")
    for client in clients:
        client.line()
        assert client.line().startswith("-ERR [IN-USE]")
        client.close()
    assert met == set(workers(office))
    assert first.stat()[0] == 1
    first.quit()
    second = pop(office, person)  # at once
    second.quit()


def test_maildrop_is_free_after_a_lost_connection(office: Office, person: Person) -> None:
    pop(office, person).close()
    pop(office, person).quit()


def test_many_sessions_see_each_other(office: Office, person: Person) -> None:
    """Twelve sessions in IDLE, and one that changes things: all hear all of it, in order, at once."""
    with on_both(office, person, 13) as sessions:
        actor, *watchers = sessions
        for session in watchers:
            session.idle()
        started = time.monotonic()
        for n in range(1, 6):
            office.deliver(person, message(f"m{n}"))
            for session in watchers:
                session.until(f"* {n} EXISTS")
        actor.do("NOOP")
        for n in range(1, 6):
            actor.do(f"STORE {n} +FLAGS (\\Flagged kw{n})")
            for session in watchers:
                line = session.until(f"* {n} FETCH")[-1]
                assert flags_of(line) == {"\\Flagged", f"kw{n}"}
        for n in (5, 3, 1):
            actor.do(f"STORE {n} +FLAGS.SILENT (\\Deleted)")
            actor.do("EXPUNGE")
            for session in watchers:
                session.until(f"* {n} EXPUNGE")
        passed = time.monotonic() - started
        assert passed < AT_ONCE_S, f"{passed:.1f} s"
        for session in watchers:
            session.done()
            assert session.do("UID SEARCH ALL") == ["* SEARCH 2 4"]


def test_two_quick_changes_are_both_pushed(office: Office, person: Person) -> None:
    with on_both(office, person, 2) as (actor, watcher):
        watcher.idle()
        actor.send("x IDLE")
        actor.until("+ ")
        office.append(person, message("first"), message("second"))
        for session in (actor, watcher):
            session.until("* 2 EXISTS")
        office.append(person, message("third"))
        for session in (actor, watcher):
            session.until("* 3 EXISTS")


def test_no_expunge_while_fetch_is_answered(office: Office, person: Person) -> None:
    """RFC 9051 §7.5.1: numbers stay while they are used; NOOP tells."""
    office.append(person, *[message(f"m{n}") for n in range(3)])
    with on_both(office, person, 2) as (actor, watcher):
        actor.do("STORE 1 +FLAGS.SILENT (\\Deleted)")
        actor.do("EXPUNGE")
        for words in ("FETCH 1:3 (UID)", "STORE 2 +FLAGS (\\Seen)", "SEARCH ALL"):
            assert not any("EXPUNGE" in line for line in watcher.do(words)), words
        assert "* 1 EXPUNGE" in watcher.do("NOOP")
        assert watcher.do("FETCH 1:2 (UID)") == ["* 1 FETCH (UID 2)", "* 2 FETCH (UID 3)"]


def test_move_is_seen_on_both_sides(office: Office, person: Person) -> None:
    office.create(person, "Archive")
    office.append(person, *[message(f"m{n}") for n in range(3)])
    with on_both(office, person, 2) as (actor, watcher), Session(office, person, "Archive") as archive:
        watcher.idle()
        archive.idle()
        actor.do("MOVE 2 Archive")
        watcher.until("* 2 EXPUNGE")
        archive.until("* 1 EXISTS")


def test_many_writers(office: Office, person: Person) -> None:
    """Eight sessions that append, flag and expunge at once: afterwards all agree, and nothing is lost or doubled."""
    with on_both(office, person, 8) as sessions:
        for round_ in range(5):
            for n, session in enumerate(sessions):
                octets = message(f"r{round_} s{n}").decode()
                session.send(f"a APPEND INBOX {{{len(octets)}+}}\r\n{octets}")
            for session in sessions:
                session.until("a OK")
        for session in sessions:
            session.send("n NOOP")
        for session in sessions:
            session.until("n OK")
        answers = {tuple(session.do("UID SEARCH ALL")) for session in sessions}
        assert answers == {("* SEARCH " + " ".join(map(str, range(1, 41))),)}
        for n, session in enumerate(sessions):
            first = n * 5 + 1
            session.send(f"f UID STORE {first}:{first + 4} +FLAGS.SILENT (\\Deleted)")
            session.send(f"e UID EXPUNGE {first}:{first + 3}")
        for session in sessions:
            session.until("e OK")
            session.do("NOOP")
        left = "* SEARCH " + " ".join(str(n * 5 + 5) for n in range(8))
        for session in sessions:
            session.do("NOOP")
            assert session.do("UID SEARCH ALL") == [left]
    assert len(set(office.subjects(person))) == 8


def test_deleted_mailbox_under_a_session(office: Office, person: Person) -> None:
    office.create(person, "Doomed")
    office.append(person, message("in it"), box="Doomed")
    with Session(office, person, "Doomed") as inside, Session(office, person) as actor:
        inside.idle()
        actor.do("DELETE Doomed")
        inside.until("* 1 EXPUNGE")
        inside.done()
        with pytest.raises(Failed):
            actor.do("SELECT Doomed")
