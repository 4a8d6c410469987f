"""Certificates, and TLS contexts made of them: one per certificate and service, chosen by the name the client asks for.

A folder holds NAME.crt (certificate and chain, PEM) beside NAME.key. reload() reads the folder again and changes all or
nothing; connections that stand keep what they have. Tickets are off: with elliptic curves resumption saves little,
and a ticket key that lives as long as the worker would undo forward secrecy.

Standards: RFC 8996 (TLS 1.2 and newer only), RFC 6066 §3 (SNI), RFC 7301 (ALPN), RFC 8314 §3, RFC 5929 §4.
Faults:    CertificateFault (Refusal).
"""

import datetime
import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from posthaus.base.error import Refusal

PROTOCOLS: dict[str, tuple[str, ...]] = {
    "imap": ("imap",),  # RFC 7301 §6 and IANA's registry: RFC 2595 names imap and pop3
    "pop3": ("pop3",),
    "managesieve": ("managesieve",),
    "smtp": ("smtp", "esmtp"),  # not registered; Exim sends them
}

_SELF_SIGNED_DAYS = 3650
_CLOCK_SKEW_DAYS = 1


class CertificateFault(Refusal):
    """One line that names the file."""


class ServerSide(ssl.SSLObject):
    """Remembers the name that the client asked for."""

    sni: str | None = None


class ServerContext(ssl.SSLContext):
    """A context that knows its certificate's channel binding and the protocols that it speaks."""

    end_point: bytes | None = None
    protocols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, on disk."""

    name: str
    path: Path
    key_path: Path
    names: tuple[str, ...]
    end_point: bytes | None
    expires_at: int


class Certificates:
    """All certificates of the house."""

    def __init__(self, folder: Path, hostname: str) -> None:
        self._folder = folder
        self._hostname = hostname.lower()
        self._default: dict[str, ServerContext] = {}
        self._by_name: dict[str, dict[str, ServerContext]] = {}
        self.listing: tuple[Certificate, ...] = ()
        self.reload()

    def reload(self) -> None:
        """Reads the folder again; on a fault everything stays as it is."""
        listing = read_folder(self._folder)
        default: dict[str, ServerContext] = {}
        by_name: dict[str, dict[str, ServerContext]] = {}
        for service in PROTOCOLS:
            contexts = [(certificate, self._context(certificate, service)) for certificate in listing]
            by_name[service] = {name: context for certificate, context in contexts for name in certificate.names}
            default[service] = _find(by_name[service], self._hostname) or contexts[0][1]
        self._default, self._by_name, self.listing = default, by_name, listing

    def context(self, service: str) -> ssl.SSLContext:
        """For the server side of "smtp", "imap", "pop3" or "managesieve"."""
        return self._default[service]

    def _context(self, certificate: Certificate, service: str) -> ServerContext:
        context = new_context()
        try:
            context.load_cert_chain(certificate.path, certificate.key_path)
        except (OSError, ssl.SSLError) as fault:
            raise CertificateFault(f"{certificate.path}: certificate and key do not fit: {fault}") from None
        context.end_point = certificate.end_point
        context.protocols = PROTOCOLS[service]
        context.set_alpn_protocols(list(context.protocols))
        context.sni_callback = self._chooser(service)  # type: ignore[assignment]  # typeshed wants SSLSocket too
        return context

    def _chooser(self, service: str) -> object:
        def choose(side: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name is None:
                return
            if isinstance(side, ServerSide):
                side.sni = name
            context = _find(self._by_name[service], name.lower())
            if context is not None:
                side.context = context

        return choose


def _find(contexts: dict[str, ServerContext], name: str) -> ServerContext | None:
    """RFC 9525 §6.3: a wildcard stands for one whole label."""
    return contexts.get(name) or contexts.get("*." + name.partition(".")[2])


def new_context() -> ServerContext:
    """A server's context without a certificate."""
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.sslobject_class = ServerSide
    return context


def read_folder(folder: Path) -> tuple[Certificate, ...]:
    listing = tuple(_read_certificate(path) for path in sorted(folder.glob("*.crt")))
    if not listing:
        raise CertificateFault(f"{folder}: there is no certificate; put NAME.crt and NAME.key there")
    return listing


def _read_certificate(path: Path) -> Certificate:
    try:
        leaf = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise CertificateFault(f"{path}: cannot be read: {fault}") from None
    key_path = path.with_suffix(".key")
    if not key_path.exists():
        raise CertificateFault(f"{key_path}: there is no such file, but there is {path.name}")
    der = leaf.public_bytes(serialization.Encoding.DER)
    expires_at = int(leaf.not_valid_after_utc.timestamp())
    return Certificate(path.stem, path, key_path, _names(leaf), server_end_point(der), expires_at)


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return tuple(name.lower() for name in alternatives.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        common = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(one.value).lower() for one in common)


def server_end_point(cert_der: bytes) -> bytes | None:
    """tls-server-end-point of this certificate; None where none is defined (Ed25519 has no hash of its own)."""
    # RFC 5929 §4.1: the hash of the signature, but SHA-256 instead of MD5 and SHA-1
    try:
        algorithm = x509.load_der_x509_certificate(cert_der).signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in ("md5", "sha1") else algorithm.name
    return hashlib.new(name, cert_der).digest()


def make_self_signed(names: tuple[str, ...], now: float) -> tuple[bytes, bytes]:
    """A certificate and its key (PEM) for these DNS names and addresses; the first is the subject. EC P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    start = datetime.datetime.fromtimestamp(now, datetime.UTC) - datetime.timedelta(days=_CLOCK_SKEW_DAYS)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=_SELF_SIGNED_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def write_self_signed(folder: Path, name: str, names: tuple[str, ...], now: float) -> Path:
    """Puts NAME.crt and NAME.key there; the key is readable by its owner only. Never overwrites."""
    certificate, key = make_self_signed(names, now)
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    path = folder / f"{name}.crt"
    key_path = folder / f"{name}.key"
    key_path.touch(mode=0o600, exist_ok=False)
    key_path.write_bytes(key)
    with path.open("xb") as out:
        out.write(certificate)
    return path
