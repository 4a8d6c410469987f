"""A mailbox of several people, with real programs: imaplib and IMAPClient over both workers, mbsync and curl."""

import imaplib
import poplib
import smtplib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import imapclient
import pytest
from tests.interop.clients import DEADLINE_S, HOST, Office, Person, message, quote
from tests.interop.test_curl import curl
from tests.interop.test_mbsync import Home, check_settled

TEAMS = count()


@pytest.fixture
def others(office: Office) -> list[Person]:
    return [office.person() for _ in range(2)]


@pytest.fixture
def team(office: Office, others: list[Person]) -> Iterator[str]:
    """The address of a team whose two members may do all but administer."""
    address = f"team{next(TEAMS)}@example.test"
    office.server.run("shared", "add", address)
    for one in others:
        office.server.run("acl", "set", address, "INBOX", one.address, "lrswikxte")
    yield address
    office.server.run("shared", "remove", address)


def ok(answer: tuple[str, Any]) -> list[bytes]:
    assert answer[0] == "OK", answer
    return [one for one in answer[1] if isinstance(one, bytes)]


def test_shared_by_its_owner(office: Office, person: Person, others: list[Person]) -> None:
    ben, cleo = others
    office.create(person, "Projects")
    office.append(person, message("one"), box="Projects")
    name = f"Other users/{person.address}/Projects"
    with office.imap(person) as imap:
        assert imap.capabilities
        assert "lrswipkxtecda" in ok(imap.myrights("Projects"))[0].decode()
        ok(imap.setacl("Projects", ben.address, "lrsi"))
        assert ok(imap.getacl("Projects")) == [f"Projects {person.address} lrswipkxtecda {ben.address} lrsi".encode()]
        with office.imap(ben) as other:
            assert ok(other.namespace()) == [b'(("" "/")) (("Other users/" "/")) (("Shared/" "/"))']
            assert name in " ".join(one.decode() for one in ok(other.list('"Other users/"', "*")))
            assert ok(other.myrights(quote(name))) == [f"{quote(name)} lrsi".encode()]
            ok(other.select(quote(name)))
            assert other.store("1", "+FLAGS", "(\\Flagged)")[0] == "NO"
            ok(other.store("1", "+FLAGS", "(\\Seen)"))
            ok(other.copy("1", "INBOX"))
        with office.imap(cleo) as other:
            assert other.select(quote(name))[0] == "NO"
        ok(imap.deleteacl("Projects", ben.address))
    with office.imap(ben) as other:
        assert other.select(quote(name))[0] == "NO"
    assert office.flags(person, "Projects") == {"one": set()}
    assert office.flags(ben) == {"one": {"\\Seen"}}


def test_over_both_workers(office: Office, others: list[Person], team: str) -> None:
    """One member on one worker, the other on the other: each sees what the other does, and has a \\Seen of his own."""
    name = f"Shared/{team}/INBOX"
    with ExitStack() as stack:
        first = stack.enter_context(_client(office, others[0]))
        second = _elsewhere(office, others[1], first, stack)
        for client in (first, second):
            client.select_folder(name)
            client.idle()
        office.deliver(Person(team, ""), message("to the team"))
        for client in (first, second):
            assert (1, b"EXISTS") in client.idle_check(DEADLINE_S)
            client.idle_done()
        first.add_flags([1], [imapclient.SEEN, imapclient.FLAGGED])
        second.noop()
        assert imapclient.FLAGGED in second.get_flags([1])[1]
        assert imapclient.SEEN not in second.get_flags([1])[1]
        assert second.folder_status(name, ["UNSEEN"])[b"UNSEEN"] == 1
        assert first.folder_status(name, ["UNSEEN"])[b"UNSEEN"] == 0
        second.move([1], "INBOX")
        first.noop()
        assert first.search() == []
        # rights that are taken away hold on the other worker as well
        office.server.run("acl", "remove", team, "INBOX", others[0].address, "wte")
        with pytest.raises(imapclient.exceptions.IMAPClientError):
            first.append(name, message("x"), (imapclient.FLAGGED,))
            first.select_folder(name)
            first.add_flags([2], [imapclient.FLAGGED])


