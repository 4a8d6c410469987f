"""The next hop: from a destination of the queue to hosts with what is demanded of TLS there, or to an outcome.

    mx/b.test             the domain's own hosts
    mx/b.test/NAME        the same, then the smart host NAME
    anyway/b.test         the domain's own hosts, whatever is demanded of TLS there
    smarthost/NAME        the smart host alone

What the DNS does not say now (SERVFAIL, a time-out) is deferred; what it denies is failed. What is demanded of TLS is
found in flow/demand.py. Nothing is kept here but what the resolver remembers.

Standards: RFC 5321 §5.1, RFC 7505, RFC 3463 §3.5.
Faults:    Trouble of the store.
"""

import asyncio
import ipaddress
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from posthaus.base.chance import Chance
from posthaus.base.dns import DnsTrouble, Mx
from posthaus.flow.dane import DaneResolver
from posthaus.flow.demand import Demands, OnPolicy
from posthaus.flow.hop import Credential, Demand, Host, NextHop
from posthaus.flow.mx import Addresses, Hosts, addresses_of, hosts_of, is_address
from posthaus.flow.sts import Policies
from posthaus.mail.outcome import Kind, Outcome
from posthaus.net.own import is_loopback
from posthaus.store import smarthost
from posthaus.store.error import NoSuchSmarthost
from posthaus.store.smarthost import Smarthost
from posthaus.store.store import Store

_SMTP = 25
_ANYWAY = "anyway/"


@dataclass(frozen=True, slots=True)
class Ourselves:
    """What must not be found as a next hop, and from where we can send."""

    hostname: str
    doors: Container[tuple[str, int]] = ()  # addresses and ports on which we listen
    source: Sequence[str] = ()  # addresses from which we send; none: as the system picks
    owns_loopback: bool = False  # whatever DNS says to be there is this host

    def listens(self, address: str, port: int) -> bool:
        """What is sent there comes back."""
        return (address, port) in self.doors or (self.owns_loopback and is_loopback(address))

    @property
    def has_ipv4(self) -> bool:
        return not self.source or any(":" not in one for one in self.source)

    @property
    def has_ipv6(self) -> bool:
        return not self.source or any(":" in one for one in self.source)


class NextHops:
    """Asks DNS and store each time; nothing else is remembered."""

    def __init__(
        self,
        store: Store,
        resolver: DaneResolver,
        policies: Policies,
        chance: Chance,
        ourselves: Ourselves,
        *,
        port: int = _SMTP,
        on_policy: OnPolicy | None = None,
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._chance = chance
        self._ourselves = ourselves
        self._port = port
        self._demands = Demands(resolver, policies, port=port, on_policy=on_policy)

    async def find(self, destination: str, domain: str) -> NextHop | Outcome:
        """Where mail for a recipient of this domain goes that waits under this key."""
        way, _, rest = destination.partition("/")
        name = rest if way == "smarthost" else rest.partition("/")[2]
        direct = None if way == "smarthost" else await self._direct(destination, domain)
        if not name or (isinstance(direct, Outcome) and direct.is_final):
            assert direct is not None
            return direct
        last = await self._smarthost(name)
        if isinstance(direct, NextHop):
            return direct if isinstance(last, Outcome) else replace(direct, hosts=(*direct.hosts, last))
        if isinstance(last, Outcome):
            return direct or last
        return NextHop(destination, domain if way == "mx" else "", (last,))

    # -- the domain's own hosts ------------------------------------------------------------------------------------

    async def _direct(self, key: str, domain: str) -> NextHop | Outcome:
        if domain.startswith("["):
            return self._literal(key, domain)
        try:
            hosts = await hosts_of(self._resolver, domain, self._chance)
        except DnsTrouble as trouble:
            return Outcome(Kind.DEFERRED, 0, "4.4.3", str(trouble), blames_host=True)
        if isinstance(hosts, Outcome):
            return hosts
        found = await asyncio.gather(*(self._addresses(mx.host) for mx in hosts.hosts))
        return await self._made(key, domain, hosts, found)

    def _literal(self, key: str, domain: str) -> NextHop | Outcome:
        """RFC 5321 §4.1.3: the address itself; no DNS is asked."""
        inner = domain[1:-1]
        address = inner[5:] if inner[:5].lower() == "ipv6:" else inner
        if not is_address(address):
            return Outcome(Kind.FAILED, 0, "5.1.2", f"{domain} is no address")
        if self._ourselves.listens(address, self._port):
            return _loop(domain)
        return NextHop(key, domain, (Host(address, (address,), self._port),))

    async def _addresses(self, host: str) -> Addresses:
        ours = self._ourselves
        return await addresses_of(self._resolver, host, ipv4=ours.has_ipv4, ipv6=ours.has_ipv6)

    async def _made(self, key: str, domain: str, hosts: Hosts, found: Sequence[Addresses]) -> NextHop | Outcome:
        pairs = list(zip(hosts.hosts, found, strict=True))
        ours = min((mx.preference for mx, at in pairs if self._is_ours(mx, at)), default=None)
        others = [(mx.host, at) for mx, at in pairs if ours is None or mx.preference < ours]
        usable = [(name, at) for name, at in others if at.found]
        if usable:
            if key.startswith(_ANYWAY):
                return NextHop(key, domain, tuple(Host(name, at.found, self._port) for name, at in usable))
            demanded = await self._demands.of(domain, hosts, usable)
            return demanded.left_out or NextHop(key, domain, demanded.hosts, demanded.policy_text, domain)
        trouble = next((at.trouble for _, at in others if at.trouble), "")
        if trouble:
            return Outcome(Kind.DEFERRED, 0, "4.4.3", trouble, blames_host=True)
        if ours is not None:
            return _loop(domain)
        return Outcome(Kind.FAILED, 0, "5.4.4", f"no host that takes mail for {domain} has an address")

    def _is_ours(self, mx: Mx, at: Addresses) -> bool:
        """RFC 5321 §5.1: then we, and all that are no better, are left out, or mail would go in circles."""
        if mx.host == self._ourselves.hostname:
            return True
        return any(self._ourselves.listens(address, self._port) for address in at.found)

    # -- smart hosts -----------------------------------------------------------------------------------------------

    async def _smarthost(self, name: str) -> Host | Outcome:
        try:
            found = await self._store.read(smarthost.get, name)
        except NoSuchSmarthost:
            return Outcome(Kind.DEFERRED, 0, "4.3.5", f"there is no smart host {name} any more", blames_host=True)
        if is_address(found.host):
            at = Addresses((str(ipaddress.ip_address(found.host)),))
        else:
            at = await self._addresses(found.host)
        if any((address, found.port) in self._ourselves.doors for address in at.found):
            return Outcome(Kind.DEFERRED, 0, "4.3.5", f"the smart host {name} is ourselves", blames_host=True)
        if not at.found:
            words = at.trouble or f"the smart host {found.host} has no address"
            return Outcome(Kind.DEFERRED, 0, "4.4.3", words, blames_host=True)
        return _host_of(found, at)


def _host_of(found: Smarthost, at: Addresses) -> Host:
    return Host(
        found.host,
        at.found,
        found.port,
        Demand(found.tls),
        (found.host,),
        is_tls_first=found.is_tls_first,
        credential=Credential(found.login, found.password) if found.login else None,
        policy="smarthost",
    )


def _loop(domain: str) -> Outcome:
    return Outcome(Kind.FAILED, 0, "5.4.6", f"mail for {domain} would come back to us: we are its best mail host")
