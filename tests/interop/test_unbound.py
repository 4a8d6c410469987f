"""unbound, a resolver that people run beside their mail server: our questions, and DNSSEC as it judges it."""

import datetime
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.dnssec
import dns.dnssectypes
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdtypes.dnskeybase import Flag

from posthaus.base.chance import SystemChance
from posthaus.base.clock import SystemClock
from posthaus.base.dns import DnsTrouble, Mx, Tlsa
from posthaus.flow.dane import dane_of
from posthaus.flow.mx import addresses_of
from posthaus.net.resolver import Place, Resolver

pytestmark = pytest.mark.interop

CONF = """
server:
    interface: 127.0.0.1
    port: {port}
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    verbosity: 1
    root-hints: ""
    do-not-query-localhost: yes
{more}
remote-control:
    control-enable: no
"""
LOCAL = """
    module-config: "iterator"
    local-zone: "test." static
    local-data: "b.test. 300 IN MX 10 mx.b.test."
    local-data: "mx.b.test. 300 IN A 192.0.2.1"
    local-data: "mx.b.test. 300 IN AAAA 2001:db8::1"
    local-data: 'b.test. 300 IN TXT "v=one " "two"'
    local-data: "_25._tcp.mx.b.test. 300 IN TLSA 3 1 1 {digest}"
    local-data-ptr: "192.0.2.1 mx.b.test"
    local-zone: "refused.example." refuse
{long}
"""
SIGNED = """
    module-config: "validator iterator"
    local-zone: "test." nodefault
    trust-anchor: "{anchor}"
    domain-insecure: "plain.example."
auth-zone:
    name: "test."
    zonefile: "test.zone"
    for-upstream: yes
    for-downstream: no
auth-zone:
    name: "plain.example."
    zonefile: "plain.zone"
    for-upstream: yes
    for-downstream: no
"""
HEAD = "@ 300 IN SOA ns hostmaster 1 3600 600 86400 60\n@ 300 IN NS ns\nns 300 IN A 192.0.2.53\n"
ZONE = (
    HEAD
    + "b 300 IN MX 10 mx.b\nmx.b 300 IN A 192.0.2.1\nalias 300 IN CNAME mx.b\nforged 300 IN A 192.0.2.66\n"
    + "_25._tcp.mx.b 300 IN TLSA 3 1 1 {digest}\n"
)
DIGEST = "ab" * 32
LONG = 60


def free_port() -> int:
    """Free in UDP and TCP at this moment."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def running_unbound(more: str, files: dict[str, str]) -> Iterator[Resolver]:
    program = shutil.which("unbound", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        pytest.skip("unbound is not installed")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        conf = Path(folder) / "unbound.conf"
        conf.write_text(CONF.format(port=port, folder=folder, more=more))
        for name, text in files.items():
            (Path(folder) / name).write_text(text)
        with subprocess.Popen([program, "-d", "-c", conf], stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                for line in process.stderr:
                    if "start of service" in line:
                        break
                else:
                    pytest.fail("unbound does not start")
                place = Place("127.0.0.1", port, is_trusted=True)
                yield Resolver([place], SystemClock(), SystemChance(), try_s=30.0)
            finally:
                process.terminate()


def sign(text: str) -> tuple[str, str]:
    """The zone "test." signed, and its key as a trust anchor; what is said of `forged` is changed afterwards."""
    zone = dns.zone.from_text(text, "test.", relativize=False)
    private = ec.generate_private_key(ec.SECP256R1())
    flags = Flag.ZONE | Flag.SEP
    key = dns.dnssec.make_dnskey(private.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, flags)
    now = datetime.datetime.now(datetime.UTC)
    with zone.writer() as tx:
        dns.dnssec.sign_zone(
            zone, tx, [(private, key)], inception=now - datetime.timedelta(days=1),
            expiration=now + datetime.timedelta(days=2),
        )  # fmt: skip
    return zone.to_text().replace("192.0.2.66", "192.0.2.67"), f"test. IN DNSKEY {key.to_text()}"


async def test_our_questions() -> None:
    long = "\n".join(f'    local-data: "long.test. 300 IN TXT {"x" * 60}{n}"' for n in range(LONG))
    with running_unbound(LOCAL.format(digest=DIGEST, long=long), {}) as ask:
        assert list((await ask.mx("b.test")).records) == [Mx(10, "mx.b.test")]
        assert list((await ask.a("mx.b.test")).records) == ["192.0.2.1"]
        assert list((await ask.aaaa("mx.b.test")).records) == ["2001:db8::1"]
        assert list((await ask.txt("b.test")).records) == [b"v=one two"]
        assert list((await ask.tlsa("_25._tcp.mx.b.test")).records) == [Tlsa(3, 1, 1, b"\xab" * 32)]
        assert list((await ask.ptr("192.0.2.1")).records) == ["mx.b.test"]
        assert not (await ask.mx("nobody.test")).exists
        assert (await ask.a("b.test")).exists and not (await ask.a("b.test")).records
        assert len((await ask.txt("long.test")).records) == LONG  # over TCP
        with pytest.raises(DnsTrouble, match="REFUSED"):
            await ask.a("refused.example")


async def test_dnssec() -> None:
    """RFC 6840 §5.7: the AD bit in a question is enough to get it in the answer"""
    signed, anchor = sign(ZONE.format(digest=DIGEST))
    files = {"test.zone": signed, "plain.zone": "$ORIGIN plain.example.\n" + HEAD + "b 300 IN MX 10 mx.b\n"}
    with running_unbound(SIGNED.format(anchor=anchor), files) as ask:
        mx = await ask.mx("b.test")
        assert (list(mx.records), mx.is_secure) == ([Mx(10, "mx.b.test")], True)
        for host in ("mx.b.test", "alias.test"):
            at = await addresses_of(ask, host)
            assert (at.found, at.is_secure) == (("192.0.2.1",), True)
            dane = await dane_of(ask, host, 25, at)
            assert dane is not None and (dane.base, dane.usable) == ("mx.b.test", (Tlsa(3, 1, 1, b"\xab" * 32),))
        nobody = await ask.mx("nobody.test")
        assert not nobody.exists and nobody.is_secure
        plain = await ask.mx("b.plain.example")
        assert plain.records and not plain.is_secure
        with pytest.raises(DnsTrouble, match="SERVFAIL"):
            await ask.a("forged.test")
