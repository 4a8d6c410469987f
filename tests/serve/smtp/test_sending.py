"""Submission to other domains: what is put into the queue, who may send how much, and the author's own copy."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from tests.check.keys import Zone

from posthaus.base import limit
from posthaus.base.setting import SendSetting
from posthaus.check.arc import validate
from posthaus.check.dkim import verify
from posthaus.flow.rotate import make_key
from posthaus.mail.address import Address
from posthaus.mail.envelope import DeliverBy
from posthaus.store import account, dkimkey, load, mailbox, network, postmaster, queue, record, sending, suppression
from posthaus.store.tx import Tx

MESSAGE = (
    b"From: Anna <anna@example.test>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@c.example>\r\n"
    b"Subject: x\r\n\r\nhello\r\n"
)
DAY = 86_400


def login(account_id: int) -> bytes:
    return b"EHLO laptop.lan\r\nAUTH PLAIN " + base64.b64encode(b"\0a\0%d" % account_id) + b"\r\n"


def send(*forward_paths: str, parameters: str = "", message: bytes = MESSAGE) -> bytes:
    rcpts = "".join(f"RCPT TO:{path if path[:1] == '<' else f'<{path}>'}\r\n" for path in forward_paths)
    return f"MAIL FROM:<anna@example.test>{parameters}\r\n{rcpts}DATA\r\n".encode() + message + b".\r\n"


async def submitted(house: Any, account_id: int, data: bytes) -> list[int]:
    """The codes after the log-in."""
    stream = await house.say(house.submission, login(account_id) + data, tls=True)
    codes = stream.codes
    assert codes[:3] == [220, 250, 235]
    found = codes[3:]
    assert isinstance(found, list)
    return found


async def test_one_message_to_us_and_to_others(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    data = send("ben@example.test", "x@elsewhere.example", "y@third.example", "x@elsewhere.example")
    assert await submitted(house, anna, data) == [250, 250, 250, 250, 250, 354, 250]
    (kept,) = await house.messages(ben)
    first, second = await house.errands()
    assert (first.to, first.destination) == ("x@elsewhere.example", "mx/elsewhere.example")
    assert (second.to, second.destination) == ("y@third.example", "mx/third.example")
    assert first.parcel == second.parcel
    assert (first.due, first.account, first.reverse_path) == (0, anna, "anna@example.test")
    assert (first.expires, first.warn_at) == (5 * DAY, 4 * 3_600)
    assert await house.site.store.read(count, "blob") == 1
    assert kept.endswith(MESSAGE) and first.octets.endswith(MESSAGE)
    prefix = first.octets.removesuffix(MESSAGE)
    assert prefix.startswith(b"Received: from unknown (authenticated)\r\n\tby mx.example.test with ESMTPSA")
    for secret in (b"198.51.100.7", b"laptop.lan", b"Return-Path", b"Delivered-To"):
        assert secret not in prefix


async def count(tx: Tx, table: str) -> int:
    row = await tx.one(f"SELECT count(*) FROM {table}")
    assert row is not None
    return int(row[0])


async def test_who_is_not_there_is_refused_at_once(house: Any) -> None:
    anna = await house.account("anna@example.test")
    data = send("nobody@example.test", "x@mx.example.test", "x@elsewhere.example")
    assert await submitted(house, anna, data) == [250, 550, 550, 250, 354, 250]
    assert [one.to for one in await house.errands()] == ["x@elsewhere.example"]


async def test_what_the_client_asks_for_goes_along(house: Any) -> None:
    anna = await house.account("anna@example.test")
    path = "<x@elsewhere.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;y@elsewhere.example"
    data = send(path, parameters=" RET=HDRS ENVID=e1 MT-PRIORITY=4 REQUIRETLS BODY=8BITMIME")
    assert (await submitted(house, anna, data))[-1] == 250
    (one,) = await house.errands()
    envelope = one.envelope
    assert (envelope.ret, envelope.envid, envelope.priority, envelope.body) == ("HDRS", b"e1", 4, "8BITMIME")
    assert envelope.requiretls and not envelope.tls_optional
    assert one.recipient.notify == {"SUCCESS", "DELAY"} and one.recipient.orcpt == b"rfc822;y@elsewhere.example"
    assert b"\r\n\tpriority 4; " in one.octets


@pytest.mark.parametrize(("parameters", "is_optional"), [("", True), (" REQUIRETLS", False)])
async def test_tls_required_no(house: Any, parameters: str, is_optional: bool) -> None:
    """RFC 8689 §5: the field is heeded, but not where MAIL says the contrary."""
    anna = await house.account("anna@example.test")
    data = send("x@elsewhere.example", parameters=parameters, message=b"TLS-Required: No\r\n" + MESSAGE)
    assert (await submitted(house, anna, data))[-1] == 250
    (one,) = await house.errands()
    assert one.envelope.tls_optional is is_optional


BY = [
    ("BY=3600;R", DeliverBy(3_600, "R"), 3_600, None),
    ("BY=999999;R", DeliverBy(999_999, "R"), 5 * DAY, 4 * 3_600),
    ("BY=600;NT", DeliverBy(600, "N", trace=True), 5 * DAY, 600),
    ("BY=-600;N", DeliverBy(-600, "N"), 5 * DAY, 0),
]


@pytest.mark.parametrize(("parameter", "by", "expires", "warn_at"), BY)
async def test_deliver_by(house: Any, parameter: str, by: DeliverBy, expires: int, warn_at: int | None) -> None:
    anna = await house.account("anna@example.test")
    assert (await submitted(house, anna, send("x@elsewhere.example", parameters=f" {parameter}")))[-1] == 250
    (one,) = await house.errands()
    assert (one.envelope.deliver_by, one.expires, one.warn_at) == (by, expires, warn_at)


async def test_the_settings_hold_it(house: Any) -> None:
    """Mail for other servers waits until a person says so; mail to us does not."""
    house.site = replace(house.site, send=SendSetting(hold=True))
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    assert (await submitted(house, anna, send("ben@example.test", "x@elsewhere.example")))[-1] == 250
    assert len(await house.messages(ben)) == 1
    store, now = house.site.store, int(house.site.clock.now())
    (one,) = await store.read(postmaster.listing, postmaster.Which(), 0, 9)
    assert (one.errand.recipient.address.domain, one.errand.state) == ("elsewhere.example", queue.State.HELD)
    until = now + 30 * DAY
    assert await store.write(load.claim, "w", until, until + 60, 9, 9, suspects=True) == []
    await store.write(postmaster.act, postmaster.Act.RELEASE, postmaster.Which(), 0, 9, now)
    (it,) = await store.write(load.claim, "w", now, now + 60, 9, 9, suspects=True)
    assert it.destination == "mx/elsewhere.example"


@pytest.mark.parametrize(("by", "code"), [("599;R", 501), ("599;N", 501), ("600;R", 250), ("3600;N", 250)])
async def test_held_until_after_its_deadline(house: Any, by: str, code: int) -> None:
    """RFC 4865 §5.2.2"""
    anna = await house.account("anna@example.test")

    line = f"MAIL FROM:<anna@example.test> HOLDFOR=600 BY={by}\r\n"
    stream = await house.say(house.submission, login(anna) + line.encode(), tls=True)
    assert stream.codes[-1] == code


async def test_too_much_is_held(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 4865 §6: of each account, and only what waits for a time of its own."""
    monkeypatch.setattr(limit, "SMTP_HOLD_MESSAGES", 1)
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    data = send("x@elsewhere.example", parameters=" HOLDFOR=3600")
    assert (await submitted(house, anna, data))[-1] == 250
    stream = await house.say(house.submission, login(anna) + data.partition(b"RCPT")[0], tls=True)
    assert stream.codes[-1] == 552
    assert (await submitted(house, anna, send("x@elsewhere.example")))[-1] == 250
    mine = data.replace(b"anna@", b"ben@")
    assert (await submitted(house, ben, mine))[-1] == 250


