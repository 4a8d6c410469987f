"""Tests of posthaus.testing.kit: the real server in a few lines, in the loop and in a thread."""

import imaplib
import poplib
import smtplib
from pathlib import Path

import pytest

import posthaus.testing
from posthaus.testing import Answer, AsyncOffice, Cut, Defects, JumpClock, Office
from posthaus.testing.place import Place, connect, reach

ALICE, BOB = "alice@example.test", "bob@example.test"
OCTETS = b"From: <anna@example.net>\r\nSubject: Hello\r\n\r\n.\r\n..dots\r\n"


async def test_mail_comes_in_and_is_there() -> None:
    async with posthaus.testing.server() as office:
        await office.account(ALICE, "secret")
        await office.send("anna@example.net", ALICE, OCTETS)
        (message,) = await office.messages(ALICE)
        assert message.startswith(b"Return-Path: <anna@example.net>\r\n")
        assert message.endswith(OCTETS)


async def test_alias_and_append() -> None:
    async with posthaus.testing.server() as office:
        await office.account(ALICE, "secret")
        await office.alias("sales@example.test", ALICE)
        await office.send("anna@example.net", "sales@example.test", OCTETS)
        await office.append(ALICE, OCTETS)
        assert [m.endswith(OCTETS) for m in await office.messages(ALICE)] == [True, True]
        assert (await office.messages(ALICE))[1] == OCTETS


async def test_large_message_comes_back_octet_for_octet() -> None:
    octets = OCTETS + bytes(range(32, 127)) * 8_000
    async with posthaus.testing.server() as office:
        await office.account(ALICE, "secret")
        await office.append(ALICE, octets)
        assert await office.messages(ALICE) == [octets]


async def test_nobody_of_that_name() -> None:
    async with posthaus.testing.server() as office:
        await office.account(ALICE, "secret")
        with pytest.raises(AssertionError, match="550"):
            await office.send("anna@example.net", BOB, OCTETS)
        with pytest.raises(LookupError):
            await office.messages(BOB)


async def test_the_clock_jumps() -> None:
    async with posthaus.testing.server() as office:
        where = Place("smtp", office.host, office.port("smtp"), "", "")
        wire = await connect(where)
        await reach(wire, where, "nonauth", ())
        await office.jump(3_600)
        assert (await wire.read() or "").startswith("421")
        wire.close()


async def test_folder_keeps_the_mail(tmp_path: Path) -> None:
    async with posthaus.testing.server(folder=tmp_path) as office:
        await office.account(ALICE, "secret")
        await office.append(ALICE, OCTETS)
    async with posthaus.testing.server(folder=tmp_path) as office:
        assert await office.messages(ALICE) == [OCTETS]


async def test_defects_are_raised() -> None:
    with pytest.raises(Defects, match="on purpose"):
        async with posthaus.testing.server() as office:
            office.app.log.defect("session.defect", RuntimeError("on purpose"))


async def test_a_door_with_a_fault() -> None:
    async with posthaus.testing.server() as office:
        await office.account(ALICE, "secret")
        async with office.door("smtp", Answer("DATA", "451 4.3.0 Try later")) as port:
            where = Place("smtp", office.host, port, "", "")
            wire = await connect(where)
            await reach(wire, where, "ehlo", ())
            await wire.ask("MAIL FROM:<anna@example.net>", "250")
            await wire.ask(f"RCPT TO:<{ALICE}>", "250")
            await wire.ask("DATA", "451")
            await wire.ask("QUIT", "221")
            wire.close()
        assert await office.messages(ALICE) == []


def test_every_client_of_the_standard_library(posthaus: Office) -> None:
    posthaus.account(ALICE, "secret")
    with smtplib.SMTP(posthaus.host, posthaus.port("submission")) as smtp:
        smtp.starttls(context=posthaus.context)
        smtp.login(ALICE, "secret")
        smtp.sendmail(ALICE, [ALICE], OCTETS.replace(b"anna@example.net", ALICE.encode()))
    with imaplib.IMAP4_SSL("localhost", posthaus.port("imaps"), ssl_context=posthaus.context) as imap:
        imap.login(ALICE, "secret")
        assert imap.select()[1] == [b"1"]
    pop = poplib.POP3_SSL("localhost", posthaus.port("pop3s"), context=posthaus.context)
    pop.user(ALICE)
    pop.pass_("secret")
    assert pop.stat()[0] == 1
    pop.quit()
    assert b"Subject: Hello" in posthaus.messages(ALICE)[0]


def test_cut_in_the_middle_of_a_literal(posthaus: Office) -> None:
    posthaus.account(ALICE, "secret")
    posthaus.append(ALICE, OCTETS)
    with posthaus.door("imap", Cut(b"BODY[] {", after=20)) as port:
        imap = imaplib.IMAP4(posthaus.host, port)
        imap.login(ALICE, "secret")
        imap.select()
        with pytest.raises(imaplib.IMAP4.abort):
            imap.fetch("1", "(BODY[])")
        imap.shutdown()


def test_names_of_the_package() -> None:
    assert isinstance(JumpClock(), posthaus.testing.JumpClock)
    assert {posthaus.testing.AsyncOffice, posthaus.testing.Office} == {AsyncOffice, Office}
    with pytest.raises(AttributeError):
        posthaus.testing.nothing_of_the_kind  # noqa: B018
