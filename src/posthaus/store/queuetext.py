"""Envelopes and outcomes as the rows of the queue have them: JSON of what is not as usual, and bits.

What comes from a peer may hold octets that are no text; they are kept one for one.

Standards: RFC 3461 §4.1 (NOTIFY), §4.4 (ENVID).
Faults:    none; what this release does not know is left out.
"""

import json
from dataclasses import fields
from functools import lru_cache
from typing import Any

from posthaus.mail.address import Address
from posthaus.mail.envelope import DeliverBy, Envelope
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store.text import storable

_BITS = {"NEVER": 1, "SUCCESS": 2, "FAILURE": 4, "DELAY": 8}
_USUAL = Envelope(None)
_PLAIN = tuple(f.name for f in fields(Envelope) if f.name not in ("reverse_path", "envid", "deliver_by"))


def render_envelope(envelope: Envelope) -> str:
    """All but the reverse-path; "" where nothing is to be said."""
    said: dict[str, Any] = {
        name: value for name in _PLAIN if (value := getattr(envelope, name)) != getattr(_USUAL, name)
    }
    if envelope.envid is not None:
        said["envid"] = envelope.envid.decode("latin-1")
    if envelope.deliver_by is not None:
        by = envelope.deliver_by
        said["deliver_by"] = [by.seconds, by.mode, by.trace]
    return json.dumps(said) if said else ""


@lru_cache(maxsize=1_000)
def read_envelope(localpart: str, domain: str, text: str) -> Envelope:
    reverse_path = Address(localpart, domain) if localpart or domain else None
    if not text:
        return Envelope(reverse_path)
    said: dict[str, Any] = json.loads(text)
    by, envid = said.pop("deliver_by", None), said.pop("envid", None)
    return Envelope(
        reverse_path,
        envid=None if envid is None else envid.encode("latin-1"),
        deliver_by=None if by is None else DeliverBy(*by),
        **{name: value for name, value in said.items() if name in _PLAIN},
    )


def render_notify(notify: frozenset[str]) -> int:
    return sum([_BITS[word] for word in notify])


@lru_cache(maxsize=16)
def read_notify(bits: int) -> frozenset[str]:
    return frozenset(word for word, bit in _BITS.items() if bits & bit)


@lru_cache(maxsize=64)  # all errands of a load have met the same
def render_outcome(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    said = {f.name: value for f in fields(Outcome) if (value := getattr(outcome, f.name))}
    return json.dumps({**said, "kind": outcome.kind.value, "text": storable(outcome.text)}, ensure_ascii=False)


@lru_cache(maxsize=64)
def read_outcome(text: str) -> Outcome | None:
    if not text:
        return None
    said: dict[str, Any] = json.loads(text)
    known = {f.name for f in fields(Outcome)} - {"kind"}
    return Outcome(Kind(said["kind"]), **{name: value for name, value in said.items() if name in known})
