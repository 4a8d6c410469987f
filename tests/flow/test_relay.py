"""The relay: hosts in turn, TLS as it is demanded, log-in, and what is told when nobody can be reached."""

import asyncio
import dataclasses
import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.flow.relaying import MESSAGE, Bench, hop_to, host_of, make_bench, until

from posthaus.base import limit
from posthaus.base.dns import Tlsa
from posthaus.flow.hop import Credential, Demand
from posthaus.flow.link import Link
from posthaus.mail.address import parse_address
from posthaus.mail.envelope import Envelope
from posthaus.mail.outcome import Kind, Outcome
from posthaus.net.tlsclient import ClientTls
from posthaus.testing import server
from posthaus.testing.remote import DROP, ENDLESS, HANG, KEYWORDS, Last, Order, Raw, Remote, remote_mx


@pytest.fixture
def bench() -> Bench:
    return make_bench()


def trusting(mx: Remote, tmp_path: Path) -> Bench:
    (tmp_path / "trust.pem").write_bytes(mx.certificate)
    return make_bench(tmp_path / "trust.pem")


def key_of(mx: Remote, usage: int = 3) -> Tlsa:
    """ "3 1 1" of its certificate."""
    key = x509.load_pem_x509_certificate(mx.certificate).public_key()
    octets = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Tlsa(usage, 1, 1, hashlib.sha256(octets).digest())


# -- hosts in turn -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "orders",
    [
        {"GREETING": DROP},
        {"GREETING": "421 4.3.2 Busy"},
        {"GREETING": "554 5.7.1 Your address is on a list"},
        {"GREETING": Raw(b"SSH-2.0-x\r\n")},
        {"GREETING": ENDLESS},
        {"EHLO": "451 4.3.0 Later"},
        {"EHLO": "550 5.7.1 No", "HELO": "550 5.7.1 No"},
        {"EHLO": DROP},
        {"EHLO": Last("502 5.5.1 What?")},
    ],
)
async def test_the_next_host_is_tried(bench: Bench, orders: dict[str, Order]) -> None:
    async with remote_mx(orders) as bad, remote_mx() as good:
        (outcome,) = await bench.send(hop_to(host_of(bad), host_of(good)))
        assert outcome.kind is Kind.RELAYED
        assert good.messages
        outcome = await bench.refused(hop_to(host_of(bad)))
        assert (outcome.kind, outcome.blames_host) == (Kind.DEFERRED, True)
        assert (outcome.host, outcome.address) == ("mx.example", bad.host)
        assert outcome.status.startswith("4")


async def test_the_next_address_is_tried(bench: Bench) -> None:
    async with remote_mx() as mx, remote_mx() as dead:
        port = dead.port
    async with remote_mx() as mx:
        host = dataclasses.replace(host_of(mx), addresses=("127.0.0.2", mx.host))
        closed = dataclasses.replace(host_of(mx), port=port)
        (outcome,) = await bench.send(hop_to(closed, host))
        assert (outcome.kind, outcome.address) == (Kind.RELAYED, mx.host)
        outcome = await bench.refused(hop_to(closed))
        assert outcome.text == "cannot connect: Connection refused"
        assert (outcome.kind, outcome.enhanced, outcome.blames_host) == (Kind.DEFERRED, "4.4.1", True)


async def test_ipv6(bench: Bench) -> None:
    async with remote_mx(host="::1") as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx)))
        assert (outcome.kind, outcome.address) == (Kind.RELAYED, "::1")


async def test_no_host_at_all(bench: Bench) -> None:
    outcome = await bench.refused(hop_to())
    assert (outcome.kind, outcome.blames_host) == (Kind.DEFERRED, True)


async def test_not_every_address_of_a_hundred(bench: Bench) -> None:
    async with remote_mx({"GREETING": "421 4.3.2 Busy"}) as mx:
        await bench.refused(hop_to(dataclasses.replace(host_of(mx), addresses=(mx.host,) * 100)))
        assert mx.connections == limit.RELAY_ADDRESSES


async def test_what_a_host_says_is_told_before_what_we_say(bench: Bench) -> None:
    async with remote_mx({"GREETING": "554 5.7.1 On a list"}) as mx:
        closed = dataclasses.replace(host_of(mx), port=1)
        outcome = await bench.refused(hop_to(host_of(mx), closed))
        assert (outcome.kind, outcome.code, outcome.text) == (Kind.DEFERRED, 554, "On a list")
        assert outcome.status == "4.0.0"


