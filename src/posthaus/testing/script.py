"""Dialogue scripts: what a client says and what the server must answer, as data.

A script is header lines `key: value`, an empty line, and steps, one a line; `#` begins a comment, and the first one
names the section that the script carries out. parse_script() reads it, Expectation judges what the server says; both
are pure. player.py plays it. docs/scripts.md is the manual page of the language.

Standards: none; scripts cite their own.
Faults:    ScriptFault (ValueError) names the line; Mismatch (AssertionError) tells what was wanted and what came.
"""

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from posthaus.testing import match

STATES = ("connected", "nonauth", "ehlo", "auth", "selected")
HEADERS = ("state", "mail", "clients", "needs", "pipeline", "service", "ways")
WAYS = ("whole", "octets", "piece", "tls")
_STEP = re.compile(
    r"(?P<client>[1-9])?(?:(?P<mark>C:|C>|S:|S~|S\?|!:)(?: (?P<text>.*))?|(?P<act>[A-Z]+)(?: (?P<rest>.*))?)"
)
_SPAN = re.compile(r"(\d+)(s|m|h|d)")
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class ScriptFault(ValueError):
    """The script cannot be read."""


class Mismatch(AssertionError):
    """The server said something else."""


class Kind(Enum):
    """What a step does."""

    SEND = "C:"
    OCTETS = "C>"
    LINE = "S:"
    ANY_ORDER = "S~"
    MAY = "S?"
    NEVER = "!:"
    TLS = "TLS"
    CLOSE = "CLOSE"
    OPEN = "OPEN"
    EOF = "EOF"
    WAIT = "WAIT"
    MAIL = "MAIL"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a script."""

    number: int  # of the line in the file
    client: int
    kind: Kind
    text: str = ""
    seconds: int = 0  # of WAIT
    words: tuple[str, ...] = ()  # of MAIL: reverse-path, forward-path, file


@dataclass(frozen=True, slots=True)
class Script:
    """A dialogue, ready to be played."""

    title: str
    steps: tuple[Step, ...]
    state: str = "nonauth"
    mail: str | None = None
    clients: int = 1
    needs: tuple[str, ...] = ()
    pipeline: bool = False
    service: str | None = None  # of SMTP: mx or submission
    ways: tuple[str, ...] = WAYS

    def can(self, way: str) -> bool:
        """Whether the script can be played this way at all."""
        if way == "piece":
            return self.pipeline and self.clients == 1
        if way == "tls" and (self.state == "connected" or any(s.kind is Kind.TLS for s in self.steps)):
            return False
        return way in self.ways


def parse_script(text: str) -> Script:
    """script = *(header / comment) [empty-line] *(step / comment / empty-line)"""
    lines = list(enumerate(text.split("\n"), 1))
    title = next((line[1:].strip() for _, line in lines if line.startswith("#")), "")
    if not title:
        raise ScriptFault("the first comment must name the section")
    keys: dict[str, str] = {}
    start = 0
    for start, (number, line) in enumerate(lines):  # noqa: B007 - start is where the steps begin
        if not line.strip() or _STEP.fullmatch(line):
            break
        if not line.startswith("#"):
            _header(number, line, keys)
    steps = tuple(_step(n, line) for n, line in lines[start:] if line.strip() and not line.startswith("#"))
    return _check(_script(title, steps, keys))


def _script(title: str, steps: tuple[Step, ...], keys: dict[str, str]) -> Script:
    needs = keys.get("needs", "-")
    return Script(
        title,
        steps,
        state=keys.get("state", "nonauth"),
        mail=keys.get("mail"),
        clients=int(keys.get("clients", "1")),
        needs=() if needs == "-" else tuple(needs.split()),
        pipeline=keys.get("pipeline") == "yes",
        service=keys.get("service"),
        ways=tuple(keys["ways"].split()) if "ways" in keys else WAYS,
    )


def _header(number: int, line: str, keys: dict[str, str]) -> None:
    key, colon, value = line.partition(":")
    key, value = key.strip(), re.sub(r"\s+#.*", "", value).strip()
    if not colon or key not in HEADERS or key in keys:
        raise ScriptFault(f"line {number}: unknown or repeated header {line!r}")
    keys[key] = value


def _step(number: int, line: str) -> Step:
    found = _STEP.fullmatch(line)
    if found is None:
        raise ScriptFault(f"line {number}: no step: {line!r}")
    client = int(found.group("client") or 1)
    try:
        if found.group("mark"):
            return _dialogue(number, client, Kind(found.group("mark")), found.group("text") or "")
        return _act(number, client, Kind(found.group("act")), found.group("rest") or "")
    except (ValueError, SyntaxError) as fault:
        raise ScriptFault(f"line {number}: {fault}") from fault


def _dialogue(number: int, client: int, kind: Kind, text: str) -> Step:
    if kind is Kind.OCTETS:
        value = ast.literal_eval(text)
        if not isinstance(value, str | bytes):
            raise ValueError("C> wants a quoted text")
        text = match.as_text(value) if isinstance(value, bytes) else value
    elif kind is not Kind.SEND:
        match.compile_pattern(text, {})
    return Step(number, client, kind, text)


def _act(number: int, client: int, kind: Kind, rest: str) -> Step:
    if kind is Kind.WAIT:
        span = _SPAN.fullmatch(rest)
        if span is None:
            raise ValueError("WAIT wants a time such as 90s, 5m, 2h or 1d")
        return Step(number, client, kind, seconds=int(span[1]) * _UNIT_S[span[2]])
    words = tuple(rest.split())
    if len(words) != (3 if kind is Kind.MAIL else 0):
        raise ValueError(f"{kind.value} has the wrong number of words")
    return Step(number, client, kind, words=words)


def _check(script: Script) -> Script:
    if script.state not in STATES:
        raise ScriptFault(f"state: {script.state} is none of {', '.join(STATES)}")
    if not set(script.ways) <= set(WAYS):
        raise ScriptFault(f"ways: one or more of {' '.join(WAYS)}")
    if any(step.client > script.clients for step in script.steps):
        raise ScriptFault("a step of a client beyond the number of `clients`")
    if not any(step.kind in (Kind.LINE, Kind.ANY_ORDER, Kind.EOF) for step in script.steps):
        raise ScriptFault("nothing is expected: such a script cannot fail")
    if script.pipeline:
        _check_pipeline(script.steps)
    return script


def _check_pipeline(steps: Iterable[Step]) -> None:
    """What goes out in one piece cannot use what an answer has bound, nor act in between."""
    bound: set[str] = set()
    for step in steps:
        if step.kind in (Kind.SEND, Kind.OCTETS):
            if bound & match.names_of(step.text):
                raise ScriptFault(f"line {step.number}: pipelined, but uses what an answer binds")
        elif step.kind in (Kind.LINE, Kind.ANY_ORDER):
            bound |= match.names_of(step.text)
        elif step.kind not in (Kind.MAY, Kind.NEVER, Kind.EOF):
            raise ScriptFault(f"line {step.number}: {step.kind.value} cannot be pipelined")


@dataclass(slots=True)
class Expectation:
    """What one client may hear now. Feed it lines until it is met."""

    bound: dict[str, str]
    must: list[Step] = field(default_factory=list)
    may: list[Step] = field(default_factory=list)
    never: list[Step] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def want(self, *steps: Step) -> None:
        """One `S:`, or the neighbours of `S~` in any order."""
        self.must.extend(steps)

    @property
    def met(self) -> bool:
        return not self.must

    def hear(self, line: str) -> None:
        """Judge one line; raises Mismatch where it has no place here."""
        self.heard.append(line)
        for step in self.never:
            if match.match(step.text, line, self.bound) is not None:
                raise Mismatch(f"line {step.number}: must not come: {step.text}\n{self._report()}")
        for step in self.must:
            new = match.match(step.text, line, self.bound)
            if new is not None:
                self.bound.update(new)
                self.must.remove(step)
                if step.kind is Kind.LINE:
                    self.may.clear()
                    self.never.clear()
                return
        if not any(match.match(step.text, line, self.bound) is not None for step in self.may):
            raise Mismatch(self.missed("another line came"))

    def missed(self, why: str) -> str:
        """The report of a failed expectation."""
        wanted = "\n".join(f"line {step.number}: wanted {step.kind.value} {step.text}" for step in self.must)
        return f"{why}\n{wanted}\n{self._report()}"

    def _report(self) -> str:
        return "\n".join(f"    heard: {line}" for line in self.heard[-12:])


if __name__ == "__main__":
    from posthaus.testing.player import main

    raise SystemExit(main())
