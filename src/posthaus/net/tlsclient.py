"""The client's side of TLS: which proof is asked of a host, and the handshake that gets it.

For opportunistic TLS any certificate and weak keys will do, for the other choice is no TLS at all (RFC 7435); old
versions are refused all the same (RFC 8996), as by our own server. Where a proof is wanted, the system's authorities
are asked, or the host's TLSA records. Contexts are made when they are first needed: reading the authorities takes time.

Standards: RFC 7435 §3, RFC 8996, RFC 6066 §3 (SNI), RFC 7672 §3.2 and §8.1, RFC 8461 §4.1.
Faults:    TlsFault, with its result type of RFC 8460 §4.3.
"""

import enum
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from posthaus.base.dns import Tlsa
from posthaus.net.stream import Stream
from posthaus.net.tlslayer import TlsFault
from posthaus.net.tlsverify import verify_dane, verify_names


class Proof(enum.Enum):
    """What a host has to prove."""

    NONE = "none"
    AUTHORITY = "authority"  # a certificate of an authority that we trust, for one of the names
    DANE = "dane"  # a certificate that a TLSA record names


@dataclass(frozen=True, slots=True)
class Wanted:
    """`name` is asked for (SNI); `names` are those that the certificate may have."""

    proof: Proof
    name: str
    names: Sequence[str] = ()
    tlsa: Sequence[Tlsa] = ()


class ClientTls:
    """Contexts of one worker. `trust`: a file of authorities (PEM) instead of the system's, for tests."""

    def __init__(self, trust: Path | None = None) -> None:
        self._trust = trust
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def secure(self, stream: Stream, wanted: Wanted, now: float) -> bool:
        """A handshake, and whether the host has proved what was wanted; a proof that fails is a TlsFault."""
        is_authority = wanted.proof is Proof.AUTHORITY
        await stream.connect_tls(self._context(is_authority), _sni(wanted.name))
        try:
            if is_authority:
                verify_names(stream.peer_chain()[0], wanted.names or (wanted.name,))
                return True
            if wanted.proof is Proof.DANE:
                return verify_dane(stream.peer_chain(), wanted.tlsa, wanted.names or (wanted.name,), now)
        except TlsFault:
            stream.abort()
            raise
        return False

    def _context(self, verified: bool) -> ssl.SSLContext:
        context = self._contexts.get(verified)
        if context is None:
            context = self._contexts[verified] = _authority_context(self._trust) if verified else _any_context()
        return context


def _any_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT:@SECLEVEL=1")  # 1,024 bits of RSA are more than no TLS
    return context


def _authority_context(trust: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if trust is None else str(trust))
    context.check_hostname = False  # by verify_names(): several names, wildcards of a policy
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _sni(name: str) -> str | None:
    """RFC 6066 §3: a DNS name, never an address."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name if name and not name.startswith(("[", ".")) else None
    return None
