"""Where a message goes next: values between flow/nexthop.py, which finds them, and flow/relay.py, which goes there.

Standards: RFC 5321 §5.1, RFC 7672 §2, RFC 8461 §4 and §5, RFC 8689 §4.
Faults:    none; values.
"""

import enum
from dataclasses import dataclass

from posthaus.base.dns import Tlsa


class Demand(enum.Enum):
    """What is asked of TLS before a message is handed over."""

    NONE = "none"  # never tried: a smart host on loopback that has none
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where it is offered, any certificate; else in the clear
    ENCRYPTED = "encrypted"  # TLS or nothing, any certificate
    VERIFIED = "verified"  # a certificate for one of `names` from an authority that we trust (MTA-STS, smart hosts)
    DANE = "dane"  # one that the TLSA records name


@dataclass(frozen=True, slots=True)
class Credential:
    """How we log in at a smart host."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Host:
    """One host to try, with the addresses that it has, in order."""

    name: str  # for EHLO's log, SNI and the record; an address-literal's address where there is no name
    addresses: tuple[str, ...]
    port: int = 25
    demand: Demand = Demand.OPPORTUNISTIC
    names: tuple[str, ...] = ()  # that the certificate may have; with DANE the first is asked for by SNI. With
    # OPPORTUNISTIC and "sts": mode testing, a certificate for another name is reported and no more
    tlsa: tuple[Tlsa, ...] = ()  # all of them, also those that cannot be used
    is_proven: bool = False  # DNSSEC or MTA-STS say that it is a host of the domain, as REQUIRETLS wants it
    is_tls_first: bool = False  # no STARTTLS: TLS from the first octet (port 465)
    credential: Credential | None = None
    policy: str = ""  # which policy decided, for the record and RFC 8460: "sts", "tlsa", "no-policy-found", "smarthost"


@dataclass(frozen=True, slots=True)
class NextHop:
    """Hosts in the order in which they are tried. `key` is the destination's name in the queue: rows with the same key
    may share a connection."""

    key: str
    domain: str  # whose mail it is; "" for a smart host of several
    hosts: tuple[Host, ...]
    policy_text: tuple[str, ...] = ()  # the policy as found, for RFC 8460 §4.4
    policy_domain: str = ""
