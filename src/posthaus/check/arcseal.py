"""Sealing: one more set on the chain, which says what we found before the message went on.

The results are ours and true; the message signature covers the message as we send it; the seal covers all sets, or,
where the chain that came was broken, our own alone, and ends it. Where DNS did not answer nothing is added: we do not
know, and must not break what may hold. The same input gives the same fields.

Standards: RFC 8617 §4.1, §5.1 and §5.1.2.
Faults:    none; b"" where nothing may be added.
"""

from collections.abc import Sequence

from posthaus.base import limit
from posthaus.check.arc import ArcSet, Chain, canonical_sets
from posthaus.check.canonical import hash_body, split_message
from posthaus.check.dkimsign import message_tags, sign_field, signed_fields, signed_names
from posthaus.check.signingkey import SigningKey
from posthaus.mail.header import Header
from posthaus.mail.trace import Result, render_arc_results

_ALSO_SIGNED = "DKIM-Signature"  # RFC 8617 §4.1.2: all of them, so that none is lost or added unseen


def seal(
    octets: bytes | memoryview, chain: Chain, key: SigningKey, authserv_id: str, results: Sequence[Result], at: int
) -> bytes:
    """ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results, to be put in front of the message."""
    instance = chain.highest + 1
    if chain.is_over or chain.is_unsure or instance > limit.ARC_SETS:
        return b""
    header, body = split_message(octets)
    own = render_arc_results(instance, authserv_id, results)
    message = _message_signature(instance, header, hash_body(body, relaxed=True).digest, key, at)
    sets = (*chain.sets, ArcSet(own, message, b"")) if chain.value != "fail" else (ArcSet(own, message, b""),)
    tags = [
        f"i={instance}",
        f"a={key.algorithm}",
        f"t={at}",
        f"cv={chain.value}",
        f"d={key.domain}",
        f"s={key.selector}",
    ]
    return sign_field("ARC-Seal", tags, key, b"".join(canonical_sets(sets)[:-1])) + message + own


def _message_signature(instance: int, header: Header, digest: bytes, key: SigningKey, at: int) -> bytes:
    names = signed_names(header)
    names += [_ALSO_SIGNED] * header.names.count(_ALSO_SIGNED.lower().encode())
    tags = [f"i={instance}", *message_tags(key, names, digest, at)]
    return sign_field("ARC-Message-Signature", tags, key, signed_fields(header, names))
