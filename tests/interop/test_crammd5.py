"""CRAM-MD5 and APOP: offered once an account has opted in, to old programs that know nothing better."""

import imaplib
import poplib
import re
import smtplib
from collections.abc import Iterator

import pytest
from tests.interop.clients import HOST, Failed, Office, Person, Raw, message, need, run
from tests.interop.conftest import defects

from posthaus.testing.process import ServerProcess

OLD = Person("old@example.test", "a pass word, and more")
NEW = Person("new@example.test", "correct horse")


@pytest.fixture(scope="module")
def opted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One account has opted in, the other was imported and has not."""
    server = ServerProcess(tmp_path_factory.mktemp("opted") / "house", {NEW.address: NEW.password}, workers=1)
    server.run("account", "add", "--recoverable", OLD.address, stdin=OLD.password)
    with server:
        yield Office(server, iter([]))
        server.run("verify")
        assert server.stop() == 0
    assert not (found := defects(server)), "\n".join(found)


def test_nobody_has_opted_in(office: Office) -> None:
    with smtplib.SMTP(HOST, office.port(587), "client.example") as smtp:
        smtp.starttls(context=office.context)
        smtp.ehlo()
        assert "CRAM-MD5" not in smtp.esmtp_features["auth"].split()
    with imaplib.IMAP4(HOST, office.port(143)) as imap:
        assert "AUTH=CRAM-MD5" not in imap.capabilities
    pop = poplib.POP3(HOST, office.port(110))
    assert "CRAM-MD5" not in pop.capa()["SASL"]
    with pytest.raises(poplib.error_proto, match="APOP not supported"):
        pop.apop("somebody", "x")
    pop.close()


def test_smtplib(opted: Office) -> None:
    with smtplib.SMTP(HOST, opted.port(587), "client.example") as smtp:
        smtp.ehlo()
        assert "CRAM-MD5" in smtp.esmtp_features["auth"].split()
        smtp.user, smtp.password = OLD.address, OLD.password
        assert smtp.auth("CRAM-MD5", smtp.auth_cram_md5)[0] == 235
        smtp.sendmail(OLD.address, [OLD.address], message("by CRAM-MD5", sender=OLD.address))
    assert "by CRAM-MD5" in opted.subjects(OLD)


@pytest.mark.parametrize(("who", "password"), [(OLD, "wrong"), (NEW, NEW.password), (Person("no@x.test", ""), "x")])
def test_smtplib_refused(opted: Office, who: Person, password: str) -> None:
    with smtplib.SMTP_SSL(HOST, opted.port(465), "client.example", context=opted.context) as smtp:
        smtp.ehlo()
        smtp.user, smtp.password = who.address, password
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            smtp.auth("CRAM-MD5", smtp.auth_cram_md5)
        assert caught.value.smtp_code == 535


def test_smtplib_comes_to_plain_for_who_has_not_opted_in(opted: Office) -> None:
    """It tries CRAM-MD5 first wherever it is offered, in every connection: this is no guessing."""
    log_ins = 0
    # what the import had made is made better meanwhile, in the server's own time; the test's time limit ends this
    while log_ins < 25 or "login.upgraded" not in opted.server.log():
        with smtplib.SMTP(HOST, opted.port(587), "client.example") as smtp:
            assert smtp.login(NEW.address, NEW.password)[0] == 235
        log_ins += 1


def test_imaplib(opted: Office) -> None:
    with imaplib.IMAP4(HOST, opted.port(143)) as imap:
        assert "AUTH=CRAM-MD5" in imap.capabilities
        assert imap.login_cram_md5(OLD.address, OLD.password)[0] == "OK"
        assert imap.select()[0] == "OK"
    with imaplib.IMAP4(HOST, opted.port(143)) as imap, pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        imap.login_cram_md5(OLD.address, "wrong")


def test_poplib(opted: Office) -> None:
    stamps = set()
    for _ in range(2):
        pop = poplib.POP3(HOST, opted.port(110))
        stamp = re.search(rb"<[^@>]+@[^>]+>$", pop.getwelcome())
        assert stamp is not None
        stamps.add(stamp[0])
        assert "CRAM-MD5" in pop.capa()["SASL"]
        assert pop.apop(OLD.address, OLD.password).startswith(b"+OK")
        pop.quit()
    assert len(stamps) == 2


@pytest.mark.parametrize(("who", "password"), [(OLD, "wrong"), (NEW, NEW.password)])
def test_poplib_refused(opted: Office, who: Person, password: str) -> None:
    pop = poplib.POP3(HOST, opted.port(110))
    with pytest.raises(poplib.error_proto, match="AUTH"):
        pop.apop(who.address, password)
    pop.close()


def test_by_hand_over_pop3(opted: Office) -> None:
    """RFC 5034: the challenge is ours to give, so an initial response is a fault, and "*" an end."""
    with Raw(opted.port(110)) as raw:
        raw.line()
        for said in ("AUTH CRAM-MD5 AAAA", "AUTH CRAM-MD5"):
            raw.send(said)
            if said.endswith("MD5"):
                assert raw.line().startswith("+ ")
                raw.send("*")
            assert raw.line().startswith("-ERR")


@pytest.mark.parametrize(("port", "tls"), [(587, ""), (587, "--tls"), (465, "--tls-on-connect")])
def test_swaks(opted: Office, port: int, tls: str) -> None:
    need("swaks")
    subject = f"swaks {port} {tls}".strip()
    command = ["swaks", "--server", f"localhost:{opted.port(port)}", "-4", "--ehlo", "client.example"]
    command += ["--auth", "CRAM-MD5", "--auth-user", OLD.address, "--auth-password", OLD.password]
    command += ["--from", OLD.address, "--to", OLD.address, "--header", f"Subject: {subject}"]
    try:
        said = run(*command, *([tls] if tls else [])).said
    except Failed as fault:
        if "Digest::MD5" in str(fault) or "Digest-MD5" in str(fault):
            pytest.skip("this swaks has no CRAM-MD5")
        raise
    assert "235 2.7.0" in said
    assert subject in opted.subjects(OLD)


def test_no_longer(opted: Office) -> None:
    """A password set without the option is kept as a hash only; the last one takes the offer with it at the restart."""
    opted.server.run("account", "password", OLD.address, stdin=OLD.password)
    pop = poplib.POP3(HOST, opted.port(110))
    with pytest.raises(poplib.error_proto):
        pop.apop(OLD.address, OLD.password)
    pop.close()
    assert opted.server.stop() == 0
    opted.server.start()
    pop = poplib.POP3(HOST, opted.port(110))
    assert b"<" not in pop.getwelcome()
    pop.close()
