"""Token windows: how often something may happen per key in a stretch of time.

Each key owns `limit` tokens that come back evenly over `window_s`. A key costs one small entry, there are never more
than `keys` of them, and a full key is forgotten by itself. Times are monotonic.

Standards: none.
Faults:    none.
"""

import ipaddress
from functools import lru_cache

from posthaus.base import limit
from posthaus.base.clock import Clock

_IPV6_PREFIX = 64  # RFC 4291 §2.5.4: what one customer has at least; a single address means nothing


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Who an address is for counting: an IPv4 address itself, an IPv6 address its /64."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address  # a Unix socket's peer, or a test's name
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False))


class Rate:
    """`limit` events per `window_s` for each key."""

    def __init__(self, clock: Clock, limit_: int, window_s: float, *, keys: int = limit.RATE_KEYS) -> None:
        self._clock = clock
        self._limit = limit_
        self._per_s = limit_ / window_s
        self._keys = keys
        self._used: dict[str, tuple[float, float]] = {}  # key -> tokens used, and when that was; oldest first

    def used(self, key: str) -> float:
        """Tokens gone now: 0 for a key that was quiet for long."""
        entry = self._used.get(key)
        if entry is None:
            return 0.0
        used, at = entry
        return max(0.0, used - (self._clock.monotonic() - at) * self._per_s)

    def add(self, key: str, tokens: float = 1.0) -> float:
        """Use tokens whether they are there or not (never more than the limit is remembered); gives what is used now.

        Negative gives back.
        """
        used = min(max(0.0, self.used(key) + tokens), float(self._limit))
        self._used.pop(key, None)
        if used > 0.0:
            self._used[key] = (used, self._clock.monotonic())
            if len(self._used) > self._keys:
                self._shrink()
        return used

    def take(self, key: str, tokens: float = 1.0) -> bool:
        """Use tokens if so many are left."""
        if self.used(key) + tokens > self._limit:
            return False
        self.add(key, tokens)
        return True

    def is_spent(self, key: str) -> bool:
        """Not one token left."""
        return self.used(key) > self._limit - 1

    def forget(self, key: str) -> None:
        """As if nothing had ever been used."""
        self._used.pop(key, None)

    def __len__(self) -> int:
        return len(self._used)

    def _shrink(self) -> None:
        # The oldest tenth at once, so a flood of new keys pays for it once in a while only.
        for key in list(self._used)[: max(1, self._keys // 10)]:
            del self._used[key]