async def test_a_host_that_never_takes_mail(bench: Bench) -> None:
    """RFC 7504 §3"""
    async with (
        remote_mx({"GREETING": "521 5.3.2 No mail here"}) as never,
        remote_mx({"GREETING": "421 4.3.2 Busy"}) as busy,
    ):
        outcome = await bench.refused(hop_to(host_of(never), host_of(never)))
        assert (outcome.kind, outcome.enhanced, outcome.blames_host) == (Kind.FAILED, "5.3.2", False)
        outcome = await bench.refused(hop_to(host_of(busy), host_of(never)))
        assert outcome.kind is Kind.DEFERRED


async def test_a_host_that_knows_helo_alone(bench: Bench) -> None:
    """RFC 5321 §3.2"""
    async with remote_mx({"EHLO": "500 5.5.1 What?"}) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.OPPORTUNISTIC)))
        assert outcome.kind is Kind.RELAYED
        assert mx.commands[:2] == ["EHLO client.example", "HELO client.example"]


@pytest.mark.parametrize("moment", ["GREETING", "EHLO", "STARTTLS"])
async def test_a_silent_host_is_given_up(bench: Bench, moment: str) -> None:
    async with remote_mx({moment: HANG}) as mx:
        opening = asyncio.create_task(bench.relay.open(hop_to(host_of(mx, Demand.OPPORTUNISTIC))))
        wanted = {"GREETING": "*: connected", "EHLO": "C: EHLO", "STARTTLS": "C: STARTTLS"}[moment]
        await until(lambda: any(line.startswith(wanted) for line in bench.lines))
        await bench.passing(limit.RELAY_GREETING_TIMEOUT_S - 30)
        assert not opening.done()
        await bench.passing(60)
        outcome = await opening
        assert not isinstance(outcome, Link)
        assert outcome.text.startswith("no reply to")


async def test_a_cancelled_relay_leaves_nothing_open(bench: Bench) -> None:
    async with remote_mx({"EHLO": HANG}) as mx:
        opening = asyncio.create_task(bench.relay.open(hop_to(host_of(mx))))
        await until(lambda: bool(mx.commands))
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


# -- TLS: opportunistic --------------------------------------------------------------------------------------------


async def test_any_certificate_will_do(bench: Bench) -> None:
    async with remote_mx(expired=True, names=("somebody.else",)) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.OPPORTUNISTIC)))
        assert outcome.kind is Kind.RELAYED
        assert outcome.tls.startswith("TLSv1.3 ") and "verified" not in outcome.tls
        assert mx.messages[0].is_tls
        assert bench.tls == [("mx.example", None)]


@pytest.mark.parametrize(
    ("orders", "connections"),
    [
        ({"STARTTLS": "454 4.7.0 Not now"}, 1),
        ({"STARTTLS": Last("220 2.0.0 Go ahead")}, 2),
        ({"STARTTLS": [Raw(b"220 go\r\n"), None]}, 2),
    ],
)
async def test_without_tls_where_it_fails(bench: Bench, orders: dict[str, Order], connections: int) -> None:
    """RFC 7435"""
    async with remote_mx(orders) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.OPPORTUNISTIC)))
        assert (outcome.kind, outcome.tls) == (Kind.RELAYED, "")
        assert mx.connections == connections
        ((_, failure),) = bench.tls
        assert failure is not None and failure.source == "127.0.0.1"


async def test_no_cipher_in_common(bench: Bench) -> None:
    """A handshake that both sides meant well: in the clear, or where TLS is demanded not at all."""
    async with remote_mx() as mx:
        assert mx.context is not None
        mx.context.maximum_version = ssl.TLSVersion.TLSv1_2
        mx.context.set_ciphers("PSK-AES128-GCM-SHA256")
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.OPPORTUNISTIC)))
        assert (outcome.kind, outcome.tls, mx.connections) == (Kind.RELAYED, "", 2)
        outcome = await bench.refused(hop_to(host_of(mx, Demand.ENCRYPTED)))
        assert outcome.enhanced == "4.7.5"
        assert [failure and failure.kind for _, failure in bench.tls] == ["validation-failure"] * 2


