"""The remote MX of the kit, driven by the standard library's client in a thread: as polite and as broken as ordered."""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from typing import TypeVar

import pytest

from posthaus.testing.remote import DROP, Last, Orders, Raw, Remote, remote_mx

T = TypeVar("T")
OCTETS = "Subject: x\r\n\r\n.hello\r\n"


async def driven(mx: Remote, work: Callable[[smtplib.SMTP], T]) -> T:
    def run() -> T:
        with smtplib.SMTP(mx.host, mx.port, "c.example", timeout=20) as client:
            return work(client)

    return await asyncio.to_thread(run)


def send(client: smtplib.SMTP) -> object:
    return client.sendmail("a@c.example", ["bob@b.example", "cat@b.example"], OCTETS)


async def test_it_takes_everything() -> None:
    async with remote_mx() as mx:
        assert await driven(mx, send) == {}
        (message,) = mx.messages
        assert message.octets == OCTETS.encode()
        assert message.reverse_path == "a@c.example"
        assert message.forward_paths == ("bob@b.example", "cat@b.example")
        assert (message.helo, message.is_tls, mx.connections) == ("c.example", False, 1)
        assert mx.commands[0] == "ehlo c.example" and mx.commands[-1] in ("quit", "QUIT")


async def test_starttls() -> None:
    async with remote_mx() as mx:

        def work(client: smtplib.SMTP) -> None:
            client.starttls(context=ssl.create_default_context(cadata=mx.certificate.decode()))
            send(client)

        # smtplib asks for the name that it was given, which is an address here
        with pytest.raises(ssl.SSLCertVerificationError):
            await driven(mx, work)
    async with remote_mx(names=("mx.example", "127.0.0.1")) as mx:
        await driven(mx, work)
        assert mx.messages[0].is_tls


async def test_in_turn_and_by_address() -> None:
    async with remote_mx({"RCPT": [None, "452 4.5.3 Too many"]}) as mx:
        assert await driven(mx, send) == {"cat@b.example": (452, b"4.5.3 Too many")}
        assert await driven(mx, send) == {}
    async with remote_mx({"bob@b.example": "550 5.1.1 No"}) as mx:
        assert await driven(mx, send) == {"bob@b.example": (550, b"5.1.1 No")}


@pytest.mark.parametrize(
    ("orders", "fault"),
    [
        ({"GREETING": DROP}, smtplib.SMTPServerDisconnected),
        ({"GREETING": "554 No"}, smtplib.SMTPConnectError),
        ({"MAIL": "451 Later"}, smtplib.SMTPSenderRefused),
        ({"MAIL": DROP}, smtplib.SMTPServerDisconnected),
        ({"DATA": "451 Later"}, smtplib.SMTPDataError),
        ({"END": "550 No"}, smtplib.SMTPDataError),
        ({"END": DROP}, smtplib.SMTPServerDisconnected),
        ({"END": "421 Bye"}, smtplib.SMTPDataError),
        ({"MAIL": Last("550 Go away")}, smtplib.SMTPSenderRefused),
        ({"MAIL": Raw(b"nonsense\r\n")}, smtplib.SMTPResponseException),
    ],
)
async def test_orders(orders: Orders, fault: type[Exception]) -> None:
    async with remote_mx(orders) as mx:
        with pytest.raises(fault):
            await driven(mx, send)
        assert not mx.messages
