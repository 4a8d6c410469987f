"""Private keys that sign: made, kept as PKCS #8, read once and used many times.

Reading an RSA key with all its checks takes 40 ms, signing with it 0.3 ms: whoever signs keeps the SigningKey.

Standards: RFC 6376 §3.3, RFC 8301 §3.2 (2048 bits), RFC 8463 §3 (Ed25519 signs the SHA-256 of the octets).
Faults:    KeyFault.
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from posthaus.base import limit
from posthaus.check.keyrecord import KeyFault, PublicKey

RSA, ED25519 = "rsa", "ed25519"
ALGORITHMS = (RSA, ED25519)  # RFC 8463 §3: the old one first, for verifiers that know no other

_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class SigningKey:
    domain: str  # d=
    selector: str  # s=
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """a="""
        return ("rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519") + "-sha256"

    @property
    def public(self) -> PublicKey:
        return self.private.public_key()

    def sign(self, octets: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(octets, PKCS1v15(), SHA256())
        return self.private.sign(hashlib.sha256(octets).digest())


def make_private(algorithm: str) -> bytes:
    """A new private key, as it is kept."""
    key = generate_private_key(_EXPONENT, limit.DKIM_RSA_BITS) if algorithm == RSA else Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def read_signing_key(domain: str, selector: str, pkcs8: bytes) -> SigningKey:
    try:
        # The key comes from our own store: what make_private() made needs no proof that its numbers are primes.
        private = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        raise KeyFault("private key cannot be read") from None
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise KeyFault("unknown kind of key")
    return SigningKey(domain, selector, private)


def is_signature(public: PublicKey, signature: bytes, octets: bytes) -> bool:
    """Was this signature made over these octets by the owner of the key?"""
    try:
        if isinstance(public, RSAPublicKey):
            public.verify(signature, octets, PKCS1v15(), SHA256())
        else:
            public.verify(signature, hashlib.sha256(octets).digest())
    except InvalidSignature:
        return False
    return True