HOLD = [
    ("HOLDFOR=3600", 3_600),
    ("HOLDUNTIL=2026-01-02T00:00:00Z", DAY),
    (f"HOLDFOR={limit.SMTP_HOLD_S}", limit.SMTP_HOLD_S),
    (f"HOLDFOR={limit.SMTP_HOLD_S + 1}", None),
    ("HOLDUNTIL=2026-01-01T00:00:00Z", None),
    ("HOLDUNTIL=2027-06-01T00:00:00Z", None),
]


@pytest.mark.parametrize(("parameter", "due"), HOLD)
async def test_a_message_for_later(house: Any, parameter: str, due: int | None) -> None:
    """RFC 4865 §5: mail to us waits as well, and time to give up begins when it is due."""
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    data = send("ben@example.test", "x@elsewhere.example", parameters=f" {parameter}")
    if due is None:
        stream = await house.say(house.submission, login(anna) + data.partition(b"RCPT")[0], tls=True)
        assert stream.codes[-1] == 501
        return
    assert (await submitted(house, anna, data))[-1] == 250
    assert await house.messages(ben) == []
    local, remote = await house.errands()
    assert (local.to, local.destination, local.account, local.due) == ("ben@example.test", "local", ben, due)
    assert (remote.to, remote.due, remote.expires) == ("x@elsewhere.example", due, due + 5 * DAY)
    assert await house.site.store.read(count, "blob") == 1


