"""What a host has announced in its reply to EHLO.

Standards: RFC 5321 §4.1.1.1, RFC 1870 §4, RFC 2852 §3, RFC 2920, RFC 3030 §2, RFC 3207 §4, RFC 3461 §4, RFC 4954 §3,
           RFC 6152, RFC 6531, RFC 6710 §3, RFC 8689 §2, RFC 9422 §4.
Faults:    none: what cannot be read was not announced.
"""

from dataclasses import dataclass

from posthaus.base import limit
from posthaus.proto.smtp.replyread import Heard


@dataclass(frozen=True, slots=True)
class Offered:
    """Of one connection; asked again after STARTTLS (RFC 3207 §4.2)."""

    name: str = ""  # what the host calls itself
    pipelining: bool = False
    eightbit: bool = False
    smtputf8: bool = False
    chunking: bool = False
    dsn: bool = False
    starttls: bool = False
    requiretls: bool = False
    priority: bool = False
    size: bool = False
    size_octets: int | None = None  # the largest message; None: there is no fixed maximum, or no word of it
    deliver_by_s: int | None = None  # the shortest time that is taken, 0 for any; None: not announced
    mechanisms: tuple[str, ...] = ()
    recipients: int = limit.RELAY_RECIPIENTS  # in one transaction
    domains: int = limit.RELAY_RECIPIENTS  # of recipients in one transaction
    transactions: int = limit.RELAY_TRANSACTIONS  # in one session


NOTHING = Offered()


def parse_offered(reply: Heard) -> Offered:
    """ehlo-ok-rsp = "250-" Domain [SP ehlo-greet] CRLF *("250-" ehlo-line CRLF) "250" SP ehlo-line CRLF"""
    words: dict[str, list[str]] = {}
    for line in reply.lines[1:]:
        keyword, *arguments = line.upper().replace("AUTH=", "AUTH ", 1).split() or [""]
        words.setdefault(keyword, []).extend(arguments)
    limits = dict(one.split("=", 1) for one in words.get("LIMITS", ()) if "=" in one)
    return Offered(
        name=reply.lines[0].partition(" ")[0],
        pipelining="PIPELINING" in words,
        eightbit="8BITMIME" in words,
        smtputf8="SMTPUTF8" in words,
        chunking="CHUNKING" in words,
        dsn="DSN" in words,
        starttls="STARTTLS" in words,
        requiretls="REQUIRETLS" in words,
        priority="MT-PRIORITY" in words,
        size="SIZE" in words,
        size_octets=_number(words.get("SIZE")) or None,
        deliver_by_s=_min_by_time(words["DELIVERBY"]) if "DELIVERBY" in words else None,
        mechanisms=tuple(dict.fromkeys(words.get("AUTH", ()))),
        recipients=_least(limits.get("RCPTMAX"), limit.RELAY_RECIPIENTS),
        domains=_least(limits.get("RCPTDOMAINMAX"), limit.RELAY_RECIPIENTS),
        transactions=_least(limits.get("MAILMAX"), limit.RELAY_TRANSACTIONS),
    )


def _number(arguments: list[str] | None) -> int | None:
    if not arguments or not arguments[0].isascii() or not arguments[0].isdigit() or len(arguments[0]) > 20:
        return None
    return int(arguments[0])


def _min_by_time(arguments: list[str]) -> int:
    """deliverby-param = min-by-time *( ',' extension-token )"""
    return _number([one.partition(",")[0] for one in arguments]) or 0


def _least(value: str | None, ours: int) -> int:
    """RFC 9422 §4: a limit is one or more; one that cannot be read is none."""
    theirs = _number([value]) if value else None
    return min(theirs, ours) if theirs else ours
