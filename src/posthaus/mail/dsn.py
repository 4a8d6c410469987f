"""Delivery status notifications, written and read: what became of a message, for programs and (dsntext.py) for people.

One Dsn may tell of several recipients. It is written in ASCII as RFC 3464 has it, and as RFC 6533 has it only where an
address needs that; then its sender spoke SMTPUTF8. Reading takes what other servers write, and never raises.

Standards: RFC 3464 §2, RFC 2852 §5, RFC 4865 §5.1.2, RFC 3461 §6.2, RFC 6522 §3, RFC 6533 §3 to §6, RFC 3834 §3.1.7,
           RFC 5321 §3.6.3 and §6.1.
Faults:    none; None for what is no DSN.
"""

import re
from dataclasses import dataclass
from typing import Final

from posthaus.base import limit
from posthaus.mail import compose, dsntext
from posthaus.mail.address import Address
from posthaus.mail.date import parse_date, render_date
from posthaus.mail.decode import decode_text
from posthaus.mail.fate import Action, Dsn, Fate, Original
from posthaus.mail.header import Header, head_end, read_header
from posthaus.mail.report import MachineReport
from posthaus.mail.status import find_status
from posthaus.mail.thread import message_id

_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
_REPLY = re.compile(r"[245]\d\d\b", re.ASCII).match
_ANGLES = re.compile(r"<([^<>]*)>").search


@dataclass(frozen=True, slots=True)
class Cover:
    """What the header of a DSN needs."""

    sender: Address  # who looks after mail here
    to: Address  # the reverse-path
    at: int
    message_id: str  # without <>
    boundary: str


# -- out -----------------------------------------------------------------------------------------------------------


def render_dsn(dsn: Dsn, original: Original, cover: Cover) -> bytes:
    """The whole message, from the first field to the last line."""
    fields = [
        compose.raw_field("Date", render_date(cover.at)),
        compose.address_field("From", "Mail delivery", cover.sender),
        compose.address_field("To", "", cover.to),
        compose.field("Subject", dsntext.subject(dsn, original)),
        compose.raw_field("Message-ID", f"<{cover.message_id}>".encode()),
        compose.raw_field("Auto-Submitted", b"auto-replied"),
    ]
    if original.message_id:
        reference = f"<{compose.visible(original.message_id)}>".encode()
        fields += [compose.raw_field("In-Reply-To", reference), compose.raw_field("References", reference)]
    is_global = dsn.is_global
    parts = [
        compose.text_part(dsntext.render(dsn, original), description="Notification"),
        compose.part(
            "message/global-delivery-status" if is_global else "message/delivery-status",
            _render_status(dsn, is_global),
            description="Delivery report",
        ),
        _returned_part(original, is_global),
    ]
    entity = compose.multipart("report", parts, cover.boundary, "; report-type=delivery-status")
    return compose.message(fields, entity)


def cut_header(head: bytes, most: int = limit.DSN_HEADER_OCTETS) -> bytes:
    """A header to give back: its first whole fields, without the empty line."""
    return b"".join(read_header(head, most).raws)


def _returned_part(original: Original, is_global: bool) -> bytes:
    octets = compose.crlf(original.returned)
    needs_utf8 = is_global and not octets[: head_end(octets)].isascii()
    if original.is_whole:
        kind, words = "message/global" if needs_utf8 else "message/rfc822", "Your message"
    else:
        kind, words = "message/global-headers" if needs_utf8 else "text/rfc822-headers", "Header of your message"
    return compose.part(kind, octets, description=words)


def _render_status(dsn: Dsn, is_global: bool) -> bytes:
    message = [_line("Reporting-MTA", f"dns; {dsn.reporting}", is_global)]
    if dsn.envid:
        message.insert(0, _line("Original-Envelope-Id", dsn.envid, is_global))
    if dsn.arrival is not None:
        message.append(compose.raw_field("Arrival-Date", render_date(dsn.arrival)))
    if dsn.deliver_by is not None:
        message.append(compose.raw_field("Deliver-By-Date", render_date(dsn.deliver_by)))
    if dsn.hold:
        message.append(_line("Future-Release-Request", dsn.hold, is_global))
    return b"\r\n".join([b"".join(message), *[_render_fate(fate, is_global) for fate in dsn.fates]])


