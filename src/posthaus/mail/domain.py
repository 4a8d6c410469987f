"""Domains as values: A-labels, whatever they were written in.

A domain is held as lower-case A-labels without a dot at the end. to_ascii is lenient where real mail is (underscores,
A-labels that decode to nothing sensible) and strict where a fault could hurt (lengths, empty labels, odd octets).

Standards: RFC 1035 §2.3.4, RFC 5321 §4.1.2, RFC 5890 §2.3.2.1, RFC 5891 §5.
Faults:    DomainFault.
"""

import functools
import re

import idna

from posthaus.base import limit

# An underscore is no letter of a host name, but hosts behind odd DNS tools send mail with it.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ASCII = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE | re.ASCII)


class DomainFault(ValueError):
    """Not a domain that mail could be sent to."""


def to_ascii(domain: str) -> str:
    """The domain as lower-case A-labels; U-labels are mapped as browsers and mail programs do (UTS 46)."""
    if domain.isascii():
        if _ASCII.fullmatch(domain) is None or len(domain) > limit.SMTP_DOMAIN_OCTETS:
            raise DomainFault("not a domain")
        return domain.lower()
    return _encode(domain)


@functools.lru_cache(maxsize=1024)
def _encode(domain: str) -> str:
    try:
        encoded = idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as fault:
        raise DomainFault("not an internationalized domain") from fault
    if _ASCII.fullmatch(encoded) is None or len(encoded) > limit.SMTP_DOMAIN_OCTETS:
        raise DomainFault("not a domain")
    return encoded
