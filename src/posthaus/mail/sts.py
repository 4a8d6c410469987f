"""MTA-STS as values: the TXT record that says that there is a policy, and the policy.

Standards: RFC 8461 §3.1 (record), §3.2 (policy), §4.1 (which hosts match), §9.1 (max_age).
Faults:    StsFault, with what is wrong in a few words.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.mail.domain import DomainFault, to_ascii

_RECORD = re.compile(rb"v=STSv1(?:[ \t]*;[ \t]*[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[!-:<>-~]+)+[ \t]*;?[ \t]*")
_ID = re.compile(rb";[ \t]*id=([A-Za-z0-9]{1,32})[ \t]*(?:;|\Z)")
_BEGIN = re.compile(rb"v=STSv1[ \t]*;")
_MAX_AGE = re.compile(r"[0-9]{1,10}")


class StsFault(ValueError):
    """Not a policy."""


class Mode(enum.Enum):
    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StsPolicy:
    mode: Mode
    mx: tuple[str, ...]  # A-labels, lower case, perhaps beginning with "*."
    max_age_s: int

    def allows(self, host: str) -> bool:
        """A wildcard stands for one label, the first."""
        return host in self.mx or "*." + host.partition(".")[2] in self.mx


def parse_record(texts: Sequence[bytes]) -> str | None:
    """The policy's id from the TXT records of _mta-sts.DOMAIN; None where these announce no policy."""
    ours = [text for text in texts if _BEGIN.match(text)]
    if len(ours) != 1 or _RECORD.fullmatch(ours[0]) is None:
        return None
    found = _ID.search(ours[0])
    return None if found is None else found[1].decode()


def parse_policy(octets: bytes) -> StsPolicy:
    """Keys that are not known are passed over, as is all but the first of a key that may stand once only."""
    try:
        lines = octets.decode().replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise StsFault("it is not UTF-8") from None
    first: dict[str, str] = {}
    mx: list[str] = []
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            if line.strip(" \t"):
                raise StsFault("a line has no colon")
        elif key == "mx":
            mx.append(_pattern(value.strip(" \t")))
        else:
            first.setdefault(key, value.strip(" \t"))
    if first.get("version") != "STSv1":
        raise StsFault("it is of no version that we know")
    try:
        mode = Mode(first.get("mode"))
    except ValueError:
        raise StsFault("it has no mode that we know") from None
    if _MAX_AGE.fullmatch(first.get("max_age", "")) is None:
        raise StsFault("it has no max_age")
    if not mx and mode is not Mode.NONE:
        raise StsFault("it names no host")
    if len(mx) > limit.STS_PATTERNS:
        raise StsFault("it names too many hosts")
    return StsPolicy(mode, tuple(mx), min(int(first["max_age"]), limit.STS_MAX_AGE_S))


def _pattern(text: str) -> str:
    stem = text.removeprefix("*.")
    try:
        domain = to_ascii(stem)
    except DomainFault:
        raise StsFault("it names a host that is none") from None
    return "*." + domain if stem != text else domain
