"""Patterns of LIST and LSUB: "*" goes over the separator, "%" does not.

Most patterns are a name with one wildcard; the others are matched by walking all ways at once as bits of one number, so
no pattern, however it is made up, takes longer than its length times the name's.

Standards: RFC 9051 §6.3.9, §5.1 (INBOX in any case).
Faults:    none.
"""

import re
from collections.abc import Callable

from posthaus.store.mailbox import SEPARATOR

Matcher = Callable[[str], bool]

_WILDCARDS = re.compile(r"[*%]{2,}")
_FIRST_LEVEL = re.compile(r"[^/*]*")


def compile_pattern(pattern: str) -> Matcher:
    """A function that tells whether a canonical name matches. INBOX and what is below it match in any case."""
    # neighbours say no more than the strongest of them
    pattern = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", pattern)
    plain = _matcher(pattern)
    # As far as the first level goes: "inb%" is INBOX, "Inbox/a" is INBOX/a, but "INBOX/A" is not INBOX/a.
    inbox = _matcher(pattern.upper())
    below = _matcher(_FIRST_LEVEL.sub(lambda level: level[0].upper(), pattern, count=1))

    def matches(name: str) -> bool:
        if plain(name):
            return True
        if name == "INBOX":
            return inbox(name)
        return name.startswith("INBOX/") and below(name)

    return matches


def _matcher(pattern: str) -> Matcher:
    wildcards = pattern.count("*") + pattern.count("%")
    if not wildcards:
        return pattern.__eq__
    if pattern == "*":
        return lambda name: True
    if wildcards == 1:
        before, after = re.split("[*%]", pattern)
        over = "*" in pattern
        size = len(before) + len(after)

        def one(name: str) -> bool:
            if len(name) < size or not name.startswith(before) or not name.endswith(after):
                return False
            return over or SEPARATOR not in name[len(before) : len(name) - len(after)]

        return one
    return _walker(pattern)


def _walker(pattern: str) -> Matcher:
    """Bit i: what was read so far may be matched by the first i characters of the pattern."""
    takes: dict[str, int] = {}
    over = stay = 0
    for i, c in enumerate(pattern):
        if c == "*":
            over |= 1 << i
        elif c == "%":
            stay |= 1 << i
        else:
            takes[c] = takes.get(c, 0) | 1 << i
    wild = over | stay  # no two stand side by side, so one step passes all that may be passed
    final = 1 << len(pattern)

    def walk(name: str) -> bool:
        at = 1 | (wild & 1) << 1
        for c in name:
            at = (at & takes.get(c, 0)) << 1 | at & (over if c == SEPARATOR else wild)
            if not at:
                return False
            at |= (at & wild) << 1
        return bool(at & final)

    return walk
