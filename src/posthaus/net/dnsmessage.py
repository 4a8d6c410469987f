"""DNS messages: a question into octets, the octets of a reply into values.

The only module that imports dnspython, which costs a tenth of a second and 14 MB: whoever may do without it for a while
imports this module late, and in a thread (net/resolver.py).

Standards: RFC 1035 §4.1, RFC 2308 §5, RFC 6698 §2.1, RFC 6840 §5.7 (AD in a question), RFC 6891 (EDNS(0)).
Faults:    MessageFault.
"""

import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.SOA import SOA
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from posthaus.base import limit
from posthaus.base.dns import Mx, Tlsa

_HEADER_OCTETS = 12

Value = str | bytes | Mx | Tlsa

UNREADABLE = Tlsa(255, 255, 255, b"")


class MessageFault(Exception):
    """A reply that cannot be read."""


class Kind(enum.Enum):
    """What a reply comes to."""

    ANSWER = "answer"  # the records, which may be none
    NO_NAME = "no-name"  # the name does not exist
    ALIAS = "alias"  # it leads to another name, which has to be asked for
    NO_EDNS = "no-edns"  # this server cannot read the question; it may without EDNS(0)
    FAILURE = "failure"  # SERVFAIL, REFUSED, or somebody who does not know and asks nobody


@dataclass(frozen=True, slots=True)
class Reply:
    kind: Kind
    records: Sequence[Value] = ()
    ttl_s: int = 0
    is_secure: bool = False  # the AD bit
    name: str = ""  # where the CNAMEs led; "" without one
    words: str = ""  # of a failure


def is_name(name: str) -> bool:
    """Whether the DNS can have such a name at all: labels of 1 to 63 octets, 255 octets together."""
    try:
        dns.name.from_text(name, dns.name.root)
    except (dns.exception.DNSException, ValueError):
        return False
    return True


def question(number: int, name: str, kind: str, *, edns: bool = True) -> bytes:
    """The octets of a question for a name (A-labels without the last dot) and a type such as "MX"."""
    # by hand: dnspython takes 70 microseconds for it, a third of the whole exchange
    head = struct.pack("!6H", number, dns.flags.RD | dns.flags.AD, 1, 0, 0, int(edns))
    asked = dns.name.from_text(name, dns.name.root).to_wire()
    assert asked is not None
    asked += struct.pack("!2H", dns.rdatatype.from_text(kind), dns.rdataclass.IN)
    # RFC 6891 §6.1.2: the root's name, its size in place of a class, no flags and no options
    opt = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, limit.DNS_UDP_OCTETS, 0, 0) if edns else b""
    return head + asked + opt


def is_reply(asked: bytes, octets: bytes) -> bool:
    """Whether these octets answer that question: they have its id, and repeat the question itself."""
    if len(octets) < _HEADER_OCTETS or octets[:2] != asked[:2] or not octets[2] & 0x80:
        return False
    if octets[4:6] == b"\0\0":  # a server that could not read the question has none to repeat
        return octets[3] & 0x0F == dns.rcode.FORMERR
    end = asked.index(b"\0", _HEADER_OCTETS) + 5  # a name in a question is whole, and it is the first
    return octets[_HEADER_OCTETS:end].lower() == asked[_HEADER_OCTETS:end].lower()


def is_truncated(octets: bytes) -> bool:
    return bool(octets[2] & 0x02)


def read(octets: bytes, kind: str) -> Reply:
    """What a reply says; the question of it has been looked at (is_reply)."""
    try:
        return _read(octets, kind)
    except (dns.exception.DNSException, ValueError, IndexError) as fault:
        raise MessageFault(f"a reply that cannot be read: {type(fault).__name__}") from None


def _read(octets: bytes, kind: str) -> Reply:
    code = octets[3] & 0x0F
    if code in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
        return Reply(Kind.NO_EDNS, words=dns.rcode.to_text(dns.rcode.Rcode(code)))
    # RFC 7672 §2.2: a TLSA record that cannot be read is one that cannot be used, and not the end of the answer.
    message = dns.message.from_wire(octets, ignore_trailing=True, continue_on_error=kind == "TLSA")
    if not isinstance(message, dns.message.QueryMessage):
        return Reply(Kind.FAILURE, words="a reply to no question")
    if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Reply(Kind.FAILURE, words=dns.rcode.to_text(message.rcode()))
    chain = message.resolve_chaining()
    name = _text(chain.canonical_name) if chain.cnames else ""
    is_secure = bool(message.flags & dns.flags.AD)
    ttl_s = int(chain.minimum_ttl)
    if chain.answer is not None or message.errors:
        records = [_value(one) for one in chain.answer or ()] + [UNREADABLE] * len(message.errors)
        return Reply(Kind.ANSWER, records, ttl_s, is_secure, name)
    if message.rcode() == dns.rcode.NXDOMAIN:
        return Reply(Kind.NO_NAME, (), _negative(message, ttl_s), is_secure, name)
    has_soa = _has_soa(message)
    if chain.cnames and not has_soa and kind != "CNAME":
        return Reply(Kind.ALIAS, (), ttl_s, is_secure, name)
    if not has_soa and not message.flags & (dns.flags.AA | dns.flags.RA):
        return Reply(Kind.FAILURE, words="lame: neither an answer nor somebody who would look for one")
    return Reply(Kind.ANSWER, (), _negative(message, ttl_s), is_secure, name)


def _has_soa(message: dns.message.Message) -> bool:
    return any(isinstance(one, SOA) for rrset in message.authority for one in rrset)


def _negative(message: dns.message.Message, ttl_s: int) -> int:
    # RFC 2308 §5: the least of the SOA's TTL and its MINIMUM, which resolve_chaining() has taken
    return min(ttl_s, limit.DNS_NEGATIVE_TTL_MAX_S if _has_soa(message) else limit.DNS_NEGATIVE_TTL_S)


def _value(one: dns.rdata.Rdata) -> Value:
    match one:
        case A() | AAAA():
            return str(one.address)
        case MX():
            return Mx(one.preference, _text(one.exchange))
        case TXT():
            return b"".join(one.strings)
        case TLSA():
            return Tlsa(one.usage, one.selector, one.mtype, bytes(one.cert))
        case CNAME() | PTR():
            return _text(one.target)
    raise ValueError(type(one).__name__)


def _text(name: dns.name.Name) -> str:
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()
