"""Sizes and durations as people write them: "50 MB", "14 days".

A size is a number of octets; KB, MB, GB and TB are powers of 1024, as mail clients show them. A duration is seconds.
render_ gives back what parse_ reads, in the largest unit that divides it.

Faults: ValueError with one clear sentence.
"""

import re
from typing import NewType

Size = NewType("Size", int)
Duration = NewType("Duration", float)

_SIZES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "day": 86400.0,
    "week": 604800.0,
}
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)\Z")


def parse_size(text: str) -> Size:
    match = _NUMBER_AND_UNIT.match(text.strip())
    factor = _SIZES.get(match.group(2).upper()) if match else None
    if match is None or factor is None:
        raise ValueError(f'{text!r} is not a size; write a number and B, KB, MB, GB or TB, such as "50 MB"')
    return Size(int(float(match.group(1)) * factor))


def parse_duration(text: str) -> Duration:
    match = _NUMBER_AND_UNIT.match(text.strip())
    word = match.group(2) if match else ""
    factor = _SECONDS.get(word) or _SECONDS.get(word.removesuffix("s"))
    if match is None or factor is None:
        raise ValueError(
            f'{text!r} is not a duration; write a number and ms, s, min, h, days or weeks, such as "14 days"'
        )
    return Duration(float(match.group(1)) * factor)


def render_size(size: int) -> str:
    unit = next((u for u in ("TB", "GB", "MB", "KB") if size and size % _SIZES[u] == 0), "B")
    return f"{size // _SIZES[unit]} {unit}"


def render_duration(seconds: float) -> str:
    for unit in ("day", "h", "min"):
        count = seconds / _SECONDS[unit]
        if seconds and count == int(count):
            return f"{int(count)} {unit}s" if unit == "day" and count != 1 else f"{int(count)} {unit}"
    return f"{int(seconds)} s" if seconds == int(seconds) else f"{int(seconds * 1000)} ms"
