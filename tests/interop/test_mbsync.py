"""mbsync (isync): two-way synchronization with a Maildir, the client that minds most what a server promises.

It pipelines, uses APPENDUID to find what it has uploaded, and gives up on a mailbox whose UIDs are not as they were.
"""

import re
from pathlib import Path

import pytest
from tests.interop.clients import Done, Office, Person, body_of, message, need, run, subject_of, unix


class Home:
    """A Maildir tree with its configuration."""

    def __init__(
        self, office: Office, who: Person, folder: Path, *, tls: str = "IMAPS", auth: str = "*", more: str = ""
    ) -> None:
        need("mbsync")
        self.mail = folder / "mail"
        self.mail.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.config = folder / "mbsyncrc"
        self.config.write_text(f"""
IMAPAccount office
Host localhost
Port {office.port(993 if tls == "IMAPS" else 143)}
User {who.address}
Pass "{who.password}"
SSLType {tls}
AuthMechs {auth}
SystemCertificates no
CertificateFile {office.certificate}

IMAPStore far
Account office

MaildirStore near
Path {self.mail}/
Inbox {self.mail}/INBOX
SubFolders Verbatim
{more}

Channel all
Far :far:
Near :near:
Patterns * INBOX
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
""")

    def sync(self, *options: str, codes: tuple[int, ...] = (0,)) -> Done:
        return run("mbsync", "-c", self.config, *(options or ("-a",)), home=self._folder, codes=codes)

    def files(self, box: str = "INBOX") -> list[Path]:
        return sorted(path for kind in ("cur", "new") for path in (self.mail / box / kind).glob("*"))

    def subjects(self, box: str = "INBOX") -> list[str]:
        return sorted(subject_of(path.read_bytes()) for path in self.files(box))

    def find(self, subject: str, box: str = "INBOX") -> Path:
        (found,) = (path for path in self.files(box) if subject_of(path.read_bytes()) == subject)
        return found

    def flag(self, subject: str, flags: str, box: str = "INBOX") -> None:
        path = self.find(subject, box)
        path.rename(path.parents[1] / "cur" / (path.name.split(":")[0] + ":2," + flags))

    def add(self, octets: bytes, box: str = "INBOX", name: str = "1700000000.1_1.here") -> None:
        """As a mail program does it: in tmp, then in new."""
        (self.mail / box / "new" / name).write_bytes(unix(octets))

    def state(self) -> list[tuple[str, bytes]]:
        """All files of mail and what is in them; mbsync's own notes are its own."""
        return sorted(
            (str(path.relative_to(self.mail)), path.read_bytes())
            for path in self.mail.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )


def own(path: Path) -> bytes:
    """What was on the server: mbsync marks each message that it carries."""
    return re.sub(rb"(?m)^X-TUID: .*\n", b"", path.read_bytes(), count=1)


def check_settled(office: Office, who: Person, home: Home, *boxes: str) -> None:
    """Another run changes nothing on either side."""
    far, near = [office.state(who, box) for box in ("INBOX", *boxes)], home.state()
    home.sync()
    assert [office.state(who, box) for box in ("INBOX", *boxes)] == far
    assert home.state() == near


@pytest.mark.parametrize("auth", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "*"])
@pytest.mark.parametrize("tls", ["IMAPS", "STARTTLS", "None"])
def test_pull(office: Office, person: Person, tmp_path: Path, tls: str, auth: str) -> None:
    home = Home(office, person, tmp_path, tls=tls, auth=auth)
    mail = [message(f"pulled {n}", "Grüße\r\n.\r\n" * n) for n in range(4)]
    office.append(person, *mail)
    said = home.sync("-V", "-a").said
    if "selected" in said and "AuthMech" in said:
        pytest.skip(f"this mbsync has no {auth}")
    assert sorted(map(own, home.files())) == sorted(map(unix, mail))
    if auth == "*":  # mbsync rests for a second before it trusts the times of files
        check_settled(office, person, home)


def test_folders(office: Office, person: Person, tmp_path: Path) -> None:
    home = Home(office, person, tmp_path)
    boxes = ("Work", "Work/2026", "Entw&APw-rfe", "with space", "a.b")
    office.create(person, *boxes)
    for box in boxes:
        office.append(person, message(f"in {box}"), box=box)
    home.sync()
    for box in boxes:
        assert home.subjects(box) == [f"in {box}"]
    check_settled(office, person, home, *boxes)
    for kind in ("cur", "new", "tmp"):
        (home.mail / "Made here" / "below" / kind).mkdir(parents=True)
        (home.mail / "Made here" / kind).mkdir(parents=True, exist_ok=True)
    home.add(message("new folder"), "Made here/below")
    home.sync()
    assert office.subjects(person, "Made here/below") == ["new folder"]
    assert {"Made here", "Made here/below"} <= office.boxes(person)


