"""msmtp: what takes the place of sendmail on a small machine."""

from pathlib import Path

import pytest
from tests.interop.clients import HOST, Failed, Office, Person, message, need, run

EX_DATAERR, EX_UNAVAILABLE, EX_PROTOCOL, EX_NOPERM = 65, 69, 76, 77  # sysexits.h


def config(office: Office, who: Person, folder: Path, *, port: int = 465, auth: str = "plain", trust: str = "") -> Path:
    lines = [
        "account default",
        f"host {HOST}",
        f"port {office.port(port)}",
        f"from {who.address}",
        "auth on" if auth == "on" else f"auth {auth}",
        f"user {who.address}",
        f'passwordeval "echo {who.password}"',
        "tls on",
        f"tls_starttls {'off' if port == 465 else 'on'}",
        trust or f"tls_trust_file {office.certificate}",
        f"logfile {folder}/msmtp.log",
    ]
    path = folder / "msmtprc"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("auth", ["on", "plain", "login", "scram-sha-256", "scram-sha-1", "cram-md5"])
@pytest.mark.parametrize("port", [587, 465])
def test_send(office: Office, person: Person, tmp_path: Path, port: int, auth: str) -> None:
    need("msmtp")
    features = run("msmtp", "--version").said.split("methods:")[-1].split("IDN")[0].split()
    if auth not in ("on", "plain", "login") and auth not in features:
        pytest.skip(f"this msmtp has no {auth}")
    octets = message(f"{port} {auth}", "Grüße\n.\n..\n".replace("\n", "\r\n"), sender=person.address)
    path = config(office, person, tmp_path, port=port, auth=auth)
    try:
        run("msmtp", "-C", path, person.address, stdin=octets.replace(b"\r\n", b"\n"), home=tmp_path)
    except Failed as failed:
        if "does not support authentication method" in str(failed) and auth == "cram-md5":
            pytest.skip("CRAM-MD5 is not offered")
        raise
    (kept,) = office.messages(person)
    assert kept.endswith(octets)
    assert "exitcode=EX_OK" in (tmp_path / "msmtp.log").read_text()


def test_trust_by_fingerprint(office: Office, person: Person, tmp_path: Path) -> None:
    need("msmtp")
    path = config(office, person, tmp_path, trust=f"tls_fingerprint {office.fingerprint()}")
    run("msmtp", "-C", path, person.address, stdin=message("print", sender=person.address), home=tmp_path)
    assert office.subjects(person) == ["print"]
    path = config(office, person, tmp_path, trust="tls_fingerprint " + ":".join(["00"] * 32))
    run("msmtp", "-C", path, person.address, stdin=message("no"), home=tmp_path, codes=(EX_UNAVAILABLE,))


def test_who_is_not_there_is_told(office: Office, person: Person, tmp_path: Path) -> None:
    need("msmtp")
    octets = message("out", sender=person.address)
    path = config(office, person, tmp_path)
    said = run("msmtp", "-C", path, "nobody@example.test", stdin=octets, home=tmp_path, codes=(EX_DATAERR,)).said
    assert "550 5.1.1 No such mailbox" in said


def test_wrong_password_is_told(office: Office, person: Person, tmp_path: Path) -> None:
    need("msmtp")
    path = config(office, Person(person.address, "wrong"), tmp_path)
    said = run("msmtp", "-C", path, person.address, stdin=message("x"), home=tmp_path, codes=(EX_NOPERM,)).said
    assert "535 5.7.8" in said


def test_somebody_elses_sender_is_told(office: Office, person: Person, tmp_path: Path) -> None:
    need("msmtp")
    path = config(office, person, tmp_path)
    octets = message("forged", sender="somebody.else@example.test")
    said = run(
        "msmtp", "-C", path, person.address, stdin=octets, home=tmp_path, codes=(EX_UNAVAILABLE, EX_PROTOCOL)
    ).said
    assert "550 5.7.1 The From address is not one of yours" in said


def test_recipients_from_the_message(office: Office, person: Person, tmp_path: Path) -> None:
    """-t as of sendmail, and Bcc does not get through."""
    need("msmtp")
    other = office.person()
    octets = f"From: {person.address}\nTo: {person.address}\nBcc: {other.address}\nSubject: t\n\nText\n".encode()
    run("msmtp", "-C", config(office, person, tmp_path), "-t", stdin=octets, home=tmp_path)
    for one in (person, other):
        (kept,) = office.messages(one)
        assert b"Bcc" not in kept
        assert b"\r\nMessage-ID: <" in kept or b"\r\nMessage-Id: <" in kept


def test_what_the_server_offers(office: Office, person: Person, tmp_path: Path) -> None:
    need("msmtp")
    said = run("msmtp", "-C", config(office, person, tmp_path, port=587), "--serverinfo", home=tmp_path).said
    for words in ("SIZE", "PIPELINING", "DSN", "AUTH", "SCRAM-SHA-256", "PLAIN", "LOGIN"):
        assert words in said, said
