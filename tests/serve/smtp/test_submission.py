"""Submission: who may send as whom, and what is made fit."""

import base64
from typing import Any

import pytest

from posthaus.store import sender

MESSAGE = b"From: Anna <anna@example.test>\r\nSubject: x\r\n\r\nhello\r\n"


def login(account_id: int) -> bytes:
    return b"EHLO c.example\r\nAUTH PLAIN " + base64.b64encode(b"\0a\0%d" % account_id) + b"\r\n"


def send(reverse_path: str, *forward_paths: str) -> bytes:
    rcpts = "".join(f"RCPT TO:<{path}>\r\n" for path in forward_paths)
    return f"MAIL FROM:<{reverse_path}>\r\n{rcpts}DATA\r\n".encode()


async def test_auth_is_required(house: Any) -> None:
    anna = await house.account("anna@example.test")
    data = send("anna@example.test", "anna@example.test")
    assert (await house.say(house.submission, b"EHLO c\r\n" + data, tls=True)).codes == [220, 250, 530, 503, 503]
    assert (await house.say(house.submission, login(anna))).codes == [220, 250, 538]


async def test_a_message_is_made_fit(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    wire = MESSAGE.replace(b"Subject", b"bcc: ben@example.test,\r\n secret@example.test\r\nSubject") + b".\r\n"
    data = send("anna@example.test", "ben@example.test") + wire
    stream = await house.say(house.submission, login(anna) + data, tls=True)
    assert stream.codes == [220, 250, 235, 250, 250, 354, 250]
    (kept,) = await house.messages(ben)
    assert b"secret" not in kept and b"bcc" not in kept
    assert b"with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n" in kept
    assert b"\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <" in kept
    assert kept.endswith(b"@mx.example.test>\r\n" + MESSAGE)


async def test_a_fit_message_stays_as_it_is(house: Any) -> None:
    anna = await house.account("anna@example.test")
    fit = b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-Id: <1@c.example>\r\n" + MESSAGE
    data = send("anna@example.test", "anna@example.test") + fit + b".\r\n"
    assert (await house.say(house.submission, login(anna) + data, tls=True)).codes[-1] == 250
    (kept,) = await house.messages(anna)
    assert kept.endswith(b"+0000\r\n" + fit)


WHO = [
    ("anna@example.test", 250),
    ("ANNA+news@Example.test", 250),
    ("info@example.test", 250),
    ("", 250),
    ("ben@example.test", 553),
    ("staff@example.test", 553),
    ("nobody@example.test", 553),
    ("anna@elsewhere.example", 553),
]


@pytest.mark.parametrize(("reverse_path", "code"), WHO)
async def test_the_reverse_path_is_ones_own(house: Any, reverse_path: str, code: int) -> None:
    anna, _ = await house.account("anna@example.test"), await house.account("ben@example.test")
    await house.alias("info@example.test", "anna@example.test", "ben@example.test")
    await house.alias("staff@example.test", "ben@example.test")
    stream = await house.say(house.submission, login(anna) + f"MAIL FROM:<{reverse_path}>\r\n".encode(), tls=True)
    assert stream.codes == [220, 250, 235, code]


AUTHORS = [
    (b"From: anna@example.test", 250),
    (b"From: Anna <anna+x@example.test>, anna@example.test", 250),
    (b"From: ben@example.test", 550),
    (b"From: anna@example.test, ben@example.test", 550),
    (b"From: anna@example.test\r\nFrom: ben@example.test", 550),
    (b'From: "anna@example.test" <ben@example.test>', 550),
    (b"From:", 550),
    (b"From: <>", 550),
    (b"X: y", 550),
]


@pytest.mark.parametrize(("author", "code"), AUTHORS)
async def test_the_author_is_ones_own(house: Any, author: bytes, code: int) -> None:
    anna = await house.account("anna@example.test")
    await house.account("ben@example.test")
    wire = author + b"\r\nSubject: x\r\n\r\nhello\r\n.\r\n"
    stream = await house.say(
        house.submission, login(anna) + send("anna@example.test", "ben@example.test") + wire, tls=True
    )
    assert stream.codes[-1] == code


async def test_an_admin_may_give_more(house: Any) -> None:
    anna, ben = await house.account("anna@example.test"), await house.account("ben@example.test")
    await house.site.store.write(sender.allow, anna, "boss@elsewhere.example")
    await house.site.store.write(sender.allow, anna, "@list.example")

    async def codes(account_id: int, path: str) -> list[int]:
        command = f"MAIL FROM:<{path}>\r\n".encode()
        found = (await house.say(house.submission, login(account_id) + command, tls=True)).codes
        assert isinstance(found, list)
        return found

    for path, code in [
        ("Boss@elsewhere.example", 250),
        ("any@list.example", 250),
        ("clerk@elsewhere.example", 553),
        ("any@sub.list.example", 553),
    ]:
        assert (await codes(anna, path))[-1] == code, path
    assert (await codes(ben, "boss@elsewhere.example"))[-1] == 553
    wire = MESSAGE.replace(b"anna@example.test", b"boss@elsewhere.example") + b".\r\n"
    data = send("anna@example.test", "ben@example.test") + wire
    assert (await house.say(house.submission, login(anna) + data, tls=True)).codes[-1] == 250
    await house.site.store.write(sender.deny, anna, "@list.example")
    assert (await codes(anna, "any@list.example"))[-1] == 553


TRUSTED = [
    ("anna@example.test", b"From: printer@example.test", [250, 250, 354, 250]),
    ("printer@example.test", b"From: somebody@elsewhere.example", [250, 250, 354, 250]),
    ("", b"From: printer@example.test", [250, 250, 354, 250]),
    ("", b"From: somebody@elsewhere.example", [250, 250, 354, 553]),
    ("anna@example.test", b"X: y", [250, 250, 354, 550]),
    ("printer@elsewhere.example", b"From: printer@example.test", [553, 503, 503]),
]


@pytest.mark.parametrize(("path", "author", "codes"), TRUSTED)
async def test_a_trusted_network_needs_no_login(house: Any, path: str, author: bytes, codes: list[int]) -> None:
    anna = await house.account("anna@example.test")
    data = send(path, "anna@example.test")
    wire = author + b"\r\n\r\nscanned\r\n.\r\n" if codes[-2:-1] == [354] else b""
    stream = await house.say(house.trusting("198.51.100.0/24"), b"EHLO printer\r\n" + data + wire)
    assert stream.codes == [220, 250, *codes]
    assert len(await house.messages(anna)) == (codes[-1] == 250)


async def test_another_network_is_not_trusted(house: Any) -> None:
    await house.account("anna@example.test")
    stream = await house.say(house.trusting("198.51.100.128/25"), b"EHLO c\r\nMAIL FROM:<anna@example.test>\r\n")
    assert stream.codes == [220, 250, 530]
