"""Names of certificates, and DANE: every kind of record, and every way in which a chain can be wrong."""

import datetime
import hashlib
import time
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from posthaus.base.dns import Tlsa
from posthaus.net.tlslayer import TlsFault
from posthaus.net.tlsverify import is_same_name, is_usable, verify_dane, verify_names

NOW = time.time()
START = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
DAY = datetime.timedelta(days=1)


class Maker:
    """A certificate with its key, made by another one or by itself."""

    def __init__(
        self,
        name: str,
        issuer: "Maker | None" = None,
        *,
        ca: bool | None = None,
        path_length: int | None = None,
        names: Sequence[x509.GeneralName] = (),
        begin: datetime.datetime = START - DAY,
        end: datetime.datetime = START + DAY,
        odd: x509.ExtensionType | None = None,
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if odd is not None:
            builder = builder.add_extension(odd, critical=True)
        self.certificate = builder.sign(signer.key, hashes.SHA256())
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def record(usage: int, selector: int, matching: int, maker: Maker) -> Tlsa:
    octets = maker.spki if selector else maker.der
    digest = {0: octets, 1: hashlib.sha256(octets).digest(), 2: hashlib.sha512(octets).digest()}[matching]
    return Tlsa(usage, selector, matching, digest)


ROOT = Maker("root", ca=True)
MIDDLE = Maker("middle", ROOT, ca=True, path_length=0)
LEAF = Maker("mx.example", MIDDLE, names=[x509.DNSName("MX.example"), x509.DNSName("*.wild.example")])
CHAIN = [LEAF.der, MIDDLE.der, ROOT.der]
NAMES = ("mx.example",)
OTHER = Maker("other", ca=True)


def fault(chain: Sequence[bytes], records: Sequence[Tlsa], names: Sequence[str] = NAMES) -> str:
    with pytest.raises(TlsFault) as caught:
        verify_dane(chain, records, names, NOW)
    return caught.value.kind


# -- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "presented", "same"),
    [
        ("mx.example.org", "mx.example.org", True),
        ("mx.example.org", "*.example.org", True),
        ("*.example.org", "mx.example.org", True),
        ("*.example.org", "*.example.org", True),
        ("mx.example.org", "example.org", False),
        ("example.org", "*.example.org", False),
        ("a.mx.example.org", "*.example.org", False),
        ("*.example.org", "a.mx.example.org", False),
        ("mx.example.org", "m*.example.org", False),
        ("mx.example.org", "mx.*.org", False),
        ("mx.example", "*.example", False),
        ("example", "*", False),
        ("mx.example.org", "mx.example.net", False),
    ],
)
def test_same_name(wanted: str, presented: str, same: bool) -> None:
    """RFC 9525 §6.3, RFC 8461 §4.1"""
    assert is_same_name(wanted, presented) is same


def test_names_of_a_certificate() -> None:
    verify_names(LEAF.der, ["no.example", "Mx.Example"])
    verify_names(LEAF.der, ["a.wild.example"])
    address = Maker("x", names=[x509.IPAddress(__import__("ipaddress").ip_address("192.0.2.1"))])
    verify_names(address.der, ["192.0.2.1"])
    nameless = Maker("mx.example")
    verify_names(nameless.der, NAMES, with_common_name=True)
    for der, names in ((LEAF.der, ["no.example"]), (nameless.der, NAMES), (address.der, ["192.0.2.2"])):
        with pytest.raises(TlsFault) as caught:
            verify_names(der, names)
        assert caught.value.kind == "certificate-host-mismatch"


# -- DANE ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_every_kind_of_record(selector: int, matching: int) -> None:
    """RFC 6698 §2.1"""
    assert verify_dane(CHAIN, [record(3, selector, matching, LEAF)], (), NOW)
    for anchor in (MIDDLE, ROOT):
        assert verify_dane(CHAIN, [record(3, 1, 1, OTHER), record(2, selector, matching, anchor)], NAMES, NOW)
    assert fault(CHAIN, [record(3, selector, matching, OTHER)]) == "validation-failure"
    assert fault(CHAIN, [record(2, selector, matching, OTHER)]) == "validation-failure"
    assert fault(CHAIN, [record(3, selector, matching, MIDDLE)]) == "validation-failure"
    assert fault(CHAIN, [record(2, selector, matching, LEAF)]) == "validation-failure"


def test_the_authority_may_be_in_the_record() -> None:
    """RFC 7672 §3.1.2"""
    assert verify_dane(CHAIN[:2], [record(2, 0, 0, ROOT)], NAMES, NOW)
    assert fault(CHAIN[:2], [record(2, 0, 1, ROOT)]) == "validation-failure"
    assert fault(CHAIN[:2], [Tlsa(2, 0, 0, b"no certificate")]) == "validation-failure"


def test_order_of_the_chain_does_not_matter() -> None:
    strange = Maker("strange", ca=True)
    assert verify_dane([LEAF.der, ROOT.der, strange.der, MIDDLE.der], [record(2, 1, 1, ROOT)], NAMES, NOW)