async def test_what_needs_a_login(house: Any) -> None:
    data = (
        b"EHLO c\r\nMAIL FROM:<printer@example.test> HOLDFOR=60\r\nMAIL FROM:<printer@example.test> MT-PRIORITY=4\r\n"
    )
    stream = await house.say(house.trusting("198.51.100.0/24"), data)
    assert stream.codes == [220, 250, 530, 250]
    assert "250 2.3.6" in stream.out
    stream = await house.say(house.mx, data.replace(b"printer@example.test", b"a@b.example"))
    assert stream.codes == [220, 250, 555, 555]


async def test_a_trusted_network_may_send_elsewhere(house: Any) -> None:
    data = b"EHLO printer\r\n" + send("x@elsewhere.example")
    stream = await house.say(house.trusting("198.51.100.0/24"), data)
    assert stream.codes == [220, 250, 250, 250, 354, 250]
    (one,) = await house.errands()
    assert one.account == 0
    assert b"Received: from printer ([198.51.100.7])" in one.octets


# -- aliases that lead out -----------------------------------------------------------------------------------------


async def test_an_alias_that_leads_out_forwards(house: Any) -> None:
    anna = await house.account("anna@example.test")
    await house.alias("club@example.test", "anna@example.test", "x@elsewhere.example")
    await house.alias("other@example.test", "y@third.example")
    rcpts = b"RCPT TO:<club@example.test> NOTIFY=FAILURE\r\nRCPT TO:<other@example.test>\r\n"
    data = b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n" + rcpts + b"DATA\r\n" + MESSAGE + b".\r\n"
    stream = await house.say(house.mx, data)
    assert stream.codes == [220, 250, 250, 250, 250, 354, 250]
    assert len(await house.messages(anna)) == 1
    first, second = await house.errands()
    assert (first.to, second.to) == ("x@elsewhere.example", "y@third.example")
    assert first.parcel != second.parcel and first.account == 0
    assert first.octets.startswith(b"Delivered-To: club@example.test\r\nReceived: from c.example")
    assert second.octets.startswith(b"Delivered-To: other@example.test\r\nReceived: from c.example")
    assert first.recipient.notify == {"FAILURE"}
    assert first.recipient.orcpt == b"rfc822;club@example.test"


