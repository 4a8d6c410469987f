"""Rules of the house about settings: each has its words, and the printed file is the truth."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from posthaus.base.setting import Settings
from posthaus.base.settingfile import parse_settings, render_settings


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, "dataclasses.Field[Any]"]]:
    for field in dataclasses.fields(value):
        child = getattr(value, field.name)
        yield ".".join((*path, field.name)), field
        if dataclasses.is_dataclass(child):
            yield from leaves(child, (*path, field.name))


FIELDS = list(leaves(Settings()))


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[name for name, _ in FIELDS])
def test_setting_has_its_words(name: str, field: "dataclasses.Field[Any]") -> None:
    words = field.metadata.get("help", "")
    assert words.strip().endswith((".", ":")), f"{name} has no help text, or it is no sentence"


def test_printed_default_names_every_setting() -> None:
    text = render_settings(Settings())
    assert not [name for name, _ in FIELDS if name.rpartition(".")[2] not in text]


def test_printed_default_is_the_default() -> None:
    assert parse_settings(render_settings(Settings()), Settings, "posthaus.toml") == Settings()
