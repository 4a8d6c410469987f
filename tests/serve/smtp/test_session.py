"""The session: writes, deadlines, STARTTLS, AUTH, defects; the policy is one that says yes."""

import base64
from pathlib import Path
from typing import Any

from posthaus.base import limit
from posthaus.flow.spool import Spool, SpoolFull
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail.envelope import Recipient
from posthaus.net.stream import Wake
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.reply import Reply
from posthaus.store.error import StoreBusy, StoreFull

OPEN = b"EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
MESSAGE = b"Subject: x\r\n\r\nhello\r\n"


class Yes:
    """Takes everything and keeps it in a list."""

    service = "test"
    offers_auth = True

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.identities: list[int] = []
        self.protocols: list[str] = []
        self.fault: Exception | None = None
        self.greeting = reply.greeting("mx.example.test")

    def offer(self, client: Client, base: Offer) -> Offer:
        return base

    async def connect(self, client: Client) -> Reply:
        return self.greeting

    async def ehlo(self, client: Client) -> Reply:
        return reply.OK

    async def mail(self, transaction: Transaction) -> Reply:
        return reply.SENDER_OK

    async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
        if self.fault is not None:
            raise self.fault
        return reply.RECIPIENT_OK

    async def accept(self, transaction: Transaction) -> Reply:
        assert transaction.spool is not None
        self.kept.append(bytes(await transaction.spool.octets()))
        self.protocols.append(transaction.protocol)
        if transaction.client.identity is not None:
            self.identities.append(transaction.client.identity.account_id)
        return reply.accepted(transaction.tid)


async def test_one_write_for_a_pipelined_batch(house: Any) -> None:
    yes = Yes()
    stream = await house.say(yes, OPEN + b"DATA\r\n", MESSAGE + b".\r\nQUIT\r\n")
    assert [write.count(b"\r\n") for write in stream.writes] == [1, 14, 2]
    assert stream.codes == [220, 250, 250, 250, 354, 250, 221]
    assert yes.kept == [MESSAGE]
    assert any("smtp.message" in line and "code=250" in line for line in house.log)


async def test_octet_by_octet_is_the_same(house: Any) -> None:
    yes = Yes()
    octets = OPEN + b"DATA\r\n" + MESSAGE + b".\r\nBDAT 3\r\nQUIT\r\n"
    stream = await house.say(yes, *[octets[i : i + 1] for i in range(len(octets))])
    assert yes.kept == [MESSAGE]
    assert stream.codes[:6] == [220, 250, 250, 250, 354, 250]


async def test_chunks(house: Any) -> None:
    yes = Yes()
    stream = await house.say(yes, OPEN + b"BDAT 5\r\na\nb\r\nBDAT 2 LAST\r\ncdQUIT\r\n")
    assert stream.codes == [220, 250, 250, 250, 250, 250, 221]
    assert yes.kept == [b"a\nb\r\ncd"]


async def test_deadlines(house: Any) -> None:
    stream = await house.say(Yes(), OPEN, Wake.DEADLINE)
    assert stream.codes == [220, 250, 250, 250, 421]
    stream = await house.say(Yes(), OPEN + b"DATA\r\n", b"half\r\n", Wake.DEADLINE)
    assert stream.waits == [limit.SMTP_IDLE_TIMEOUT_S, limit.SMTP_DATA_TIMEOUT_S, limit.SMTP_DATA_TIMEOUT_S]
    assert stream.codes[-1] == 421


async def test_a_lost_connection_keeps_nothing(house: Any) -> None:
    yes = Yes()
    stream = await house.say(yes, OPEN + b"DATA\r\n" + MESSAGE)
    assert yes.kept == []
    assert stream.codes == [220, 250, 250, 250, 354]


async def test_draining_waits_for_the_transaction(house: Any) -> None:
    assert (await house.say(Yes(), b"EHLO c\r\n", Wake.BELL)).codes == [220, 250, 421]
    yes = Yes()
    stream = await house.say(yes, OPEN, Wake.BELL, b"DATA\r\n", MESSAGE + b".\r\n", OPEN)
    assert stream.codes == [220, 250, 250, 250, 354, 250, 421]
    assert len(yes.kept) == 1


async def test_a_refused_connection_is_closed(house: Any) -> None:
    yes = Yes()
    yes.greeting = reply.Reply(554, "5.7.1", ("No SMTP service here",))
    assert (await house.say(yes, OPEN)).codes == [554]


async def test_faults_of_the_policy(house: Any) -> None:
    yes = Yes()
    for fault, code in ((StoreBusy(), 451), (StoreFull(), 452)):
        yes.fault = fault
        assert (await house.say(yes, OPEN + b"QUIT\r\n")).codes == [220, 250, 250, code, 221]
    yes.fault = ZeroDivisionError("secret words")
    house.may_have_defects = True
    stream = await house.say(yes, OPEN + b"QUIT\r\n")
    assert stream.codes == [220, 250, 250, 421]
    assert "secret" not in stream.out
    assert any("smtp.defect" in line and "ZeroDivisionError" in line for line in house.log)


