"""Trace fields: Return-Path, Received, Delivered-To, ARC-Authentication-Results.

These lines are put before the octets of a message and hold what peers told us, so every value goes through one of the
four gates at the end: none of them lets CR, LF, NUL or another control character pass, and each keeps its value inside
of the token, comment or quoted-string where it stands. Lines stay below 998 octets.

Standards: RFC 5321 §4.4, RFC 3848, RFC 6531 §3.7.3 and §4.3, RFC 5322 §3.6.7, RFC 8601 §2.2, RFC 8617 §4.1.1,
           RFC 8314 §4.3.
Faults:    none; what cannot be written becomes "?".
"""

import functools
import re
from collections.abc import Sequence

from posthaus.base.value import value
from posthaus.mail.address import Address
from posthaus.mail.date import render_date

_LINE_OCTETS = 500  # of one result in a line; a longer one has a line for each property
_VALUE_OCTETS = 400  # of one value of the peer in a trace field; two of them and their frame stay below 998

_NOT_NAME = re.compile(r"[^A-Za-z0-9._:\[\]-]")
_NOT_TOKEN = re.compile(r"[^A-Za-z0-9!#$%&'*+.^_`{|}~/@:-]")
_BARE_VALUE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]*@?[A-Za-z0-9!#$%&'*+.^_`{|}~-]+")
_NOT_TEXT = re.compile(r"[^\x20-\x7e]")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COMMENT_SPECIAL = re.compile(r"([()\\])")
_QUOTED_SPECIAL = re.compile(r'(["\\])')


@value
class Hop:
    """All that a Received field tells of one transaction."""

    helo: str  # as the peer called itself
    address: str  # IP address of the peer
    reverse: str  # its name by a confirmed reverse look-up, or ""
    by: str  # our host name
    protocol: str  # see `protocol`
    tid: str
    at: float  # Unix time
    tls: str = ""  # "TLSv1.3 TLS_AES_256_GCM_SHA384", or ""
    recipient: Address | None = None  # only if there is just one (RFC 5321 §7.6: no blind copies made known)
    is_hidden: bool = False  # the peer is one of our people: from where is nobody else's business
    priority: int = 0  # RFC 6710 §4.4


@value
class Result:
    """One resinfo of Authentication-Results: method=value reason="..." ptype.property=pvalue."""

    method: str
    value: str
    properties: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""


@functools.cache
def protocol(*, esmtp: bool, lmtp: bool, tls: bool, auth: bool, smtputf8: bool) -> str:
    """The keyword after "with". RFC 3848 and RFC 6531 §4.3 know S and A only for the extended protocols."""
    if not (esmtp or lmtp):
        return "SMTP"
    base = "LMTP" if lmtp else ("SMTP" if smtputf8 else "ESMTP")
    return ("UTF8" if smtputf8 else "") + base + ("S" if tls else "") + ("A" if auth else "")


def render_return_path(reverse_path: Address | None) -> bytes:
    """Return-path-line = "Return-Path:" FWS Reverse-path <CRLF>"""
    path = _path(reverse_path) if reverse_path is not None else "<>"
    return f"Return-Path: {path}\r\n".encode()


def render_delivered_to(address: Address) -> bytes:
    """Delivered-To names the address that led here; for one recipient only."""
    return f"Delivered-To: {_path(address)[1:-1]}\r\n".encode()


def render_received(hop: Hop) -> bytes:
    """Time-stamp-line = "Received:" FWS Stamp <CRLF>"""
    known = f"{_name(hop.reverse)} " if hop.reverse else ""
    tls = f" ({_comment(hop.tls)})" if hop.tls else ""
    whom = f"\r\n\tfor {_path(hop.recipient)}" if hop.recipient is not None else ""
    whom += f"\r\n\tpriority {hop.priority}" if hop.priority else ""
    peer = f"{_name(hop.helo) or 'unknown'} ({known}[{_name(hop.address)}])"
    return (
        f"Received: from {'unknown (authenticated)' if hop.is_hidden else peer}\r\n"
        f"\tby {_name(hop.by)} with {hop.protocol}{tls}\r\n"
        f"\tid {_name(hop.tid)}{whom}; {_date(int(hop.at))}\r\n"
    ).encode()


def render_arc_results(instance: int, authserv_id: str, results: Sequence[Result]) -> bytes:
    """arc-info = instance [CFWS] ";" authres-payload"""
    # RFC 8601 §2.2: "none" when nothing was checked; one result a line, so that none of them grows too long.
    head = f"ARC-Authentication-Results: i={instance}; {_name(authserv_id)}"
    lines = [head, *([f"\t{_result(result)}" for result in results] or ["\tnone"])]
    return (";\r\n".join(lines) + "\r\n").encode()


def count_received(header: bytes) -> int:
    """Received fields of a header. `header` may go on into the body; nothing beyond the empty line is counted."""
    end = header.find(b"\r\n\r\n")
    head = (header if end < 0 else header[: end + 2]).lower()
    return head.count(b"\r\nreceived:") + head.startswith(b"received:")


@functools.lru_cache(maxsize=64)
def _date(at: int) -> str:
    return render_date(at).decode("ascii")


def _result(result: Result) -> str:
    text = f"{_token(result.method)}={_token(result.value)}"
    if result.reason:
        text += f' reason="{_quoted(result.reason)}"'
    words = [f"{_token(ptype)}.{_token(name)}={_pvalue(value)}" for ptype, name, value in result.properties]
    is_long = len(text) + sum(map(len, words)) > _LINE_OCTETS
    return ("\r\n\t\t" if is_long else " ").join([text, *words])


def _pvalue(value: str) -> str:
    """pvalue = [CFWS] ( ( value / [ [ local-part ] "@" ] domain-name ) ) [CFWS]"""
    # RFC 2045 §5.1: a slash, a colon or an equals sign is no part of a token. Quoted, each value is right.
    cut = value[:_VALUE_OCTETS]
    return cut if _BARE_VALUE.fullmatch(cut) is not None else f'"{_quoted(cut)}"'


def _path(address: Address) -> str:
    return "<" + _INVISIBLE.sub("?", str(address)) + ">"


def _name(text: str) -> str:
    return _NOT_NAME.sub("?", text[:_VALUE_OCTETS])


def _token(text: str) -> str:
    return _NOT_TOKEN.sub("?", text[:_VALUE_OCTETS])


def _comment(text: str) -> str:
    return _COMMENT_SPECIAL.sub(r"\\\1", _NOT_TEXT.sub("?", text[:_VALUE_OCTETS]))


def _quoted(text: str) -> str:
    return _QUOTED_SPECIAL.sub(r"\\\1", _NOT_TEXT.sub("?", text[:_VALUE_OCTETS]))
