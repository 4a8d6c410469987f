"""ESMTP parameters of MAIL and RCPT: octets -> Envelope and Recipient.

Everything that an announced extension allows is read and checked here; what no extension announces to this peer is 555,
what its own grammar forbids is 501, and a parameter that comes twice is 501. Whether a value is within what is offered
(how long a message may be held) is the policy's to say.

Standards: RFC 5321 §4.1.2, RFC 1870 §6, RFC 2852 §4, RFC 3030 §3, RFC 3461 §4, RFC 4865 §4, RFC 4954 §5, RFC 6152 §3,
           RFC 6531 §3.4, RFC 6533 §3, RFC 6710 §3, RFC 8689 §3.
Faults:    CommandFault, which carries the reply.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from posthaus.mail.address import Address
from posthaus.mail.date import parse_utc
from posthaus.mail.envelope import Body, DeliverBy, Envelope, Recipient, Ret
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.reply import Reply

_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e\x80-\xff]+))?")
_XTEXT = re.compile(rb"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})+")
_ORCPT_TYPE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]*")
_NO_XCHAR = re.compile(rb"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")
_HEX = re.compile(rb"\+([0-9A-F]{2})")
_BY = re.compile(rb"([+-]?[0-9]{1,9});([NR])(T)?", re.IGNORECASE)
_PRIORITY = re.compile(rb"0|-?[1-9]")
_INTERVAL = re.compile(rb"[1-9][0-9]{0,8}")
_PRINTABLE = re.compile(rb"[\x20-\x7e]+")
# RFC 6533 §3: the three encodings of utf-8-address; embedded code points are checked by form only.
_UTF8_ADDRESS = re.compile(rb"(?:[\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e\x80-\xff]|\\x\{[0-9A-F]{2,6}\}|\+[0-9A-F]{2})+")

_ENVID_OCTETS = 100  # RFC 3461 §4.4
_ORCPT_OCTETS = 500  # RFC 3461 §4.2
_SIZE_DIGITS = 20  # RFC 1870 §4
_NOTIFY = frozenset({b"SUCCESS", b"FAILURE", b"DELAY"})


class CommandFault(Exception):
    """A command the engine answers itself; not an error of ours."""

    def __init__(self, answer: Reply) -> None:
        super().__init__(answer.text)
        self.answer = answer


@dataclass(slots=True)
class _Mail:
    """What the parameters of MAIL have said so far."""

    body: Body = "7BIT"
    size: int | None = None
    smtputf8: bool = False
    ret: Ret | None = None
    envid: bytes | None = None
    requiretls: bool = False
    hold_until: int | None = None
    deliver_by: DeliverBy | None = None
    priority: int = 0
    hold_for: int | None = None


def parse_mail_parameters(octets: bytes, read_path: Callable[[bool], Address | None], offer: Offer) -> Envelope:
    """Mail-parameters = esmtp-param *(SP esmtp-param)

    The path is read after these (`read_path` is told of SMTPUTF8), because SMTPUTF8 decides what it may hold.
    """
    if not octets:
        return Envelope(read_path(False))
    mail = _Mail()
    for name, value in _split(octets):
        reader = _MAIL.get(name)
        if reader is None or (name in _OFFERED and not _OFFERED[name](offer)):
            raise CommandFault(reply.PARAMETER_UNKNOWN)
        reader(mail, value)
    return Envelope(
        read_path(mail.smtputf8),
        mail.body,
        mail.size,
        mail.smtputf8,
        mail.ret,
        mail.envid,
        mail.requiretls,
        mail.hold_until,
        mail.deliver_by,
        mail.priority,
        mail.hold_for,
    )


def parse_rcpt_parameters(octets: bytes, address: Address, *, smtputf8: bool) -> Recipient:
    """Rcpt-parameters = esmtp-param *(SP esmtp-param)"""
    if not octets:
        return Recipient(address)
    orcpt: bytes | None = None
    notify: frozenset[str] = frozenset()
    for name, value in _split(octets):
        if name == b"ORCPT":
            orcpt = _orcpt(value, smtputf8)
        elif name == b"NOTIFY":
            notify = _notify(value)
        else:
            raise CommandFault(reply.PARAMETER_UNKNOWN)
    return Recipient(address, orcpt, notify)


def decode_xtext(octets: bytes) -> bytes:
    """xtext = *( xchar / hexchar )"""
    return _HEX.sub(lambda found: bytes((int(found[1], 16),)), octets)


def encode_xtext(octets: bytes) -> bytes:
    """The way back."""
    return _NO_XCHAR.sub(lambda found: b"+%02X" % found[0][0], octets)


def _split(octets: bytes) -> list[tuple[bytes, bytes | None]]:
    found: list[tuple[bytes, bytes | None]] = []
    for piece in octets.split():
        match = _PARAMETER.fullmatch(piece)
        if match is None:
            raise CommandFault(reply.PARAMETER_SYNTAX)
        found.append((match[1].upper(), match[2]))
    if len(found) > 1 and len({name for name, _ in found}) != len(found):
        raise CommandFault(reply.PARAMETER_SYNTAX)
    return found


def _size(mail: _Mail, value: bytes | None) -> None:
    """size-value ::= 1*20DIGIT"""
    if value is None or not value.isdigit() or len(value) > _SIZE_DIGITS:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.size = int(value)


def _body(mail: _Mail, value: bytes | None) -> None:
    """body-value = "7BIT" / "8BITMIME" / "BINARYMIME" """
    upper = (value or b"").upper()
    if upper not in (b"7BIT", b"8BITMIME", b"BINARYMIME"):
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.body = cast(Body, upper.decode("ascii"))


def _smtputf8(mail: _Mail, value: bytes | None) -> None:
    if value is not None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.smtputf8 = True


def _ret(mail: _Mail, value: bytes | None) -> None:
    """ret-value = "FULL" / "HDRS" """
    upper = (value or b"").upper()
    if upper not in (b"FULL", b"HDRS"):
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.ret = cast(Ret, upper.decode("ascii"))


def _envid(mail: _Mail, value: bytes | None) -> None:
    """envid-parameter = "ENVID=" xtext"""
    if value is None or len(value) > _ENVID_OCTETS or _XTEXT.fullmatch(value) is None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    if _PRINTABLE.fullmatch(decode_xtext(value)) is None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.envid = value


def _auth(mail: _Mail, value: bytes | None) -> None:
    """auth-param: checked and dropped, for nobody whom we would trust to say it is asked (RFC 4954 §5: as <>)."""
    if value is None or _XTEXT.fullmatch(value) is None:
        raise CommandFault(reply.PARAMETER_SYNTAX)


def _requiretls(mail: _Mail, value: bytes | None) -> None:
    if value is not None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.requiretls = True


def _by(mail: _Mail, value: bytes | None) -> None:
    """by-value = by-time ";" by-mode [by-trace]"""
    match = _BY.fullmatch(value or b"")
    if match is None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    seconds, mode = int(match[1]), cast(Literal["N", "R"], match[2].decode("ascii").upper())
    if mode == "R" and seconds <= 0:
        raise CommandFault(reply.PARAMETER_SYNTAX)  # RFC 2852 §4: it would have to be returned already
    mail.deliver_by = DeliverBy(seconds, mode, match[3] is not None)


def _mt_priority(mail: _Mail, value: bytes | None) -> None:
    """priority-value = (["-"] NZDIGIT) / "0" """
    if value is None or _PRIORITY.fullmatch(value) is None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.priority = int(value)


def _holdfor(mail: _Mail, value: bytes | None) -> None:
    """future-release-interval: seconds, one to nine digits"""
    if value is None or _INTERVAL.fullmatch(value) is None or mail.hold_until is not None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.hold_for = int(value)


def _holduntil(mail: _Mail, value: bytes | None) -> None:
    """future-release-date-time: a date-time of RFC 3339 in UTC"""
    at = parse_utc(value or b"")
    if at is None or mail.hold_for is not None:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    mail.hold_until = at


_MAIL: dict[bytes, Callable[[_Mail, bytes | None], None]] = {
    b"SIZE": _size,
    b"BODY": _body,
    b"SMTPUTF8": _smtputf8,
    b"RET": _ret,
    b"ENVID": _envid,
    b"AUTH": _auth,
    b"REQUIRETLS": _requiretls,
    b"BY": _by,
    b"MT-PRIORITY": _mt_priority,
    b"HOLDFOR": _holdfor,
    b"HOLDUNTIL": _holduntil,
}

_OFFERED: dict[bytes, Callable[[Offer], bool]] = {
    b"REQUIRETLS": lambda offer: offer.requiretls,
    b"BY": lambda offer: offer.deliver_by_s is not None,
    b"MT-PRIORITY": lambda offer: bool(offer.priority),
    b"HOLDFOR": lambda offer: offer.hold_s > 0,
    b"HOLDUNTIL": lambda offer: offer.hold_s > 0,
}
"""Parameters that are known only while their keyword is announced."""


def _orcpt(value: bytes | None, smtputf8: bool) -> bytes:
    """original-recipient-address = addr-type ";" xtext"""
    kind, semicolon, address = (value or b"").partition(b";")
    if not semicolon or _ORCPT_TYPE.fullmatch(kind) is None or len(value or b"") > _ORCPT_OCTETS:
        raise CommandFault(reply.PARAMETER_SYNTAX)
    if kind.lower() == b"utf-8":
        if _UTF8_ADDRESS.fullmatch(address) is None or not (smtputf8 or address.isascii()):
            raise CommandFault(reply.PARAMETER_SYNTAX)
    elif _XTEXT.fullmatch(address) is None or _PRINTABLE.fullmatch(decode_xtext(address)) is None:
        # The decoded address goes into a DSN field: a control character there would be another field.
        raise CommandFault(reply.PARAMETER_SYNTAX)
    return value or b""


def _notify(value: bytes | None) -> frozenset[str]:
    """notify-esmtp-value = "NEVER" / 1#notify-list-element"""
    words = (value or b"").upper().split(b",")
    if words == [b"NEVER"]:
        return frozenset({"NEVER"})
    if not _NOTIFY.issuperset(words):
        raise CommandFault(reply.PARAMETER_SYNTAX)
    return frozenset(word.decode("ascii") for word in words)
