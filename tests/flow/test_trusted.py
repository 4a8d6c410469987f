"""Trusted networks on the real server: judged by the client's own address, and a wide one is warned of."""

import asyncio

import pytest

import posthaus.testing
from posthaus.base.setting import NetworkSetting, SendSetting, Settings
from posthaus.testing.kit import AsyncOffice

PROXIED = [
    ("198.51.100.9", b"250"),  # the printer, behind the load balancer
    ("203.0.113.9", b"530"),  # a stranger behind it: that the load balancer is trusted means nothing
]


async def ask(office: AsyncOffice, *lines: bytes) -> bytes:
    """The last answer of submission in the clear."""
    reader, writer = await asyncio.open_connection(office.host, office.port("submission"))
    writer.write(b"".join(line + b"\r\n" for line in (*lines, b"QUIT")))
    answers = (await reader.read()).splitlines()
    writer.close()
    await writer.wait_closed()
    return answers[-2]


@pytest.mark.parametrize(("client", "code"), PROXIED)
async def test_the_address_of_the_proxy_header_counts(client: str, code: bytes) -> None:
    settings = Settings(
        network=NetworkSetting(proxies=("127.0.0.1/32",)),
        send=SendSetting(networks=("198.51.100.0/24", "127.0.0.1/32")),
    )
    async with posthaus.testing.server(settings=settings) as office:
        header = f"PROXY TCP4 {client} 192.0.2.25 40000 587".encode()
        answer = await ask(office, header, b"EHLO printer", b"MAIL FROM:<printer@example.test>")
        assert answer.startswith(code)


async def test_a_printer_on_this_host_and_a_domain_of_others() -> None:
    async with posthaus.testing.server(settings=Settings(send=SendSetting(networks=("127.0.0.0/16",)))) as office:
        assert (await ask(office, b"EHLO p", b"MAIL FROM:<p@example.test>")).startswith(b"250")
        assert (await ask(office, b"EHLO p", b"MAIL FROM:<p@elsewhere.example>")).startswith(b"553")


async def test_wide_networks_are_warned_of() -> None:
    networks = ("10.0.0.0/8", "192.0.2.0/24", "::/0")
    async with posthaus.testing.server(settings=Settings(send=SendSetting(networks=networks))) as office:
        warned = [line for line in office.lines if " warn send.wide-network " in line]
        assert [line.split("network=")[1].split(" ")[0] for line in warned] == ["10.0.0.0/8", "::/0"]
