"""curl: imap, pop3 and smtp URLs, in the clear, after STARTTLS, and in TLS from the start."""

import re
from pathlib import Path

import pytest
from tests.interop.clients import Failed, Office, Person, message, need, run, run_raw

DENIED, QUOTE, WEIRD, NO_MAIL, SEND, UPLOAD = 67, 21, 8, 78, 55, 25
MAIL = [message("one", "first\r\n"), message("two", "Grüße\r\n.\r\n..\r\n"), message("three", "x" * 900 + "\r\n")]
WAYS = ["imap", "imap+tls", "imaps", "pop3", "pop3+tls", "pop3s"]
PORTS = {"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "smtp": 587, "smtps": 465}
MULTIPART = (
    b"From: <a@example.net>\r\nSubject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nfirst part\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>second</p>\r\n--b--\r\n"
)


def arguments(office: Office, who: Person, way: str, path: str, *options: str | Path) -> tuple[str | Path, ...]:
    need("curl")
    scheme, _, starttls = way.partition("+")
    url = f"{scheme}://localhost:{office.port(PORTS[scheme])}/{path}"
    trust = ("--cacert", office.certificate, *(("--ssl-reqd",) if starttls else ()))
    return ("curl", "-sS", "-4", url, "-u", f"{who.address}:{who.password}", *trust, *options)


def curl(office: Office, who: Person, way: str, path: str, *options: str | Path) -> bytes:
    return run_raw(*arguments(office, who, way, path, *options))


def refused(office: Office, who: Person, way: str, path: str, *options: str | Path, codes: tuple[int, ...]) -> str:
    return run(*arguments(office, who, way, path, *options), codes=codes).said


@pytest.mark.parametrize("way", ["imap", "imap+tls", "imaps"])
def test_fetch_by_uid(office: Office, person: Person, way: str) -> None:
    office.append(person, *MAIL)
    assert curl(office, person, way, "INBOX;UID=2") == MAIL[1]
    assert curl(office, person, way, "INBOX;MAILINDEX=3") == MAIL[2]
    assert refused(office, person, way, "INBOX;UID=99", codes=(NO_MAIL, WEIRD)) is not None


@pytest.mark.parametrize("way", ["pop3", "pop3+tls", "pop3s"])
def test_retrieve(office: Office, person: Person, way: str) -> None:
    office.append(person, *MAIL)
    assert curl(office, person, way, "2") == MAIL[1]
    assert curl(office, person, way, "").decode().split() == [
        str(word) for n, octets in enumerate(MAIL, 1) for word in (n, len(octets))
    ]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"])
@pytest.mark.parametrize("way", [*WAYS, "smtp+tls", "smtps"])
def test_mechanisms(office: Office, person: Person, way: str, mechanism: str, tmp_path: Path) -> None:
    """This libcurl has no SCRAM unless it was built with libgsasl; what it has must work."""
    options: list[str | Path] = ["--login-options", f"AUTH={mechanism}"]
    if way.startswith("smtp"):
        (tmp_path / "mail").write_bytes(message("sasl", sender=person.address))
        options += ["--mail-from", person.address, "--mail-rcpt", person.address, "-T", tmp_path / "mail"]
    try:
        curl(office, person, way, "", *options, *(["-X", "NOOP"] if way.startswith("imap") else []))
    except Failed as failed:
        unable = re.search("No known auth|Login denied|not supported", str(failed))
        if unable and mechanism not in ("PLAIN", "LOGIN"):
            pytest.skip(f"{mechanism} is not offered, or this curl has it not")
        raise


@pytest.mark.parametrize("way", WAYS)
def test_initial_response(office: Office, person: Person, way: str) -> None:
    assert curl(office, person, way, "", "--sasl-ir", "--login-options", "AUTH=PLAIN") is not None


@pytest.mark.parametrize("way", [*WAYS, "smtp+tls", "smtps"])
def test_wrong_password(office: Office, person: Person, way: str) -> None:
    wrong = Person(person.address, "wrong")
    refused(office, wrong, way, "", codes=(DENIED,))


def test_apop_is_not_offered(office: Office, person: Person) -> None:
    refused(office, person, "pop3", "", "--login-options", "AUTH=+APOP", codes=(DENIED,))


def test_sections(office: Office, person: Person) -> None:
    office.append(person, MULTIPART)
    for section, octets in {
        "1": b"first part",
        "2": b"<p>second</p>",
        "TEXT": MULTIPART.partition(b"\r\n\r\n")[2],
        "HEADER": MULTIPART.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
        "2.MIME": b"Content-Type: text/html\r\n\r\n",
        "HEADER.FIELDS%20(Subject)": b"Subject: parts\r\n\r\n",
    }.items():
        assert curl(office, person, "imap", f"INBOX;UID=1;SECTION={section}") == octets, section
    assert (
        curl(office, person, "imap", "INBOX;UID=1;SECTION=TEXT;PARTIAL=5.10")
        == MULTIPART.partition(b"\r\n\r\n")[2][5:15]
    )


def test_uidvalidity_in_the_url(office: Office, person: Person) -> None:
    office.append(person, *MAIL)
    status = curl(office, person, "imap", "", "-X", "STATUS INBOX (UIDVALIDITY)")
    found = re.search(rb"UIDVALIDITY (\d+)", status)
    assert found is not None
    number = int(found[1])
    assert curl(office, person, "imap", f"INBOX;UIDVALIDITY={number};UID=1") == MAIL[0]
    refused(office, person, "imap", f"INBOX;UIDVALIDITY={number + 1};UID=1", codes=(NO_MAIL,))


def test_append(office: Office, person: Person, tmp_path: Path) -> None:
    large = message("large", "0123456789\r\n" * 40_000)
    for n, octets in enumerate([*MAIL, large]):
        (tmp_path / str(n)).write_bytes(octets)
        curl(office, person, "imaps", "INBOX", "-T", tmp_path / str(n))
    assert office.messages(person) == [*MAIL, large]
    refused(office, person, "imap", "Nowhere", "-T", tmp_path / "0", codes=(UPLOAD,))


def test_own_commands(office: Office, person: Person) -> None:
    office.append(person, *MAIL)

    def ask(path: str, words: str) -> str:
        return curl(office, person, "imap", path, "-X", words).decode()

    assert "\\Deleted" in ask("INBOX", "STORE 1 +FLAGS (\\Deleted)")
    assert ask("INBOX", "UID SEARCH DELETED") == "* SEARCH 1\r\n"
    assert "* 1 EXPUNGE" in ask("INBOX", "EXPUNGE")
    assert ask("INBOX", "SEARCH TEXT nothing.of.the.kind").strip() == "* SEARCH"
    assert "MESSAGES 2" in ask("", "STATUS INBOX (MESSAGES)")
    assert "ENVELOPE" in ask("INBOX", "FETCH 1 ALL")
    ask("", "CREATE Archive/2026")
    assert "Archive/2026" in ask("", 'LIST "" *')
    ask("INBOX", "UID MOVE 2 Archive/2026")
    assert office.subjects(person) == ["three"]
    ask("", "RENAME Archive/2026 Archive/2027")
    assert office.subjects(person, "Archive/2027") == ["two"]
    refused(office, person, "imap", "", "-X", "NONSENSE", codes=(QUOTE,))
    assert ask("INBOX", "NOOP") == ""


def test_list_and_search_by_url(office: Office, person: Person) -> None:
    office.append(person, *MAIL)
    office.create(person, "Archive")
    assert b'"/" INBOX' in curl(office, person, "imap", "")
    assert curl(office, person, "imap", "INBOX?SUBJECT%20two") == b"* SEARCH 2\r\n"
    assert curl(office, person, "imap", "INBOX?NOT%20FROM%20anna") == b"* SEARCH\r\n"


def test_pop3_commands(office: Office, person: Person) -> None:
    office.append(person, *MAIL)
    uidl = curl(office, person, "pop3", "", "-X", "UIDL").decode().split()
    assert uidl[::2] == ["1", "2", "3"]
    head = MAIL[0].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert curl(office, person, "pop3", "", "-X", "TOP 1 0") == head
    curl(office, person, "pop3", "", "-X", "STAT", "-I")
    assert b"UIDL" in curl(office, person, "pop3", "", "-X", "CAPA")
    curl(office, person, "pop3", "2", "-X", "DELE", "-I")
    assert office.subjects(person) == ["one", "three"]
    refused(office, person, "pop3", "9", codes=(WEIRD, NO_MAIL, 56))


@pytest.mark.parametrize("way", ["smtp", "smtp+tls", "smtps"])
def test_send(office: Office, person: Person, way: str, tmp_path: Path) -> None:
    octets = message(f"by {way}", ".\r\n..\r\nGrüße\r\n", sender=person.address)
    (tmp_path / "mail").write_bytes(octets)
    address = ("--mail-from", person.address, "--mail-rcpt", person.address)
    curl(office, person, way, "client.example", *address, "-T", tmp_path / "mail")
    (kept,) = office.messages(person)
    assert kept.endswith(octets)


def test_who_is_not_there_is_refused(office: Office, person: Person, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(message("out", sender=person.address))
    address = ("--mail-from", person.address, "--mail-rcpt", "nobody@example.test")
    said = refused(office, person, "smtps", "", *address, "-T", tmp_path / "mail", codes=(SEND,))
    assert "550" in said
    one_of_two = (*address, "--mail-rcpt", person.address, "--mail-rcpt-allowfails")
    curl(office, person, "smtps", "", *one_of_two, "-T", tmp_path / "mail")
    assert office.subjects(person) == ["out"]


def test_smtp_commands(office: Office, person: Person) -> None:
    assert curl(office, person, "smtps", "", "--mail-rcpt", person.address).startswith(b"252 ")
    assert b"214" in curl(office, person, "smtps", "", "-X", "HELP")
    curl(office, person, "smtps", "", "-X", "NOOP")
