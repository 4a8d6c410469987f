"""smtplib of the standard library: all it can say, on every SMTP port."""

import base64
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
from tests.interop.clients import HOST, Office, Person, body_of, message, subject_of

OUTSIDE = "somebody@elsewhere.example"


@contextmanager
def connected(office: Office, port: int, how: str = "plain") -> "Iterator[smtplib.SMTP]":
    """On a port of ours, in TLS from the start, after STARTTLS, or in the clear."""
    if how == "tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            HOST, office.port(port), "client.example", timeout=20, context=office.context
        )
    else:
        client = smtplib.SMTP(HOST, office.port(port), "client.example", timeout=20)
    with client:
        if how == "starttls":
            assert client.starttls(context=office.context)[0] == 220
        yield client


@pytest.mark.parametrize("how", ["plain", "starttls"])
def test_port_25_takes_mail_for_us(office: Office, person: Person, how: str) -> None:
    octets = message("port 25")
    with connected(office, 25, how) as smtp:
        assert smtp.sendmail("anna@example.net", [person.address], octets) == {}
    (kept,) = office.messages(person)
    assert kept.endswith(octets)
    assert kept.startswith(b"Return-Path: <anna@example.net>\r\n")
    assert (b"with ESMTPS" in kept) == (how == "starttls")


def test_port_25_relays_nothing(office: Office, person: Person) -> None:
    with connected(office, 25) as smtp, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        smtp.sendmail("anna@example.net", [OUTSIDE], message("relay"))
    assert refused.value.recipients[OUTSIDE] == (550, b"5.7.1 Relaying denied")
    with connected(office, 25) as smtp:
        left_out = smtp.sendmail("anna@example.net", [OUTSIDE, person.address], message("one of two"))
    assert list(left_out) == [OUTSIDE]
    assert office.subjects(person) == ["one of two"]


def test_port_25_knows_nobody_of_that_name(office: Office) -> None:
    with connected(office, 25) as smtp, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        smtp.sendmail("", ["nobody@example.test"], message("nobody"))
    assert refused.value.recipients["nobody@example.test"][0] == 550


def test_port_25_has_no_log_in(office: Office, person: Person) -> None:
    with connected(office, 25, "starttls") as smtp, pytest.raises(smtplib.SMTPNotSupportedError):
        smtp.login(person.address, person.password)


@pytest.mark.parametrize(("port", "how"), [(587, "starttls"), (2525, "starttls"), (465, "tls"), (587, "plain")])
def test_submission(office: Office, person: Person, port: int, how: str) -> None:
    octets = message(f"from {port} {how}", sender=person.address)
    with connected(office, port, how) as smtp:
        smtp.login(person.address, person.password)
        smtp.sendmail(person.address, [person.address], octets)
    (kept,) = office.messages(person)
    assert kept.endswith(octets)
    assert (b"with ESMTPSA" in kept) == (how != "plain")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("is_initial", [True, False])
def test_log_in(office: Office, person: Person, mechanism: str, is_initial: bool) -> None:
    with connected(office, 587, "starttls") as smtp:
        smtp.ehlo()
        if mechanism not in smtp.esmtp_features["auth"].split():
            pytest.skip(f"{mechanism} is not offered")
        smtp.user, smtp.password = person.address, person.password
        ask = getattr(smtp, f"auth_{mechanism.lower().replace('-', '_')}")
        assert smtp.auth(mechanism, ask, initial_response_ok=is_initial)[0] == 235


def test_wrong_password(office: Office, person: Person) -> None:
    with connected(office, 465, "tls") as smtp:
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            smtp.login(person.address, "wrong")
        assert refused.value.smtp_code == 535
        smtp.login(person.address, person.password)


def test_submission_needs_a_log_in(office: Office, person: Person) -> None:
    with connected(office, 587, "starttls") as smtp, pytest.raises(smtplib.SMTPSenderRefused) as refused:
        smtp.sendmail(person.address, [person.address], message("no log-in"))
    assert refused.value.smtp_code == 530


def test_submission_is_for_ones_own_address(office: Office, person: Person) -> None:
    other = office.person()
    with connected(office, 465, "tls") as smtp:
        smtp.login(person.address, person.password)
        with pytest.raises(smtplib.SMTPSenderRefused) as sender:
            smtp.sendmail(other.address, [other.address], message("not mine", sender=other.address))
        assert sender.value.smtp_code == 553
        with pytest.raises(smtplib.SMTPDataError) as author:
            smtp.sendmail(person.address, [other.address], message("not mine", sender=other.address))
        assert author.value.smtp_code == 550
    assert office.messages(other) == []


