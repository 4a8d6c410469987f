"""A DNS server inside your test, from a plain dict, with faults on order.

    async with zone({"b.test": {"MX": ["10 mx.b.test"]}, "mx.b.test": {"A": ["127.0.0.1"]}}) as dns:
        ... dns.address, dns.port ...                     over UDP and TCP
        dns.records["c.test"] = {"A": ["127.0.0.2"]}      from now on
        dns.order("b.test", "MX", Fault.SERVFAIL)         from now on, or for so many questions

    with running_zone({...}) as dns: ...                  the same for tests without asyncio

Names are written without the last dot, TXT without quotes; octets that are no record of the type are written in hex
behind "\\# ". A name of the dict exists, and so do those above it; all
others do not. The server follows no question elsewhere: it is the root of a small world.

Standards: RFC 1035, RFC 2308 §2, RFC 3597 §5, RFC 6891.
Faults:    those ordered.
"""

import asyncio
import enum
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from posthaus.testing.aside import aside

HOST = "127.0.0.1"
_CHAIN = 16
_RAW = "\\# "  # RFC 3597 §5, without the length
_UDP_OCTETS, _TCP_OCTETS = 512, 65_535
_TRIES = 20  # for a port that is free in UDP and TCP alike

Records = dict[str, dict[str, list[str]]]


class Fault(enum.Enum):
    """What a question meets instead of an answer, or before it."""

    SERVFAIL = "servfail"
    REFUSED = "refused"
    SILENCE = "silence"
    RUBBISH = "rubbish"  # octets that are no message, behind the right id and question
    LAME = "lame"  # neither an answer nor a word about who has it
    NO_EDNS = "no-edns"  # FORMERR to all who speak EDNS(0), as servers of old
    TRUNCATED = "truncated"  # over UDP; TCP has the answer
    WRONG_ID = "wrong-id"  # a forged answer first, then the true one
    WRONG_QUESTION = "wrong-question"  # the answer to another question first, then the true one
    HALF_CHAIN = "half-chain"  # a CNAME alone, without what it leads to


@dataclass(slots=True)
class Zone:
    """The server's world; all of it may be changed while it runs."""

    records: Records
    address: str = HOST
    port: int = 0
    tls_port: int = 0  # where zone() was given a TLS context
    ttl_s: int = 300
    negative_ttl_s: int = 60
    is_secure: bool = False  # the AD bit, as a validating resolver sets it
    insecure: set[str] = field(default_factory=set)  # names whose records have no AD bit all the same
    questions: list[tuple[str, str, str]] = field(default_factory=list)
    """What was asked, in order: name, type, "udp", "tcp" or "tls"."""
    connections: int = 0  # of TCP and TLS
    _faults: dict[tuple[str, str], tuple[Fault, int]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """As the setting `resolvers` has it."""
        return f"{self.address}:{self.port}"

    def order(self, name: str, kind: str, fault: Fault, times: int = -1) -> None:
        """From now on, or for so many questions."""
        self._faults[name.lower(), kind] = (fault, times)

    def asked(self, name: str, kind: str) -> int:
        """How often, over UDP."""
        return self.questions.count((name, kind, "udp"))

    # -- answering -------------------------------------------------------------------------------------------------

    def answers(self, octets: bytes, way: str) -> list[bytes]:
        """What is sent back for a question, in order."""
        asked = dns.message.from_wire(octets)
        one = asked.question[0]
        name, kind = one.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(one.rdtype)
        self.questions.append((name, kind, way))
        fault = self._fault(name, kind)
        right = _wire(self._answer(asked, name, kind, is_half=fault is Fault.HALF_CHAIN), asked, way)
        match fault:
            case Fault.SILENCE:
                return []
            case Fault.SERVFAIL | Fault.REFUSED:
                return [_refusal(asked, fault.name)]
            case Fault.NO_EDNS if asked.edns >= 0:
                return [_refusal(asked, "FORMERR")]
            case Fault.LAME:
                return [_refusal(asked, "NOERROR")]
            case Fault.RUBBISH:
                return [right[:4] + b"\0\x01\xff\xff" + right[8:12] + octets[12:] + b"\xc0"]
            case Fault.TRUNCATED if way == "udp":
                return [_truncated(asked)]
            case Fault.WRONG_ID:
                return [bytes([octets[0] ^ 1]) + _refusal(asked, "NXDOMAIN")[1:], right]
            case Fault.WRONG_QUESTION:
                other = dns.message.make_query("forged.test", kind, id=asked.id)
                return [_refusal(other, "NXDOMAIN"), right]
        return [right]

    def _fault(self, name: str, kind: str) -> Fault | None:
        fault, left = self._faults.get((name, kind), (None, 0))
        if fault is None or left == 0:
            return None
        self._faults[name, kind] = (fault, left - 1)
        return fault

    def _answer(self, asked: dns.message.Message, name: str, kind: str, *, is_half: bool) -> dns.message.Message:
        reply = dns.message.make_response(asked, recursion_available=True)
        reply.flags |= dns.flags.AA
        is_secure, is_found = self.is_secure and name not in self.insecure, False
        for _ in range(_CHAIN):
            here = self.records.get(name, {})
            alias = here.get("CNAME") if kind != "CNAME" else None
            found = here.get(kind) if alias is None else alias
            if found:
                is_found = alias is None
                what = kind if is_found else "CNAME"
                reply.answer.append(_rrset(name, self.ttl_s, what, found))
            if alias is None or is_half:
                break
            name = alias[0].rstrip(".").lower()
            is_secure = is_secure and name not in self.insecure
        if not is_found and not is_half:
            reply.set_rcode(dns.rcode.NOERROR if self._exists(name) else dns.rcode.NXDOMAIN)
            soa = f". hostmaster. 1 3600 600 86400 {self.negative_ttl_s}"
            reply.authority.append(dns.rrset.from_text(dns.name.root, self.negative_ttl_s, "IN", "SOA", soa))
        if is_secure:
            reply.flags |= dns.flags.AD
        return reply

    def _exists(self, name: str) -> bool:
        return name in self.records or any(one.endswith("." + name) for one in self.records)


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text, dns.name.root)


