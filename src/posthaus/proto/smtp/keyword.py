"""The EHLO keywords: one table, each with its RFC.

What is on offer depends on the moment (TLS, who may log in), so a session hands the engine an Offer, and the table says
what of it is announced. Nothing is announced that the engine does not carry out.

Standards: those of the table.
Faults:    none.
"""

from collections.abc import Callable
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail.date import render_utc


@value
class Offer:
    """What this peer may use now."""

    size_octets: int = limit.SMTP_MESSAGE_OCTETS
    starttls: bool = False
    mechanisms: tuple[str, ...] = ()
    recipients: int = limit.SMTP_RECIPIENTS
    transactions: int = limit.SMTP_TRANSACTIONS
    dsn: bool = True
    requiretls: bool = False
    deliver_by_s: int | None = None  # the nearest deadline at which a message may be returned; None: not offered
    priority: str = ""  # profile of MT-PRIORITY; "": not offered
    hold_s: int = 0  # how long a message may be held; 0: not offered
    hold_until: int = 0  # until when, Unix seconds


@dataclass(frozen=True, slots=True)
class Keyword:
    """`render` gives the line of EHLO, or "" where it is not announced now."""

    name: str
    rfc: str
    render: Callable[[Offer], str]


def _always(name: str) -> Callable[[Offer], str]:
    return lambda offer: name


KEYWORDS: tuple[Keyword, ...] = (
    Keyword("PIPELINING", "RFC 2920 §3.1", _always("PIPELINING")),
    Keyword("SIZE", "RFC 1870 §4", lambda offer: f"SIZE {offer.size_octets}"),
    Keyword("8BITMIME", "RFC 6152 §2", _always("8BITMIME")),
    Keyword("SMTPUTF8", "RFC 6531 §3.1", _always("SMTPUTF8")),
    Keyword("ENHANCEDSTATUSCODES", "RFC 2034 §3", _always("ENHANCEDSTATUSCODES")),
    Keyword("CHUNKING", "RFC 3030 §2", _always("CHUNKING")),
    Keyword("BINARYMIME", "RFC 3030 §3", _always("BINARYMIME")),
    Keyword("DSN", "RFC 3461 §4", lambda offer: "DSN" if offer.dsn else ""),
    Keyword("STARTTLS", "RFC 3207 §4", lambda offer: "STARTTLS" if offer.starttls else ""),
    Keyword("AUTH", "RFC 4954 §3", lambda offer: " ".join(("AUTH", *offer.mechanisms)) if offer.mechanisms else ""),
    Keyword("REQUIRETLS", "RFC 8689 §2", lambda offer: "REQUIRETLS" if offer.requiretls else ""),
    Keyword(
        "DELIVERBY",
        "RFC 2852 §4",
        lambda offer: f"DELIVERBY {offer.deliver_by_s}" if offer.deliver_by_s is not None else "",
    ),
    Keyword("MT-PRIORITY", "RFC 6710 §3", lambda offer: f"MT-PRIORITY {offer.priority}" if offer.priority else ""),
    Keyword(
        "FUTURERELEASE",
        "RFC 4865 §4",
        lambda offer: f"FUTURERELEASE {offer.hold_s} {render_utc(offer.hold_until)}" if offer.hold_s else "",
    ),
    Keyword("LIMITS", "RFC 9422 §4", lambda offer: f"LIMITS RCPTMAX={offer.recipients} MAILMAX={offer.transactions}"),
)


def announce(offer: Offer) -> tuple[str, ...]:
    """The lines of EHLO after the host name."""
    return tuple(line for line in (keyword.render(offer) for keyword in KEYWORDS) if line)
