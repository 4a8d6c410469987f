"""Postfix as the MX that we send to: TLS of every demand, chunks, many recipients, a message of half a megabyte.

It keeps what it takes in Maildirs, octet for octet but for its line ends and the fields that it adds.
"""

import hashlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.flow.relaying import Bench, hop_to, make_bench
from tests.interop.clients import unix
from tests.interop.postfix import house, running

from posthaus.base.dns import Tlsa
from posthaus.flow.hop import Demand, Host
from posthaus.flow.link import Link
from posthaus.mail.address import parse_address
from posthaus.mail.envelope import Envelope
from posthaus.mail.outcome import Kind
from posthaus.store.blob import PLAIN, Octets

DOMAIN = "b.example"
PEOPLE = [f"p{n}" for n in range(9)]
RECIPIENTS = 4  # Postfix's smtpd_recipient_limit here
ARRIVES_S = 20.0

MAIN = """
mydestination =
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_limit = {recipients}
smtpd_recipient_overshoot_limit = 100
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_mailbox_base = {folder}/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_transport = virtual
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """The running MX."""

    folder: Path
    port: int
    authority: Path
    leaf: bytes

    def host(self, demand: Demand, tlsa: tuple[Tlsa, ...] = ()) -> Host:
        return Host(f"mx.{DOMAIN}", ("127.0.0.1",), self.port, demand, (), tlsa)

    def arrived(self, who: str, subject: bytes) -> bytes:
        """The message with this subject, once it is there."""
        until = time.monotonic() + ARRIVES_S
        while time.monotonic() < until:
            for path in (self.folder / "mail" / who / "new").glob("*"):
                octets = path.read_bytes()
                if b"\nSubject: " + subject + b"\n" in octets:
                    return octets
            time.sleep(0.05)  # Postfix's own queue has it
        raise AssertionError((self.folder / "maillog").read_text()[-3000:])


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    with house(f"mx.{DOMAIN}") as folder:
        (folder / "mail").mkdir(mode=0o755)
        shutil.chown(folder / "mail", "nobody", "nogroup")
        nobody = (folder / "mail").stat()
        boxes = ", ".join(f"{{ {who}@{DOMAIN} = {who}/ }}" for who in PEOPLE)
        values = {"folder": folder, "domain": DOMAIN, "boxes": boxes, "recipients": RECIPIENTS}
        with running(folder, f"mx.{DOMAIN}", MAIN.format(**values, uid=nobody.st_uid, gid=nobody.st_gid)) as port:
            yield Postfix(folder, port, folder / "etc/ca.pem", (folder / "etc/chain.pem").read_bytes())


def message(subject: str, body: str = "hello\r\n.\r\n..two\r\n") -> bytes:
    return f"From: a@client.example\r\nSubject: {subject}\r\n\r\n{body}".encode()


def body_of(octets: bytes) -> bytes:
    return octets.partition(b"\n\n")[2]


def bench_of(postfix: Postfix) -> Bench:
    return make_bench(postfix.authority)


def key_of(postfix: Postfix, usage: int) -> Tlsa:
    key = x509.load_pem_x509_certificate(postfix.leaf if usage == 3 else postfix.authority.read_bytes()).public_key()
    octets = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Tlsa(usage, 1, 1, hashlib.sha256(octets).digest())


@pytest.mark.parametrize("demand", list(Demand))
async def test_every_demand(postfix: Postfix, demand: Demand) -> None:
    bench = bench_of(postfix)
    tlsa = (key_of(postfix, 3),) if demand is Demand.DANE else ()
    octets = message(f"by-{demand.value}", "größer\r\n" + "x" * 70_000 + "\r\n.\r\n")
    (outcome,) = await bench.send(hop_to(postfix.host(demand, tlsa)), [f"p0@{DOMAIN}"], octets)
    assert (outcome.kind, outcome.code, outcome.has_dsn) == (Kind.RELAYED, 250, True), outcome
    assert bool(outcome.tls) is (demand is not Demand.NONE)
    assert ("verified" in outcome.tls) is (demand in (Demand.VERIFIED, Demand.DANE))
    arrived = postfix.arrived("p0", f"by-{demand.value}".encode())
    assert body_of(arrived) == body_of(unix(octets))
    assert any("BDAT" in line for line in bench.lines)


async def test_another_name_and_another_key(postfix: Postfix) -> None:
    bench = bench_of(postfix)
    host = Host("mx.other.example", ("127.0.0.1",), postfix.port, Demand.VERIFIED)
    outcome = await bench.refused(hop_to(host))
    assert (outcome.kind, outcome.enhanced) == (Kind.DEFERRED, "4.7.5")
    assert bench.tls[-1][1] is not None and bench.tls[-1][1].kind == "certificate-host-mismatch"
    outcome = await bench.refused(hop_to(postfix.host(Demand.DANE, (Tlsa(3, 1, 1, b"x" * 32),))))
    assert outcome.enhanced == "4.7.5"


async def test_more_recipients_than_it_takes_at_once(postfix: Postfix) -> None:
    """452 4.5.3: the rest goes in further transactions, unknown ones are told for themselves."""
    bench = bench_of(postfix)
    to = [f"{who}@{DOMAIN}" for who in (*PEOPLE, "nobody")]
    outcomes = await bench.send(hop_to(postfix.host(Demand.OPPORTUNISTIC)), to, message("many"))
    assert [one.kind for one in outcomes] == [Kind.RELAYED] * len(PEOPLE) + [Kind.FAILED]
    assert outcomes[-1].enhanced == "5.1.1"
    for who in PEOPLE:
        assert body_of(postfix.arrived(who, b"many")) == b"hello\n.\n..two\n"


async def test_many_messages_over_one_link(postfix: Postfix) -> None:
    """A refused one in between; half a megabyte that lies outside."""
    bench = bench_of(postfix)
    async with bench.link(hop_to(postfix.host(Demand.ENCRYPTED))) as link:
        for turn in range(5):
            (outcome,) = await bench.over(link, [f"p1@{DOMAIN}"], message(f"turn-{turn}"))
            assert outcome.kind is Kind.RELAYED
            (outcome,) = await bench.over(link, ["p1@elsewhere.example"], message("elsewhere"))
            assert (outcome.kind, outcome.code) == (Kind.FAILED, 554)
        body = b"line of octets\r\n" * 32_000
        head = message("outside", "")
        bench.blobs.octets["key"] = body
        inner = Octets(b"", head, b"", PLAIN, "key", len(head) + len(body))
        (outcome,) = await bench.over(link, [f"p1@{DOMAIN}"], inner=inner)
        assert outcome.kind is Kind.RELAYED
        assert link.is_usable
    assert body_of(postfix.arrived("p1", b"outside")) == unix(body)
    assert all(postfix.arrived("p1", f"turn-{turn}".encode()) for turn in range(5))


async def test_an_address_and_a_header_in_utf8(postfix: Postfix) -> None:
    """RFC 6531: to Postfix, which has SMTPUTF8"""
    bench = bench_of(postfix)
    envelope = Envelope(parse_address("jörg@client.example".encode(), smtputf8=True), smtputf8=True)
    octets = "From: Jörg <jörg@client.example>\r\nSubject: utf8\r\n\r\nx\r\n".encode()
    link = await bench.relay.open(hop_to(postfix.host(Demand.OPPORTUNISTIC)))
    assert isinstance(link, Link)
    (outcome,) = await bench.over(link, [f"p2@{DOMAIN}"], octets, envelope)
    await link.close()
    assert outcome.kind is Kind.RELAYED
    assert "Jörg <jörg@client.example>".encode() in postfix.arrived("p2", b"utf8")