def test_both_ways(office: Office, person: Person, tmp_path: Path) -> None:
    home = Home(office, person, tmp_path)
    office.create(person, "Archive")
    office.append(person, *[message(f"m{n}") for n in range(6)])
    home.sync()
    # here: one new, one read and answered, one flagged, one deleted, one moved
    home.add(message("from here", "Text\r\n"))
    home.flag("m0", "RS")
    home.flag("m1", "F")
    home.flag("m2", "ST")
    moved = home.find("m3")
    moved.rename(home.mail / "Archive" / "cur" / "1700000000.2_1.here:2,S")
    # there: one new, one flagged, one expunged
    office.append(person, message("from there"), flags=r"(\Seen)")
    with office.imap(person, "INBOX") as imap:
        imap.store("5", "+FLAGS", r"(\Flagged)")
        imap.store("6", "+FLAGS", r"(\Deleted)")
        imap.expunge()
    home.sync()
    flags = office.flags(person)
    assert flags == {
        "m0": {"\\Seen", "\\Answered"},
        "m1": {"\\Flagged"},
        "m4": {"\\Flagged"},
        "from here": set(),
        "from there": {"\\Seen"},
    }
    assert office.flags(person, "Archive") == {"m3": {"\\Seen"}}
    assert home.subjects() == sorted(flags)
    assert home.subjects("Archive") == ["m3"]
    assert home.find("m4").name.endswith(":2,F")
    (kept,) = (octets for octets in office.messages(person) if subject_of(octets) == "from here")
    assert body_of(kept) == b"Text\r\n"
    check_settled(office, person, home, "Archive")


def test_flags_meet(office: Office, person: Person, tmp_path: Path) -> None:
    """Both sides set flags of the same message between two runs."""
    home = Home(office, person, tmp_path)
    office.append(person, message("both"))
    home.sync()
    home.flag("both", "F")
    with office.imap(person, "INBOX") as imap:
        imap.store("1", "+FLAGS", r"(\Answered keyword)")
    home.sync()
    assert office.flags(person) == {"both": {"\\Answered", "\\Flagged", "keyword"}}
    assert home.find("both").name.endswith(":2,FR")
    check_settled(office, person, home)


def test_folder_is_removed_there(office: Office, person: Person, tmp_path: Path) -> None:
    home = Home(office, person, tmp_path)
    office.create(person, "Old")
    home.sync()
    assert (home.mail / "Old" / "cur").is_dir()
    with office.imap(person) as imap:
        imap.delete("Old")
    home.sync()
    assert not (home.mail / "Old" / "cur").exists()
    assert "Old" not in office.boxes(person)


def test_folder_is_removed_here(office: Office, person: Person, tmp_path: Path) -> None:
    home = Home(office, person, tmp_path)
    office.create(person, "Old")
    home.sync()
    (home.mail / "Old" / "cur").rmdir()
    home.sync()
    assert "Old" not in office.boxes(person)


def test_large_messages_stay_there(office: Office, person: Person, tmp_path: Path) -> None:
    """MaxSize: mbsync fetches the header of a large message only, and all of it once it is flagged."""
    home = Home(office, person, tmp_path, more="MaxSize 4k")
    large = message("large", "0123456789\r\n" * 30_000)
    office.append(person, message("small"), large)
    home.sync()
    assert home.subjects() == ["[placeholder] large", "small"] or len(home.files()) == 2
    assert all(path.stat().st_size < 4_096 for path in home.files())
    home.flag(next(s for s in home.subjects() if "large" in s), "F")
    home.sync()
    assert unix(large) in map(own, home.files())


def test_many_messages(office: Office, person: Person, tmp_path: Path) -> None:
    """300 up and 300 down, pipelined."""
    home = Home(office, person, tmp_path / "one")
    home.sync()
    for n in range(300):
        home.add(message(f"up {n}"), name=f"1700000000.{n}_1.here")
    home.sync()
    assert len(office.messages(person)) == 300
    other = Home(office, person, tmp_path / "two")
    other.sync()
    assert len(other.files()) == 300
    for path in other.files():
        path.unlink()
    other.sync()
    assert office.messages(person) == []
    home.sync()
    assert home.files() == []


def test_new_uidvalidity_is_noticed(office: Office, person: Person, tmp_path: Path) -> None:
    """The mailbox is another one of the same name: mbsync must see that, or it would delete and duplicate."""
    home = Home(office, person, tmp_path)
    office.create(person, "Box")
    office.append(person, message("first"), box="Box")
    home.sync()
    with office.imap(person) as imap:
        imap.delete("Box")
        imap.create("Box")
    office.append(person, message("second"), box="Box")
    said = home.sync(codes=(1,)).said
    assert re.search("UIDVALIDITY", said)
    assert office.subjects(person, "Box") == ["second"]


def test_wrong_password(office: Office, person: Person, tmp_path: Path) -> None:
    home = Home(office, Person(person.address, "wrong"), tmp_path)
    assert "AUTHENTICATIONFAILED" in home.sync(codes=(1,)).said
