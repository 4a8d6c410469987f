"""What others report of TLS with hosts of ours: rows by the day on which a report came.

Anybody can write a report, so what is kept of one is little, and of a day's reports for one domain no more than so
many.

Standards: RFC 8460 §4.4.
Faults:    none.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from posthaus.base import limit
from posthaus.mail.tlsrpt import Policy, Report
from posthaus.store import directory
from posthaus.store.text import storable
from posthaus.store.tx import Tx

_DAY_S = 86_400
_COLUMNS = "domain, organization, report, policy, begins, ends, successes, failed, failures"


@dataclass(frozen=True, slots=True)
class Failed:
    """Sessions that failed in one way."""

    kind: str
    sessions: int
    host: str
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one report says of one policy of a domain."""

    domain: str
    organization: str
    report: str
    policy: str
    begins: int
    ends: int
    successes: int
    failed: int
    failures: tuple[Failed, ...]


async def put(tx: Tx, report: Report, now: int) -> int:
    """What it says of domains of ours; how many rows. One that comes twice on a day counts once."""
    if tx.low_space:
        return 0
    kept, day = 0, now // _DAY_S
    for one in _together(report.policies):
        if not await directory.domain_exists(tx, one.domain):
            continue
        row = await tx.one("SELECT count(*) FROM tls_report WHERE day=$1 AND domain=$2", day, one.domain)
        if row is not None and row[0] >= limit.TLSRPT_KEPT:
            continue
        await tx.run(
            f"INSERT INTO tls_report (day, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (day, domain, organization, report, policy) DO NOTHING",
            day, one.domain, _short(report.organization), _short(report.id), _short(one.kind), report.start, report.end,
            _count(one.successes), _count(one.failed), _failures(one),
        )  # fmt: skip
        kept += 1
    return kept


def _together(policies: Sequence[Policy]) -> list[Policy]:
    """One for each domain and kind: a policy that changed on that day is two in the report."""
    found: dict[tuple[str, str], Policy] = {}
    for one in policies:
        key = one.domain, one.kind
        if (before := found.get(key)) is not None:
            one = replace(
                one,
                successes=before.successes + one.successes,
                failed=before.failed + one.failed,
                failures=before.failures + one.failures,
            )
        found[key] = one
    return list(found.values())


def _short(text: str) -> str:
    return storable(text[: limit.TLSRPT_REASON_CHARACTERS])


def _count(sessions: int) -> int:
    return min(sessions, limit.TLSRPT_SESSIONS)


def _failures(policy: Policy) -> str:
    told = sorted(policy.failures, key=lambda one: -one.sessions)[: limit.TLSRPT_FAILURES_KEPT]
    rows = [[_short(one.kind), _count(one.sessions), _short(one.host), _short(one.reason)] for one in told]
    return json.dumps(rows, ensure_ascii=False) if rows else ""


async def listing(tx: Tx, since: int, domain: str = "") -> list[Told]:
    """Of reports that came since, the oldest first; one that was sent again on another day once."""
    where, args = (" AND domain=$2", (domain,)) if domain else ("", ())
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM tls_report WHERE day>=$1{where} ORDER BY day, domain, organization, report, policy",
        since // _DAY_S, *args,
    )  # fmt: skip
    found: dict[tuple[object, ...], Told] = {}
    for row in rows:
        told = tuple(Failed(*one) for one in json.loads(row[8])) if row[8] else ()
        found.setdefault(tuple(row[:4]), Told(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], told))
    return list(found.values())


async def forget(tx: Tx, before: int, most: int) -> int:
    """Whole days; so many rows at most. How many it were."""
    key = "day, domain, organization, report, policy"
    rows = await tx.all(f"SELECT {key} FROM tls_report WHERE day<$1 ORDER BY day LIMIT $2", before // _DAY_S, most)
    await tx.many(
        "DELETE FROM tls_report WHERE day=$1 AND domain=$2 AND organization=$3 AND report=$4 AND policy=$5", rows
    )
    return len(rows)
