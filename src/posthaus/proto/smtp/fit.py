"""Does a message fit what a host offers? Envelope and Survey -> the lines of MAIL and RCPT, or why it cannot be sent.

Decided here, and the same for every host:

8-bit octets are sent only where 8BITMIME is offered. RFC 6152 §3 leaves two ways for other hosts: to encode the body
anew or to return the message. Encoding would change octets that are signed, so the message is returned (5.6.3).

SMTPUTF8 is asked for only by what needs it: a localpart beyond ASCII, or such octets in the header of a message that
was submitted with SMTPUTF8 (RFC 6531 §3.2). Domains are A-labels already, so a domain alone needs nothing.

MT-PRIORITY, DSN and, in its mode N, DELIVERBY are left out where they are not offered: the message goes without.
DELIVERBY in its mode R, and REQUIRETLS, are conditions: without them it does not go. Only a notification goes all the
same: REQUIRETLS is asked for it where it can be had.

Standards: RFC 1870 §6, RFC 2852 §4 and §4.1.4, RFC 3461 §4, RFC 3463 §3, RFC 6152 §3, RFC 6531 §3.4, RFC 6533 §3,
           RFC 6710 §4, RFC 8689 §4 and §5.
Faults:    Unfit as a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.mail.address import Address
from posthaus.mail.envelope import NEVER, DeliverBy, Envelope, Recipient
from posthaus.proto.smtp.content import Survey
from posthaus.proto.smtp.offered import Offered

_FAILURE, _DELAY = frozenset({"FAILURE"}), frozenset({"DELAY"})
_BY_TIME_MAX = 999_999_999  # RFC 2852 §4


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why not: a status code of RFC 3463, and words for the sender."""

    enhanced: str
    text: str


_BARE = Unfit("5.6.11", "The message has a bare CR or a bare LF")
_TOO_LARGE = Unfit("5.3.4", "The message is larger than this host takes")
_EIGHTBIT = Unfit("5.6.3", "The message has 8-bit octets, and this host does not take them (no 8BITMIME)")
_UTF8 = Unfit("5.6.7", "The message needs SMTPUTF8, and this host does not have it")
_UTF8_ADDRESS = Unfit("5.6.7", "This address needs SMTPUTF8, and this host does not have it")
_REQUIRETLS = Unfit(
    "5.7.30", "The message requires TLS on its whole way, and this host does not promise it (REQUIRETLS)"
)
_NO_DELIVERBY = Unfit("5.3.3", "The message must arrive in time, and this host does not promise it (DELIVERBY)")
_TOO_LATE = Unfit("5.4.7", "The time in which the message had to arrive has passed")


def needs_smtputf8(envelope: Envelope, survey: Survey) -> bool:
    """Whether the message needs it for all recipients; a recipient may need it for itself."""
    path = envelope.reverse_path
    return envelope.smtputf8 and ((path is not None and not path.localpart.isascii()) or survey.is_header_eightbit)


def fault_of(envelope: Envelope, survey: Survey, offered: Offered, *, verified: bool, left_s: int = 0) -> Unfit | None:
    """Why the message cannot go to this host at all. `left_s`: of DELIVERBY; `verified`: the host's certificate is."""
    if survey.is_bare:
        return _BARE
    if offered.size_octets is not None and survey.size > offered.size_octets:
        return _TOO_LARGE
    if survey.is_eightbit and not offered.eightbit:
        return _EIGHTBIT
    if not offered.smtputf8 and needs_smtputf8(envelope, survey):
        return _UTF8
    # RFC 8689 §5: a notification is not lost for it
    if envelope.requiretls and envelope.reverse_path is not None and not (verified and offered.requiretls):
        return _REQUIRETLS
    if envelope.deliver_by is not None and envelope.deliver_by.mode == "R":
        if left_s <= 0:
            return _TOO_LATE
        if offered.deliver_by_s is None or left_s < offered.deliver_by_s:
            return _NO_DELIVERBY
    return None


def recipient_fault(recipient: Recipient, offered: Offered) -> Unfit | None:
    return None if offered.smtputf8 or recipient.address.localpart.isascii() else _UTF8_ADDRESS


def render_mail(
    envelope: Envelope,
    recipients: Sequence[Recipient],
    survey: Survey,
    offered: Offered,
    *,
    verified: bool = False,
    left_s: int = 0,
) -> bytes:
    """mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF"""
    line = [b"MAIL FROM:<%s>" % _path(envelope.reverse_path)]
    if offered.size:
        line.append(b"SIZE=%d" % survey.size)
    if survey.is_eightbit:
        line.append(b"BODY=8BITMIME")
    if offered.smtputf8 and (
        needs_smtputf8(envelope, survey) or not all(one.address.localpart.isascii() for one in recipients)
    ):
        line.append(b"SMTPUTF8")
    if offered.dsn:
        if envelope.ret is not None:
            line.append(b"RET=" + envelope.ret.encode())
        if envelope.envid is not None:
            line.append(b"ENVID=" + envelope.envid)
    if envelope.requiretls and (envelope.reverse_path is not None or (verified and offered.requiretls)):
        line.append(b"REQUIRETLS")
    if offered.priority:
        line.append(b"MT-PRIORITY=%d" % envelope.priority)
    if envelope.deliver_by is not None:
        line += _deliver_by(envelope.deliver_by, offered, left_s)
    return b" ".join(line) + b"\r\n"


def render_rcpt(recipient: Recipient, offered: Offered, by: DeliverBy | None = None) -> bytes:
    """rcpt = "RCPT TO:" Forward-path [SP Rcpt-parameters] CRLF"""
    line = [b"RCPT TO:<%s>" % _path(recipient.address)]
    if offered.dsn:
        notify = recipient.notify
        if by is not None and by.mode == "N" and offered.deliver_by_s is None and notify != NEVER:
            notify = (notify or _FAILURE) | _DELAY  # RFC 2852 §4.1.4.2
        if notify:
            line.append(b"NOTIFY=" + b",".join(sorted(one.encode() for one in notify)))
        if recipient.orcpt is not None:
            line.append(b"ORCPT=" + (recipient.orcpt if offered.smtputf8 else _ascii_orcpt(recipient.orcpt)))
    return b" ".join(line) + b"\r\n"


def _path(address: Address | None) -> bytes:
    return b"" if address is None else str(address).encode()


def _deliver_by(wanted: DeliverBy, offered: Offered, left_s: int) -> list[bytes]:
    """by-value = by-time ";" by-mode [by-trace]; the host's minimum is for mode R alone, which fault_of() judges."""
    if offered.deliver_by_s is None:
        return []
    left_s = max(-_BY_TIME_MAX, min(left_s, _BY_TIME_MAX))
    return [b"BY=%d;%s%s" % (left_s, wanted.mode.encode(), b"T" if wanted.trace else b"")]


def _ascii_orcpt(orcpt: bytes) -> bytes:
    """RFC 6533 §3: utf-8-addr-xtext, the form of utf-8-address that needs no SMTPUTF8."""
    if orcpt.isascii():
        return orcpt
    return "".join(sign if sign.isascii() else f"\\x{{{ord(sign):X}}}" for sign in orcpt.decode("utf-8")).encode()
