"""SPF: may this client send for this domain? check_host() of the RFC, with all its limits.

The questions go to the resolver that is handed in, one after the other, as the record's order demands. Ten terms may
ask DNS, two may find nothing, and all of it ends after twenty seconds: a record is a stranger's program.

Standards: RFC 7208 §4 to §7, RFC 8616 §5, RFC 8601 §2.7.2.
Faults:    none; what is wrong is the result.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from posthaus.base import limit
from posthaus.base.dns import Answer, DnsTrouble, Resolver
from posthaus.check.spfmacro import MacroFault, Pieces, expand, letters_of, parse_macros
from posthaus.check.spfrecord import Mechanism, Record, RecordFault, is_record, parse_record
from posthaus.mail.domain import DomainFault, to_ascii
from posthaus.mail.trace import Result

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
R = TypeVar("R")

_DOMAIN_OCTETS = 253
_LABEL_OCTETS = 63


@dataclass(frozen=True, slots=True)
class Spf:
    """What SPF says of one client."""

    value: str  # none, neutral, pass, fail, softfail, temperror, permerror
    sender: str  # the identity that was asked about, as smtp.mailfrom or smtp.helo
    is_helo: bool = False
    reason: str = ""  # the mechanism that decided, or what is wrong
    explanation: str = ""  # in the words of the domain's owner; for fail only

    @property
    def result(self) -> Result:
        name = "helo" if self.is_helo else "mailfrom"
        return Result("spf", self.value, (("smtp", name, self.sender),))


@dataclass(frozen=True, slots=True)
class Client:
    """The client and what it said."""

    ip: Ip
    helo: str
    localpart: str
    domain: str  # of the identity that is asked about
    receiver: str  # our host name
    now: float

    @property
    def sender(self) -> str:
        return f"{self.localpart}@{self.domain}"


async def check(address: str, helo: str, mail_from: str, resolver: Resolver, *, receiver: str, now: float) -> Spf:
    """mail_from: the reverse-path without its brackets; where it is null, HELO is asked about (RFC 7208 §2.4)."""
    local, at, domain = mail_from.rpartition("@")
    is_helo = not mail_from
    if is_helo:
        local, domain = "", helo
    elif not at:
        domain = mail_from
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    client = Client(ip, helo, local or "postmaster", domain, receiver, now)
    sender = helo if is_helo else mail_from
    try:
        async with asyncio.timeout(limit.SPF_TIMEOUT_S):
            found = await _Check(client, resolver).host(_ascii(domain))
    except TimeoutError:
        return Spf("temperror", sender, is_helo, "time out")
    except _End as end:
        return Spf(end.value, sender, is_helo, end.reason)
    return Spf(found.value, sender, is_helo, found.reason, found.explanation)


class _End(Exception):
    """temperror or permerror, wherever it was found: RFC 7208 §4.6.2, §5.2 and §6.1 hand them up."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Found:
    value: str
    reason: str = ""
    explanation: str = ""


