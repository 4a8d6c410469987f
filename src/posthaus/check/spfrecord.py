"""SPF records: parsed as a whole, so that an error anywhere is found before anything is evaluated.

Standards: RFC 7208 §4.6.1, §5, §6 and §12.
Faults:    RecordFault, which means permerror.
"""

import ipaddress
import re
from dataclasses import dataclass

from posthaus.check.spfmacro import MacroFault, Pieces, parse_domain_spec, parse_macros

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_QUALIFIERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9._-]*)=(?P<value>.*)")
_MECHANISM = re.compile(r"(?P<qualifier>[+\-?~]?)(?P<name>[A-Za-z][A-Za-z0-9._-]*)(?P<rest>.*)")
_CIDR = re.compile(r"(?P<before>.*?)(?:/(?P<four>0|[1-9][0-9]?))?(?://(?P<six>0|[1-9][0-9]{0,2}))?")
_DOTTED = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")


class RecordFault(ValueError):
    """A syntax error in the record."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    name: str
    result: str  # of its qualifier: pass, fail, softfail, neutral
    domain: Pieces = ()  # () for the domain that is being checked
    four: int = 32  # prefix lengths of a and mx
    six: int = 128
    network: Network | None = None  # of ip4 and ip6
    text: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    mechanisms: tuple[Mechanism, ...]
    redirect: Pieces = ()
    explanation: Pieces = ()


def is_record(text: bytes) -> bool:
    """RFC 7208 §4.5: the version, then a space or nothing."""
    return text[:6].lower() == b"v=spf1" and text[6:7] in (b" ", b"")


def parse_record(octets: bytes) -> Record:
    """record = version terms *SP"""
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError:
        raise RecordFault("not ASCII") from None
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, Pieces] = {}
    for term in text[6:].split(" "):
        if not term:
            continue
        try:
            found = _MODIFIER.fullmatch(term)
            if found is None:
                mechanisms.append(_mechanism(term))
            else:
                _add_modifier(modifiers, found["name"].lower(), found["value"])
        except MacroFault as fault:
            raise RecordFault(f"{term[:50]}: {fault}") from None
    return Record(tuple(mechanisms), modifiers.get("redirect", ()), modifiers.get("exp", ()))


def _add_modifier(modifiers: dict[str, Pieces], name: str, value: str) -> None:
    if name not in ("redirect", "exp"):
        parse_macros(value)  # RFC 7208 §6: unknown ones are ignored, but must be well formed
        return
    if name in modifiers:
        raise RecordFault(f"{name}= twice")
    modifiers[name] = parse_domain_spec(value)


def _mechanism(term: str) -> Mechanism:
    found = _MECHANISM.fullmatch(term)
    if found is None:
        raise RecordFault(f"{term[:50]}: not a term")
    name, rest = found["name"].lower(), found["rest"]
    result = _QUALIFIERS[found["qualifier"] or "+"]
    match name:
        case "all" if not rest:
            return Mechanism(name, result, text=term)
        case "include" | "exists" if rest.startswith(":"):
            return Mechanism(name, result, parse_domain_spec(rest[1:]), text=term)
        case "ptr" if not rest or rest.startswith(":"):
            return Mechanism(name, result, parse_domain_spec(rest[1:]) if rest else (), text=term)
        case "a" | "mx":
            return _with_cidr(name, result, rest, term)
        case "ip4" | "ip6" if rest.startswith(":"):
            return Mechanism(name, result, network=_network(name, rest[1:]), text=term)
    raise RecordFault(f"{term[:50]}: not a mechanism")


def _with_cidr(name: str, result: str, rest: str, term: str) -> Mechanism:
    """[ ":" domain-spec ] [ dual-cidr-length ]"""
    found = _CIDR.fullmatch(rest)
    if found is None:
        raise RecordFault(f"{term[:50]}: not a prefix length")
    before, four, six = found["before"], int(found["four"] or "32"), int(found["six"] or "128")
    if four > 32 or six > 128 or (before and not before.startswith(":")):
        raise RecordFault(f"{term[:50]}: not a mechanism")
    domain = parse_domain_spec(before[1:]) if before else ()
    return Mechanism(name, result, domain, four, six, text=term)


def _network(name: str, text: str) -> Network:
    address, slash, length = text.partition("/")
    if slash and re.fullmatch(r"0|[1-9][0-9]{0,2}", length) is None:
        raise RecordFault(f"{text[:50]}: not a prefix length")
    try:
        if name == "ip6":
            return ipaddress.IPv6Network(text, strict=False)
        if _DOTTED.fullmatch(address) is None:
            raise ValueError
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        raise RecordFault(f"{text[:50]}: not a network") from None
