"""SMTP TLS reports as values: the TXT record that says where they go, and the JSON of a report, written and read.

Reading takes what other senders write: a text where a list belongs, numbers in quotes, keys that are missing. It is
bounded, whatever was packed into it.

Standards: RFC 8460 §3 (record), §4.2 to §4.4 (report), RFC 1952 (gzip).
Faults:    ReportFault, with what is wrong in a few words.
"""

import gzip
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from posthaus.base import limit
from posthaus.mail.date import parse_date, render_utc

_BEGIN = re.compile(rb"v=TLSRPTv1[ \t]*;")
_RUA = re.compile(r"rua=(.+)", re.DOTALL)
_URI = re.compile(r"(mailto|https):[!-+\--:<-~]+", re.IGNORECASE)
_GZIP = 31  # of zlib: a gzip header, the largest window
_MAGIC = b"\x1f\x8b"


class ReportFault(ValueError):
    """Not a report."""


@dataclass(frozen=True, slots=True)
class Failure:
    """RFC 8460 §4.4: sessions that failed in one way."""

    kind: str  # a result type of §4.3
    sessions: int
    source: str = ""  # our address
    host: str = ""
    address: str = ""
    helo: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What became of the sessions under one policy."""

    kind: str  # "sts", "tlsa", "no-policy-found"
    domain: str
    text: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    successes: int = 0
    failures: tuple[Failure, ...] = ()
    failed: int = 0  # sessions, as the summary has it


@dataclass(frozen=True, slots=True)
class Report:
    """`start` and `end` are Unix seconds, both within."""

    organization: str
    contact: str
    id: str
    start: int
    end: int
    policies: tuple[Policy, ...]


def parse_record(texts: Sequence[bytes]) -> tuple[str, ...]:
    """Where reports go, from the TXT records of _smtp._tls.DOMAIN; () for nowhere."""
    ours = [text for text in texts if _BEGIN.match(text)]
    if len(ours) != 1 or not ours[0].isascii():
        return ()
    for part in ours[0].decode().split(";")[1:]:
        found = _RUA.fullmatch(part.strip(" \t"))
        if found is not None:
            uris = [uri.strip(" \t") for uri in found[1].split(",")]
            return tuple(uri for uri in uris if _URI.fullmatch(uri))[: limit.TLSRPT_URIS]
    return ()


# -- out -----------------------------------------------------------------------------------------------------------


def render_report(report: Report) -> bytes:
    return json.dumps(
        {
            "organization-name": report.organization,
            "date-range": {"start-datetime": render_utc(report.start), "end-datetime": render_utc(report.end)},
            "contact-info": report.contact,
            "report-id": report.id,
            "policies": [_policy(one) for one in report.policies],
        },
        indent=1,
    ).encode()


def _policy(one: Policy) -> dict[str, object]:
    policy: dict[str, object] = {"policy-type": one.kind}
    if one.text:
        policy["policy-string"] = list(one.text)
    policy["policy-domain"] = one.domain
    if one.mx:
        policy["mx-host"] = list(one.mx)
    made: dict[str, object] = {
        "policy": policy,
        "summary": {"total-successful-session-count": one.successes, "total-failure-session-count": one.failed},
    }
    if one.failures:
        made["failure-details"] = [_failure(failure) for failure in one.failures]
    return made


def _failure(one: Failure) -> dict[str, object]:
    names = {
        "sending-mta-ip": one.source,
        "receiving-mx-hostname": one.host,
        "receiving-mx-helo": one.helo,
        "receiving-ip": one.address,
        "failure-reason-code": one.reason,
    }
    told = {name: value for name, value in names.items() if value}
    return {"result-type": one.kind, **told, "failed-session-count": one.sessions}


def pack(octets: bytes) -> bytes:
    """gzip, without a time of its own."""
    return gzip.compress(octets, mtime=0)


# -- in ------------------------------------------------------------------------------------------------------------


def unpack(octets: bytes) -> bytes:
    """The JSON of a report as it came, packed or not."""
    if not octets.startswith(_MAGIC):
        return octets
    unpacker = zlib.decompressobj(_GZIP)
    try:
        found = unpacker.decompress(octets, limit.TLSRPT_OCTETS)
    except zlib.error:
        raise ReportFault("it cannot be unpacked") from None
    if unpacker.unconsumed_tail:
        raise ReportFault("it is too long")
    return found


def parse_report(octets: bytes) -> Report:
    if len(octets) > limit.TLSRPT_OCTETS:
        raise ReportFault("it is too long")
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        raise ReportFault("it is no JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("policies"), list):
        raise ReportFault("it has no policies")
    dates = _table(found.get("date-range"))
    return Report(
        _text(found.get("organization-name")),
        _text(found.get("contact-info")),
        _text(found.get("report-id")),
        _time(dates.get("start-datetime")),
        _time(dates.get("end-datetime")),
        tuple(_read_policy(_table(one)) for one in found["policies"][: limit.TLSRPT_POLICIES]),
    )


def _read_policy(found: dict[str, Any]) -> Policy:
    policy, summary = _table(found.get("policy")), _table(found.get("summary"))
    details = found.get("failure-details")
    details = details[: limit.TLSRPT_DETAILS] if isinstance(details, list) else []
    return Policy(
        _text(policy.get("policy-type")),
        _text(policy.get("policy-domain")).lower(),
        _texts(policy.get("policy-string")),
        _texts(policy.get("mx-host")),
        _count(summary.get("total-successful-session-count")),
        tuple(_read_failure(_table(one)) for one in details),
        _count(summary.get("total-failure-session-count")),
    )


def _read_failure(found: dict[str, Any]) -> Failure:
    return Failure(
        _text(found.get("result-type")),
        _count(found.get("failed-session-count")),
        _text(found.get("sending-mta-ip")),
        _text(found.get("receiving-mx-hostname")),
        _text(found.get("receiving-ip")),
        _text(found.get("receiving-mx-helo")),
        _text(found.get("failure-reason-code")),
    )


def _table(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


def _texts(found: object) -> tuple[str, ...]:
    """Microsoft and others send one text where RFC 8460 §4.4 has a list."""
    if isinstance(found, str):
        return (found,)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _count(found: object) -> int:
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 16:
        return int(found)
    return found if isinstance(found, int) and found > 0 and not isinstance(found, bool) else 0


def _time(found: object) -> int:
    read = parse_date(found.encode("utf-8", "replace")) if isinstance(found, str) else None
    return 0 if read is None else read.seconds