async def sign_for(house: Any, domain: str) -> Zone:
    """Gives the domain a key, and the house a DNS that has it."""
    new = make_key(domain, "rsa", 1)
    number = await house.site.store.write(dkimkey.add, new, 1)
    await house.site.store.write(dkimkey.activate, [number], 1)
    zone = Zone.of_txt({f"{new.selector}._domainkey.{domain}": [new.public.encode()]})
    house.site = replace(house.site, resolver=zone)
    return zone


async def test_what_our_people_send_is_signed(house: Any) -> None:
    zone = await sign_for(house, "example.test")
    anna = await house.account("anna@example.test")
    message = MESSAGE.replace(b"Message-ID: <1@c.example>\r\n", b"Bcc: c@c.example\r\n")
    assert (await submitted(house, anna, send("x@elsewhere.example", message=message)))[-1] == 250
    (one,) = await house.errands()
    assert one.octets.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
    assert b"Bcc" not in one.octets and b"\r\nMessage-ID: " in one.octets  # signed after it was made fit
    (found,) = await verify(one.octets, zone, house.site.clock.now())
    assert (found.value, found.domain) == ("pass", "example.test")


async def test_what_an_alias_leads_out_is_sealed(house: Any) -> None:
    zone = await sign_for(house, "example.test")
    zone.names["b.example", "TXT"] = [b"v=spf1 ip4:198.51.100.7 -all"]
    await house.alias("club@example.test", "x@elsewhere.example")
    data = b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<club@example.test>\r\nDATA\r\n" + MESSAGE + b".\r\n"
    assert (await house.say(house.mx, data)).codes[-1] == 250
    (one,) = await house.errands()
    assert one.octets.startswith(b"ARC-Seal: i=1; a=rsa-sha256;")
    assert (
        b"i=1; mx.example.test;\r\n\tdkim=none;\r\n\tspf=pass smtp.mailfrom=a@b.example\r\nDelivered-To: " in one.octets
    )
    assert (await validate(one.octets, zone, house.site.clock.now())).value == "pass"


async def test_what_comes_back_to_its_alias_goes_round(house: Any) -> None:
    await house.alias("club@example.test", "x@elsewhere.example")
    data = b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<club@example.test>\r\nDATA\r\n"
    stream = await house.say(house.mx, data + b"Delivered-To: Club@example.test\r\n" + MESSAGE + b".\r\n")
    assert stream.codes[-1] == 554
    assert await house.errands() == []


async def test_bounces_of_forwarded_mail_find_their_way_back(house: Any) -> None:
    await house.alias("club@example.test", "x@elsewhere.example")
    data = b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<club@example.test>\r\nDATA\r\n" + MESSAGE + b".\r\n"
    assert (await house.say(house.mx, data)).codes[-1] == 250
    (out,) = await house.errands()
    assert out.reverse_path.startswith("SRS0=") and out.reverse_path.endswith("=b.example=a@example.test")

    def to(path: str, reverse_path: str = "") -> bytes:
        return f"EHLO c.example\r\nMAIL FROM:<{reverse_path}>\r\nRCPT TO:<{path}>\r\n".encode()

    back = to(out.reverse_path) + b"DATA\r\n" + MESSAGE.replace(b"<1@", b"<2@") + b".\r\n"
    assert (await house.say(house.mx, back)).codes == [220, 250, 250, 250, 354, 250]
    bounce = (await house.errands())[1]
    assert (bounce.to, bounce.reverse_path, bounce.destination) == ("a@b.example", "", "mx/b.example")
    refused = [
        to(out.reverse_path.replace("=a@", "=c@")),  # not written by us
        to(out.reverse_path.replace("example.test", "elsewhere.example")),
        to(out.reverse_path, "a@b.example"),  # no bounce
    ]
    for one in refused:
        assert (await house.say(house.mx, one)).codes == [220, 250, 250, 550]


