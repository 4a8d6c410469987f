"""One line per fact: time, kind, event name, key=value.

    2026-11-23T15:22:01.123Z info smtp.rcpt cid=7f3k2m90 rcpt=<a@b.example> code=550 why=no-mailbox

The event name is fixed and written with dots, so a log can be searched and counted; everything that varies is a value.
A value can never break the line: spaces, quotes, controls and line ends are escaped, so a peer cannot forge a line.

What was written is read back with read_line().

Faults: a sink that fails is ignored; mail goes on when the log cannot be written.
"""

import os
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from posthaus.base.clock import Clock

Sink = Callable[[str], None]
"""Takes one whole line with its line end."""

_is_bare = re.compile(r"[!#-<>-\[\]-~]+").fullmatch  # printable ASCII without space, quote, "=" and backslash
_TO_ESCAPE = re.compile(r"[^ !#-\[\]-~\u00a1-\u2027\u202a-\uffff]")


class Log:
    """Writes facts to a sink; bind() gives a log that repeats some fields in every line."""

    __slots__ = ("_bound", "_clock", "_second", "_sink", "_stamp")

    def __init__(self, clock: Clock, sink: Sink, bound: str = "") -> None:
        self._clock = clock
        self._sink = sink
        self._bound = bound
        self._second = -1
        self._stamp = ""

    def bind(self, **fields: object) -> "Log":
        return Log(self._clock, self._sink, self._bound + render_fields(fields))

    def event(self, name: str, /, **fields: object) -> None:
        """Something happened that is part of the day's work."""
        self._write("info", name, fields)

    def warn(self, name: str, /, **fields: object) -> None:
        """An admin should look at this one day."""
        self._write("warn", name, fields)

    def defect(self, name: str, exc: BaseException, /, **fields: object) -> None:
        """We are wrong: with the stack, in one line."""
        stack = "".join(traceback.format_exception(exc)).rstrip()
        self._write("defect", name, {**fields, "fault": type(exc).__name__, "stack": stack})

    def _write(self, kind: str, name: str, fields: dict[str, object]) -> None:
        now = self._clock.now()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        line = f"{self._stamp}.{int((now - second) * 1000):03d}Z {kind} {name}{self._bound}{render_fields(fields)}\n"
        try:
            self._sink(line)
        except OSError:
            pass  # a full disk or a closed terminal must not stop the mail


def render_fields(fields: dict[str, object]) -> str:
    return "".join([f" {key}={_value(value)}" for key, value in fields.items()])


def _value(value: object) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        return "yes" if value else "no"
    elif isinstance(value, int):
        return str(value)
    elif isinstance(value, float):
        return f"{value:.3f}"
    elif value is None:
        return "-"
    else:
        text = value.decode("ascii", "backslashreplace") if isinstance(value, bytes) else str(value)
    if _is_bare(text):
        return text
    return '"' + _TO_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    sign = match.group()
    return {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(sign, f"\\u{ord(sign):04x}")


# -- read back -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log: `at` as it stands there, `fields` without quotes and escapes."""

    at: str
    kind: str
    name: str
    fields: dict[str, str]


_LINE = re.compile(r"(\S+) (\S+) (\S+)((?: [^ =]+=(?:\"(?:[^\"\\]|\\.)*+\"|[^ \"]*+))*+)")
_FIELD = re.compile(r' ([^ =]+)=("(?:[^"\\]|\\.)*+"|[^ "]*+)')
_ESCAPED = re.compile(r"\\(u[0-9a-f]{4}|.)")


def read_line(text: str) -> Line | None:
    """None for what is no line of ours."""
    found = _LINE.fullmatch(text.strip("\r\n"))
    if found is None:
        return None
    fields = {name: _unescape(value[1:-1]) if value[:1] == '"' else value for name, value in _FIELD.findall(found[4])}
    return Line(found[1], found[2], found[3], fields)


def _unescape(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else {"n": "\n", "r": "\r", "t": "\t"}.get(code, code)

    return _ESCAPED.sub(sign, text) if "\\" in text else text


class Descriptor:
    """A sink on an open descriptor (standard error). One write per line, so lines of several workers do not mix."""

    def __init__(self, number: int = 2) -> None:
        self._number = number

    def __call__(self, line: str) -> None:
        os.write(self._number, line.encode("utf-8", "backslashreplace"))


class LogFile:
    """A sink on a file that grows at its end; reopen() after the file was moved away (SIGHUP)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = _open(path)

    def __call__(self, line: str) -> None:
        os.write(self._number, line.encode("utf-8", "backslashreplace"))

    def reopen(self) -> None:
        old, self._number = self._number, _open(self._path)
        os.close(old)

    def close(self) -> None:
        os.close(self._number)
        self._number = -1


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