@pytest.mark.parametrize(
    "bad",
    [Tlsa(0, 1, 1, b"x" * 32), Tlsa(1, 1, 1, b"x" * 32), Tlsa(3, 2, 1, b"x" * 32), Tlsa(3, 1, 3, b"x" * 32),
     Tlsa(3, 1, 1, b"x" * 31), Tlsa(3, 1, 2, b"x" * 32), Tlsa(3, 1, 0, b"")],
)  # fmt: skip
def test_records_that_cannot_be_used(bad: Tlsa) -> None:
    """RFC 7672 §3.1.3 and §2.2: TLS, but nothing is proved"""
    assert not is_usable(bad)
    assert not verify_dane(CHAIN, [bad], NAMES, NOW)
    assert verify_dane(CHAIN, [bad, record(3, 1, 1, LEAF)], NAMES, NOW)
    assert fault(CHAIN, [bad, record(3, 1, 1, OTHER)]) == "validation-failure"


def test_names_matter_below_an_authority() -> None:
    assert verify_dane(CHAIN, [record(2, 1, 1, ROOT)], ("b.example", "mx.example"), NOW)
    assert fault(CHAIN, [record(2, 1, 1, ROOT)], ("b.example",)) == "certificate-host-mismatch"


def test_dates_matter_below_an_authority() -> None:
    old = Maker("mx.example", ROOT, names=[x509.DNSName("mx.example")], end=START - DAY / 2)
    new = Maker("mx.example", ROOT, names=[x509.DNSName("mx.example")], begin=START + DAY / 2)
    assert fault([old.der, ROOT.der], [record(2, 1, 1, ROOT)]) == "certificate-expired"
    assert fault([new.der, ROOT.der], [record(2, 1, 1, ROOT)]) == "validation-failure"
    assert verify_dane([old.der], [record(3, 1, 1, old)], (), NOW)


@pytest.mark.parametrize(
    "middle",
    [
        Maker("not an authority", ROOT, ca=False),
        Maker("does not say", ROOT),
        Maker("constrained", ROOT, ca=True, odd=x509.NameConstraints([x509.DNSName("x.example")], None)),
    ],
    ids=["no", "silent", "constrained"],
)
def test_who_may_not_sign(middle: Maker) -> None:
    """RFC 5280 §6.1"""
    leaf = Maker("mx.example", middle, names=[x509.DNSName("mx.example")])
    assert fault([leaf.der, middle.der, ROOT.der], [record(2, 1, 1, ROOT)]) == "certificate-not-trusted"


def test_a_path_that_is_too_long() -> None:
    below = Maker("below", MIDDLE, ca=True)
    leaf = Maker("mx.example", below, names=[x509.DNSName("mx.example")])
    chain = [leaf.der, below.der, MIDDLE.der, ROOT.der]
    assert fault(chain, [record(2, 1, 1, ROOT)]) == "certificate-not-trusted"
    assert verify_dane(chain, [record(2, 1, 1, below)], NAMES, NOW)


def test_a_signature_that_is_not_the_authoritys() -> None:
    """The name of the authority, and another key."""
    false_root = Maker("root", ca=True)
    leaf = Maker("mx.example", false_root, names=[x509.DNSName("mx.example")])
    assert fault([leaf.der, ROOT.der], [record(2, 1, 1, ROOT)]) == "validation-failure"


def test_a_chain_made_to_be_searched_for_ever() -> None:
    """Many authorities of one name and one key: each is looked at once."""
    first = Maker("loop", ca=True)
    loops = []
    for _ in range(9):
        one = Maker("loop", ca=True)
        one.key = first.key
        loops.append(first.der)
    leaf = Maker("mx.example", first, names=[x509.DNSName("mx.example")])
    assert fault([leaf.der, *loops], [record(2, 1, 1, OTHER)]) == "validation-failure"


def test_no_certificate_and_no_sense() -> None:
    assert fault([], [record(3, 1, 1, LEAF)]) == "validation-failure"
    assert fault([b"x"], [record(3, 1, 1, LEAF)]) == "certificate-not-trusted"
    assert fault([LEAF.der, b"x"], [record(2, 1, 1, ROOT)]) == "certificate-not-trusted"


# -- certificates that cannot be read as a whole -------------------------------------------------------------------

DAMAGE = [
    (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x42"),  # a version that there is not
    (b"\x82\x0aMX.example", b"\xa5\x0aMX.example"),  # an EDI party name, which x509 does not read
    (b"\x0c\x0amx.example", b"\x0c\x0amx.exampl\xff"),  # a subject that is no UTF-8
    (b"\x0c\x06middle", b"\x0c\x06middl\xff"),  # an issuer that is none
]


@pytest.mark.parametrize(("old", "new"), DAMAGE)
def test_damaged(old: bytes, new: bytes) -> None:
    """Whatever a host sends comes to a TlsFault, or it would end the attempt as a defect of ours"""
    assert old in LEAF.der
    leaf = LEAF.der.replace(old, new)
    chain = [leaf, *CHAIN[1:]]
    fault(chain, [record(2, 0, 1, ROOT)])
    fault([LEAF.der, MIDDLE.der.replace(*DAMAGE[0]), ROOT.der], [record(2, 0, 1, ROOT)])
    fault([LEAF.der, MIDDLE.der.replace(*DAMAGE[3]), ROOT.der], [record(2, 0, 1, ROOT)])
    fault(CHAIN[:2], [Tlsa(2, 0, 0, ROOT.der.replace(*DAMAGE[0]))])
    for with_common_name in (False, True):
        with pytest.raises(TlsFault):
            verify_names(leaf, ["no.example"], with_common_name=with_common_name)