@pytest.mark.parametrize("demand", [Demand.OPPORTUNISTIC, Demand.DANE])
async def test_tls_1_2(bench: Bench, demand: Demand) -> None:
    async with remote_mx() as mx:
        assert mx.context is not None
        mx.context.maximum_version = ssl.TLSVersion.TLSv1_2
        (outcome,) = await bench.send(hop_to(host_of(mx, demand, tlsa=(key_of(mx),))))
        assert outcome.kind is Kind.RELAYED and outcome.tls.startswith("TLSv1.2 ")


async def test_the_end_right_behind_the_reply_to_starttls(bench: Bench) -> None:
    """No octets, so nobody has put them there: in the clear over a new connection."""
    async with remote_mx({"STARTTLS": Last("220 2.0.0 Go ahead")}) as mx:
        for _ in range(5):
            (outcome,) = await bench.send(hop_to(host_of(mx, Demand.OPPORTUNISTIC)))
            assert outcome.kind is Kind.RELAYED


async def test_nothing_may_stand_behind_the_reply_to_starttls(bench: Bench) -> None:
    """RFC 3207 §6: somebody else has put it there"""
    async with remote_mx({"STARTTLS": Raw(b"220 go\r\n250 injected\r\n")}) as mx:
        outcome = await bench.refused(hop_to(host_of(mx, Demand.OPPORTUNISTIC)))
        assert outcome.text == "octets in the clear behind the reply to STARTTLS"
        assert not mx.messages


async def test_no_starttls_is_told(bench: Bench) -> None:
    async with remote_mx(names=()) as mx:
        await bench.send(hop_to(host_of(mx, Demand.OPPORTUNISTIC)))
        ((_, failure),) = bench.tls
        assert failure is not None
        assert (failure.kind, failure.helo) == ("starttls-not-supported", "mx.example")


async def test_demand_none_never_tries(bench: Bench) -> None:
    async with remote_mx() as mx:
        await bench.send(hop_to(host_of(mx, Demand.NONE)))
        assert "STARTTLS" not in mx.commands and not bench.tls


# -- TLS: demanded -------------------------------------------------------------------------------------------------

DEMANDS = [Demand.ENCRYPTED, Demand.VERIFIED, Demand.DANE]


@pytest.mark.parametrize("demand", DEMANDS)
@pytest.mark.parametrize(
    "orders", [{"STARTTLS": "454 4.7.0 Not now"}, {"STARTTLS": Last("220 Go ahead")}, {"EHLO": "500 5.5.1 What?"}, None]
)
async def test_never_in_the_clear(bench: Bench, demand: Demand, orders: dict[str, Order] | None) -> None:
    async with remote_mx(orders, names=() if orders is None else ("mx.example",)) as mx:
        tlsa = (Tlsa(3, 1, 1, b"x" * 32),)
        outcome = await bench.refused(hop_to(host_of(mx, demand, tlsa=tlsa), host_of(mx, demand, tlsa=tlsa)))
        assert (outcome.kind, outcome.enhanced, outcome.blames_host) == (Kind.DEFERRED, "4.7.5", True)
        assert outcome.text.startswith("TLS is demanded: ")
        assert not [line for line in mx.commands if line.startswith("MAIL")]
        assert len(bench.tls) == 2 and all(failure is not None for _, failure in bench.tls)


async def test_encrypted_takes_any_certificate(bench: Bench) -> None:
    async with remote_mx(expired=True) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.ENCRYPTED)))
        assert outcome.kind is Kind.RELAYED and mx.messages[0].is_tls


@pytest.mark.parametrize("names", [("mx.example",), (), ("other.example", "*.example", "mx.example")])
async def test_verified(tmp_path: Path, names: tuple[str, ...]) -> None:
    async with remote_mx() as mx:
        bench = trusting(mx, tmp_path)
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.VERIFIED, names=names, policy="sts")))
        assert outcome.kind is Kind.RELAYED
        assert outcome.tls.endswith(", verified by MTA-STS")
        assert bench.tls == [("mx.example", None)]


@pytest.mark.parametrize(
    ("names", "expired", "trust", "kind"),
    [
        (("other.example",), False, True, "certificate-host-mismatch"),
        (("mx.example",), True, True, "certificate-expired"),
        (("mx.example",), False, False, "certificate-not-trusted"),
    ],
)
async def test_not_verified(tmp_path: Path, names: tuple[str, ...], expired: bool, trust: bool, kind: str) -> None:
    """RFC 8460 §4.3: the failure by its name"""
    async with remote_mx(names=names, expired=expired) as mx, remote_mx() as other:
        bench = trusting(mx if trust else other, tmp_path)
        outcome = await bench.refused(hop_to(host_of(mx, Demand.VERIFIED)))
        assert (outcome.kind, outcome.enhanced) == (Kind.DEFERRED, "4.7.5")
        ((_, failure),) = bench.tls
        assert failure is not None and failure.kind == kind
        assert not mx.messages


