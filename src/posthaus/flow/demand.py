"""What is demanded of TLS at each host of a domain: DANE before MTA-STS, and without either what can be had.

    TLSA records, the way to them secure      TLS with a certificate that one of them names
    ... none of which can be used             TLS, any certificate
    ... that cannot be asked for              the host is left out: whoever suppresses the answer must gain nothing
    a policy in mode enforce                  TLS with a certificate for the host's name; hosts that it does not name
                                              are left out
    a policy in mode testing, or none         TLS where it is offered

With a policy in mode testing the name stands in `names` all the same: what a check would have found can be reported.

Standards: RFC 7672 §2.2 and §3.2, RFC 8461 §4 and §5, RFC 8460 §4.3, RFC 8689 §4.2.1.
Faults:    Trouble of the store.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posthaus.base.dns import DnsTrouble, Tlsa
from posthaus.flow.dane import Dane, DaneResolver, dane_of
from posthaus.flow.hop import Demand, Host
from posthaus.flow.mx import Addresses, Hosts
from posthaus.flow.sts import Found, Policies
from posthaus.mail.outcome import Kind, Outcome
from posthaus.mail.sts import Mode


@dataclass(frozen=True, slots=True)
class PolicyFailure:
    """What went wrong before there was a connection, as RFC 8460 §4.3 names it."""

    domain: str
    policy: str  # "sts" or "tlsa"
    kind: str
    reason: str
    host: str = ""
    policy_text: tuple[str, ...] = ()


OnPolicy = Callable[[PolicyFailure], None]
Usable = Sequence[tuple[str, Addresses]]
"""Hosts with their addresses, in order."""


@dataclass(frozen=True, slots=True)
class Demanded:
    hosts: tuple[Host, ...]
    policy_text: tuple[str, ...] = ()
    left_out: Outcome | None = None  # why, where none is left


class Demands:
    """Finds them."""

    def __init__(
        self, resolver: DaneResolver, policies: Policies, *, port: int, on_policy: OnPolicy | None = None
    ) -> None:
        self._resolver = resolver
        self._policies = policies
        self._port = port
        self._on_policy = on_policy

    async def of(self, domain: str, hosts: Hosts, usable: Usable) -> Demanded:
        danes = await asyncio.gather(*(self._dane(hosts, name, at) for name, at in usable))
        sts = Found() if all(danes) else await self._policies.find(domain)
        lines = _lines(sts)
        if sts.failure:
            self._tell(PolicyFailure(domain, "sts", sts.failure, sts.why, "", lines))
        found: list[Host] = []
        left_out: Outcome | None = None
        for (name, at), dane in zip(usable, danes, strict=True):
            if isinstance(dane, DnsTrouble):
                left_out = left_out or Outcome(Kind.DEFERRED, 0, "4.4.3", str(dane), name, blames_host=True)
                self._tell(PolicyFailure(domain, "tlsa", "dnssec-invalid", str(dane), name))
            elif dane is not None:
                found.append(self._by_dane(domain, hosts, name, at, dane))
            elif sts.policy is None or sts.policy.mode is Mode.NONE:
                found.append(Host(name, at.found, self._port, is_proven=hosts.is_secure, policy="no-policy-found"))
            elif sts.policy.allows(name):
                is_enforced = sts.policy.mode is Mode.ENFORCE
                demand = Demand.VERIFIED if is_enforced else Demand.OPPORTUNISTIC
                found.append(Host(name, at.found, self._port, demand, (name,), is_proven=True, policy="sts"))
            else:
                words = f"the MTA-STS policy of {domain} does not name the host {name}"
                self._tell(PolicyFailure(domain, "sts", "validation-failure", words, name, lines))
                if sts.policy.mode is Mode.ENFORCE:
                    left_out = left_out or Outcome(Kind.DEFERRED, 0, "4.7.5", words, name, blames_host=True)
                else:
                    found.append(Host(name, at.found, self._port))  # without a policy: it has been counted
        return Demanded(tuple(found), lines, None if found else left_out)

    async def _dane(self, hosts: Hosts, name: str, at: Addresses) -> Dane | DnsTrouble | None:
        if not hosts.is_secure:
            return None
        try:
            return await dane_of(self._resolver, name, self._port, at)
        except DnsTrouble as trouble:
            return trouble

    def _by_dane(self, domain: str, hosts: Hosts, name: str, at: Addresses, dane: Dane) -> Host:
        if not dane.usable:
            words = "no TLSA record can be used"
            self._tell(PolicyFailure(domain, "tlsa", "tlsa-invalid", words, name, tlsa_lines(dane.records)))
        return Host(
            name,
            at.found,
            self._port,
            Demand.DANE if dane.usable else Demand.ENCRYPTED,
            # RFC 7672 §3.2.2: the TLSA base domain, and the domain itself with where its CNAMEs led
            tuple(dict.fromkeys((dane.base, domain, hosts.domain))),
            dane.records,
            is_proven=True,
            policy="tlsa",
        )

    def _tell(self, failure: PolicyFailure) -> None:
        if self._on_policy is not None:
            self._on_policy(failure)


def _lines(sts: Found) -> tuple[str, ...]:
    """RFC 8460 §4.4: the policy as an array of its lines."""
    return tuple(line for line in sts.text.replace("\r\n", "\n").split("\n") if line)


def tlsa_lines(records: Sequence[Tlsa]) -> tuple[str, ...]:
    """RFC 8460 §4.4: the RRset as text."""
    return tuple(f"{one.usage} {one.selector} {one.matching} {one.data.hex().upper()}".rstrip() for one in records)
