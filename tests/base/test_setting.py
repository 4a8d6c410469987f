"""The settings of a house."""

import dataclasses
from pathlib import Path

import pytest

from posthaus.base.setting import (
    FILE_NAME,
    ListenSetting,
    Settings,
    loopback,
    read_settings,
    render_default,
    render_house,
    split_port,
)
from posthaus.base.settingfile import SettingFault


def test_default_file_reads_as_default(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(render_default())
    assert read_settings(tmp_path) == Settings()


def test_a_house_reads_as_it_was_written(tmp_path: Path) -> None:
    house = loopback(Settings(hostname="mx.example", listen=ListenSetting(port_base=10000, pop3=0)))
    (tmp_path / FILE_NAME).write_text(render_house(house))
    assert read_settings(tmp_path) == house
    assert house.listen.addresses == ("127.0.0.1", "::1")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingFault, match="posthaus init"):
        read_settings(tmp_path)


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"hostname = '\xff'")
    with pytest.raises(SettingFault, match="cannot be read"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[listen]\nsmtp = 70000", "listen.smtp must be between 1 and 65535, or 0 for off"),
        ("[listen]\nport_base = -1", "listen.port_base must be between 0 and 60000"),
        ("[listen]\naddresses = []", "must name at least one"),
        ("[listen]\naddresses = ['localhost']", "'localhost', which is not an IP address"),
        ("[network]\nproxies = ['10.0.0.1/8']", "which is not a network"),
        ("[network]\nconnections = 0", "must be more than zero"),
        ("[store]\nurl = 'mysql:'", 'must be "sqlite:" or begin with "postgresql://"'),
        ("[send]\nresolvers = ['127.0.0.1:0']", "'127.0.0.1:0', which is not an address, an address and a port"),
        ("[send]\nsource = ['mail.example']", "'mail.example', which is not an IP address"),
        ("[server]\ndrain = '-1 s'", "is not a duration"),
    ],
)
def test_values_out_of_range(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(SettingFault) as fault:
        read_settings(tmp_path)
    assert words in str(fault.value)
    assert str(tmp_path / FILE_NAME) + ":2" in str(fault.value)


def test_every_setting_has_help() -> None:
    def walk(value: object) -> None:
        assert dataclasses.is_dataclass(value)
        for field in dataclasses.fields(value):
            assert field.metadata["help"].endswith((".", "limit.")), field.name
            inner = getattr(value, field.name)
            if dataclasses.is_dataclass(inner):
                walk(inner)

    walk(Settings())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1", ("127.0.0.1", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]", ("::1", 53)),
        ("[::1]:5353", ("::1", 5353)),
        ("127.0.0.1:x", ("127.0.0.1", None)),
        ("127.0.0.1:65536", ("127.0.0.1", None)),
    ],
)
def test_an_address_and_a_port(text: str, found: tuple[str, int | None]) -> None:
    assert split_port(text, 53) == found
