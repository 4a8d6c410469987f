"""swaks: the admins' probe, on every SMTP port, with every option that a mail server meets in its first week."""

import re
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.interop.clients import Done, Office, Person, body_of, message, need, run, subject_of

from posthaus.testing.process import ServerProcess

REFUSED_RCPT = 24  # swaks: no recipient was accepted
REFUSED_MAIL = 23
REFUSED_AUTH = 28
REFUSED_DATA = 26


def swaks(office: Office, port: int, who: Person, *options: str, code: int = 0, data: bytes = b"") -> Done:
    """To the person, on one of our ports; `data` is the message, from standard input."""
    need("swaks")
    command = ["swaks", "--server", f"localhost:{office.port(port)}", "-4", "--ehlo", "client.example"]
    command += ["--from", "anna@example.net", "--to", who.address, "--header", f"Subject: {port}"]
    return run(*command, *options, *(("--data", "-") if data else ()), stdin=data, codes=(code,))


def mine(who: Person, mechanism: str = "PLAIN") -> tuple[str, ...]:
    """Options to log in, and to send as oneself."""
    login = ("--auth", mechanism, "--auth-user", who.address, "--auth-password", who.password)
    return (*login, "--from", who.address, "--header", f"From: {who.address}")


def trusting(office: Office) -> tuple[str, ...]:
    return ("--tls-verify", "--tls-ca-path", str(office.certificate))


def test_port_25(office: Office, person: Person) -> None:
    swaks(office, 25, person)
    assert office.subjects(person) == ["25"]


def test_port_25_with_starttls(office: Office, person: Person) -> None:
    said = swaks(office, 25, person, "--tls", *trusting(office)).said
    assert "TLS started with cipher TLSv1.3" in said
    (kept,) = office.messages(person)
    assert b"with ESMTPS" in kept


def test_pipelining(office: Office, person: Person) -> None:
    said = swaks(office, 25, person, "--pipeline").said
    assert re.search(r" -> MAIL FROM.*\n -> RCPT TO.*\n -> DATA", said), said
    assert office.subjects(person) == ["25"]


@pytest.mark.parametrize(("port", "address"), [(25, "somebody@elsewhere.example"), (587, "nobody@example.test")])
def test_who_is_not_there_is_refused(office: Office, person: Person, port: int, address: str) -> None:
    options = mine(person) if port == 587 else ()
    said = swaks(office, port, Person(address, ""), *options, code=REFUSED_RCPT).said
    assert re.search(r"550 5\.7\.1 Relaying denied|550 5\.1\.1 No such mailbox", said)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize(("port", "tls"), [(587, "--tls"), (2525, "--tls"), (465, "--tls-on-connect")])
def test_submission(office: Office, person: Person, port: int, tls: str, mechanism: str) -> None:
    if mechanism == "CRAM-MD5":
        need("swaks")
        with smtplib.SMTP("127.0.0.1", office.port(port if port != 465 else 587), "client.example") as smtp:
            smtp.ehlo()
            if mechanism not in smtp.esmtp_features["auth"]:
                pytest.skip("CRAM-MD5 is not offered")
    said = swaks(office, port, person, tls, *trusting(office), *mine(person, mechanism)).said
    assert "235 2.7.0 Authenticated" in said
    (kept,) = office.messages(person)
    assert b"with ESMTPSA" in kept


def test_wrong_password(office: Office, person: Person) -> None:
    wrong = Person(person.address, "wrong")
    assert "535 5.7.8" in swaks(office, 587, person, "--tls", *mine(wrong), code=REFUSED_AUTH).said
    assert "530 5.7.0" in swaks(office, 587, person, "--tls", code=REFUSED_MAIL).said
    assert office.messages(person) == []


def test_somebody_elses_address(office: Office, person: Person) -> None:
    options = (*mine(person), "--from", "somebody.else@example.test")
    assert "553 5.7.1" in swaks(office, 465, person, "--tls-on-connect", *options, code=REFUSED_MAIL).said


