"""offlineimap3: two-way synchronization by message numbers and UIDs, with its own database of what it knows."""

from pathlib import Path

from tests.interop.clients import Office, Person, message, need, run, subject_of, unix


class Home:
    """A Maildir tree with its configuration."""

    def __init__(self, office: Office, who: Person, folder: Path) -> None:
        self._program = need("offlineimap")
        self.mail = folder / "mail"
        self._folder = folder
        (folder / "offlineimaprc").write_text(f"""
[general]
accounts = office
metadata = {folder}/state
ui = quiet
[Account office]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {self.mail}
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {office.port(993)}
remoteuser = {who.address}
remotepass = {who.password.replace("%", "%%")}
ssl = yes
sslcacertfile = {office.certificate}
""")

    def sync(self) -> None:
        run(self._program, "-o", "-c", self._folder / "offlineimaprc", home=self._folder)

    def files(self, box: str = "INBOX") -> list[Path]:
        return sorted(path for kind in ("cur", "new") for path in (self.mail / box / kind).glob("*"))

    def find(self, subject: str, box: str = "INBOX") -> Path:
        (found,) = (path for path in self.files(box) if subject_of(path.read_bytes()) == subject)
        return found


def test_both_ways(office: Office, person: Person, tmp_path: Path) -> None:
    home = Home(office, person, tmp_path)
    office.create(person, "Entw&APw-rfe")
    mail = [message(f"m{n}", "Grüße\r\n") for n in range(4)]
    office.append(person, *mail)
    home.sync()
    assert sorted(unix(path.read_bytes()) for path in home.files()) == sorted(map(unix, mail))
    # here: one read, one deleted, one new; there: one flagged, one new
    one = home.find("m0")
    one.rename(home.mail / "INBOX" / "cur" / (one.name.split(":")[0] + ":2,S"))
    home.find("m1").unlink()
    (home.mail / "INBOX" / "new" / "1700000000.1_1.here").write_bytes(unix(message("from here")))
    with office.imap(person, "INBOX") as imap:
        imap.store("3", "+FLAGS", r"(\Flagged)")
    office.append(person, message("from there"), box="Entw&APw-rfe")
    home.sync()
    flags = office.flags(person)
    assert flags == {"m0": {"\\Seen"}, "m2": {"\\Flagged"}, "m3": set(), "from here": set()}
    assert home.find("m2").name.endswith(":2,F")
    assert sorted(subject_of(path.read_bytes()) for path in home.files()) == sorted(flags)
    assert home.find("from there", "Entw&APw-rfe").parent.parent.name == "Entw&APw-rfe"
    before = office.state(person)
    home.sync()
    assert office.state(person) == before
