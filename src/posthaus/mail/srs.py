"""Sender rewriting: a reverse-path of ours that leads back to the one that a forwarded message came with.

    anna@a.test  forwarded by b.test           -> SRS0=hash=day=a.test=anna@b.test
    that one     forwarded once more by c.test -> SRS1=hash=b.test==hash=day=a.test=anna@c.test

Whoever forwards a message cannot keep its reverse-path: SPF of that domain does not know him. The hash is ours alone,
so nobody can use us to send to whom he likes, and the day ends the address after three weeks. A chain of forwarders
never grows beyond two: SRS1 names the first of them, and is sent back to him directly. All of it is read without regard
to case, because some hosts on the way change it.

Standards: none; the scheme of Shevek and Wong (2003), as libsrs2 and PostSRSd write it.
Faults:    SrsFault.
"""

import base64
import hmac
import re
from collections.abc import Sequence

from posthaus.base import limit
from posthaus.mail.address import Address, AddressFault, parse_address

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # of the day, two letters
_DAYS = len(_ALPHABET) ** 2
_DAY_S = 86_400
_HASH_LETTERS = 6  # 30 bits; libsrs2 has four of base64, which lose a part of theirs to hosts that change case

_KIND = re.compile(r"SRS([01])[=+-]", re.IGNORECASE)
_SRS0 = re.compile(
    r"SRS0[=+-](?P<hash>[^=]+)=(?P<day>[^=]{2})=(?P<domain>[^=]+)=(?P<local>.+)", re.IGNORECASE | re.DOTALL
)
_SRS1 = re.compile(r"SRS1[=+-](?P<hash>[^=]+)=(?P<domain>[^=]+)=(?P<rest>[=+-].+)", re.IGNORECASE | re.DOTALL)


class SrsFault(ValueError):
    """Not one that we wrote, or an old one, or one that cannot be written."""


def is_srs(localpart: str) -> bool:
    return _KIND.match(localpart) is not None


def rewrite(address: Address, domain: str, key: bytes, at: float) -> Address:
    """The reverse-path under which `domain` forwards what came from `address`."""
    found = _KIND.match(address.localpart)
    if found is None:
        day = _day(at)
        local = f"SRS0={_hash(key, day, address.domain, address.localpart)}={day}={address.domain}={address.localpart}"
    else:
        first, rest = address.domain, address.localpart[4:]
        if found[1] == "1":
            again = _SRS1.fullmatch(address.localpart)
            if again is None:
                raise SrsFault("SRS1 without its parts")
            first, rest = again["domain"], again["rest"]
        local = f"SRS1={_hash(key, first, rest)}={first}={rest}"
    if len(local.encode("utf-8", "replace")) > limit.SMTP_LOCALPART_OCTETS:
        raise SrsFault("too long")
    return Address(local, domain)


def restore(localpart: str, keys: Sequence[bytes], at: float) -> Address:
    """Where mail to this address of ours goes on to; keys are those that count, the latest first."""
    found = _SRS0.fullmatch(localpart)
    if found is not None:
        _prove(keys, found["hash"], found["day"], found["domain"], found["local"])
        if not _is_young(found["day"], at):
            raise SrsFault("expired")
        return Address(found["local"], _domain(found["domain"]))
    found = _SRS1.fullmatch(localpart)
    if found is None:
        raise SrsFault("not an SRS address")
    _prove(keys, found["hash"], found["domain"], found["rest"])
    return Address("SRS0" + found["rest"], _domain(found["domain"]))


def _domain(text: str) -> str:
    """What stands in SRS1 was said by a stranger, and we have only copied it."""
    try:
        return parse_address(f"-@{text}".encode("utf-8", "replace"), smtputf8=True).domain
    except AddressFault:
        raise SrsFault("not a domain") from None


def _prove(keys: Sequence[bytes], given: str, *parts: str) -> None:
    right = [hmac.compare_digest(_hash(key, *parts), given.upper().encode("ascii", "replace").decode()) for key in keys]
    if not any(right):
        raise SrsFault("not written here")


def _hash(key: bytes, *parts: str) -> str:
    said = "\0".join(parts).lower().encode("utf-8", "surrogatepass")
    return base64.b32encode(hmac.digest(key, said, "sha256"))[:_HASH_LETTERS].decode()


def _day(at: float) -> str:
    day = int(at // _DAY_S) % _DAYS
    return _ALPHABET[day // len(_ALPHABET)] + _ALPHABET[day % len(_ALPHABET)]


def _is_young(day: str, at: float) -> bool:
    high, low = (_ALPHABET.find(letter) for letter in day.upper())
    if high < 0 or low < 0:
        return False
    age = (int(at // _DAY_S) - (high * len(_ALPHABET) + low)) % _DAYS
    return age <= limit.SRS_DAYS or age >= _DAYS - limit.SRS_DAYS  # the last: our clock was ahead when we wrote it