def test_submission_makes_the_message_fit(office: Office, person: Person) -> None:
    octets = b"From: %s\r\nBcc: secret@example.test\r\nSubject: bare\r\n\r\nText.\r\n" % person.address.encode()
    with connected(office, 465, "tls") as smtp:
        smtp.login(person.address, person.password)
        smtp.sendmail(person.address, [person.address], octets)
    (kept,) = office.messages(person)
    assert b"\r\nDate: " in kept
    assert b"\r\nMessage-ID: <" in kept
    assert b"Bcc" not in kept


def test_eight_bits_and_dots(office: Office, person: Person) -> None:
    octets = message("8 bit", "Grüße\r\n.\r\n..\r\n.x\r\n")
    with connected(office, 25) as smtp:
        smtp.sendmail("anna@example.net", [person.address], octets, mail_options=["BODY=8BITMIME"])
    assert office.messages(person)[0].endswith(octets)


def test_address_with_other_letters(office: Office) -> None:
    office.server.run("account", "add", "jörg@example.test", stdin="secret")
    with connected(office, 25) as smtp:
        smtp.sendmail(
            "χρήστης@example.net", ["jörg@example.test"], message("Grüße"), mail_options=["SMTPUTF8", "BODY=8BITMIME"]
        )
        with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError, UnicodeEncodeError)):
            smtp.sendmail("anna@example.net", ["jörg@example.test"], message("without SMTPUTF8"))
    with connected(office, 465, "tls") as smtp:
        smtp.ehlo()
        words = base64.b64encode("\0jörg@example.test\0secret".encode()).decode()
        assert smtp.docmd("AUTH", f"PLAIN {words}")[0] == 235


def test_large_message(office: Office, person: Person) -> None:
    octets = message("large", "0123456789abcdef" * 4 * 65_536 + "\r\n", sender=person.address)
    short = "\r\n".join("0123456789abcdef" * 4 for _ in range(65_536)) + "\r\n"
    with connected(office, 465, "tls") as smtp:
        smtp.login(person.address, person.password)
        with pytest.raises(smtplib.SMTPDataError) as refused:  # one line of 4 MB
            smtp.sendmail(person.address, [person.address], octets)
        assert refused.value.smtp_code == 554
        octets = message("large", short, sender=person.address)
        smtp.sendmail(person.address, [person.address], octets)
    (kept,) = office.messages(person)
    assert kept.endswith(octets)


def test_too_large_is_told_before_it_is_sent(office: Office, person: Person) -> None:
    with connected(office, 25) as smtp:
        smtp.ehlo()
        limit = int(smtp.esmtp_features["size"])
        code, words = smtp.mail("anna@example.net", [f"SIZE={limit + 1}"])
        assert (code, words[:5]) == (552, b"5.3.4")


def test_many_recipients_share_one_transaction(office: Office) -> None:
    people = [office.person() for _ in range(3)]
    with connected(office, 25) as smtp:
        assert smtp.sendmail("anna@example.net", [one.address for one in people], message("to all")) == {}
    assert [office.subjects(one) for one in people] == [["to all"]] * 3


@pytest.mark.parametrize(("port", "has_dsn"), [(25, False), (587, True)])
def test_keywords(office: Office, port: int, has_dsn: bool) -> None:
    """RFC 3461 §5: who offers DSN tells of success. We do not tell strangers, whose reverse-path may be anybody's."""
    with connected(office, port) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("dsn") is has_dsn


def test_commands_of_the_client(office: Office, person: Person) -> None:
    with connected(office, 25) as smtp:
        assert smtp.helo()[0] == 250
        assert smtp.ehlo()[0] == 250
        for keyword in ("pipelining", "8bitmime", "smtputf8", "enhancedstatuscodes", "chunking", "starttls"):
            assert smtp.has_extn(keyword), keyword
        assert smtp.noop()[0] == 250
        assert smtp.help()
        assert smtp.verify(person.address)[0] == 252
        assert smtp.expn("staff")[0] in (502, 550)
        assert smtp.mail("anna@example.net")[0] == 250
        assert smtp.rset()[0] == 250
        assert smtp.rcpt(person.address)[0] == 503
        assert smtp.docmd("XCLIENT", "ADDR=192.0.2.1")[0] == 500


def test_send_message(office: Office, person: Person) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = person.address, person.address, "Übergröße"
    mail.set_content("Grüße\n")
    mail.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="all.bin")
    with connected(office, 465, "tls") as smtp:
        smtp.login(person.address, person.password)
        smtp.send_message(mail)
    (kept,) = office.messages(person)
    assert body_of(kept).startswith(b"--===============")
    assert subject_of(kept).startswith("=?utf-8?")
