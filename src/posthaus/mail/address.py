"""Addresses: localpart and domain, as RFC 5321 calls a Mailbox.

The localpart is held without its quotes, so "a b"@x and a\\ b@x are one value; str() quotes again where needed. The
domain is lower-case A-labels, or an address-literal in its canonical form: [192.0.2.1], [IPv6:2001:db8::1]. An Address
with an empty domain is <Postmaster> (RFC 5321 §4.5.1). No value ever holds a control character.

Standards: RFC 5321 §4.1.2 and §4.1.3, RFC 6531 §3.3, RFC 5233 §4 (subaddress).
Faults:    AddressFault; NeedsSmtputf8 where the same octets would be right with SMTPUTF8.
"""

import functools
import ipaddress
import re
import unicodedata

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail import domain as domains

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_ODD_DOTS = re.compile(rf"(?:{_ATEXT}|\.)+")
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])+)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_TO_QUOTE = re.compile(r'(["\\])')
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class AddressFault(ValueError):
    """Not an address."""


class NeedsSmtputf8(AddressFault):
    """An address outside of ASCII, where SMTPUTF8 was not asked for."""


@value
class Address:
    """One Mailbox of RFC 5321; equality is by exact localpart, look-ups go by `key`."""

    localpart: str
    domain: str

    def __str__(self) -> str:
        local = self.localpart
        if _DOT_STRING.fullmatch(local) is None:
            local = '"' + _TO_QUOTE.sub(r"\\\1", local) + '"'
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def key(self) -> str:
        """The canonical look-up key. RFC 5321 §2.4 not: localparts differ by more than case, as everywhere."""
        return f"{localpart_key(self.localpart)}@{self.domain}"


def localpart_key(localpart: str) -> str:
    """Casefolded and in NFC, so that all spellings of one name find one account."""
    if localpart.isascii():
        return localpart.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", localpart).casefold())


@functools.lru_cache(maxsize=4096)
def parse_address(text: bytes, *, smtputf8: bool, odd_dots: bool = False) -> Address:
    """Mailbox = Local-part "@" ( Domain / address-literal )

    `odd_dots` also takes a..b@ and a.@, which two Japanese telephone companies once gave to their customers.
    """
    try:
        plain = text.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise AddressFault("not UTF-8") from fault
    # The last "@" divides: a quoted localpart may hold others, a domain none.
    local, at, host = plain.rpartition("@")
    if not at or not local or not host:
        raise AddressFault("no localpart or no domain")
    address = Address(_parse_localpart(local, odd_dots), _parse_domain(host))
    if not smtputf8 and not text.isascii():
        raise NeedsSmtputf8("outside of ASCII")
    return address


def split_subaddress(localpart: str, separator: str = "+") -> tuple[str, str | None]:
    """user+detail -> (user, detail); without a user before it, the separator is an ordinary character; "" is none."""
    if not separator:
        return localpart, None
    user, found, detail = localpart.partition(separator)
    return (user, detail) if found and user else (localpart, None)


def _parse_localpart(local: str, odd_dots: bool) -> str:
    if len(local) > limit.SMTP_LOCALPART_OCTETS or len(local.encode()) > limit.SMTP_LOCALPART_OCTETS:
        raise AddressFault("localpart too long")
    if _INVISIBLE.search(local) is not None:
        raise AddressFault("control character in the localpart")
    if _DOT_STRING.fullmatch(local) is not None:
        return local
    quoted = _QUOTED.fullmatch(local)
    if quoted is not None:
        return _QUOTED_PAIR.sub(r"\1", quoted[1])
    if odd_dots and _ODD_DOTS.fullmatch(local) is not None:
        return local
    raise AddressFault("not a localpart")


def _parse_domain(host: str) -> str:
    if host.startswith("["):
        return _parse_literal(host)
    try:
        return domains.to_ascii(host)
    except domains.DomainFault as fault:
        raise AddressFault("not a domain") from fault


def _parse_literal(host: str) -> str:
    """address-literal = "[" ( IPv4-address-literal / IPv6-address-literal ) "]"; general ones name nothing we know"""
    inner = host[1:-1]
    try:
        if not host.endswith("]") or "%" in inner:
            raise AddressFault("not an address-literal")
        if inner[:5].lower() == "ipv6:":
            return literal(str(ipaddress.IPv6Address(inner[5:])))
        return literal(str(ipaddress.IPv4Address(inner)))
    except ipaddress.AddressValueError as fault:
        raise AddressFault("not an address-literal") from fault


def literal(ip: str) -> str:
    """The canonical address-literal of an IP address."""
    parsed = ipaddress.ip_address(ip)
    return f"[IPv6:{parsed.compressed}]" if parsed.version == 6 else f"[{parsed.compressed}]"
