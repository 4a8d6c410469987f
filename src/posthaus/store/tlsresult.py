"""What became of TLS on our way to others, counted by day, domain, policy and outcome.

Standards: RFC 8460 §4.
Faults:    none.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.store.text import storable
from posthaus.store.tx import Tx

_KEY = "day, domain, policy, digest, kind, source, host, address, helo"
_DIGEST_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Result:
    """Sessions that ended alike. `kind` "" is success."""

    day: int
    domain: str
    policy: str
    policy_text: tuple[str, ...] = ()
    kind: str = ""
    source: str = ""
    host: str = ""
    address: str = ""
    helo: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    result: Result
    sessions: int


async def count(tx: Tx, results: Iterable[tuple[Result, int]]) -> None:
    """Adds. A domain whose hosts fail in too many ways has the rest of them counted without host and address."""
    rooms: dict[tuple[int, str], int] = {}
    for one, sessions in results:
        key = (one.day, one.domain)
        if key not in rooms:
            row = await tx.one("SELECT count(*) FROM tls_result WHERE day=$1 AND domain=$2", *key)
            rooms[key] = limit.TLSRPT_DETAILS - (row[0] if row is not None else 0)
        is_told = bool(one.kind) and rooms[key] > 0
        place = (one.source, one.host, one.address, one.helo) if is_told else ("", "", "", "")
        text = "\n".join(one.policy_text)
        await tx.run(
            f"INSERT INTO tls_result ({_KEY}, policy_text, reason, sessions)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            f" ON CONFLICT ({_KEY}) DO UPDATE SET sessions=tls_result.sessions+excluded.sessions",
            one.day, storable(one.domain), one.policy, _digest(text), one.kind, *map(storable, place), storable(text),
            storable(one.reason[: limit.TLSRPT_REASON_CHARACTERS]) if is_told else "", sessions,
        )  # fmt: skip
        rooms[key] -= 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_LETTERS]


async def waiting(tx: Tx, before_day: int) -> list[tuple[int, str]]:
    """Days that are over, with the domains that have something to be told."""
    rows = await tx.all("SELECT DISTINCT day, domain FROM tls_result WHERE day<$1 ORDER BY day, domain", before_day)
    return [(row[0], row[1]) for row in rows]


async def of_day(tx: Tx, day: int, domain: str) -> list[Counted]:
    rows: Sequence[tuple[object, ...]] = await tx.all(
        "SELECT policy, policy_text, kind, source, host, address, helo, reason, sessions FROM tls_result"
        " WHERE day=$1 AND domain=$2 ORDER BY policy, digest, kind, source, host, address, helo",
        day, domain,
    )  # fmt: skip
    found = []
    for policy, text, *rest, sessions in rows:
        lines = tuple(str(text).split("\n")) if text else ()
        found.append(Counted(Result(day, domain, str(policy), lines, *map(str, rest)), int(str(sessions))))
    return found


async def remove_after(tx: Tx, day: int) -> int:
    """Days that are yet to come: the clock was ahead, and nobody knows on which day that was. How many rows."""
    return await tx.run("DELETE FROM tls_result WHERE day>$1", day)


async def remove(tx: Tx, day: int, domain: str) -> int:
    return await tx.run("DELETE FROM tls_result WHERE day=$1 AND domain=$2", day, domain)