@dataclass(slots=True)
class _Check:
    """One evaluation with what it has used up."""

    client: Client
    resolver: Resolver
    terms: int = 0
    voids: int = 0
    _names: list[str] | None = field(default=None)  # of the client, validated; asked once

    # -- check_host() ----------------------------------------------------------------------------------------------

    async def host(self, domain: str | None, *, wants_explanation: bool = True) -> _Found:
        """RFC 7208 §4.3 to §4.7; None is a domain that cannot be one."""
        if domain is None or not _is_domain(domain):
            return _Found("none", "no domain")
        record = await self._record(domain)
        if record is None:
            return _Found("none", "no record")
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                explanation = ""
                if mechanism.result == "fail" and wants_explanation:
                    explanation = await self._explain(record.explanation, domain)
                return _Found(mechanism.result, mechanism.text, explanation)
        if not record.redirect:
            return _Found("neutral", "default")
        self._count_term()
        found = await self.host(await self._target(record.redirect, domain), wants_explanation=wants_explanation)
        if found.value == "none":
            raise _End("permerror", "redirect to no record")  # RFC 7208 §6.1
        return found

    async def _record(self, domain: str) -> Record | None:
        answer = await self._ask(self.resolver.txt, domain)
        records = [one for one in answer.records if is_record(one)]
        if not records:
            return None
        if len(records) > 1:
            raise _End("permerror", "two records")
        if len(records[0]) > limit.SPF_RECORD_OCTETS:
            raise _End("permerror", "record too long")
        try:
            return parse_record(records[0])
        except RecordFault as fault:
            raise _End("permerror", str(fault)) from None

    # -- mechanisms ------------------------------------------------------------------------------------------------

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        match mechanism.name:
            case "all":
                return True
            case "ip4" | "ip6":
                network = mechanism.network
                return network is not None and network.version == self.client.ip.version and self.client.ip in network
        self._count_term()
        target = await self._target(mechanism.domain, domain) if mechanism.domain else domain
        match mechanism.name:
            case "include":
                return await self._includes(target)
            case "a":
                return self._is_in(await self._addresses(target, counts=True), mechanism)
            case "mx":
                return await self._is_mx(target, mechanism)
            case "ptr":
                return any(_is_below(name, target) for name in await self._validated())
            case _:
                answer = await self._ask(self.resolver.a, target)  # "exists": an A record also for a client on IPv6
                self._count_void(answer)
                return bool(answer.records)

    async def _includes(self, target: str) -> bool:
        """RFC 7208 §5.2."""
        found = await self.host(target, wants_explanation=False)
        if found.value == "none":
            raise _End("permerror", "include of no record")
        return found.value == "pass"

    async def _is_mx(self, target: str, mechanism: Mechanism) -> bool:
        answer = await self._ask(self.resolver.mx, target)
        self._count_void(answer)
        if len(answer.records) > limit.SPF_NAMES:
            raise _End("permerror", "too many MX records")
        for mx in answer.records:
            if mx.host and self._is_in(await self._addresses(mx.host, counts=False), mechanism):
                return True
        return False

    def _is_in(self, addresses: Sequence[str], mechanism: Mechanism) -> bool:
        length = mechanism.four if self.client.ip.version == 4 else mechanism.six
        return any(self.client.ip in ipaddress.ip_network(f"{one}/{length}", strict=False) for one in addresses)

    async def _addresses(self, name: str, *, counts: bool) -> Sequence[str]:
        answer = await self._ask(self.resolver.a if self.client.ip.version == 4 else self.resolver.aaaa, name)
        if counts:
            self._count_void(answer)
        return answer.records

    async def _validated(self) -> list[str]:
        """The names of the client that lead back to it (RFC 7208 §5.5); DNS trouble means none."""
        if self._names is None:
            self._names = []
            try:
                answer = await self.resolver.ptr(str(self.client.ip))
            except DnsTrouble:
                return self._names
            self._count_void(answer)
            for name in answer.records[: limit.SPF_NAMES]:
                try:
                    found = await self._addresses(name, counts=False)
                except _End:
                    continue
                if any(ipaddress.ip_address(one) == self.client.ip for one in found):
                    self._names.append(name.rstrip("."))
        return self._names

    # -- macros ----------------------------------------------------------------------------------------------------

    async def _target(self, pieces: Pieces, domain: str) -> str:
        name = expand(pieces, await self._values(pieces, domain)).removesuffix(".")
        if len(name) > _DOMAIN_OCTETS:
            # RFC 7208 §7.3: labels are taken away from the left; all at once, for a stranger can make very many
            name = name[-_DOMAIN_OCTETS - 1 :].partition(".")[2]
        return name

    async def _values(self, pieces: Pieces, domain: str) -> Mapping[str, str]:
        client = self.client
        ip = str(client.ip)
        return {
            "s": client.sender,
            "l": client.localpart,
            "o": client.domain,
            "d": domain,
            "i": ip if client.ip.version == 4 else ".".join(client.ip.exploded.replace(":", "")),
            "p": await self._name(domain) if "p" in letters_of(pieces) else "",
            "v": "in-addr" if client.ip.version == 4 else "ip6",
            "h": client.helo,
            "c": ip,
            "r": client.receiver,
            "t": str(int(client.now)),
        }

    async def _name(self, domain: str) -> str:
        """RFC 7208 §7.3: the domain itself, else a name below it, else any."""
        names = await self._validated()
        exact = [name for name in names if name.lower() == domain.lower()]
        below = [name for name in names if _is_below(name, domain)]
        return next(iter(exact or below or names), "unknown")

    async def _explain(self, pieces: Pieces, domain: str) -> str:
        """RFC 7208 §6.2: whatever goes wrong here, there is just no explanation."""
        if not pieces:
            return ""
        try:
            answer = await self.resolver.txt(await self._target(pieces, domain))
            if len(answer.records) != 1 or len(answer.records[0]) > limit.SPF_RECORD_OCTETS:
                return ""
            text = parse_macros(answer.records[0].decode("ascii"), is_text=True)
            return expand(text, await self._values(text, domain))
        except (DnsTrouble, MacroFault, UnicodeDecodeError, _End):
            return ""

    # -- limits ----------------------------------------------------------------------------------------------------

    async def _ask(self, ask: Callable[[str], Awaitable[Answer[R]]], name: str) -> Answer[R]:
        if not _is_domain(name, labels=1):
            return Answer((), exists=False)
        try:
            return await ask(name)
        except DnsTrouble as trouble:
            raise _End("temperror", str(trouble)) from None

    def _count_term(self) -> None:
        self.terms += 1
        if self.terms > limit.SPF_TERMS:
            raise _End("permerror", "too many terms that ask DNS")

    def _count_void(self, answer: Answer[object]) -> None:
        if not answer.records:
            self.voids += 1
            if self.voids > limit.SPF_VOIDS:
                raise _End("permerror", "too many look-ups without an answer")


def _ascii(domain: str) -> str | None:
    """RFC 8616 §5: A-labels; what is no internationalized domain is left to _is_domain()."""
    if domain.isascii():
        return domain
    try:
        return to_ascii(domain)
    except DomainFault:
        return None


def _is_domain(name: str, labels: int = 2) -> bool:
    """RFC 7208 §4.3: labels that can be, more than one of them, no address-literal."""
    parts = name.removesuffix(".").split(".")
    return (
        len(parts) >= labels
        and len(name) <= _DOMAIN_OCTETS
        and all(0 < len(part) <= _LABEL_OCTETS for part in parts)
        and not name.startswith("[")
    )


def _is_below(name: str, domain: str) -> bool:
    name, domain = name.lower().rstrip("."), domain.lower().rstrip(".")
    return name == domain or name.endswith("." + domain)
