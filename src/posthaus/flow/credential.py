"""Credentials: what is kept of a password, made once when it is set.

Argon2id for whoever sends us the password, SCRAM verifiers for whoever only proves it. The readable password is kept
for accounts that asked for CRAM-MD5 or APOP and no others. All of these take long on purpose: call them in a thread.
A thief of the store tries the SCRAM verifiers first, which are cheaper to try than Argon2id: who fears him more than he
likes SCRAM leaves them out.

Standards: RFC 9106, RFC 5803, RFC 7677 §4, RFC 4013; OWASP Password Storage Cheat Sheet.
Faults:    PasswordUnfit.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.flow.identity import PasswordUnfit
from posthaus.proto.sasl.saslprep import prepare_password
from posthaus.proto.sasl.scram import (
    HASHES,
    Verifier,
    make_verifier,
    parse_verifier,
    render_verifier,
    salted_password,
)

ARGON2 = "argon2"
CLEARTEXT = "cleartext"
SCRAM = "scram-sha-256"

_HASH_OCTETS = 32
_NOBODY = Verifier(bytes(limit.SALT_OCTETS), limit.SCRAM_ITERATIONS, bytes(_HASH_OCTETS), bytes(_HASH_OCTETS))
_UNFIT = frozenset(
    "\0\r\n\ufffd"
)  # NUL ends PLAIN's fields, CR LF a line; U+FFFD is what a broken client makes of others


def make_credentials(
    password: str,
    chance: Chance,
    *,
    argon2: bool = True,
    scram: bool = True,
    recoverable: bool = False,
    iterations: int = limit.SCRAM_ITERATIONS,
) -> dict[str, bytes]:
    """Credential kind -> value, for store.account.set_credentials. Some 40 ms of work."""
    check_fit(password)
    prepared = prepare_password(password)
    values: dict[str, bytes] = {}
    if argon2 or not scram:
        values[ARGON2] = hash_password(prepared, chance.octets(limit.SALT_OCTETS))
    if scram:
        for kind, hash_name in HASHES.items():
            salt = chance.octets(limit.SALT_OCTETS)
            verifier = make_verifier(hash_name, prepared, salt, iterations)
            values[kind] = render_verifier(hash_name, verifier)
    if recoverable:
        values[CLEARTEXT] = prepared.encode("utf-8")
    return values


def make_quick_credentials(password: str, chance: Chance) -> dict[str, bytes]:
    """For an import of thousands: 1 ms of work. A thief tries them faster, so flow/upgrade.py makes better ones."""
    return make_credentials(password, chance, argon2=False, iterations=limit.SCRAM_IMPORT_ITERATIONS)


def has_scram(values: Mapping[str, bytes]) -> bool:
    return not HASHES.keys().isdisjoint(values)


def is_outdated(values: Mapping[str, bytes]) -> bool:
    """Would make_credentials make better ones today? Never so for parameters above today's."""
    argon2 = values.get(ARGON2)
    if argon2 is None:
        return True
    cost = extract_parameters(argon2.decode("ascii"))
    if cost.type is not Type.ID or cost.memory_cost * cost.time_cost < limit.ARGON2_MEMORY_KIB * limit.ARGON2_PASSES:
        return True
    verifiers = [parse_verifier(values[kind]) for kind in HASHES if kind in values]
    return any(verifier.iterations < limit.SCRAM_ITERATIONS for verifier in verifiers)


def check_fit(password: str) -> None:
    """PasswordUnfit for what could be set and never be used."""
    try:
        size = len(password.encode("utf-8"))
    except UnicodeEncodeError:
        raise PasswordUnfit("not Unicode text") from None
    if not 0 < size <= limit.PASSWORD_OCTETS:
        raise PasswordUnfit("empty or too long")
    if not _UNFIT.isdisjoint(password):
        raise PasswordUnfit("a character that no protocol carries")


def hash_password(prepared: str, salt: bytes) -> bytes:
    """PHC string of Argon2id."""
    return _hasher().hash(prepared, salt=salt).encode("ascii")


def is_password(value: bytes, password: str) -> bool:
    """Does the password belong to this PHC string? As prepared first, then as it was typed."""
    prepared = prepare_password(password)
    candidates = (prepared,) if prepared == password else (prepared, password)
    return any(_is_match(value, candidate) for candidate in candidates)


def proves(values: Mapping[str, bytes], nobody: bytes, password: str) -> bool:
    """Is it the password of these credentials? All that is not takes the same time; `nobody` is a false_hash().

    A quick verifier is followed by the iterations that it lacks: nothing tells imported accounts from unknown names.
    """
    argon2, scram = values.get(ARGON2), values.get(SCRAM)
    if is_password(argon2 or nobody, password) and argon2 is not None:
        return True
    verifier = _NOBODY if scram is None else parse_verifier(scram)
    prepared = prepare_password(password)
    tried = make_verifier(HASHES[SCRAM], prepared, verifier.salt, verifier.iterations)
    if verifier.iterations < limit.SCRAM_ITERATIONS:
        salted_password(HASHES[SCRAM], prepared, verifier.salt, limit.SCRAM_ITERATIONS - verifier.iterations)
    return hmac.compare_digest(tried.stored_key, verifier.stored_key) and argon2 is None and scram is not None


def false_hash(chance: Chance) -> bytes:
    """A PHC string that no password has, so that an unknown name takes as long as a wrong password."""
    salt, digest = (b64encode(chance.octets(n)).rstrip(b"=") for n in (limit.SALT_OCTETS, _HASH_OCTETS))
    cost = (limit.ARGON2_MEMORY_KIB, limit.ARGON2_PASSES, limit.ARGON2_LANES)
    return b"$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s" % (*cost, salt, digest)


def false_verifier(hash_name: str, salt: bytes, iterations: int, chance: Chance) -> Verifier:
    """A SCRAM verifier that no password has. RFC 5802 §9: the salt must be the same each time a name is asked for."""
    size = {"sha1": 20, "sha256": 32}[hash_name]
    return Verifier(salt[: limit.SALT_OCTETS], iterations, chance.octets(size), chance.octets(size))


def _hasher() -> PasswordHasher:
    return PasswordHasher(
        time_cost=limit.ARGON2_PASSES,
        memory_cost=limit.ARGON2_MEMORY_KIB,
        parallelism=limit.ARGON2_LANES,
        hash_len=_HASH_OCTETS,
        salt_len=limit.SALT_OCTETS,
        type=Type.ID,
    )


def _is_match(value: bytes, password: str) -> bool:
    try:
        return _hasher().verify(value, password)
    except (VerificationError, InvalidHashError):
        return False
