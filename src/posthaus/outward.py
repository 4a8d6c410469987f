"""What one worker needs to find its way to other people's servers: DNS, policies, hops, and the tally of TLS.

Made by app.py before the first listener accepts, because a session asks some of it, too (MX of a sender, SPF).

Standards: none of its own.
Faults:    SettingFault for a source address that is none of this host's.
"""

from dataclasses import dataclass

from posthaus.base.chance import Chance
from posthaus.base.clock import Clock
from posthaus.base.log import Log
from posthaus.base.setting import SendSetting
from posthaus.base.settingfile import SettingFault
from posthaus.flow.nexthop import NextHops, Ourselves
from posthaus.flow.sts import Policies
from posthaus.flow.tlscount import TlsCounter
from posthaus.net.https import Https
from posthaus.net.own import OwnDoors, is_of_this_host
from posthaus.net.peer import wide_networks
from posthaus.net.resolver import Resolver
from posthaus.net.resolver import places as resolver_places
from posthaus.store.store import Store


@dataclass(frozen=True, slots=True)
class Outward:
    """The collaborators of everything that goes out."""

    resolver: Resolver
    https: Https
    policies: Policies
    tls_counter: TlsCounter
    doors: OwnDoors  # filled as the listeners come up: a hop that leads to one of them is a loop
    hops: NextHops

    async def close(self) -> None:
        """Writes down what was counted; the answers that DNS gave are forgotten."""
        await self.tls_counter.flush()
        await self.policies.close()
        await self.resolver.close()


def make_outward(send: SendSetting, hostname: str, store: Store, clock: Clock, chance: Chance, log: Log) -> Outward:
    """No question is asked and no connection opened yet."""
    resolver = Resolver(resolver_places(send.resolvers, is_trusted=send.resolvers_validate), clock, chance)
    https = Https(resolver, private=send.private_hosts)
    policies = Policies(store, resolver, https, clock, log)
    tls_counter = TlsCounter(store, clock, log, is_on=send.tls_reports)
    doors = OwnDoors()
    ourselves = Ourselves(hostname.lower(), doors, send.source, owns_loopback=not send.private_hosts)
    hops = NextHops(store, resolver, policies, chance, ourselves, port=send.port, on_policy=tls_counter.policy)
    return Outward(resolver, https, policies, tls_counter, doors, hops)


def judge_sending(send: SendSetting, log: Log) -> None:
    """Refuses what cannot be meant; warns of what is allowed and perhaps not meant."""
    for address in send.source:
        if not is_of_this_host(address):
            raise SettingFault(f"send.source has {address}, which is no address of this host")
    if send.hold:
        log.warn("send.held", why="mail for other servers waits until `posthaus queue release`")
    for network in wide_networks(send.networks):
        log.warn("send.wide-network", network=network, why="everybody in it may send without log-in")
