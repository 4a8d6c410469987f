"""TLS reports as mail: written for others, and found in what others send.

Standards: RFC 8460 §5.1 and §5.3, RFC 8689 §3 (TLS-Required).
Faults:    ReportFault from find_report(), where there is a report that cannot be read.
"""

import base64
from dataclasses import dataclass

from posthaus.mail import compose
from posthaus.mail.address import Address
from posthaus.mail.date import render_date, render_utc
from posthaus.mail.decode import decode_body
from posthaus.mail.structure import Part
from posthaus.mail.tlsrpt import Report, pack, parse_report, render_report, unpack

MEDIA_TYPE = "application/tlsrpt+gzip"
_SUBTYPES = (b"tlsrpt+gzip", b"tlsrpt+json")


@dataclass(frozen=True, slots=True)
class Cover:
    """What the header of a report needs."""

    domain: str  # whose hosts it speaks of
    submitter: str  # our domain
    to: Address
    sender: Address
    at: int
    message_id: str  # without <>
    boundary: str


def render_mail(report: Report, cover: Cover) -> bytes:
    """The whole message."""
    subject = f"Report Domain: {cover.domain} Submitter: {cover.submitter} Report-ID: <{report.id}>"
    fields = [
        compose.raw_field("Date", render_date(cover.at)),
        compose.address_field("From", "TLS reports", cover.sender),
        compose.address_field("To", "", cover.to),
        compose.field("Subject", subject),
        compose.raw_field("Message-ID", f"<{cover.message_id}>".encode()),
        compose.field("TLS-Report-Domain", cover.domain),
        compose.field("TLS-Report-Submitter", cover.submitter),
        compose.raw_field("TLS-Required", b"No"),
        compose.raw_field("Auto-Submitted", b"auto-generated"),
    ]
    body = base64.encodebytes(pack(render_report(report))).replace(b"\n", b"\r\n")
    disposition = f'attachment; filename="{file_name(report, cover)}"'.encode()
    attached = compose.raw_field("Content-Disposition", disposition)
    attached += compose.part(MEDIA_TYPE, body, encoding="base64")
    parts = [compose.text_part(_words(report, cover)), attached]
    return compose.message(fields, compose.multipart("report", parts, cover.boundary, "; report-type=tlsrpt"))


def file_name(report: Report, cover: Cover) -> str:
    """RFC 8460 §5.1"""
    return f"{cover.submitter}!{cover.domain}!{report.start}!{report.end}.json.gz"


def _words(report: Report, cover: Cover) -> str:
    lines = [
        f"This is a report of {cover.submitter} about TLS with the mail hosts of {cover.domain},",
        f"from {render_utc(report.start)} to {render_utc(report.end)}. Programs read the part attached (RFC 8460).",
        "",
    ]
    for policy in report.policies:
        lines.append(f"{policy.kind}: {policy.successes} sessions with TLS as wanted, {policy.failed} without")
        lines += [f"  {one.sessions} {one.kind} {one.host} {one.reason}".rstrip() for one in policy.failures]
    return compose.crlf("\n".join(compose.visible(line) for line in lines).encode()).decode() + "\r\n"


def find_report(octets: bytes, root: Part) -> Report | None:
    """The report in a message that came in; None where it has none. Who sent it is for the caller to judge."""
    for part in (root, *root.parts):
        if part.type == b"application" and part.subtype in _SUBTYPES:
            return parse_report(unpack(decode_body(octets[part.body_start : part.body_end], part.encoding)))
    return None