def test_eight_bits(office: Office, person: Person) -> None:
    octets = message("8 bit", "Grüße, и привет\r\n.\r\n. dot\r\n")
    swaks(office, 25, person, data=octets)
    assert body_of(office.messages(person)[0]).startswith("Grüße, и привет\r\n.\r\n. dot\r\n".encode())


def test_address_with_other_letters(office: Office) -> None:
    """swaks sends the octets as they are, without SMTPUTF8: refused with the reply of RFC 6531 §3.5, and no defect."""
    office.server.run("account", "add", "zoë@example.test", stdin="secret")
    said = swaks(office, 25, Person("zoë@example.test", "secret"), code=REFUSED_RCPT).said
    assert "553 5.6.7" in said


def test_attachment(office: Office, person: Person, tmp_path: Path) -> None:
    octets = bytes(range(256)) * 8_192
    (tmp_path / "all.bin").write_bytes(octets)
    swaks(office, 465, person, "--tls-on-connect", *mine(person), "--attach", f"@{tmp_path}/all.bin")
    with office.imap(person, "INBOX") as imap:
        _, found = imap.fetch("1", "(BINARY.PEEK[2])")
        assert isinstance(found[0], tuple) and found[0][1] == octets


def test_lmtp_is_not_spoken(office: Office, person: Person) -> None:
    assert "5.5.1" in swaks(office, 25, person, "--protocol", "LMTP", code=22).said


def test_xclient_is_not_offered(office: Office, person: Person) -> None:
    need("swaks")
    swaks(office, 25, person, "--xclient-addr", "192.0.2.1", code=33)
    assert office.messages(person) == []


def test_subject_of_a_probe(office: Office, person: Person) -> None:
    swaks(office, 25, person, "--protocol", "SMTP", "--header", "Subject: by HELO")
    (kept,) = office.messages(person)
    assert subject_of(kept) == "by HELO"
    assert re.search(rb"with SMTP\s", kept), kept


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server behind a load balancer on this host."""
    need("swaks")
    person = Person("person0@example.test", "secret")
    server = ServerProcess(tmp_path_factory.mktemp("proxied") / "house", {person.address: person.password}, workers=1)
    file = server.folder / "posthaus.toml"
    file.write_text(re.sub(r"(?m)^#proxies = .*$", 'proxies = ["127.0.0.0/8"]', file.read_text()))
    with server:
        yield Office(server, iter([person]))


@pytest.mark.parametrize("version", ["1", "2"])
def test_proxy_header(proxied: Office, version: str) -> None:
    person = Person("person0@example.test", "secret")
    family = {"1": "TCP4", "2": "AF_INET"}[version]
    address = ("--proxy-source", "192.0.2.77", "--proxy-source-port", "4711")
    to = ("--proxy-dest", "198.51.100.1", "--proxy-dest-port", "25")
    swaks(proxied, 25, person, "--proxy-version", version, "--proxy-family", family, *address, *to)
    assert "peer=192.0.2.77" in proxied.server.log()
    # A stranger is not on loopback, so his password may not cross in the clear.
    options = ("--proxy-version", version, "--proxy-family", family, *address, *to, *mine(person))
    swaks(proxied, 587, person, *options, code=REFUSED_AUTH)
    swaks(proxied, 587, person, "--tls", *options)


def test_proxy_header_from_elsewhere_is_refused(office: Office, person: Person) -> None:
    address = ("--proxy-source", "192.0.2.77", "--proxy-source-port", "4711")
    to = ("--proxy-dest", "198.51.100.1", "--proxy-dest-port", "25")
    said = swaks(office, 25, person, "--proxy-family", "TCP4", *address, *to, code=25).said
    assert "<** 500 5.5.1" in said  # an unknown command and no more: nobody takes the address for the client's
    assert office.messages(person) == []
