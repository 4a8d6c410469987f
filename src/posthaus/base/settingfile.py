"""TOML into frozen dataclasses and back, for any tree of dataclasses whose fields were made with setting().

A key that the dataclass does not know is an error that names file, line, key and the nearest key that is known; a value
of the wrong type is an error too. Nothing is guessed and nothing is ignored, so a slip of the pen is seen at the start.

Faults: SettingFault (Refusal).
"""

import dataclasses
import difflib
import re
import textwrap
import tomllib
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from posthaus.base.error import Refusal
from posthaus.base.unit import Duration, Size, parse_duration, parse_size, render_duration, render_size

T = TypeVar("T")
Check = Callable[[Any], str | None]
"""Gives None, or what is wrong with the value in a few words."""

_COMMENT_COLUMNS = 100


class SettingFault(Refusal):
    """One line that says which file, which key, and what is wrong."""


def setting(default: Any, words: str, *, check: Check | None = None) -> Any:
    """A field with its help text, which is printed above the key in the commented file."""
    return dataclasses.field(default=default, metadata={"help": words, "check": check})


def parse_settings(text: str, root: type[T], name: str) -> T:
    """The file's text as a value of root; name is how errors call the file."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise SettingFault(f"{name}: {fault}") from None
    return _Reader(text, name).table(table, root, ())


class _Reader:
    """Reads tables, and knows where it is for the sake of errors."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = text.split("\n")
        self._name = name

    def table(self, table: dict[str, Any], into: type[T], path: tuple[str, ...]) -> T:
        hints = typing.get_type_hints(into)
        fields = {f.name: f for f in dataclasses.fields(into)}  # type: ignore[arg-type]  # into is a dataclass
        values: dict[str, Any] = {}
        for key, value in table.items():
            here = (*path, key)
            if key not in fields:
                raise self._fault(here, f"is not a setting{_nearest(key, fields)}")
            values[key] = self._value(value, hints[key], here)
            check = fields[key].metadata.get("check")
            wrong = check(values[key]) if check else None
            if wrong:
                raise self._fault(here, wrong)
        return into(**values)

    def _value(self, value: Any, hint: Any, here: tuple[str, ...]) -> Any:
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, dict):
                raise self._fault(here, f"must be a table: write [{'.'.join(here)}]")
            return self.table(value, typing.cast(type[Any], hint), here)
        if typing.get_origin(hint) is tuple:
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise self._fault(here, 'must be a list of texts, such as ["one", "two"]')
            return tuple(value)
        if hint in (Size, Duration):
            return self._quantity(value, hint, here)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
            raise self._fault(here, f"must be {_KINDS[hint]}, not {_said(value)}")
        return value

    def _quantity(self, value: Any, hint: Any, here: tuple[str, ...]) -> Any:
        if not isinstance(value, str):
            example = '"50 MB"' if hint is Size else '"14 days"'
            raise self._fault(here, f"needs a unit: write a text such as {example}, not {_said(value)}")
        try:
            return parse_size(value) if hint is Size else parse_duration(value)
        except ValueError as fault:
            raise self._fault(here, f"must be a {'size' if hint is Size else 'duration'}: {fault}") from None

    def _fault(self, here: tuple[str, ...], words: str) -> SettingFault:
        line = self._line(here)
        return SettingFault(f"{self._name}{f':{line}' if line else ''}: {'.'.join(here)} {words}")

    def _line(self, here: tuple[str, ...]) -> int | None:
        """Where the key stands, by looking; tomllib does not tell."""
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._lines, 1):
            if head := re.match(r"\s*\[\[?([^\]]+)\]", line):
                table = tuple(part.strip(" \t\"'") for part in head.group(1).split("."))
                if table == here:
                    return number
                continue
            key = re.match(r"\s*([^=#]+?)\s*=", line)
            if key and table + tuple(part.strip(" \t\"'") for part in key.group(1).split(".")) == here:
                return number
        return None


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}


def _said(value: Any) -> str:
    return {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}.get(
        type(value), "a table" if isinstance(value, dict) else type(value).__name__
    )


def _nearest(key: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, 1, 0.5)
    return f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"


def render_settings(value: object) -> str:
    """The commented file: what differs from its default is written, the default itself stands there as a comment."""
    out: list[str] = []
    _render_table(value, type(value)(), (), out)
    return "\n".join(out).strip("\n") + "\n"


def _render_table(value: Any, default: Any, path: tuple[str, ...], out: list[str]) -> None:
    hints = typing.get_type_hints(type(value))
    tables = []
    for field in dataclasses.fields(value):
        if dataclasses.is_dataclass(hints[field.name]):
            tables.append(field)
            continue
        mine, usual = getattr(value, field.name), getattr(default, field.name)
        out += ["", *_comment(field.metadata)]
        text = f"{field.name} = {_render_value(mine, hints[field.name])}"
        out.append(text if mine != usual else f"#{text}")
    for field in tables:
        here = (*path, field.name)
        out += ["", "", *_comment(field.metadata), f"[{'.'.join(here)}]"]
        _render_table(getattr(value, field.name), getattr(default, field.name), here, out)


def _comment(metadata: types.MappingProxyType[Any, Any]) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(metadata["help"], _COMMENT_COLUMNS)]


def _render_value(value: Any, hint: Any) -> str:
    if hint is Size:
        return f'"{render_size(value)}"'
    if hint is Duration:
        return f'"{render_duration(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(one) for one in value) + "]"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
