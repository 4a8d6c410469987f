"""Public keys in DNS: the TXT record at SELECTOR._domainkey.DOMAIN, read and written.

Standards: RFC 6376 §3.6 and §7.5, RFC 8463 §3 and §4, RFC 8301 §3.2, RFC 1035 §3.3.14 (strings of 255 octets).
Faults:    KeyFault; Revoked where the owner has withdrawn the key.
"""

import base64
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from posthaus.base import limit
from posthaus.check.taglist import TagFault, base64_of, list_of, parse_tags

PublicKey = RSAPublicKey | Ed25519PublicKey

_STRING_OCTETS = 255  # RFC 1035 §3.3


class KeyFault(ValueError):
    """Not a key that a signature could be verified with."""


class Revoked(KeyFault):
    """p= is empty: RFC 6376 §3.6.1."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    public: PublicKey
    hashes: tuple[str, ...] = ()  # () for any
    services: tuple[str, ...] = ("*",)
    flags: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        return type_of(self.public)

    @property
    def is_testing(self) -> bool:
        """t=y: the domain is only trying; a bad signature is as none."""
        return "y" in self.flags

    @property
    def is_strict(self) -> bool:
        """t=s: the domain of i= must be that of d=, and none below it."""
        return "s" in self.flags

    @property
    def is_for_mail(self) -> bool:
        return bool({"*", "email"} & set(self.services))


def type_of(public: PublicKey) -> str:
    return "rsa" if isinstance(public, RSAPublicKey) else "ed25519"


def record_name(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"


def parse_key_record(octets: bytes) -> KeyRecord:
    """The strings of one TXT record, joined."""
    try:
        tags = parse_tags(octets)
        if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
            raise KeyFault("another version of key record")
        if tags.get("p") == "":
            raise Revoked("key revoked")
        public = _public_key(tags.get("k", "rsa").lower(), base64_of(tags, "p"))
    except TagFault as fault:
        raise KeyFault(f"bad key record: {fault}") from None
    return KeyRecord(
        public,
        list_of(tags["h"]) if "h" in tags else (),
        list_of(tags.get("s", "*")),
        list_of(tags.get("t", "")),
    )


def _public_key(type_: str, octets: bytes) -> PublicKey:
    try:
        if type_ == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        # SubjectPublicKeyInfo as everybody writes it, or RSAPublicKey as RFC 6376 §3.6.1 says.
        public = load_der_public_key(octets) if type_ == "rsa" else None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFault("key cannot be read") from None
    if not isinstance(public, RSAPublicKey):
        raise KeyFault("unknown kind of key")
    if not limit.DKIM_RSA_BITS_MIN <= public.key_size <= limit.DKIM_RSA_BITS_MAX:
        raise KeyFault(f"RSA key of {public.key_size} bits")
    exponent = public.public_numbers().e.bit_length()
    if exponent > limit.DKIM_RSA_EXPONENT_BITS:
        raise KeyFault(f"RSA exponent of {exponent} bits")
    return public


def render_key_record(public: PublicKey) -> str:
    if isinstance(public, RSAPublicKey):
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={type_of(public)}; p={base64.b64encode(octets).decode()}"


def strings_of(record: str) -> list[str]:
    """The record as TXT has it: strings of up to 255 octets, which the resolver joins."""
    return [record[at : at + _STRING_OCTETS] for at in range(0, len(record), _STRING_OCTETS)]


def render_zone_line(name: str, record: str) -> str:
    """One line of a zone file."""
    return f"{name}. IN TXT ( " + " ".join(f'"{string}"' for string in strings_of(record)) + " )"
