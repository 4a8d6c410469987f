"""A whole worker in this process: every door opens, TLS where it should, and it can be stopped and started again."""

import asyncio
import contextlib
import dataclasses
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.app import App, hostname_of
from posthaus.base import limit
from posthaus.base.clock import SystemClock
from posthaus.base.log import Log
from posthaus.base.setting import ListenSetting, SendSetting, Settings, loopback
from posthaus.base.settingfile import SettingFault
from posthaus.door import DOORS, places
from posthaus.flow.hop import NextHop
from posthaus.mail.outcome import Outcome
from posthaus.net.bind import BindFault, bind
from posthaus.net.tls import CertificateFault, write_self_signed
from posthaus.store import account, directory

SETTINGS = loopback(Settings(hostname="mx.example", listen=ListenSetting(imaps_other=585)))
GREETINGS = {"smtp": b"220 mx.example ", "submission": b"220 mx.example ", "imap": b"* OK ", "pop3": b"+OK "}


@contextlib.asynccontextmanager
async def running(folder: Path, lines: list[str]) -> AsyncIterator[App]:
    if not (folder / "tls").exists():
        write_self_signed(folder / "tls", "mx.example", ("mx.example",), SystemClock().now())
    app = App(SETTINGS, folder, Log(SystemClock(), lines.append), any_port=True)
    await app.start()
    try:
        yield app
    finally:
        await app.stop(0)


async def test_every_door_greets(tmp_path: Path) -> None:
    trust = ssl.create_default_context(cafile=None)
    lines: list[str] = []
    async with running(tmp_path, lines) as app:
        trust.load_verify_locations(tmp_path / "tls" / "mx.example.crt")
        assert set(app.ports) == set(DOORS)
        for name, port in app.ports.items():
            context = trust if DOORS[name].is_tls else None
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname="mx.example" if context else None
            )
            assert (await reader.readline()).startswith(GREETINGS[DOORS[name].service])
            writer.close()
    assert not [line for line in lines if " defect " in line]


async def test_starttls_shows_the_certificate_of_the_house(tmp_path: Path) -> None:
    async with running(tmp_path, []) as app:
        trust = ssl.create_default_context(cafile=str(tmp_path / "tls" / "mx.example.crt"))
        reader, writer = await asyncio.open_connection("127.0.0.1", app.ports["imap"])
        await reader.readline()
        writer.write(b"a1 STARTTLS\r\n")
        assert (await reader.readline()).startswith(b"a1 OK ")
        await writer.start_tls(trust, server_hostname="mx.example")
        writer.write(b"a2 NOOP\r\n")
        assert (await reader.readline()).startswith(b"a2 OK ")
        writer.close()


async def test_stopped_and_started_again_on_the_same_folder(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path, []) as app:
            reader, writer = await asyncio.open_connection("127.0.0.1", app.ports["smtp"])
            assert (await reader.readline()).startswith(b"220 ")
            writer.close()


async def test_a_stop_says_goodbye(tmp_path: Path) -> None:
    async with running(tmp_path, []) as app:
        reader, writer = await asyncio.open_connection("127.0.0.1", app.ports["imap"])
        await reader.readline()
        stopping = asyncio.create_task(app.stop(30))
        assert b"* BYE" in await reader.read()
        writer.close()
        await stopping


async def test_without_a_certificate_it_does_not_start(tmp_path: Path) -> None:
    app = App(SETTINGS, tmp_path, Log(SystemClock(), lambda line: None), any_port=True)
    with pytest.raises(CertificateFault):
        await app.start()


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, []) as app:
        listen = ListenSetting(("127.0.0.1",), 0, app.ports["smtp"], 0, 0, 0, 0, 0, 0, 0, 0)
        other = App(Settings("mx.example", listen=listen), tmp_path, Log(SystemClock(), lambda line: None))
        with pytest.raises(BindFault, match=str(app.ports["smtp"])):
            await other.start()


async def test_mail_for_ourselves_is_seen_as_a_loop(tmp_path: Path) -> None:
    """By the port where we listen, or, unless the settings allow it, by loopback alone."""
    async with running(tmp_path, []) as app:
        near = await app.outward.hops.find("mx/[127.0.0.1]", "[127.0.0.1]")
        assert isinstance(near, Outcome) and near.status == "5.4.6"
        there = await app.outward.hops.find("mx/[192.0.2.1]", "[192.0.2.1]")
        assert isinstance(there, NextHop) and there.hosts[0].port == SETTINGS.send.port
    (door,) = bind("127.0.0.1", 0)
    settings = dataclasses.replace(SETTINGS, send=SendSetting(port=door.getsockname()[1], private_hosts=True))
    itself = App(settings, tmp_path, Log(SystemClock(), lambda line: None), bound=[("smtp", door)])
    await itself.start()
    loop = await itself.outward.hops.find("mx/[127.0.0.1]", "[127.0.0.1]")
    other = await itself.outward.hops.find("mx/[127.0.0.2]", "[127.0.0.2]")
    await itself.stop(0)
    assert isinstance(loop, Outcome) and loop.status == "5.4.6"
    assert isinstance(other, NextHop)


async def test_a_source_that_is_not_ours_is_told(tmp_path: Path) -> None:
    write_self_signed(tmp_path / "tls", "mx.example", ("mx.example",), SystemClock().now())
    settings = dataclasses.replace(SETTINGS, send=SendSetting(source=("192.0.2.1",)))
    app = App(settings, tmp_path, Log(SystemClock(), lambda line: None), any_port=True)
    with pytest.raises(SettingFault, match=r"192\.0\.2\.1"):
        await app.start()


async def test_what_log_in_offers_follows_the_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "LOGIN_REFRESH_S", 0.001)
    lines: list[str] = []
    async with running(tmp_path, lines) as app:

        async def greeting() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", app.ports["pop3"])
            line = await reader.readline()
            writer.close()
            return line

        await app.store.write(directory.add_domain, "a.test", 1)
        person = await app.store.write(account.create, "a@a.test", "a@a.test", "a.test", {"argon2": b"x"}, 0, 1)
        assert b"<" not in await greeting()
        await app.store.write(account.set_credentials, person, {"cleartext": b"x"})
        while not app.login.has_recoverable:  # the tick asks the store; a greeting lets it have its turn
            await greeting()
        assert b"<" in await greeting()
    assert not [line for line in lines if " defect " in line or " warn " in line]


def test_places() -> None:
    listen = ListenSetting(("127.0.0.1", "::1"), 10000, smtp=25, submission=0, pop3=0)
    settings = Settings(listen=listen)
    assert [place for place in places(settings) if place[0] == "smtp"] == [
        ("smtp", "127.0.0.1", 10025),
        ("smtp", "::1", 10025),
    ]
    assert {name for name, _, _ in places(settings)} == {
        "smtp",
        "submissions",
        "submission_other",
        "imap",
        "imaps",
        "pop3s",
    }
    assert hostname_of(Settings(hostname="a.example")) == "a.example"
    assert hostname_of(Settings())


def test_every_port_of_the_settings_has_a_door() -> None:
    assert set(DOORS) == set(ListenSetting.__dataclass_fields__) - {"addresses", "port_base"}