def _render_fate(fate: Fate, is_global: bool) -> bytes:
    lines = []
    if fate.original:
        kind, _, address = fate.original.partition(";")
        lines.append(_line("Original-Recipient", f"{kind}; {address}", is_global))
    kind = "rfc822" if fate.address.isascii() else "utf-8"
    lines.append(_line("Final-Recipient", f"{kind}; {fate.address}", is_global))
    lines.append(_line("Action", fate.action.value, is_global))
    lines.append(_line("Status", fate.status, is_global))
    if fate.remote:
        lines.append(_line("Remote-MTA", f"dns; {fate.remote}", is_global))
    if fate.said:
        lines.append(_line("Diagnostic-Code", f"smtp; {fate.said}", is_global))
    elif fate.reason:
        lines.append(_line("Diagnostic-Code", f"X-Posthaus; {fate.reason}", is_global))
    if fate.last_attempt is not None:
        lines.append(compose.raw_field("Last-Attempt-Date", render_date(fate.last_attempt)))
    if fate.retry_until is not None:
        lines.append(compose.raw_field("Will-Retry-Until", render_date(fate.retry_until)))
    return b"".join(lines)


def _line(name: str, text: str, is_global: bool) -> bytes:
    """A field of the part for programs: no encoded-words there."""
    text = compose.visible(text)[: limit.DSN_TEXT_CHARACTERS]
    return compose.raw_field(name, (text if is_global else _NOT_ASCII.sub("?", text)).encode("utf-8", "replace"))


# -- in ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadDsn:
    """A DSN that came in."""

    dsn: Dsn
    message_id: str  # of the message that it speaks of, without <>; "" where nothing says so


def dsn_of(report: MachineReport) -> ReadDsn | None:
    """The DSN in a report that was read; None for a report of another kind."""
    if report.kind != "delivery-status" or not report.groups:
        return None
    about, *rest = report.groups
    if b"final-recipient" in about.first:  # some leave the first group out
        rest = list(report.groups)
    fates = tuple(fate for group in rest if (fate := _read_fate(group)) is not None)
    if not fates:
        return None
    dsn = Dsn(
        reporting=_typed(_text(about, b"reporting-mta"))[1],
        fates=fates,
        arrival=_date(about, b"arrival-date"),
        envid=_text(about, b"original-envelope-id"),
    )
    return ReadDsn(dsn, message_id(report.returned.value(b"message-id") or b""))


_ACTIONS: Final = {action.value: action for action in Action}
_BY_CLASS: Final = {"5": Action.FAILED, "4": Action.DELAYED, "2": Action.DELIVERED}


def _read_fate(group: Header) -> Fate | None:
    original = _text(group, b"original-recipient")
    address = _address(_typed(_text(group, b"final-recipient"))[1] or _typed(original)[1])
    if not address:
        return None
    status = find_status(_text(group, b"status"))
    action = _ACTIONS.get(_text(group, b"action").partition(" ")[0].lower()) or _BY_CLASS.get(status[:1])
    if action is None:
        return None
    kind, said = _typed(_text(group, b"diagnostic-code"))
    is_smtp = kind.lower() == "smtp" or _REPLY(said) is not None
    if not status:
        status = {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0"}.get(action, "2.0.0")
    first, _, last = original.partition(";")
    return Fate(
        address=address,
        action=action,
        status=status,
        original=f"{first.strip()};{last.strip()}" if last else "",
        remote=_typed(_text(group, b"remote-mta"))[1],
        said=said if is_smtp else "",
        reason="" if is_smtp else said,
        last_attempt=_date(group, b"last-attempt-date"),
        retry_until=_date(group, b"will-retry-until"),
    )


def _text(group: Header, name: bytes) -> str:
    return compose.visible(decode_text(group.value(name) or b""))[: limit.DSN_TEXT_CHARACTERS]


def _typed(text: str) -> tuple[str, str]:
    """type ";" value; some leave the type out."""
    kind, semicolon, value = text.partition(";")
    return (kind.strip(), value.strip()) if semicolon else ("", text.strip())


def _address(text: str) -> str:
    found = _ANGLES(text)
    return (found[1] if found else text).strip()


def _date(group: Header, name: bytes) -> int | None:
    value = group.value(name)
    found = parse_date(value) if value else None
    return found.seconds if found else None
