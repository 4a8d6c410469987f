"""ARC: what earlier hosts say they found, and whether the chain of them holds.

A chain is sets 1 to N of three fields. It is `none` without any, `pass` when the latest message signature and every
seal hold, and `fail` for ever after anything else.

Standards: RFC 8617 §4, §5.1.1 and §5.2. RFC 8617 §4.1.2 not: l= is not accepted, since anybody could add to the body.
Faults:    none; what is wrong is the result.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.base.dns import Resolver
from posthaus.check.canonical import canonical_field, split_message
from posthaus.check.dkim import Hashes, hash_bodies, prove_aside
from posthaus.check.keyrecord import KeyRecord
from posthaus.check.signature import (
    Signature,
    SignatureFault,
    check_body,
    check_fields,
    check_time,
    find_key,
    parse_seal,
    parse_signature,
    signed_fields,
    tags_of,
)
from posthaus.mail.header import Header, value_of
from posthaus.mail.trace import Result

RESULTS, MESSAGE, SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
_INSTANCE = re.compile(r"\s*i\s*=\s*([0-9]{1,4})\s*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class ArcSet:
    """The three fields of one instance, as they came."""

    results: bytes
    message: bytes
    seal: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """cv, and what led to it."""

    value: str  # none, pass, fail
    sets: tuple[ArcSet, ...] = ()  # of a chain that is well formed, the first instance first
    highest: int = 0  # the highest instance that was seen, also in a broken chain
    is_unsure: bool = False  # DNS did not answer: another time it may pass
    is_over: bool = False  # its latest seal says fail: nobody adds to it any more (RFC 8617 §5.1)
    reason: str = ""
    oldest_pass: int = 0  # the lowest instance whose message signature still holds; 0: the message is as it began

    @property
    def result(self) -> Result:
        """As Authentication-Results has it (RFC 8617 §10.2)."""
        properties = (("header", "oldest-pass", str(self.oldest_pass)),) if self.value == "pass" else ()
        return Result("arc", self.value, properties, self.reason)


class _Broken(ValueError):
    """The chain is not a chain."""


async def validate(octets: bytes | memoryview, resolver: Resolver, now: float) -> Chain:
    """The chain of a message (RFC 8617 §5.2)."""
    header, body = split_message(octets)
    found = _collect(header)
    if not found:
        return Chain("none")
    highest = max(instance for _, instance, _ in found)
    try:
        sets = _sets(found, highest)
    except _Broken as fault:
        return Chain("fail", highest=highest, is_over=_is_over(found, highest), reason=str(fault))
    try:
        oldest = await _check(sets, header, body, resolver, now)
    except SignatureFault as fault:
        return Chain("fail", sets, highest, is_unsure=fault.value == "temperror", reason=fault.reason)
    return Chain("pass", sets, highest, oldest_pass=oldest)


def _collect(header: Header) -> list[tuple[bytes, int, bytes]]:
    """(name, instance, field) of all ARC fields; instance 0 where there is none to be read."""
    found = []
    for raw, name in zip(header.raws, header.names, strict=True):
        if name in (RESULTS, MESSAGE, SEAL):
            found.append((name, _instance(name, raw), raw))
    return found


def _instance(name: bytes, raw: bytes) -> int:
    if name == RESULTS:
        begun = _INSTANCE.match(value_of(raw).decode("latin-1"))
        return int(begun[1]) if begun else 0
    try:
        value = tags_of(raw).get("i", "")
    except SignatureFault:
        return 0
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 4 else 0


def _sets(found: Sequence[tuple[bytes, int, bytes]], highest: int) -> tuple[ArcSet, ...]:
    """All sets from 1 to the highest, each with one field of each kind, and a cv that can be."""
    if highest > limit.ARC_SETS or len(found) != 3 * highest:
        raise _Broken("not a chain")
    fields = {(name, instance): raw for name, instance, raw in found}
    try:
        sets = tuple(ArcSet(fields[RESULTS, n], fields[MESSAGE, n], fields[SEAL, n]) for n in range(1, highest + 1))
    except KeyError:
        raise _Broken("not a chain") from None
    for n, one in enumerate(sets, 1):
        tags = _tags(one.seal)
        if "h" in tags or tags.get("cv", "").lower() != ("none" if n == 1 else "pass"):
            raise _Broken("sealed as fail" if tags.get("cv", "").lower() == "fail" else "not a chain")
    return sets


def _is_over(found: Sequence[tuple[bytes, int, bytes]], highest: int) -> bool:
    latest = [raw for name, instance, raw in found if name == SEAL and instance == highest]
    return any(_tags(raw).get("cv", "").lower() == "fail" for raw in latest)


def _tags(raw: bytes) -> dict[str, str]:
    try:
        return tags_of(raw)
    except SignatureFault:
        return {}


async def _check(sets: Sequence[ArcSet], header: Header, body: memoryview, resolver: Resolver, now: float) -> int:
    """The latest message signature, then every seal; gives the oldest message signature that still holds."""
    messages = [_message(one.message) for one in sets]
    seals = [parse_seal(one.seal, tags_of(one.seal)) for one in sets]
    read = [one for one in messages if isinstance(one, Signature)]
    keys = await _find_keys(resolver, [*seals, *read])
    hashes = await hash_bodies(body, read)
    return await prove_aside(sum(map(len, header.raws)), _prove, sets, messages, seals, keys, hashes, header, now)


def _prove(
    sets: Sequence[ArcSet],
    messages: Sequence[Signature | SignatureFault],
    seals: Sequence[Signature],
    keys: "Keys",
    hashes: Hashes,
    header: Header,
    now: float,
) -> int:
    def check_message(one: Signature | SignatureFault) -> None:
        if isinstance(one, SignatureFault):
            raise one
        check_time(one, now)
        check_body(one, hashes[one.body_relaxed, one.length])
        check_fields(one, _key(keys, one), signed_fields(one, header))

    check_message(messages[-1])
    oldest = 0
    for n in range(len(sets) - 1, 0, -1):
        try:
            check_message(messages[n - 1])
        except SignatureFault:
            oldest = n + 1
            break
    fields = canonical_sets(sets)
    for n in range(len(sets), 0, -1):
        check_fields(seals[n - 1], _key(keys, seals[n - 1]), fields[: 3 * n - 1])
    return oldest


def canonical_sets(sets: Sequence[ArcSet]) -> list[bytes]:
    """Their fields in the order in which a seal covers them; the last is that seal itself (RFC 8617 §5.1.1)."""
    return [canonical_field(raw, relaxed=True) for one in sets for raw in (one.results, one.message, one.seal)]


def _message(raw: bytes) -> Signature | SignatureFault:
    try:
        found = parse_signature(raw, tags_of(raw), has_identity=False)
    except SignatureFault as fault:
        return fault
    if SEAL in found.names:
        return SignatureFault("neutral", "a seal in h=")  # RFC 8617 §4.1.2
    if found.length is not None:
        return SignatureFault("policy", "l= in a message signature")
    return found


Keys = dict[tuple[str, str], KeyRecord | SignatureFault]


async def _find_keys(resolver: Resolver, signatures: Sequence[Signature]) -> Keys:
    """Each key once, all at the same time."""
    wanted = {(one.key_name, one.algorithm): one for one in signatures}

    async def find(one: Signature) -> KeyRecord | SignatureFault:
        try:
            return await find_key(resolver, one)
        except SignatureFault as fault:
            return fault

    found = await asyncio.gather(*(find(one) for one in wanted.values()))
    return dict(zip(wanted, found, strict=True))


def _key(keys: Keys, one: Signature) -> KeyRecord:
    found = keys[one.key_name, one.algorithm]
    if isinstance(found, SignatureFault):
        raise found
    return found
