"""The resolver of base/dns.py: asks those that the settings name, remembers what they said for as long as they said.

A question goes to one resolver after the other until one answers; the one that answered is asked first next time. Who
asks for what is being asked already waits for the same answer. The AD bit counts only where nobody can have set it on
the way: from a resolver on loopback, over TLS, or where the settings say that the way there is safe.

Standards: RFC 1035, RFC 2308 (negative answers), RFC 4035 §3.2.3 and RFC 6840 §5.8 (AD), RFC 5452 §9.2 (ids, ports).
Faults:    DnsTrouble; Refusal from read_resolv_conf() where it names nobody.
"""

import asyncio
import ipaddress
import re
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.clock import Clock
from posthaus.base.dns import Answer, DnsTrouble, Mx, Tlsa
from posthaus.base.setting import ResolverAddress, parse_resolver
from posthaus.base.task import end_tasks
from posthaus.net.dnsexchange import over_tcp, over_udp
from posthaus.net.dnstls import TlsLine

if TYPE_CHECKING:
    from posthaus.net.dnsmessage import Reply

R = TypeVar("R")

RESOLV_CONF = Path("/etc/resolv.conf")
_PORT = 53
_ENTRY_OCTETS, _RECORD_OCTETS = 500, 64  # of the objects around what is remembered
_NAMESERVER = re.compile(r"^\s*nameserver\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resolver is."""

    address: str
    port: int = _PORT
    is_trusted: bool = False  # whether its AD bit counts
    name: str = ""  # asked over TLS, with a certificate for this name; "" for without


def places(settings: Sequence[str], *, is_trusted: bool = False, resolv_conf: Path = RESOLV_CONF) -> tuple[Place, ...]:
    """Those of the settings, or else of /etc/resolv.conf, or else one on this host (resolv.conf(5))."""
    if settings:
        found = [one for one in map(parse_resolver, settings) if one is not None]
    else:
        try:
            text = resolv_conf.read_text("utf-8", "replace")
        except OSError:
            text = ""
        found = [ResolverAddress(one, _PORT) for one in _NAMESERVER.findall(text)][: limit.DNS_RESOLVERS]
    return tuple(
        Place(one.address, one.port, is_trusted or bool(one.name) or _is_loopback(one.address), one.name)
        for one in found
    ) or (Place("127.0.0.1", is_trusted=True),)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


class Resolver:
    """Resolver of base/dns.py."""

    def __init__(
        self,
        where: Sequence[Place],
        clock: Clock,
        chance: Chance,
        *,
        try_s: float = limit.DNS_TRY_S,
        rounds: int = limit.DNS_ROUNDS,
        entries: int = limit.DNS_CACHE_ENTRIES,
        octets: int = limit.DNS_CACHE_OCTETS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """context: whom to trust over TLS; without it, as the system does."""
        self._where = list(where)
        self._clock = clock
        self._chance = chance
        self._try_s = try_s
        self._rounds = rounds
        self._entries = entries
        self._octets_left = octets
        self._cache: OrderedDict[tuple[str, str], tuple[float, Answer[object]]] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[Answer[object]]] = {}
        self._lines = {one: TlsLine(one.address, one.port, one.name, context) for one in where if one.name}
        self._is_loaded = False

    async def mx(self, name: str) -> Answer[Mx]:
        return cast(Answer[Mx], await self._find(name, "MX"))

    async def a(self, name: str) -> Answer[str]:
        return cast(Answer[str], await self._find(name, "A"))

    async def aaaa(self, name: str) -> Answer[str]:
        return cast(Answer[str], await self._find(name, "AAAA"))

    async def txt(self, name: str) -> Answer[bytes]:
        return cast(Answer[bytes], await self._find(name, "TXT"))

    async def tlsa(self, name: str) -> Answer[Tlsa]:
        return cast(Answer[Tlsa], await self._find(name, "TLSA"))

    async def cname(self, name: str) -> Answer[str]:
        """The alias itself, not followed."""
        return cast(Answer[str], await self._find(name, "CNAME"))

    async def ptr(self, address: str) -> Answer[str]:
        name = ipaddress.ip_address(address.partition("%")[0]).reverse_pointer
        return cast(Answer[str], await self._find(name, "PTR"))

    async def close(self) -> None:
        """Nobody waits for an answer any more."""
        await end_tasks(self._asking.values())
        for line in self._lines.values():
            await line.close()

    # -- remembered, or being asked --------------------------------------------------------------------------------

    async def _find(self, name: str, kind: str) -> Answer[object]:
        key = (name.lower(), kind)
        known = self._remembered(key)
        if known is not None:
            return known
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.get_running_loop().create_task(self._ask(*key))
            task.add_done_callback(lambda done: self._asked(key, done))
        return await asyncio.shield(task)  # one who gives up waiting leaves the others their answer

    def _remembered(self, key: tuple[str, str]) -> Answer[object] | None:
        found = self._cache.get(key)
        if found is None:
            return None
        until, answer = found
        left_s = until - self._clock.monotonic()
        if left_s <= 0:
            self._forget(key)
            return None
        self._cache.move_to_end(key)
        return replace(answer, ttl_s=int(left_s))

    def _asked(self, key: tuple[str, str], task: "asyncio.Task[Answer[object]]") -> None:
        self._asking.pop(key, None)
        if task.cancelled() or task.exception() is not None:
            return
        answer = task.result()
        if answer.ttl_s > 0:
            self._forget(key)
            self._cache[key] = (self._clock.monotonic() + answer.ttl_s, answer)
            self._octets_left -= _octets_of(answer)
            while self._cache and (len(self._cache) > self._entries or self._octets_left < 0):
                self._forget(next(iter(self._cache)))

    def _forget(self, key: tuple[str, str]) -> None:
        found = self._cache.pop(key, None)
        if found is not None:
            self._octets_left += _octets_of(found[1])

    # -- asking ----------------------------------------------------------------------------------------------------

    async def _ask(self, name: str, kind: str) -> Answer[object]:
        """The answer, with CNAMEs followed that the resolver has left to us."""
        if not self._is_loaded:
            await asyncio.to_thread(_load)
            self._is_loaded = True
        from posthaus.net.dnsmessage import Kind, is_name

        if not is_name(name):
            return Answer((), exists=False)
        at, is_secure, ttl_s = name, True, limit.DNS_TTL_MAX_S
        for _ in range(limit.DNS_CNAMES):
            reply, is_trusted = await self._ask_all(at, kind)
            is_secure = is_secure and reply.is_secure and is_trusted
            ttl_s = min(ttl_s, reply.ttl_s)
            at = reply.name or at
            if reply.kind is not Kind.ALIAS:
                end = at if at != name else ""
                return Answer(reply.records, is_secure, reply.kind is not Kind.NO_NAME, ttl_s, end)
        raise DnsTrouble(f"{name} {kind}: CNAMEs without end")

    async def _ask_all(self, name: str, kind: str) -> "tuple[Reply, bool]":
        """The first reply that is one, and whether its AD bit counts."""
        from posthaus.net.dnsmessage import Kind, MessageFault

        words = "no resolver"
        for _ in range(self._rounds):
            for place in list(self._where):
                try:
                    async with asyncio.timeout(self._try_s):
                        reply = await self._ask_one(place, name, kind)
                except TimeoutError:
                    words = "no answer in time"
                except (OSError, MessageFault) as fault:
                    words = str(fault) or type(fault).__name__
                else:
                    if reply.kind not in (Kind.FAILURE, Kind.NO_EDNS):
                        self._prefer(place)
                        return reply, place.is_trusted
                    words = reply.words
        raise DnsTrouble(f"{name} {kind}: {words}")

    async def _ask_one(self, place: Place, name: str, kind: str) -> "Reply":
        from posthaus.net import dnsmessage

        reply = dnsmessage.Reply(dnsmessage.Kind.FAILURE)
        for edns in (True, False):  # RFC 6891 §7: a server that knows no EDNS(0) says FORMERR
            asked = dnsmessage.question(int.from_bytes(self._chance.octets(2)), name, kind, edns=edns)
            reply = dnsmessage.read(await self._exchange(place, asked), kind)
            if reply.kind is not dnsmessage.Kind.NO_EDNS:
                break
        return reply

    async def _exchange(self, place: Place, asked: bytes) -> bytes:
        from posthaus.net.dnsmessage import is_reply, is_truncated

        if place.name:
            return await self._lines[place].ask(asked, is_reply)
        octets = await over_udp(asked, place.address, place.port, is_reply)
        return await over_tcp(asked, place.address, place.port, is_reply) if is_truncated(octets) else octets

    def _prefer(self, place: Place) -> None:
        if self._where[0] is not place:
            self._where.remove(place)
            self._where.insert(0, place)


def _octets_of(answer: Answer[object]) -> int:
    """About what it takes in memory; a stranger can make it as long as a DNS message."""
    return _ENTRY_OCTETS + sum([_RECORD_OCTETS + _length(one) for one in answer.records])


def _length(one: object) -> int:
    match one:
        case str() | bytes():
            return len(one)
        case Mx():
            return _RECORD_OCTETS + len(one.host)
        case Tlsa():
            return _RECORD_OCTETS + len(one.data)
    return 0


def _load() -> None:
    import posthaus.net.dnsmessage  # noqa: F401  (the first import takes a while)
