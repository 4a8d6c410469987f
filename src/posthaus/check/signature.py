"""One signature field, of DKIM or of ARC: its tags, its key, and whether it holds.

What can be wrong is told in the words of RFC 8601 §2.7.1: neutral (not to be processed), policy (we do not accept such
ones), permerror (no key, or not this key), temperror (DNS), fail (somebody changed something).

Standards: RFC 6376 §3.5, §3.6 and §6.1, RFC 8463, RFC 8301 §3, RFC 8616 §4, RFC 8617 §4.1.
Faults:    SignatureFault, with the result that it means.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.base.dns import DnsTrouble, Resolver
from posthaus.check.canonical import BodyHash, canonical_field, pick_fields, unsigned_field
from posthaus.check.keyrecord import KeyFault, KeyRecord, parse_key_record, record_name
from posthaus.check.signingkey import is_signature
from posthaus.check.taglist import TagFault, base64_of, list_of, number_of, parse_tags
from posthaus.mail.domain import DomainFault, to_ascii
from posthaus.mail.header import Header

_ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
_FORMS = {"simple": False, "relaxed": True}


class SignatureFault(ValueError):
    """Why a signature does not hold; `value` is the result of RFC 8601 §2.7.1."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signature:
    """What a field says of itself. Domains are A-labels."""

    raw: bytes
    algorithm: str  # a=
    domain: str  # d=
    selector: str  # s=
    signature: bytes  # b=
    body_digest: bytes = b""  # bh=; b"" in an ARC-Seal
    names: tuple[bytes, ...] = ()  # h=
    identity: str = ""  # i=, "@domain" where there is none
    header_relaxed: bool = True
    body_relaxed: bool = True
    length: int | None = None  # l=
    at: int | None = None  # t=
    expires: int | None = None  # x=

    @property
    def key_name(self) -> str:
        return record_name(self.selector, self.domain)

    @property
    def identity_domain(self) -> str:
        return self.identity.rpartition("@")[2]


def tags_of(raw: bytes) -> dict[str, str]:
    """The tags of a field; SignatureFault where they are none."""
    try:
        return parse_tags(raw[raw.find(b":") + 1 :])
    except TagFault as fault:
        raise SignatureFault("neutral", str(fault)) from None


def parse_dkim(raw: bytes) -> Signature:
    """A DKIM-Signature (RFC 6376 §6.1.1)."""
    tags = tags_of(raw)
    if tags.get("v") != "1":
        raise SignatureFault("neutral", "unknown version")
    if "dns/txt" not in list_of(tags.get("q", "dns/txt")):
        raise SignatureFault("neutral", "unknown query method")
    found = parse_signature(raw, tags, has_identity=True)
    if b"from" not in found.names:
        raise SignatureFault("permerror", "From field not signed")
    domain = found.identity_domain
    if domain != found.domain and not domain.endswith("." + found.domain):
        raise SignatureFault("permerror", "domain mismatch")
    return found


def parse_signature(raw: bytes, tags: dict[str, str], *, has_identity: bool) -> Signature:
    """The tags that DKIM-Signature and ARC-Message-Signature have in common; i= means an identity in the first only."""
    header_form, _, body_form = tags.get("c", "simple/simple").lower().partition("/")
    try:
        at, expires = number_of(tags, "t"), number_of(tags, "x")
        if at is not None and expires is not None and expires <= at:
            raise SignatureFault("neutral", "expires before it was made")
        domain = _domain(tags, "d")
        return Signature(
            raw,
            algorithm_of(tags),
            domain,
            _domain(tags, "s"),
            base64_of(tags, "b"),
            base64_of(tags, "bh"),
            _names(tags),
            _identity(tags, domain) if has_identity else f"@{domain}",
            _FORMS[header_form.strip()],
            _FORMS[body_form.strip() or "simple"],
            number_of(tags, "l"),
            at,
            expires,
        )
    except KeyError:
        raise SignatureFault("neutral", "unknown canonicalization") from None
    except TagFault as fault:
        raise SignatureFault("neutral", str(fault)) from None