@pytest.mark.parametrize("expired", [False, True])
async def test_dane(bench: Bench, expired: bool) -> None:
    """RFC 7672 §3.1.1: with DANE-EE neither names nor dates matter"""
    async with remote_mx(expired=expired, names=("somebody.else",)) as mx:
        tlsa = (Tlsa(3, 1, 1, b"x" * 32), key_of(mx))
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.DANE, tlsa=tlsa, policy="tlsa")))
        assert outcome.kind is Kind.RELAYED
        assert outcome.tls.endswith(", verified by DANE")


async def test_dane_of_another_key(bench: Bench) -> None:
    async with remote_mx() as mx, remote_mx() as other:
        outcome = await bench.refused(hop_to(host_of(mx, Demand.DANE, tlsa=(key_of(other),))))
        assert outcome.text == "TLS is demanded: no TLSA record names this certificate"
        assert not mx.messages


async def test_dane_without_a_usable_record(bench: Bench) -> None:
    """RFC 7672 §2.2: TLS all the same, but nothing is verified"""
    async with remote_mx() as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.DANE, tlsa=(key_of(mx, usage=1),))))
        assert outcome.kind is Kind.RELAYED
        assert outcome.tls and "verified" not in outcome.tls


async def test_the_tlsa_base_domain_is_asked_for(bench: Bench) -> None:
    """RFC 7672 §8.1"""
    async with remote_mx() as mx:
        names = ("base.example", "b.example")
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.DANE, names=names, tlsa=(key_of(mx),))))
        assert outcome.kind is Kind.RELAYED
        assert mx.names_asked == ["base.example"]


async def test_a_policy_in_mode_testing(tmp_path: Path) -> None:
    """RFC 8461 §5: what is wrong is told once, and delivery goes on"""
    async with remote_mx() as mx:
        bench = trusting(mx, tmp_path)
        for names, verified in ((("mx.example",), True), (("other.example",), False)):
            (outcome,) = await bench.send(hop_to(host_of(mx, Demand.OPPORTUNISTIC, names=names, policy="sts")))
            assert outcome.kind is Kind.RELAYED
            assert outcome.tls.endswith(", verified by MTA-STS") is verified
        (_, fine), (_, failure) = bench.tls
        assert fine is None and failure is not None and failure.kind == "certificate-host-mismatch"
        assert all(message.is_tls for message in mx.messages)
    async with remote_mx(names=()) as clear:
        (outcome,) = await bench.send(hop_to(host_of(clear, Demand.OPPORTUNISTIC, names=("x",), policy="sts")))
        assert (outcome.kind, outcome.tls) == (Kind.RELAYED, "")
        assert [failure.kind for _, failure in bench.tls[2:] if failure] == ["starttls-not-supported"]


async def test_requiretls_by_a_proven_name(tmp_path: Path) -> None:
    """RFC 8689 §4.2.1: DNSSEC has said that it is a host of the domain; then its certificate must be for that name"""
    async with remote_mx(keywords=(*KEYWORDS, "REQUIRETLS")) as mx, remote_mx() as other:
        host = host_of(mx, Demand.OPPORTUNISTIC, is_proven=True)
        link = await trusting(mx, tmp_path).relay.open(hop_to(host), requiretls=True)
        assert isinstance(link, Link)
        await link.close()
        outcome = await trusting(other, tmp_path).relay.open(hop_to(host), requiretls=True)
        assert isinstance(outcome, Outcome) and outcome.enhanced == "4.7.5"


async def test_tls_first(tmp_path: Path) -> None:
    """RFC 8314 §3.3"""
    async with remote_mx(tls_first=True) as mx:
        bench = trusting(mx, tmp_path)
        (outcome,) = await bench.send(hop_to(host_of(mx, Demand.VERIFIED, is_tls_first=True)))
        assert outcome.kind is Kind.RELAYED and mx.messages[0].is_tls
        assert "STARTTLS" not in mx.commands
    async with remote_mx(names=()) as clear:
        outcome = await bench.refused(hop_to(host_of(clear, Demand.OPPORTUNISTIC, is_tls_first=True)))
        assert outcome.enhanced == "4.7.5"


