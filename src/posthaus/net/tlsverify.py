"""Is this the host that we wanted? Names of a certificate, and TLSA records.

The chain of a certificate from an authority is OpenSSL's business (net/tlsclient.py); here stand what it does not do
for us: names with wildcards on either side, and DANE. For DANE-TA(2) the path is built from the certificates that the
host sent, and a certificate on it with a critical extension that is not understood here is refused, as is one whose
dates or basic constraints do not allow its place.

Standards: RFC 6125 §6.4, RFC 9525 §6.3, RFC 8461 §4.1 and §4.2, RFC 6698 §2.1, RFC 7671 §5, RFC 7672 §3, RFC 5280 §6.1,
           RFC 8460 §4.3.
Faults:    TlsFault, with its result type.
"""

import datetime
import hashlib
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtensionOID, NameOID

from posthaus.base import limit
from posthaus.base.dns import Tlsa
from posthaus.net.tlslayer import TlsFault

DANE_TA, DANE_EE = 2, 3
_CERTIFICATE, _KEY = 0, 1
_DIGESTS = {1: ("sha256", 32), 2: ("sha512", 64)}
# What x509 says of extensions and names that it cannot read, when they are asked for
_UNREADABLE = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


def verify_names(leaf_der: bytes, names: Sequence[str], *, with_common_name: bool = False) -> None:
    """The certificate has one of these names; "*.example.org" among them stands for any one label."""
    dns, addresses = _names(_load(leaf_der), with_common_name)
    for wanted in names:
        if wanted in addresses or any(is_same_name(wanted.lower(), one) for one in dns):
            return
    raise TlsFault(f"the certificate is for {', '.join(dns) or 'no name'}", "certificate-host-mismatch")


def is_same_name(wanted: str, presented: str) -> bool:
    """RFC 9525 §6.3: a wildcard is the whole first label, and stands for one label."""
    if wanted == presented:
        return True
    wanted_first, _, wanted_rest = wanted.partition(".")
    first, _, rest = presented.partition(".")
    return "*" in (wanted_first, first) and bool(rest) and "." in rest and rest == wanted_rest


def verify_dane(chain: Sequence[bytes], records: Sequence[Tlsa], names: Sequence[str], now: float) -> bool:
    """One of the records names this chain; false where none can be used (RFC 7672 §2.2: encrypt all the same)."""
    usable = [one for one in records if is_usable(one)]
    if not usable:
        return False
    if not chain:
        raise TlsFault("the host has sent no certificate")
    leaf = _load(chain[0])
    # RFC 7672 §3.1.1: with DANE-EE(3) neither names nor dates matter, only the record.
    if any(one.usage == DANE_EE and _matches(one, leaf) for one in usable):
        return True
    anchors = [one for one in usable if one.usage == DANE_TA]
    others = [_load(one) for one in chain[1 : limit.RELAY_CHAIN]] + _sent_as_records(anchors)
    path = _path(leaf, others, anchors)
    if path is None:
        raise TlsFault("no TLSA record names this certificate")
    _check_path(path, now)
    verify_names(chain[0], names, with_common_name=True)
    return True


def is_usable(record: Tlsa) -> bool:
    """RFC 7672 §3.1: DANE-TA and DANE-EE, and what we can compute of them."""
    if record.usage not in (DANE_TA, DANE_EE) or record.selector not in (_CERTIFICATE, _KEY):
        return False
    if record.matching == 0:
        return bool(record.data)
    digest = _DIGESTS.get(record.matching)
    return digest is not None and len(record.data) == digest[1]


def _load(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        raise TlsFault("a certificate cannot be read", "certificate-not-trusted") from None


def _names(leaf: x509.Certificate, with_common_name: bool) -> tuple[list[str], list[str]]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = [one.lower() for one in names.get_values_for_type(x509.DNSName)]
        addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    except (x509.ExtensionNotFound, *_UNREADABLE):
        dns, addresses = [], []
    if not dns and with_common_name:  # RFC 7672 §3.2.3: where there is no name of the other kind
        dns = _common_names(leaf)
    return dns, addresses


def _common_names(leaf: x509.Certificate) -> list[str]:
    try:
        return [str(one.value).lower() for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except ValueError:
        return []


def _matches(record: Tlsa, certificate: x509.Certificate) -> bool:
    try:
        octets = (
            certificate.public_bytes(serialization.Encoding.DER)
            if record.selector == _CERTIFICATE
            else certificate.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
    except (ValueError, UnsupportedAlgorithm):
        return False
    digest = _DIGESTS.get(record.matching)
    return record.data == (octets if digest is None else hashlib.new(digest[0], octets).digest())


def _sent_as_records(anchors: Sequence[Tlsa]) -> list[x509.Certificate]:
    """RFC 7672 §3.1.2: only "2 0 0" holds the authority's certificate itself, so that the host need not send it."""
    found = []
    for one in anchors:
        if one.selector == _CERTIFICATE and one.matching == 0:
            try:
                found.append(x509.load_der_x509_certificate(one.data))
            except (ValueError, x509.InvalidVersion):
                pass
    return found


def _path(
    certificate: x509.Certificate, left: list[x509.Certificate], anchors: Sequence[Tlsa]
) -> list[x509.Certificate] | None:
    """From this certificate up to one that a record names. Each of `left` is looked at once, whatever was sent."""
    issuers = [one for one in left if _has_signed(one, certificate)]
    for issuer in issuers:
        if issuer not in left:
            continue
        left.remove(issuer)
        if any(_matches(one, issuer) for one in anchors):
            return [certificate, issuer]
        rest = _path(issuer, left, anchors)
        if rest is not None:
            return [certificate, *rest]
    return None


def _has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Its name is that of the issuer, too."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_path(path: Sequence[x509.Certificate], now: float) -> None:
    at = datetime.datetime.fromtimestamp(now, datetime.UTC)
    for depth, certificate in enumerate(path):
        if at > certificate.not_valid_after_utc:
            raise TlsFault("a certificate has expired", "certificate-expired")
        if at < certificate.not_valid_before_utc:
            raise TlsFault("a certificate is not valid yet")
        try:
            extensions = certificate.extensions
        except _UNREADABLE:
            raise TlsFault("a certificate cannot be read", "certificate-not-trusted") from None
        if any(one.critical and one.oid not in _UNDERSTOOD for one in extensions):
            raise TlsFault("a certificate has a condition that is not understood", "certificate-not-trusted")
        if depth and not _may_sign(extensions, depth):
            raise TlsFault("a certificate was signed by one that may not", "certificate-not-trusted")


def _may_sign(extensions: x509.Extensions, depth: int) -> bool:
    """RFC 5280 §4.2.1.9: an authority, with at most so many others below it."""
    try:
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and (constraints.path_length is None or constraints.path_length >= depth - 1)
