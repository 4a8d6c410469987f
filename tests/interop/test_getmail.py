"""getmail6: fetches, and remembers what it has had.

Into files by a command, because it does not write a Maildir for root.
"""

import re
from pathlib import Path

import pytest
from tests.interop.clients import Done, Office, Person, message, need, run, unix

KINDS = {
    "pop3": ("SimplePOP3Retriever", 110),
    "pop3s": ("SimplePOP3SSLRetriever", 995),
    "imap": ("SimpleIMAPRetriever", 143),
    "imaps": ("SimpleIMAPSSLRetriever", 993),
}
MAIL = [message("one", "first\r\n"), message("two", ".\r\n..\r\nGrüße\r\n"), message("three", "x" * 900 + "\r\n")]


class Home:
    """A configuration, and the folder where each message that was fetched becomes a file."""

    def __init__(
        self, office: Office, who: Person, folder: Path, kind: str, *, delete: bool = False, more: str = ""
    ) -> None:
        need("getmail")
        self._folder = folder
        self.got = folder / "got"
        self.got.mkdir()
        retriever, port = KINDS[kind]
        trust = f"ca_certs = {office.certificate}" if kind.endswith("s") else ""
        self.config = folder / "getmailrc"
        self.config.write_text(f"""
[retriever]
type = {retriever}
server = localhost
port = {office.port(port)}
username = {who.address}
password = {who.password}
{trust}
{more}

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > $(mktemp '{self.got}/XXXXXXXX')")
allow_root_commands = true

[options]
delete = {str(delete).lower()}
read_all = false
delivered_to = false
received = false
verbose = 2
""")

    def fetch(self, *, codes: tuple[int, ...] = (0,)) -> Done:
        return run("getmail", "-g", self._folder, "-r", self.config, home=self._folder, codes=codes)

    def octets(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in self.got.iterdir())


def check_same(home: Home, mail: list[bytes]) -> None:
    """All of these and no others; getmail adds a field that names the mailbox, and a Return-Path that is not known."""
    added = re.compile(rb"(?m)^(?:X-getmail-[^\n]*|Return-Path: <unknown>)\n")
    got = [added.sub(b"", octets) for octets in home.octets()]
    assert sorted(got) == sorted(map(unix, mail))


@pytest.mark.parametrize("kind", list(KINDS))
def test_leave_a_copy(office: Office, person: Person, tmp_path: Path, kind: str) -> None:
    office.append(person, *MAIL)
    home = Home(office, person, tmp_path, kind)
    assert "3 messages" in home.fetch().said
    check_same(home, MAIL)
    assert "0 messages" in home.fetch().said
    assert office.messages(person) == MAIL
    office.append(person, message("four"))
    home.fetch()
    check_same(home, [*MAIL, message("four")])


@pytest.mark.parametrize("kind", list(KINDS))
def test_delete_after_download(office: Office, person: Person, tmp_path: Path, kind: str) -> None:
    office.append(person, *MAIL)
    home = Home(office, person, tmp_path, kind, delete=True)
    home.fetch()
    check_same(home, MAIL)
    assert office.messages(person) == []
    assert "0 messages" in home.fetch().said


def test_all_mailboxes(office: Office, person: Person, tmp_path: Path) -> None:
    office.create(person, "Work", "Work/2026", "Entw&APw-rfe")
    for box in ("Work", "Work/2026", "Entw&APw-rfe"):
        office.append(person, message(f"in {box}"), box=box)
    office.append(person, message("in INBOX"))
    home = Home(office, person, tmp_path, "imaps", more="mailboxes = ALL")
    home.fetch()
    check_same(home, [message(f"in {box}") for box in ("INBOX", "Work", "Work/2026", "Entw&APw-rfe")])
    assert "0 messages" in home.fetch().said


def test_move_on_delete(office: Office, person: Person, tmp_path: Path) -> None:
    office.create(person, "Fetched")
    office.append(person, *MAIL)
    home = Home(office, person, tmp_path, "imaps", delete=True, more="move_on_delete = Fetched")
    home.fetch()
    assert office.messages(person) == []
    assert office.messages(person, "Fetched") == MAIL


def test_mail_as_it_came(office: Office, person: Person, tmp_path: Path) -> None:
    """By port 25, with our trace fields in front; getmail finds the envelope there."""
    office.deliver(person, message("delivered"))
    home = Home(office, person, tmp_path, "pop3s")
    home.fetch()
    (octets,) = home.octets()
    assert octets.startswith(b"Return-Path: <anna@example.net>\n")
    assert octets.endswith(unix(message("delivered")))


@pytest.mark.parametrize("kind", ["pop3s", "imaps"])
def test_wrong_password(office: Office, person: Person, tmp_path: Path, kind: str) -> None:
    home = Home(office, Person(person.address, "wrong"), tmp_path, kind)
    assert "AUTH" in home.fetch(codes=(0, 1, 127)).said
