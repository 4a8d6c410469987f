"""Port 25: what is taken, for whom, and what is kept; no relaying whatever the address looks like."""

from typing import Any

import pytest

from posthaus.base import limit
from posthaus.store import account

HELLO = b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"
MESSAGE = b"From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n"


def rcpt(*addresses: str) -> bytes:
    return "".join(f"RCPT TO:<{address}>\r\n" for address in addresses).encode()


async def test_a_message_is_kept_with_its_trace(house: Any) -> None:
    anna = await house.account("anna@example.test")
    stream = await house.say(house.mx, HELLO + rcpt("Anna@Example.Test") + b"DATA\r\n", MESSAGE + b".\r\nQUIT\r\n")
    assert stream.codes == [220, 250, 250, 250, 354, 250, 221]
    (kept,) = await house.messages(anna)
    assert kept.endswith(MESSAGE)
    prefix = kept.removesuffix(MESSAGE)
    assert prefix.startswith(
        b"Return-Path: <a@b.example>\r\nDelivered-To: Anna@example.test\r\nReceived: from c.example"
    )
    assert b"([198.51.100.7])\r\n\tby mx.example.test with ESMTP\r\n\tid " in prefix
    assert b"for <Anna@example.test>; Thu, 01 Jan 2026 00:00:00 +0000\r\n" in prefix


async def test_many_recipients_are_one_message_each_once(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    await house.alias("all@example.test", "anna@example.test", "ben@example.test")
    everybody = rcpt("anna@example.test", "all@example.test", "ben+x@example.test")
    stream = await house.say(house.mx, HELLO + everybody + b"DATA\r\n" + MESSAGE + b".\r\n")
    assert stream.codes == [220, 250, 250, 250, 250, 250, 354, 250]
    (one,), (two,) = await house.messages(anna), await house.messages(ben)
    assert one == two
    assert b"Delivered-To" not in one and b"\tfor <" not in one


RELAYING = [
    "x@elsewhere.example",
    "anna%elsewhere.example@example.org",
    '"x@elsewhere.example"@example.org',
    "x@[198.51.100.9]",
    "x@[IPv6:2001:db8::9]",
    "anna@sub.example.test",
    "anna@example.test.elsewhere.example",
    "anna@mx.example.test",
]


@pytest.mark.parametrize("address", RELAYING)
async def test_no_relaying(house: Any, address: str) -> None:
    await house.account("anna@example.test")
    stream = await house.say(house.mx, HELLO + rcpt(address) + b"DATA\r\n")
    assert stream.codes == [220, 250, 250, 550, 503]
    assert "550 5.7.1 Relaying denied" in stream.out


@pytest.mark.parametrize(
    "address", ["nobody@example.test", "anna%elsewhere.example@example.test", '"x@elsewhere.example"@example.test']
)
async def test_unknown_localparts(house: Any, address: str) -> None:
    await house.account("anna@example.test")
    stream = await house.say(house.mx, HELLO + rcpt(address))
    assert "550 5.1.1" in stream.out


async def test_a_source_route_is_ignored(house: Any) -> None:
    await house.account("anna@example.test")
    stream = await house.say(
        house.mx, HELLO + b"RCPT TO:<@x.example:anna@example.test>\r\nRCPT TO:<@example.test:a@x>\r\n"
    )
    assert stream.codes == [220, 250, 250, 250, 550]


async def test_quota(house: Any) -> None:
    small = await house.account("small@example.test", quota_octets=600)
    sized = b"EHLO c\r\nMAIL FROM:<> SIZE=700\r\n" + rcpt("small@example.test")
    assert (await house.say(house.mx, sized)).codes == [220, 250, 250, 452]
    full = HELLO + rcpt("small@example.test") + b"DATA\r\n" + MESSAGE * 20 + b".\r\n"
    assert (await house.say(house.mx, full)).codes[-1] == 250
    assert (await house.say(house.mx, HELLO + rcpt("small@example.test"))).codes == [220, 250, 250, 452]
    assert len(await house.messages(small)) == 1


async def test_a_quota_of_messages(house: Any) -> None:
    few = await house.account("few@example.test")
    await house.site.store.write(account.set_quota, few, 0, 1)
    mail = HELLO + rcpt("few@example.test") + b"DATA\r\n" + MESSAGE + b".\r\n"
    assert (await house.say(house.mx, mail)).codes[-1] == 250
    assert (await house.say(house.mx, HELLO + rcpt("few@example.test"))).codes == [220, 250, 250, 452]
    await house.site.store.write(account.set_quota, few, 0, 2)
    assert (await house.say(house.mx, mail)).codes[-1] == 250
    assert len(await house.messages(few)) == 2


async def test_a_message_in_circles(house: Any) -> None:
    await house.account("anna@example.test")
    header = b"Received: from x\r\n" * (limit.SMTP_RECEIVED_FIELDS + 1)
    stream = await house.say(house.mx, HELLO + rcpt("anna@example.test") + b"DATA\r\n" + header + MESSAGE + b".\r\n")
    assert stream.codes[-1] == 554
    assert "5.4.6" in stream.out


async def test_a_large_message_lies_outside(house: Any) -> None:
    anna = await house.account("anna@example.test")
    content = MESSAGE + b"".join(b"%06d %s\r\n" % (i, b"x" * 60) for i in range(10_000))
    pieces = [content[i : i + 65_536] for i in range(0, len(content), 65_536)]
    stream = await house.say(house.mx, HELLO + rcpt("anna@example.test") + b"DATA\r\n", *pieces, b".\r\nQUIT\r\n")
    assert stream.codes[-2:] == [250, 221]
    (kept,) = await house.messages(anna)
    assert kept.endswith(content)


SMUGGLED = [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r"]


@pytest.mark.parametrize("end", SMUGGLED)
async def test_nothing_is_smuggled(house: Any, end: bytes) -> None:
    anna = await house.account("anna@example.test")
    inner = b"MAIL FROM:<admin@example.test>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\nevil\r\n.\r\n"
    start = HELLO + rcpt("anna@example.test") + b"DATA\r\n" + MESSAGE
    stream = await house.say(house.mx, start + end + inner + b"QUIT\r\n")
    assert stream.codes == [220, 250, 250, 250, 354, 550, 221]
    assert await house.messages(anna) == []


async def test_no_auth_on_port_25(house: Any) -> None:
    stream = await house.say(house.mx, b"EHLO c\r\nAUTH PLAIN AGEAMQ==\r\n", tls=True)
    assert stream.codes == [220, 250, 502]