def parse_seal(raw: bytes, tags: dict[str, str]) -> Signature:
    """An ARC-Seal (RFC 8617 §4.1.3): it has no h=, bh= or c=."""
    try:
        return Signature(raw, algorithm_of(tags), _domain(tags, "d"), _domain(tags, "s"), base64_of(tags, "b"))
    except TagFault as fault:
        raise SignatureFault("neutral", str(fault)) from None


def algorithm_of(tags: dict[str, str]) -> str:
    algorithm = tags.get("a", "").lower()
    if algorithm == "rsa-sha1":
        raise SignatureFault("policy", "SHA-1")  # RFC 8301 §3.1
    if algorithm not in _ALGORITHMS:
        raise SignatureFault("neutral", "unknown algorithm")
    return algorithm


def _domain(tags: dict[str, str], name: str) -> str:
    try:
        return to_ascii(tags[name])
    except (KeyError, DomainFault):
        raise TagFault(f"no domain in {name}=") from None


def _names(tags: dict[str, str]) -> tuple[bytes, ...]:
    names = tuple(name.encode() for name in list_of(tags.get("h", "")))
    if not all(names) or len(names) > limit.DKIM_NAMES:
        raise TagFault("no names in h=")
    return names


def _identity(tags: dict[str, str], domain: str) -> str:
    local, at, host = tags.get("i", f"@{domain}").rpartition("@")
    try:
        return f"{local}@{to_ascii(host)}" if at else ""
    except DomainFault:
        raise TagFault("no domain in i=") from None


# -- keys ----------------------------------------------------------------------------------------------------------


async def find_key(resolver: Resolver, signature: Signature) -> KeyRecord:
    """The key of a signature, if it may sign such ones (RFC 6376 §6.1.2)."""
    record = await _find_record(resolver, signature.key_name)
    if record.type != _ALGORITHMS[signature.algorithm]:
        raise SignatureFault("permerror", "key of another kind")
    if record.hashes and "sha256" not in record.hashes:
        raise SignatureFault("permerror", "key not for this hash")
    if not record.is_for_mail:
        raise SignatureFault("permerror", "key not for mail")
    return record


async def _find_record(resolver: Resolver, name: str) -> KeyRecord:
    try:
        answer = await resolver.txt(name)
    except DnsTrouble:
        raise SignatureFault("temperror", "DNS does not answer") from None
    if not answer.records:
        raise SignatureFault("permerror", "no key")
    why = ""
    # RFC 6376 §6.1.2, point 4: of several records a verifier may take any; the first that is a key is ours.
    for octets in answer.records[: limit.DKIM_RECORDS]:
        try:
            return parse_key_record(octets)
        except KeyFault as fault:
            why = why or str(fault)
    raise SignatureFault("policy" if why.endswith("bits") else "permerror", why)


# -- proof ---------------------------------------------------------------------------------------------------------


def check_time(signature: Signature, now: float) -> None:
    if signature.expires is not None and signature.expires < now:
        raise SignatureFault("policy", "expired")


def check_body(signature: Signature, found: BodyHash) -> None:
    """RFC 6376 §6.1.3, points 2 to 4."""
    if signature.length is not None and signature.length > found.size:
        raise SignatureFault("fail", "body shorter than signed")
    if found.digest != signature.body_digest:
        raise SignatureFault("fail", "body changed")


def check_fields(signature: Signature, record: KeyRecord, fields: Iterable[bytes]) -> None:
    """`fields` in their canonical form, in the order in which they were signed."""
    signed = b"".join(fields) + unsigned_field(signature.raw, relaxed=signature.header_relaxed)
    if not is_signature(record.public, signature.signature, signed):
        raise SignatureFault("fail", "signature not right")


def signed_fields(signature: Signature, header: Header) -> Iterable[bytes]:
    """The fields of h=, canonical."""
    return (canonical_field(raw, relaxed=signature.header_relaxed) for raw in pick_fields(header, signature.names))