async def test_a_bounce_is_forwarded_with_the_null_reverse_path(house: Any) -> None:
    await house.alias("club@example.test", "x@elsewhere.example")
    data = b"EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<club@example.test>\r\nDATA\r\n" + MESSAGE + b".\r\n"
    assert (await house.say(house.mx, data)).codes[-1] == 250
    (out,) = await house.errands()
    assert out.reverse_path == ""


async def test_an_orcpt_is_kept_and_a_name_is_xtext(house: Any) -> None:
    await house.alias("a+b=c@example.test", "x@elsewhere.example")
    await house.alias("d@example.test", "y@elsewhere.example")
    rcpts = b"RCPT TO:<a+b=c@example.test>\r\nRCPT TO:<d@example.test> ORCPT=rfc822;e@f.example\r\n"
    data = b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n" + rcpts + b"DATA\r\n" + MESSAGE + b".\r\n"
    assert (await house.say(house.mx, data)).codes[-1] == 250
    first, second = await house.errands()
    assert first.recipient.orcpt == b"rfc822;a+2Bb+3Dc@example.test"
    assert second.recipient.orcpt == b"rfc822;e@f.example"


# -- line ends, own copy, notices ----------------------------------------------------------------------------------


async def test_bare_line_ends_do_not_leave(house: Any) -> None:
    anna = await house.account("anna@example.test")
    message = MESSAGE + b"one\ntwo\rthree\r\n"
    mail = b"MAIL FROM:<anna@example.test>\r\nRCPT TO:<x@elsewhere.example>\r\n"
    data = mail + b"BDAT %d LAST\r\n" % len(message) + message
    assert await submitted(house, anna, data) == [250, 250, 250]
    (one,) = await house.errands()
    assert one.octets.endswith(MESSAGE + b"one\r\ntwo\r\nthree\r\n")


async def sent_of(house: Any, account_id: int) -> list[tuple[bytes, int]]:
    """Octets and flags of what is in the mailbox for Sent."""

    async def look(tx: Tx) -> list[tuple[bytes, int]]:
        rows = await tx.all(
            "SELECT m.prefix, o.head, o.body, p.flags FROM mailbox b JOIN placement p"
            " ON p.id BETWEEN b.id * 4294967296 AND b.id * 4294967296 + 4294967295"
            " JOIN message m ON m.id=p.message JOIN blob o ON o.id=m.blob"
            " WHERE b.account=$1 AND b.special_use='\\Sent' ORDER BY p.id",
            account_id,
        )
        return [(bytes(row[0]) + bytes(row[1]) + bytes(row[2]), row[3]) for row in rows]

    found = await house.site.store.read(look)
    assert isinstance(found, list)
    return found


