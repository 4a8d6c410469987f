"""TOML into dataclasses and back; every slip is named."""
# ruff: noqa: RUF009

from dataclasses import dataclass

import pytest

from posthaus.base.settingfile import SettingFault, parse_settings, render_settings, setting
from posthaus.base.unit import Duration, Size


def _even(value: int) -> str | None:
    return None if value % 2 == 0 else "must be even"


@dataclass(frozen=True, slots=True)
class Inner:
    names: tuple[str, ...] = setting(("a",), "Names.")
    share: float = setting(0.5, "Share.")
    even: int = setting(2, "Even.", check=_even)


@dataclass(frozen=True, slots=True)
class Root:
    title: str = setting(
        "", "A title with many words, so many that the comment above the key takes a second line. " * 2
    )
    on: bool = setting(True, "On.")
    room: Size = setting(Size(1024), "Room.")
    age: Duration = setting(Duration(60.0), "Age.")
    inner: Inner = setting(Inner(), "Inside.")


def test_all_kinds() -> None:
    text = 'title = "T"\non = false\nroom = "5 MB"\nage = "14 days"\n[inner]\nnames = ["x", "y"]\nshare = 1\neven = 4\n'
    assert parse_settings(text, Root, "f") == Root(
        "T", False, Size(5 * 1024**2), Duration(1_209_600.0), Inner(("x", "y"), 1.0, 4)
    )


def test_nothing_set_is_all_defaults() -> None:
    assert parse_settings("", Root, "f") == Root()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("titel = 'x'", "f:1: titel is not a setting; did you mean title?"),
        ("\n[inner]\n\nnmaes = []", "f:4: inner.nmaes is not a setting; did you mean names?"),
        ("[iner]\nx = 1", "f:1: iner is not a setting; did you mean inner?"),
        ("zzz = 1", "f:1: zzz is not a setting; known here: age, inner, on, room, title"),
        ("inner.evn = 1", "f:1: inner.evn is not a setting; did you mean even?"),
        ("title = 5", "f:1: title must be a text in quotes, not a number"),
        ("on = 1", "f:1: on must be true or false, not a number"),
        ("on = 'yes'", "f:1: on must be true or false, not a text"),
        ("room = 50", 'f:1: room needs a unit: write a text such as "50 MB", not a number'),
        ("age = '14 dogs'", "f:1: age must be a duration: '14 dogs' is not a duration"),
        ("room = '14 dogs'", "f:1: room must be a size: '14 dogs' is not a size"),
        ("inner = 3", "f:1: inner must be a table: write [inner]"),
        ("[inner]\neven = true", "f:2: inner.even must be a whole number, not true or false"),
        ("[inner]\neven = 1.5", "f:2: inner.even must be a whole number, not a number"),
        ("[inner]\nnames = 'x'", "f:2: inner.names must be a list of texts"),
        ("[inner]\nnames = [1]", "f:2: inner.names must be a list of texts"),
        ("[inner]\neven = 3", "f:2: inner.even must be even"),
        ("title = ", "f: Invalid value (at end of document)"),
    ],
)
def test_faults_name_file_line_and_key(text: str, wanted: str) -> None:
    with pytest.raises(SettingFault) as fault:
        parse_settings(text, Root, "f")
    assert str(fault.value).startswith(wanted)


def test_rendered_default_is_all_comments_and_reads_as_default() -> None:
    text = render_settings(Root())
    assert all(line == "" or line[0] in "#[" for line in text.split("\n"))
    assert parse_settings(text, Root, "f") == Root()


def test_every_default_in_the_comment_is_a_valid_setting() -> None:
    lines = [
        line[1:] if line.startswith("#") and line[1:2] != " " else line for line in render_settings(Root()).split("\n")
    ]
    assert parse_settings("\n".join(lines), Root, "f") == Root()


def test_what_is_rendered_reads_as_the_same() -> None:
    root = Root('a "quoted"\\ \n text', False, Size(7), Duration(90.0), Inner((), 0.25, 8))
    assert parse_settings(render_settings(root), Root, "f") == root
