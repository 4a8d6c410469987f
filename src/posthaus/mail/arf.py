"""Abuse reports, read: somebody says that a message of ours was unwanted.

Standards: RFC 5965 §2, §3 and §7.3.
Faults:    none; None for what is no abuse report.
"""

from dataclasses import dataclass

from posthaus.base import limit
from posthaus.mail.compose import visible
from posthaus.mail.decode import decode_text
from posthaus.mail.header import Header
from posthaus.mail.report import MachineReport
from posthaus.mail.thread import message_id


@dataclass(frozen=True, slots=True)
class Complaint:
    kind: str  # Feedback-Type, lower case: "abuse", "fraud", "virus", "auth-failure", "not-spam", "other"
    agent: str  # User-Agent: who wrote the report
    reverse_path: str  # Original-Mail-From without <>
    recipients: tuple[str, ...]  # Original-Rcpt-To without <>
    source: str  # Source-IP
    envid: str  # Original-Envelope-Id
    message_id: str  # of the message complained of, without <>


def complaint_of(report: MachineReport) -> Complaint | None:
    """The complaint in a report that was read; None for a report of another kind."""
    if report.kind != "feedback-report" or not report.groups:
        return None
    about = report.groups[0]
    kind = _text(about, b"feedback-type").lower()
    if not kind:
        return None
    return Complaint(
        kind=kind,
        agent=_text(about, b"user-agent"),
        reverse_path=_text(about, b"original-mail-from").strip("<>"),
        recipients=tuple(_cut(value).strip("<>") for value in about.values(b"original-rcpt-to")),
        source=_text(about, b"source-ip"),
        envid=_text(about, b"original-envelope-id"),
        message_id=message_id(report.returned.value(b"message-id") or b""),
    )


def _text(about: Header, name: bytes) -> str:
    return _cut(about.value(name) or b"")


def _cut(value: bytes) -> str:
    return visible(decode_text(value))[: limit.DSN_TEXT_CHARACTERS]
