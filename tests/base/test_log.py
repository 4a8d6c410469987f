"""One line per fact, and no value can break it."""

import os
from pathlib import Path

import pytest

from posthaus.base.log import Descriptor, Line, Log, LogFile, read_line, render_fields


class Still:
    def now(self) -> float:
        return 1_700_000_000.25

    def monotonic(self) -> float:
        return 0.0

    def cpu(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("plain", "plain"),
        ("<a@b.example>", "<a@b.example>"),
        ("two words", '"two words"'),
        ("", '""'),
        ('say "x"\\', '"say \\"x\\"\\\\"'),
        ("a=b", '"a=b"'),
        ("x\r\n2023 info forged", '"x\\r\\n2023 info forged"'),
        ("tab\t\x1b[0m\x85", '"tab\\t\\u001b[0m\\u0085"'),
        ("käse", '"käse"'),
        (b"\xff ok", '"\\\\xff ok"'),
        (7, "7"),
        (True, "yes"),
        (None, "-"),
        (1.23456, "1.235"),
    ],
)
def test_value(value: object, wanted: str) -> None:
    assert render_fields({"key": value}) == f" key={wanted}"


@pytest.mark.parametrize(
    "value", ["plain", "two words", "", 'say "x"\\', "a=b", "x\r\ny\t\x1b", "käse", "\\u0041", "\\"]
)
def test_read_back(value: str) -> None:
    lines: list[str] = []
    Log(Still(), lines.append).warn("smtp.rcpt", key=value, n=7)
    assert read_line(lines[0]) == Line("2023-11-14T22:13:20.250Z", "warn", "smtp.rcpt", {"key": value, "n": "7"})


@pytest.mark.parametrize("text", ["", "one", "a b", "a b c d", "a b c k=v x", 'a b c k="v', 'a b c k="\\"'])
def test_no_line(text: str) -> None:
    assert read_line(text) is None


def test_line_has_time_kind_name_and_bound_fields() -> None:
    lines: list[str] = []
    log = Log(Still(), lines.append).bind(cid="7f3")
    log.event("smtp.rcpt", code=550)
    log.warn("tls.certificate", left_days=3)
    assert lines == [
        "2023-11-14T22:13:20.250Z info smtp.rcpt cid=7f3 code=550\n",
        "2023-11-14T22:13:20.250Z warn tls.certificate cid=7f3 left_days=3\n",
    ]


def test_defect_carries_the_stack_in_one_line() -> None:
    lines: list[str] = []
    try:
        raise KeyError("gone")
    except KeyError as exc:
        Log(Still(), lines.append).defect("session.defect", exc, cid="a")
    assert lines[0].count("\n") == 1
    assert "defect session.defect cid=a fault=KeyError" in lines[0]
    assert "test_log.py" in lines[0]


def test_a_sink_that_fails_stops_nothing() -> None:
    def full(line: str) -> None:
        raise OSError(28, "No space left on device")

    Log(Still(), full).event("a.b")


def test_file_grows_and_is_reopened_after_a_move(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = LogFile(path)
    sink("one\n")
    path.rename(tmp_path / "log.1")
    sink("two\n")
    sink.reopen()
    sink("three\n")
    sink.close()
    assert (tmp_path / "log.1").read_text() == "one\ntwo\n"
    assert path.read_text() == "three\n"


def test_descriptor() -> None:
    into, out = os.pipe()
    Descriptor(out)("line\n")
    assert os.read(into, 100) == b"line\n"
    os.close(into)
    os.close(out)
