"""Dovecot as a client: doveadm copies an account from our server by its imapc, UIDs and all."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.clients import Office, Person, message, need, run, subject_of, unix

BOXES = ("Work", "Work/2026", "Entw&APw-rfe")


class Copy:
    """A Maildir tree that doveadm keeps, and who may write it: Dovecot does not touch mail as root."""

    def __init__(self, office: Office, who: Person, folder: Path) -> None:
        self.mail = folder / "mail"
        self._folder = folder
        user, group = ("nobody", "nogroup") if os.getuid() == 0 else (str(os.getuid()), str(os.getgid()))
        certificate = folder / "server.pem"
        shutil.copy(office.certificate, certificate)
        certificate.chmod(0o644)
        (folder / "home").mkdir()
        if os.getuid() == 0:
            for one in (folder, folder / "home"):
                shutil.chown(one, user)
        (folder / "dovecot.conf").write_text(f"""
mail_home = {folder}/home
mail_location = maildir:{self.mail}:LAYOUT=fs
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 0
first_valid_gid = 0
ssl = no
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
namespace inbox {{
  inbox = yes
  separator = /
}}
imapc_host = 127.0.0.1
imapc_port = {office.port(993)}
imapc_ssl = imaps
ssl_client_ca_file = {certificate}
imapc_user = {who.address}
imapc_password = {who.password}
imapc_features = rfc822.size fetch-headers
""")

    def backup(self) -> None:
        """All that is there comes here; what is here only goes."""
        run(
            "doveadm",
            "-c",
            self._folder / "dovecot.conf",
            "backup",
            "-R",
            "imapc:",
            home=self._folder,
            env={"USER": "me"},
        )

    def files(self, box: str = "") -> list[Path]:
        return sorted(path for kind in ("cur", "new") for path in (self.mail / box / kind).glob("*"))

    def octets(self, box: str = "") -> list[bytes]:
        return sorted(path.read_bytes() for path in self.files(box))

    def uids(self, box: str = "") -> list[int]:
        """From the uidlist: a header, then lines "uid ... :file"."""
        lines = (self.mail / box / "dovecot-uidlist").read_text().splitlines()[1:]
        names = {path.name.split(":")[0] for path in self.files(box)}
        return [int(line.split()[0]) for line in lines if line.split(":")[-1].split(":")[0] in names]


@pytest.fixture
def copy(office: Office, person: Person) -> Iterator[Copy]:
    need("doveadm")
    with tempfile.TemporaryDirectory(prefix="interop-") as name:  # pytest's own folders are closed to other users
        yield Copy(office, person, Path(name))


def test_account_is_copied(office: Office, person: Person, copy: Copy) -> None:
    mail = [message(f"m{n}", "Grüße\r\n.\r\n" * n) for n in range(6)]
    office.create(person, *BOXES)
    office.append(person, *mail)
    for box in BOXES:
        office.append(person, message(f"in {box}"), box=box, flags=r"(\Seen \Flagged keyword)")
    with office.imap(person, "INBOX") as imap:
        imap.store("2", "+FLAGS", r"(\Deleted)")
        imap.expunge()
    copy.backup()
    assert copy.octets() == sorted(unix(octets) for octets in mail if subject_of(octets) != "m1")
    assert copy.uids() == [1, 3, 4, 5, 6]
    for box in BOXES:
        (path,) = copy.files(box)
        assert subject_of(path.read_bytes()) == f"in {box}"
        assert re.search(r":2,FSa$", path.name)

    office.append(person, message("later"))
    with office.imap(person, "INBOX") as imap:
        imap.store("1", "+FLAGS", r"(\Answered)")
        imap.store("2", "+FLAGS", r"(\Deleted)")
        imap.expunge()
    copy.backup()
    assert copy.uids() == [1, 4, 5, 6, 7]
    assert sorted(map(subject_of, copy.octets())) == ["later", "m0", "m3", "m4", "m5"]
    (answered,) = (path for path in copy.files() if subject_of(path.read_bytes()) == "m0")
    assert re.search(r":2,R$", answered.name)


def test_large_message_is_copied(office: Office, person: Person, copy: Copy) -> None:
    octets = message("large", "".join(f"{n:075d}\r\n" for n in range(30_000)))
    office.append(person, octets)
    copy.backup()
    assert copy.octets() == [unix(octets)]