def _rrset(name: str, ttl_s: int, kind: str, values: list[str]) -> dns.rrset.RRset:
    made = dns.rrset.RRset(_name(name), dns.rdataclass.IN, dns.rdatatype.from_text(kind))
    for value in values:
        if value.startswith(_RAW):
            octets = bytes.fromhex(value.removeprefix(_RAW))
            made.add(dns.rdata.GenericRdata(made.rdclass, made.rdtype, octets), ttl_s)
        else:
            made.add(dns.rdata.from_text(made.rdclass, made.rdtype, _text(kind, value)), ttl_s)
    return made


def _text(kind: str, value: str) -> str:
    if kind == "TXT":
        octets = value.encode()
        pieces = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
        return " ".join('"' + "".join(f"\\{octet:03d}" for octet in piece) + '"' for piece in pieces)
    if kind in ("MX", "CNAME", "PTR", "NS") and not value.endswith("."):
        return value + "."
    return value


def _wire(reply: dns.message.Message, asked: dns.message.Message, way: str) -> bytes:
    room = max(asked.payload, _UDP_OCTETS) if way == "udp" else _TCP_OCTETS
    try:
        return reply.to_wire(max_size=room, want_shuffle=False)  # in the order of the dict
    except dns.exception.TooBig:
        return _truncated(asked)


def _truncated(asked: dns.message.Message) -> bytes:
    reply = dns.message.make_response(asked)
    reply.flags |= dns.flags.TC
    return reply.to_wire()


def _refusal(asked: dns.message.Message, code: str) -> bytes:
    reply = dns.message.make_response(asked)
    reply.set_rcode(dns.rcode.from_text(code))
    return reply.to_wire()


# -- running -------------------------------------------------------------------------------------------------------


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, here: Zone) -> None:
        self._here = here

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for octets in self._here.answers(data, "udp"):
            self._transport.sendto(octets, addr)


async def _serve_tcp(here: Zone, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    here.connections += 1
    try:
        while True:
            asked = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            for octets in here.answers(asked, way):
                writer.write(len(octets).to_bytes(2) + octets)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def zone(records: Records, *, context: ssl.SSLContext | None = None, **more: Any) -> AsyncIterator[Zone]:
    """The server in this loop. context: with it, it listens for TLS as well. more: fields of Zone."""
    here = Zone(records, **more)
    loop = asyncio.get_running_loop()
    serving: set[asyncio.Task[None]] = set()

    def accept(way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = loop.create_task(_serve_tcp(here, way, reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    for left in reversed(range(_TRIES)):
        udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(here), local_addr=(HOST, 0))
        here.port = udp.get_extra_info("sockname")[1]
        try:
            tcp = await asyncio.start_server(partial(accept, "tcp"), HOST, here.port)
            break
        except OSError:
            udp.close()
            if not left:
                raise
    tls = await asyncio.start_server(partial(accept, "tls"), HOST, 0, ssl=context) if context is not None else None
    if tls is not None:
        here.tls_port = tls.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        udp.close()
        tcp.close()
        if tls is not None:
            tls.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await tcp.wait_closed()


@contextmanager
def running_zone(records: Records, **more: Any) -> Iterator[Zone]:
    """The server in a thread of its own."""
    with aside(zone(records, **more), "zone") as (_, here):
        yield here