async def test_starttls_begins_anew(house: Any) -> None:
    yes = Yes()
    injected = b"EHLO c\r\nSTARTTLS\r\nMAIL FROM:<evil@b>\r\n"
    stream = await house.say(yes, injected, OPEN + b"DATA\r\n" + MESSAGE + b".\r\nQUIT\r\n")
    assert stream.codes == [220, 250, 220, 250, 250, 250, 354, 250, 221]
    assert yes.protocols == ["ESMTPS"]
    assert stream.out.count("STARTTLS") == 1
    assert any("smtp.starttls-injection" in line for line in house.log)
    assert (await house.say(yes, b"EHLO c\r\nSTARTTLS\r\n", has_certificate=False)).codes == [220, 250, 502]


def plain(name: str, password: str) -> bytes:
    return base64.b64encode(f"\0{name}\0{password}".encode())


async def test_auth(house: Any) -> None:
    yes = Yes()
    told = b"EHLO c\r\nAUTH PLAIN " + plain("a", "17") + b"\r\nEHLO c\r\n" + OPEN + b"DATA\r\nx\r\n.\r\n"
    stream = await house.say(yes, told, tls=True)
    assert stream.codes == [220, 250, 235, 250, 250, 250, 250, 354, 250]
    assert stream.out.count("AUTH PLAIN") == 1
    assert (yes.identities, yes.protocols) == ([17], ["ESMTPSA"])
    stepwise = await house.say(yes, b"EHLO c\r\nAUTH PLAIN\r\n", plain("a", "17") + b"\r\n", tls=True)
    assert stepwise.codes == [220, 250, 334, 235]
    cancelled = await house.say(yes, b"EHLO c\r\nAUTH PLAIN\r\n*\r\nNOOP\r\n", tls=True)
    assert cancelled.codes == [220, 250, 334, 501, 250]
    assert (await house.say(yes, b"EHLO c\r\nAUTH PLAIN\r\n")).codes == [220, 250, 538]


async def test_wrong_passwords_end_the_session(house: Any) -> None:
    wrong = b"AUTH PLAIN " + plain("a", "wrong") + b"\r\n"
    stream = await house.say(Yes(), b"EHLO c\r\n" + wrong * 9, tls=True)
    assert stream.codes == [220, 250, *[535] * (limit.LOGIN_ATTEMPTS_PER_SESSION - 1), 421]


async def test_a_large_message_goes_to_a_file_and_comes_back(house: Any) -> None:
    yes = Yes()
    content = b"".join(b"%06d %s\r\n" % (i, b"x" * 60) for i in range(20_000))
    pieces = [content[i : i + 65_536] for i in range(0, len(content), 65_536)]
    stream = await house.say(yes, OPEN + b"DATA\r\n", *pieces, b".\r\nQUIT\r\n")
    assert stream.codes[-2:] == [250, 221]
    assert yes.kept == [content]


async def test_too_large_a_message(house: Any) -> None:
    yes = Yes()
    stream = await house.say(yes, OPEN + b"DATA\r\n" + b"x" * 99 + b"\r\n.\r\n" + OPEN, message_octets=50)
    assert stream.codes == [220, 250, 250, 250, 354, 552, 250, 250, 250]
    assert yes.kept == []


async def test_a_full_disk_is_told_at_the_end(house: Any, tmp_path: Path) -> None:
    class Full(Spool):
        async def flush(self) -> None:
            raise SpoolFull("no space")

    class Narrow(Yes):
        async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
            transaction.spool = Full(tmp_path, memory_octets=10)
            return reply.RECIPIENT_OK

    narrow = Narrow()
    stream = await house.say(narrow, OPEN + b"DATA\r\n", b"x" * 99, b"y" * 99 + b"\r\n.\r\n" + OPEN + b"QUIT\r\n")
    assert stream.codes == [220, 250, 250, 250, 354, 452, 250, 250, 250, 221]
    chunked = await house.say(narrow, OPEN + b"BDAT 12\r\n123456789012BDAT 1 LAST\r\nxQUIT\r\n")
    assert chunked.codes == [220, 250, 250, 250, 452, 503, 221]
    assert narrow.kept == []


async def test_lmtp_answers_each(house: Any) -> None:
    opening = OPEN.replace(b"EHLO", b"LHLO") + b"RCPT TO:<e@d.example>\r\n"
    yes = Yes()
    stream = await house.say(yes, opening + b"DATA\r\nx\r\n.\r\nQUIT\r\n", lmtp=True)
    assert stream.codes == [220, 250, 250, 250, 250, 354, 250, 250, 221]
    assert yes.protocols == ["LMTP"]
