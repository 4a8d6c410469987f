"""Mail programs that send by way of one Posthaus to a second: swaks, the admin's probe, and msmtp as sendmail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.interop.clients import message, need, run

import posthaus.testing
from posthaus.base.setting import SendSetting, Settings
from posthaus.testing.kit import AsyncOffice
from posthaus.testing.zone import zone

RECORDS = {"b.test": {"MX": ["10 mx.b.test"]}, "mx.b.test": {"A": ["127.0.0.1"]}}


@pytest.fixture
async def two() -> AsyncIterator[tuple[AsyncOffice, AsyncOffice]]:
    """alice@a.test is at the first, bob@b.test at the second."""
    async with zone(RECORDS) as dns, posthaus.testing.server(settings=Settings(hostname="mx.b.test")) as second:
        send = SendSetting(resolvers=(dns.place,), port=second.port("smtp"))
        async with posthaus.testing.server(settings=Settings(hostname="mx.a.test", send=send)) as first:
            await first.account("alice@a.test", "secret")
            await second.account("bob@b.test", "secret")
            yield first, second


async def test_swaks(two: tuple[AsyncOffice, AsyncOffice]) -> None:
    need("swaks")
    first, second = two
    login = ["--auth", "PLAIN", "--auth-user", "alice@a.test", "--auth-password", "secret", "--tls"]
    where = ["--server", f"127.0.0.1:{first.port('submission')}", "--ehlo", "laptop.lan"]
    paths = ["--from", "alice@a.test", "--to", "bob@b.test", "--header", "Subject: by swaks"]
    said = (await asyncio.to_thread(run, "swaks", *where, *login, *paths)).said
    assert " -> RCPT TO:<bob@b.test>" in said or "~> RCPT TO:<bob@b.test>" in said
    (got,) = await second.arrived("bob@b.test")
    assert b"Subject: by swaks\r\n" in got and b"with ESMTPS (" in got and b"with ESMTPSA (" in got
    assert b"laptop.lan" not in got


async def test_msmtp(two: tuple[AsyncOffice, AsyncOffice], tmp_path: Path) -> None:
    need("msmtp")
    first, second = two
    certificate = first.app.folder / first.app.settings.tls.folder / "localhost.crt"
    lines = [
        "account default",
        "host localhost",
        f"port {first.port('submissions')}",
        "from alice@a.test",
        "auth plain",
        "user alice@a.test",
        'passwordeval "echo secret"',
        "tls on",
        "tls_starttls off",
        f"tls_trust_file {certificate}",
    ]
    path = tmp_path / "msmtprc"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    octets = message("by msmtp", sender="alice@a.test", to="bob")
    await asyncio.to_thread(run, "msmtp", "-C", path, "bob@b.test", stdin=octets.replace(b"\r\n", b"\n"), home=tmp_path)
    (got,) = await second.arrived("bob@b.test")
    assert got.endswith(octets)