def _client(office: Office, who: Person) -> imapclient.IMAPClient:
    client = imapclient.IMAPClient(HOST, port=office.port(143), ssl=False, timeout=DEADLINE_S, use_uid=True)
    client.login(who.address, who.password)
    return client


def _elsewhere(office: Office, who: Person, other: imapclient.IMAPClient, stack: ExitStack) -> imapclient.IMAPClient:
    """A connection to another worker than this one's; all that are made on the way stay open."""
    there = office.server.worker_of(other.socket())
    for _ in range(100):
        client = stack.enter_context(_client(office, who))
        if office.server.worker_of(client.socket()) != there:
            return client
    pytest.fail("every connection comes to the same worker")


def test_a_folder_of_the_team_in_two_maildirs(office: Office, others: list[Person], team: str, tmp_path: Path) -> None:
    box = f"Shared/{team}/INBOX"
    office.deliver(Person(team, ""), message("to us"))
    homes = [Home(office, who, tmp_path / str(n)) for n, who in enumerate(others)]
    for home in homes:
        home.sync()
        assert home.subjects(box) == ["to us"]
    homes[0].add(message("from one"), box)
    homes[0].flag("to us", "FS", box)
    for home in homes:
        home.sync()
    assert homes[1].subjects(box) == ["from one", "to us"]
    assert homes[1].find("to us", box).name.endswith("2,F")  # flagged for both, seen by one
    homes[1].find("from one", box).unlink()
    for home in reversed(homes):
        home.sync()
    assert homes[0].subjects(box) == ["to us"]
    for home, who in zip(homes, others, strict=True):
        check_settled(office, who, home)


def test_by_url(office: Office, others: list[Person], team: str) -> None:
    need_octets = message("to us")
    office.deliver(Person(team, ""), need_octets)
    path = f"Shared/{team.replace('@', '%40')}/INBOX"
    assert need_octets in curl(office, others[0], "imap", f"{path};UID=1")
    assert b"lrswikxte" in curl(office, others[0], "imap", "", "-X", f"MYRIGHTS Shared/{team}/INBOX")


def test_nobody_logs_in_to_a_team(office: Office, team: str) -> None:
    with imaplib.IMAP4("127.0.0.1", office.port(143), DEADLINE_S) as imap, pytest.raises(imaplib.IMAP4.error):
        imap.login(team, "")


def test_rights_on_its_mailbox_let_nobody_write_as_the_team(office: Office, others: list[Person], team: str) -> None:
    """RFC 4314 §2.1: `p` is for mail to the mailbox; to write as it is another thing, and the administrator's."""
    member = others[0]
    office.server.run("acl", "set", team, "INBOX", member.address, "lrswipkxtea")
    mail = message("as the team", sender=team)

    def submit() -> None:
        with smtplib.SMTP(HOST, office.port(587), timeout=DEADLINE_S) as smtp:
            smtp.starttls(context=office.context)
            smtp.login(member.address, member.password)
            smtp.sendmail(team, [others[1].address], mail)

    with pytest.raises(smtplib.SMTPException):
        submit()
    office.server.run("account", "allow-sender", member.address, team)
    submit()
    assert office.subjects(others[1]) == ["as the team"]


def test_by_pop3_there_is_the_own_inbox_alone(office: Office, others: list[Person], team: str) -> None:
    office.deliver(Person(team, ""), message("to us"))
    office.deliver(others[0], message("to me"))
    pop = poplib.POP3(HOST, office.port(110), DEADLINE_S)
    pop.stls(office.context)
    pop.user(others[0].address)
    pop.pass_(others[0].password)
    assert pop.stat()[0] == 1
    pop.quit()