async def test_requiretls(tmp_path: Path) -> None:
    """RFC 8689 §4.2.1: a verified host that announces it, or the next one"""
    requiring = remote_mx(keywords=(*KEYWORDS, "REQUIRETLS"))
    async with remote_mx() as without, requiring as mx, remote_mx(names=()) as clear:
        bench = trusting(mx, tmp_path)
        dane = host_of(without, Demand.DANE, tlsa=(key_of(without),))
        unverified = host_of(mx, Demand.OPPORTUNISTIC)
        outcome = await bench.relay.open(hop_to(dane, unverified), requiretls=True)
        assert not isinstance(outcome, Link)
        assert (outcome.kind, outcome.enhanced) == (Kind.FAILED, "5.7.30")
        outcome = await bench.relay.open(hop_to(host_of(clear, Demand.OPPORTUNISTIC)), requiretls=True)
        assert isinstance(outcome, Outcome) and (outcome.kind, outcome.enhanced) == (Kind.FAILED, "5.7.10")
        link = await bench.relay.open(hop_to(dane, unverified, host_of(mx, Demand.VERIFIED)), requiretls=True)
        assert isinstance(link, Link)
        await link.close()


# -- smart hosts ---------------------------------------------------------------------------------------------------


async def test_log_in_at_our_own_submission(tmp_path: Path) -> None:
    """SCRAM-SHA-256 over STARTTLS, and over TLS from the start"""
    async with server() as office:
        await office.account("ann@example.test", "secret")
        await office.account("bob@example.test", "secret")
        bench = make_bench(next(office.app.folder.glob("tls/*.crt")))
        async with remote_mx() as any_host:
            plain = host_of(any_host)
        for name, first in (("submission", False), ("submissions", True)):
            host = dataclasses.replace(
                plain,
                name="localhost",
                port=office.port(name),
                demand=Demand.VERIFIED,
                is_tls_first=first,
                credential=Credential("ann@example.test", "secret"),
                policy="smarthost",
            )
            octets = b"From: ann@example.test\r\nDate: Mon, 1 Jan 2026 00:00:00 +0000\r\n\r\nhello\r\n"
            envelope = Envelope(parse_address(b"ann@example.test", smtputf8=False))
            (outcome,) = await bench.send(hop_to(host), ["bob@example.test"], octets, envelope)
            assert outcome.kind is Kind.RELAYED
            assert outcome.tls.endswith("verified by its certificate")
            wrong = dataclasses.replace(host, credential=Credential("ann@example.test", "wrong"))
            outcome = await bench.refused(hop_to(wrong))
            assert (outcome.kind, outcome.code) == (Kind.DEFERRED, 535)
        assert len(await office.messages("bob@example.test")) == 2
        assert "C: AUTH SCRAM-SHA-256 ***" in bench.lines
        assert not any("secret" in line for line in bench.lines)


async def test_no_way_to_log_in(bench: Bench) -> None:
    async with remote_mx(keywords=("AUTH GSSAPI",)) as mx:
        outcome = await bench.refused(hop_to(host_of(mx, credential=Credential("ann", "pw"))))
        assert outcome.text == "no way to log in that we know is offered: GSSAPI"
        assert outcome.kind is Kind.DEFERRED


async def test_log_in_over_loopback(bench: Bench) -> None:
    async with remote_mx({"AUTH": "235 2.7.0 In"}, keywords=("AUTH PLAIN",)) as mx:
        (outcome,) = await bench.send(hop_to(host_of(mx, credential=Credential("ann", "pw"))))
        assert outcome.kind is Kind.RELAYED


# -- our own server ------------------------------------------------------------------------------------------------


async def test_our_own_mx(bench: Bench) -> None:
    async with server() as office, remote_mx() as any_host:
        await office.account("bob@example.test", "secret")
        host = dataclasses.replace(host_of(any_host, Demand.OPPORTUNISTIC), port=office.port("smtp"))
        outcomes = await bench.send(hop_to(host), ["bob@example.test", "nobody@example.test"])
        assert [one.kind for one in outcomes] == [Kind.RELAYED, Kind.FAILED]
        assert outcomes[0].tls.startswith("TLSv1.3")
        (message,) = await office.messages("bob@example.test")
        assert message.endswith(MESSAGE)


def test_contexts_are_modern() -> None:
    for verified in (False, True):
        assert ClientTls()._context(verified).minimum_version is ssl.TLSVersion.TLSv1_2
