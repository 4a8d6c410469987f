"""fetchmail: mail of one house carried to another, by POP3 and IMAP."""

from pathlib import Path

import pytest
from tests.interop.clients import Done, Office, Person, body_of, message, need, run, subject_of, unix

NOTHING_NEW = 1
AUTHENTICATION = 3


class Home:
    """A configuration, and the folder where each message that was fetched becomes a file."""

    def __init__(
        self, office: Office, who: Person, folder: Path, *, proto: str, tls: str = "ssl", more: str = ""
    ) -> None:
        need("fetchmail")
        self._folder = folder
        self.got = folder / "got"
        self.got.mkdir()
        in_clear, in_tls = {"pop3": (110, 995), "imap": (143, 993)}[proto]
        security = {
            "ssl": f"ssl sslcertck sslcertfile {office.certificate}",
            "starttls": f'sslproto "TLS1.2+" sslcertck sslcertfile {office.certificate}',
            "none": 'sslproto ""',
        }[tls]
        self.config = folder / "fetchmailrc"
        self.config.write_text(
            f"poll localhost proto {proto} port {office.port(in_tls if tls == 'ssl' else in_clear)} {_polling(more)}\n"
            f'user "{who.address}" password "{who.password}" {_user(more)} {security}\n'
            f"mda \"cat > $(mktemp '{self.got}/XXXXXXXX')\"\n"
        )
        self.config.chmod(0o600)

    def fetch(self, *options: str, codes: tuple[int, ...] = (0,)) -> Done:
        around = {"FETCHMAILHOME": str(self._folder)}
        command: tuple[str | Path, ...] = (
            "fetchmail",
            "-v",
            "-N",
            "-f",
            self.config,
            "-i",
            self._folder / "ids",
            *options,
        )
        return run(*command, home=self._folder, env=around, codes=codes)

    def subjects(self) -> list[str]:
        return sorted(subject_of(path.read_bytes()) for path in self.got.iterdir())

    def bodies(self) -> list[bytes]:
        return sorted(body_of(path.read_bytes()) for path in self.got.iterdir())


def _polling(more: str) -> str:
    return "uidl" if "uidl" in more else ""


def _user(more: str) -> str:
    return more.replace("uidl", "")


MAIL = [message("one", "first\r\n"), message("two", ".\r\n..\r\nGrüße\r\n"), message("three", "x" * 900 + "\r\n")]


@pytest.mark.parametrize("tls", ["ssl", "starttls", "none"])
@pytest.mark.parametrize("proto", ["pop3", "imap"])
def test_delete_after_download(office: Office, person: Person, tmp_path: Path, proto: str, tls: str) -> None:
    office.append(person, *MAIL)
    home = Home(office, person, tmp_path, proto=proto, tls=tls, more="nokeep")
    home.fetch()
    assert home.subjects() == ["one", "three", "two"]
    assert home.bodies() == sorted(unix(body_of(octets)) for octets in MAIL)
    assert office.messages(person) == []
    home.fetch(codes=(NOTHING_NEW,))


def test_leave_a_copy_by_pop3(office: Office, person: Person, tmp_path: Path) -> None:
    """UIDL tells what is new; messages that others have read by IMAP are new all the same."""
    office.append(person, *MAIL)
    home = Home(office, person, tmp_path, proto="pop3", more="uidl keep")
    home.fetch()
    assert len(home.subjects()) == 3
    home.fetch(codes=(NOTHING_NEW,))
    assert len(office.messages(person)) == 3
    office.append(person, message("four"), flags=r"(\Seen)")
    home.fetch()
    assert home.subjects() == ["four", "one", "three", "two"]
    assert office.flags(person)["one"] == set()


def test_leave_a_copy_by_imap(office: Office, person: Person, tmp_path: Path) -> None:
    """What is \\Seen is not new."""
    office.append(person, *MAIL)
    home = Home(office, person, tmp_path, proto="imap", more="keep")
    home.fetch()
    assert len(home.subjects()) == 3
    assert set(map(frozenset, office.flags(person).values())) == {frozenset({"\\Seen"})}
    home.fetch(codes=(NOTHING_NEW,))
    office.append(person, message("read"), flags=r"(\Seen)")
    home.fetch(codes=(NOTHING_NEW,))
    home.fetch("-a")
    assert len(home.subjects()) == 7


def test_folder_by_imap(office: Office, person: Person, tmp_path: Path) -> None:
    office.create(person, "Work/2026")
    office.append(person, message("in a folder"), box="Work/2026")
    office.append(person, message("in the inbox"))
    home = Home(office, person, tmp_path, proto="imap", more="nokeep")
    home.fetch("-r", "Work/2026")
    assert home.subjects() == ["in a folder"]
    assert office.subjects(person) == ["in the inbox"]
    assert office.subjects(person, "Work/2026") == []


@pytest.mark.parametrize("proto", ["pop3", "imap"])
def test_too_large_stays(office: Office, person: Person, tmp_path: Path, proto: str) -> None:
    office.append(person, message("small"), message("large", "0123456789\r\n" * 5_000))
    home = Home(office, person, tmp_path, proto=proto, more="nokeep")
    home.fetch("--limit", "10000")
    assert home.subjects() == ["small"]
    assert office.subjects(person) == ["large"]


@pytest.mark.parametrize("proto", ["pop3", "imap"])
def test_wrong_password(office: Office, person: Person, tmp_path: Path, proto: str) -> None:
    home = Home(office, Person(person.address, "wrong"), tmp_path, proto=proto)
    assert "uthorization failure" in home.fetch(codes=(AUTHENTICATION,)).said


def test_many_by_pop3(office: Office, person: Person, tmp_path: Path) -> None:
    office.append(person, *[message(f"number {n}") for n in range(120)])
    home = Home(office, person, tmp_path, proto="pop3", more="nokeep")
    home.fetch()
    assert len(home.subjects()) == 120
    assert office.messages(person) == []


def test_into_our_own_port_25(office: Office, person: Person, tmp_path: Path) -> None:
    """From one account by POP3, to another by SMTP: what a house does that moves."""
    other = office.person()
    office.append(person, *MAIL)
    home = Home(office, person, tmp_path, proto="pop3", more=f"nokeep smtphost localhost/{office.port(25)}")
    text = home.config.read_text().splitlines()
    home.config.write_text("\n".join([*text[:2], f'smtpname "{other.address}"']) + "\n")
    home.fetch()
    assert sorted(office.subjects(other)) == ["one", "three", "two"]
    assert office.messages(person) == []
