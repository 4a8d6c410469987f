"""The whole way: what is submitted, refused by another server, told to the sender, and explained by `posthaus why`."""

import asyncio
import smtplib

from tests.mail.reports import dsn_in

from posthaus.cli.why import LogText, Search, Story
from posthaus.mail.dsn import ReadDsn
from posthaus.mail.fate import Action
from posthaus.store import account, bell, smarthost
from posthaus.store.smarthost import Kind, Scope, Smarthost
from posthaus.testing import kit
from posthaus.testing.remote import Remote, remote_mx
from posthaus.testing.storehouse import Listener

ANNA = "anna@example.test"
MESSAGE = b"From: anna@example.test\r\nMessage-ID: <m1@example.test>\r\nSubject: Offer\r\n\r\nhello\r\n"
GONE = "550 5.1.1 No such user here"


async def _by(office: kit.AsyncOffice, remote: Remote) -> None:
    """All mail for others goes there."""
    made = Smarthost("out", remote.host, remote.port, "opportunistic")
    await office.app.store.write(smarthost.add, made, [Scope(Kind.ALL)], int(office.clock.now()))


def _submit(office: kit.AsyncOffice, *to: str, options: tuple[str, ...] = (), mail: tuple[str, ...] = ()) -> None:
    with smtplib.SMTP_SSL(office.host, office.port("submissions"), context=office.context, timeout=20) as client:
        client.login(ANNA, "pw")
        client.sendmail(ANNA, to, MESSAGE, mail_options=mail, rcpt_options=options)


async def _first_dsn(office: kit.AsyncOffice) -> ReadDsn:
    """When it has come."""
    anna = await office.app.store.read(account.find, ANNA)
    assert anna is not None
    ear = Listener(office.app.store, anna.id)
    try:
        while not (kept := await office.messages(ANNA)):
            await ear.hear()
    finally:
        ear.close()
    found = dsn_in(kept[0])
    assert found is not None
    return found


async def _why(office: kit.AsyncOffice, what: str) -> list[Story]:
    return (await Search(office.app.store, LogText(None), int(office.clock.now())).answer(what)).stories


async def test_one_of_two_is_refused() -> None:
    async with kit.server() as office, remote_mx({"otto@b.example": GONE}) as remote:
        await office.account(ANNA, "pw")
        await _by(office, remote)
        await asyncio.to_thread(_submit, office, "otto@b.example", "eva@b.example", mail=("ENVID=e1",))
        found = await _first_dsn(office)
        (fate,) = found.dsn.fates
        assert (fate.address, fate.action, fate.status, fate.said) == (
            "otto@b.example", Action.FAILED, "5.1.1", GONE
        )  # fmt: skip
        assert found.message_id == "m1@example.test" and found.dsn.envid == "e1"
        assert [one.forward_paths for one in remote.messages] == [("eva@b.example",)]
        (story,) = await _why(office, "m1@example.test")
        kinds = [(step.kind, step.address) for step in story.steps]
        assert kinds == [
            ("submitted", ANNA),
            ("queued", "eva@b.example"),
            ("queued", "otto@b.example"),
            ("relayed", "eva@b.example"),
            ("failed", "otto@b.example"),
            ("told", ANNA),
        ]
        assert f"said: {GONE}" in story.steps[4].text and " in TLS" in story.steps[3].text


async def test_passed_on_to_a_host_that_tells_nothing() -> None:
    """RFC 3461 §5.2.2"""
    async with kit.server() as office, remote_mx(keywords=("PIPELINING",)) as remote:
        await office.account(ANNA, "pw")
        await _by(office, remote)
        await asyncio.to_thread(_submit, office, "otto@b.example", options=("NOTIFY=SUCCESS",))
        found = await _first_dsn(office)
        assert [(fate.action, fate.status[:2]) for fate in found.dsn.fates] == [(Action.RELAYED, "2.")]


async def test_the_next_submission_is_refused_at_once() -> None:
    async with kit.server() as office, remote_mx({"RCPT": GONE}) as remote:
        await office.account(ANNA, "pw")
        await _by(office, remote)
        await asyncio.to_thread(_submit, office, "otto@b.example")
        await _first_dsn(office)
        try:
            await asyncio.to_thread(_submit, office, "otto@b.example")
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = refused.recipients["otto@b.example"]
            assert code == 550 and b"No such user here" in words
        else:
            raise AssertionError("it was taken")
        assert remote.messages == []


async def test_delay_is_told_in_time() -> None:
    """RFC 3461 §6.2: once, and no word more than needed."""
    async with kit.server() as office, remote_mx({"RCPT": "451 4.7.1 Wait"}) as remote:
        await office.account(ANNA, "pw")
        await _by(office, remote)
        queue = Listener(office.app.store, bell.QUEUE)
        await asyncio.to_thread(_submit, office, "otto@b.example")
        while not any(" queue.deferred " in line for line in office.lines):
            await queue.hear()
        queue.close()
        await office.jump(4 * 3_600 + 1)
        assert office.app.queue is not None
        office.app.queue.wake()
        (fate,) = (await _first_dsn(office)).dsn.fates
        assert (fate.action, fate.status, fate.said) == (Action.DELAYED, "4.7.1", "451 4.7.1 Wait")
        assert fate.retry_until is not None and fate.retry_until > int(office.clock.now())