async def test_own_copy(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    await house.site.store.write(sending.set_sent_copy, anna, True)
    data = send("ben@example.test", "x@elsewhere.example", message=b"Bcc: x@elsewhere.example\r\n" + MESSAGE)
    assert (await submitted(house, anna, data))[-1] == 250
    assert await sent_of(house, anna) == [(b"Bcc: x@elsewhere.example\r\n" + MESSAGE, 1)]
    (kept,), (errand,) = await house.messages(ben), await house.errands()
    assert b"Bcc" not in kept and b"Bcc" not in errand.octets
    assert await house.site.store.read(count, "blob") == 1
    # the same message once more: the client has sent it again, or has put it there itself
    assert (await submitted(house, anna, data))[-1] == 250
    assert len(await sent_of(house, anna)) == 1
    await house.site.store.write(sending.set_sent_copy, anna, False)
    other = send("ben@example.test", message=MESSAGE.replace(b"<1@", b"<2@"))
    assert (await submitted(house, anna, other))[-1] == 250
    assert len(await sent_of(house, anna)) == 1


async def test_own_copy_goes_where_the_client_has_its_sent(house: Any) -> None:
    anna = await house.account("anna@example.test")
    await house.site.store.write(sending.set_sent_copy, anna, True)
    await house.site.store.write(mailbox.create, anna, "Gesendet", "\\Sent", 1)
    assert (await submitted(house, anna, send("x@elsewhere.example")))[-1] == 250
    assert len(await sent_of(house, anna)) == 1
    names = [one.name for one in await house.site.store.read(mailbox.listing, anna)]
    assert names == ["Gesendet", "INBOX"]


async def test_who_asked_is_told_of_delivery_here(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    data = send("<ben@example.test> NOTIFY=SUCCESS", "anna@example.test")
    assert (await submitted(house, anna, data))[-1] == 250
    mine = await house.messages(anna)
    assert len(await house.messages(ben)) == 1
    (notice,) = [one for one in mine if b"report-type=delivery-status" in one]
    assert b"Action: delivered" in notice and b"ben@example.test" in notice
    assert len(mine) == 2


async def test_a_quota_that_is_gone_since_rcpt_defers(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test", quota_octets=1_000)

    async def fill(tx: Tx) -> None:
        await tx.run("UPDATE account SET used_octets=1000 WHERE id=$1", ben)

    class Filling:
        """Between RCPT and the dot somebody else's mail comes."""

        def __init__(self, policy: Any) -> None:
            self._policy = policy

        def __getattr__(self, name: str) -> Any:
            return getattr(self._policy, name)

        async def accept(self, transaction: Any) -> Any:
            await house.site.store.write(fill)
            return await self._policy.accept(transaction)

    data = send("ben@example.test", "anna@example.test")
    stream = await house.say(Filling(house.submission), login(anna) + data, tls=True)
    assert stream.codes[-1] == 250
    assert (await house.messages(ben), len(await house.messages(anna))) == ([], 1)
    (late,) = await house.errands()
    assert (late.destination, late.account, late.to) == ("local", ben, "ben@example.test")
    await house.site.store.write(account.set_quota, ben, 0)

    async def mend(tx: Tx) -> None:
        await tx.run("UPDATE account SET used_octets=0 WHERE id=$1", ben)

    await house.site.store.write(mend)


async def test_many_at_once_are_served_from_the_queue(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "LOCAL_AT_ONCE", 2)
    anna = await house.account("anna@example.test")
    names = [f"u{n}@example.test" for n in range(3)]
    ids = [await house.account(name) for name in names]
    assert (await submitted(house, anna, send(*names)))[-1] == 250
    assert [(one.to, one.account, one.destination) for one in await house.errands()] == [
        (name, id_, "local") for name, id_ in zip(names, ids, strict=True)
    ]
    assert (await submitted(house, anna, send(*names[:2])))[-1] == 250
    assert len(await house.messages(ids[0])) == 1


# -- limits --------------------------------------------------------------------------------------------------------


async def test_an_hours_limit_passes_by_itself(house: Any) -> None:
    anna = await house.account("anna@example.test")
    await house.site.store.write(sending.set_limits, anna, 2, 100, 100)
    three = send("a@b.example", "b@b.example", "c@b.example")
    assert await submitted(house, anna, three) == [250, 250, 250, 450, 354, 250]
    assert await submitted(house, anna, send("d@b.example").partition(b"DATA")[0]) == [250, 450]
    house.site.clock.jump(3_600 + limit.SEND_SLOT_S)
    assert (await submitted(house, anna, send("d@b.example")))[-1] == 250


async def test_mail_to_us_is_not_counted(house: Any) -> None:
    anna = await house.account("anna@example.test")
    await house.site.store.write(sending.set_limits, anna, 0, 0, 0)
    assert (await submitted(house, anna, send("anna@example.test")))[-1] == 250
    assert await house.site.store.read(sending.used, anna, int(house.site.clock.now())) == sending.Used()


async def test_too_many_strangers_stop_the_account(house: Any) -> None:
    """Held, told once, and released by an admin."""
    anna = await house.account("anna@example.test")
    store, now = house.site.store, int(house.site.clock.now())
    await store.write(sending.set_limits, anna, 100, 100, 2)
    assert (await submitted(house, anna, send("a@b.example", "b@b.example")))[-1] == 250
    # whom it has written to before it may go on writing to
    assert (await submitted(house, anna, send("A@b.example", "b@b.example")))[-1] == 250
    rcpts = send("c@b.example", "d@b.example", "a@b.example").partition(b"DATA")[0]
    assert await submitted(house, anna, rcpts) == [250, 550, 550, 550]
    (notice,) = await house.messages(anna)  # the only account is postmaster
    assert b" can send nothing until you say so\r\n" in notice
    assert [line for line in house.log if "send.stopped" in line]
    assert await submitted(house, anna, b"MAIL FROM:<anna@example.test>\r\n") == [550]
    assert {row[0] for row in await store.read(states)} == {1}
    assert await store.read(sending.held) == [("anna@example.test", now)]
    assert (await store.read(sending.used, anna, now)).strangers == 2


async def test_a_printer_that_sends_too_much_is_stopped(house: Any) -> None:
    """By its address: told to wait after an hour's share, held after a day's, postmaster told once, and released."""
    anna = await house.account("anna@example.test")
    house.site = replace(house.site, send=SendSetting(networks_per_hour=2, networks_per_day=3))
    policy, store = house.trusting("198.51.100.0/24"), house.site.store

    async def say(*to: str) -> list[int]:
        stream = await house.say(policy, b"EHLO printer\r\n" + send(*to))
        return list(stream.codes[2:])

    assert await say("a@b.example", "b@b.example", "c@b.example", "anna@example.test") == [
        250, 250, 250, 450, 250, 354, 250,
    ]  # fmt: skip
    house.site.clock.jump(3_600 + limit.SEND_SLOT_S)
    assert (await say("c@b.example"))[-1] == 250
    assert (await say("d@b.example"))[:2] == [250, 550]
    assert (await say("d@b.example"))[:1] == [550]  # at MAIL
    notices = [one for one in await house.messages(anna) if b" can send nothing until you say so\r\n" in one]
    assert len(notices) == 1 and b"posthaus network release 198.51.100.7" in notices[0]
    assert [line for line in house.log if "send.stopped" in line]
    assert {row[0] for row in await store.read(states)} == {1}
    assert (await submitted(house, anna, send("d@b.example")))[-1] == 250  # people are no printers
    assert await store.write(network.release, "198.51.100.7", int(house.site.clock.now()))
    assert (await say("d@b.example"))[-1] == 250
    assert {row[0] for row in await store.read(states)} == {0}


async def states(tx: Tx) -> Any:
    return await tx.all("SELECT state FROM errand")


async def test_what_is_suppressed_is_refused_at_rcpt(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    gone = Address("gone", "elsewhere.example")
    await house.site.store.write(suppression.failed, anna, gone, "5.1.1", "no such user", int(house.site.clock.now()))
    rcpts = send("gone@elsewhere.example").partition(b"DATA")[0]
    assert await submitted(house, anna, rcpts) == [250, 550]
    assert await submitted(house, ben, rcpts.replace(b"anna@", b"ben@")) == [250, 250]


async def test_it_is_recorded(house: Any) -> None:
    """What leaves the house, in the commit in which it is taken; what stays is told by its own rows."""
    anna, store = await house.account("anna@example.test"), house.site.store
    now = int(house.site.clock.now())
    assert (await submitted(house, anna, send("anna@example.test")))[-1] == 250
    assert await store.read(record.submissions, "1@c.example") == []
    assert (await submitted(house, anna, send("x@elsewhere.example", "anna@example.test")))[-1] == 250
    (one,) = await store.read(record.submissions, "1@c.example")
    assert (one.kind, one.address) == (record.Kind.SUBMITTED, "anna@example.test")
    assert one.words["account"] == anna and one.words["by"] == "ESMTPSA" and one.words["peer"] == "198.51.100.7"
    told = await store.read(record.of_transaction, one.tid, now, now)
    assert [(entry.kind, entry.address) for entry in told[1:]] == [(record.Kind.QUEUED, "x@elsewhere.example")]
