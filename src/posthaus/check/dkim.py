"""DKIM: who signed this message, and does it hold?

All signatures are looked at, up to a limit; one that is broken says nothing about the others, or about the message.
Keys are asked for at the same time; the body is hashed once for each way in which it was signed, and only for
signatures that have a key.

Standards: RFC 6376 §6, RFC 8463, RFC 8301, RFC 8601 §2.7.1, RFC 6008 (header.b).
Faults:    none; what is wrong is the result.
"""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from posthaus.base import limit
from posthaus.base.dns import Resolver
from posthaus.check.canonical import BodyHash, hash_body, split_message
from posthaus.check.keyrecord import KeyRecord
from posthaus.check.signature import (
    Signature,
    SignatureFault,
    check_body,
    check_fields,
    check_time,
    find_key,
    parse_dkim,
    signed_fields,
)
from posthaus.mail.header import Header
from posthaus.mail.trace import Result

P = ParamSpec("P")
T = TypeVar("T")

_B_OCTETS = 6  # of b= in results: eight letters, which tell signatures of one domain apart

Hashes = dict[tuple[bool, int | None], BodyHash]
"""Of one body: relaxed or not, the value of l= -> its hash."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of one signature."""

    value: str  # RFC 8601 §2.7.1: pass, fail, neutral, policy, permerror, temperror
    reason: str = ""
    signature: Signature | None = None  # None where it could not be read
    is_testing: bool = False  # t=y: RFC 6376 §3.6.1, to be judged as if it were not there

    @property
    def domain(self) -> str:
        return self.signature.domain if self.signature is not None else ""

    @property
    def result(self) -> Result:
        """As Authentication-Results has it."""
        one = self.signature
        if one is None:
            return Result("dkim", self.value, reason=self.reason)
        return Result(
            "dkim",
            self.value,
            (
                ("header", "d", one.domain),
                ("header", "i", one.identity),
                ("header", "s", one.selector),
                ("header", "a", one.algorithm),
                ("header", "b", base64.b64encode(one.signature[:_B_OCTETS]).decode()),
            ),
            self.reason,
        )


async def verify(octets: bytes | memoryview, resolver: Resolver, now: float) -> list[Verification]:
    """One for each signature, from the top; none for a message without."""
    header, body = split_message(octets)
    raws = [raw for raw, name in zip(header.raws, header.names, strict=True) if name == b"dkim-signature"]
    read = [_read(raw) for raw in raws[: limit.DKIM_SIGNATURES]]
    keys = await asyncio.gather(*(_key(resolver, one, now) for one in read))
    hashes = await hash_bodies(body, [one for one, _ in keys if isinstance(one, Signature)])
    return await prove_aside(len(octets) - len(body), _verified_all, keys, header, hashes)


async def prove_aside(header_octets: int, prove: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Proves signatures; in a thread, where the header is so large that others would have to wait."""
    if header_octets <= limit.CHECK_INLINE_HEADER_OCTETS:
        return prove(*args, **kwargs)
    return await asyncio.to_thread(prove, *args, **kwargs)


async def hash_bodies(body: bytes | memoryview, signatures: list[Signature]) -> Hashes:
    """All hashes that these signatures need."""
    wanted = {(one.body_relaxed, one.length) for one in signatures}
    if len(body) * len(wanted) <= limit.CHECK_INLINE_OCTETS:
        return _hash(body, wanted)
    return await asyncio.to_thread(_hash, body, wanted)


def _hash(body: bytes | memoryview, wanted: set[tuple[bool, int | None]]) -> Hashes:
    return {(relaxed, length): hash_body(body, relaxed=relaxed, length=length) for relaxed, length in wanted}


def _read(raw: bytes) -> Signature | Verification:
    try:
        return parse_dkim(raw)
    except SignatureFault as fault:
        return Verification(fault.value, fault.reason)


async def _key(
    resolver: Resolver, one: Signature | Verification, now: float
) -> tuple[Signature | Verification, KeyRecord | None]:
    """The signature with its key, or what is wrong without looking further."""
    if isinstance(one, Verification):
        return one, None
    try:
        check_time(one, now)
        record = await find_key(resolver, one)
        if record.is_strict and one.identity_domain != one.domain:
            raise SignatureFault("permerror", "domain mismatch")
    except SignatureFault as fault:
        return Verification(fault.value, fault.reason, one), None
    return one, record


def _verified_all(
    keys: Sequence[tuple[Signature | Verification, KeyRecord | None]], header: Header, hashes: Hashes
) -> list[Verification]:
    return [_verified(one, record, header, hashes) for one, record in keys]


def _verified(one: Signature | Verification, record: KeyRecord | None, header: Header, hashes: Hashes) -> Verification:
    if isinstance(one, Verification) or record is None:
        return one if isinstance(one, Verification) else Verification("permerror", "no key", one)
    try:
        check_body(one, hashes[one.body_relaxed, one.length])
        check_fields(one, record, signed_fields(one, header))
    except SignatureFault as fault:
        # A domain that is only trying must not be worse off than one that does not sign.
        value = "neutral" if record.is_testing else fault.value
        return Verification(value, fault.reason, one, record.is_testing)
    return Verification("pass", "testing" if record.is_testing else "", one, record.is_testing)
