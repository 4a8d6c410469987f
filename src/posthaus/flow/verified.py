"""Verified log-ins, remembered for a while: the hundredth connection of a mail program costs microseconds.

A token stands for account, credential version and password together, under a key that lives only as long as this family
of workers. So a changed password needs no notice here, the memory of a worker holds no password, and a token that a
sibling sends cannot be made by anybody who does not know the key and the password.

Standards: RFC 2104 (HMAC).
Faults:    none.
"""

import hmac
from typing import Protocol

from posthaus.base.clock import Clock

TOKEN_OCTETS = 32
_MARK = b"V"  # first octet of a payload, so that siblings can tell each other other things too


class VerifiedCache(Protocol):
    """Tokens of log-ins that were good."""

    def get(self, token: bytes) -> bool: ...

    def put(self, token: bytes) -> None: ...


class TokenMemory:
    """The cache of one worker: forgets what was not used for `life_s`, and the longest unused beyond `entries`."""

    def __init__(self, clock: Clock, life_s: float, entries: int) -> None:
        self._clock = clock
        self._life_s = life_s
        self._entries = entries
        self._used_at: dict[bytes, float] = {}  # longest unused first

    def get(self, token: bytes) -> bool:
        """A hit is a use."""
        used_at = self._used_at.pop(token, None)
        if used_at is None:
            return False
        now = self._clock.monotonic()
        if now - used_at > self._life_s:
            return False
        self._used_at[token] = now
        return True

    def put(self, token: bytes) -> None:
        self._used_at.pop(token, None)
        self._used_at[token] = self._clock.monotonic()
        if len(self._used_at) > self._entries:
            del self._used_at[next(iter(self._used_at))]

    def sweep(self) -> None:
        """Free what is past its life; worth a call now and then."""
        oldest = self._clock.monotonic() - self._life_s
        for token, used_at in list(self._used_at.items()):
            if used_at >= oldest:
                return
            del self._used_at[token]

    def __len__(self) -> int:
        return len(self._used_at)


def make_token(key: bytes, account_id: int, version: int, password: str) -> bytes:
    """HMAC-SHA256 over account, credential version and password."""
    return hmac.digest(key, b"%d\0%d\0%s" % (account_id, version, password.encode("utf-8", "surrogatepass")), "sha256")


def render_payload(token: bytes) -> bytes:
    """What a worker tells its siblings."""
    return _MARK + token


def parse_payload(payload: bytes) -> bytes | None:
    """The token, or None for anything else."""
    return payload[1:] if payload[:1] == _MARK and len(payload) == 1 + TOKEN_OCTETS else None
