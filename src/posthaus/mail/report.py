"""multipart/report, read: the part for programs as groups of fields, and the header of the message that it speaks of.

What stands there was written by strangers: whatever the octets, the answer is a value or None. Whether it is true is
for the caller to find out.

Standards: RFC 6522 §3, RFC 3464 §2.1, RFC 5965 §2 and §3, RFC 6533 §6.
Faults:    none; None where there is nothing to be read.
"""

from dataclasses import dataclass

from posthaus.base import limit
from posthaus.mail.decode import decode_body
from posthaus.mail.header import Header, head_end, read_header
from posthaus.mail.structure import Part

_KINDS = frozenset({b"delivery-status", b"global-delivery-status", b"feedback-report"})
_HEADERS = frozenset({b"rfc822-headers", b"global-headers"})  # text/ is right for the first, message/ is met too
_NOTHING = read_header(b"")


@dataclass(frozen=True, slots=True)
class MachineReport:
    """`kind` is that of the part for programs: "delivery-status" (for the global one, too) or "feedback-report"."""

    kind: str
    groups: tuple[Header, ...]  # fields between empty lines, in order
    returned: Header  # of the message spoken of; without fields where none came back


def read_report(octets: bytes, root: Part) -> MachineReport | None:
    """`root` is the tree of the octets."""
    machine = next((part for part in root.parts if _is_machine(part)), None)
    if machine is None:
        return None
    end = min(machine.body_end, machine.body_start + limit.REPORT_OCTETS)
    body = decode_body(octets[machine.body_start : end], machine.encoding)
    kind = "feedback-report" if machine.subtype == b"feedback-report" else "delivery-status"
    return MachineReport(kind, _groups(body), _returned(octets, root))


def _is_machine(part: Part) -> bool:
    return part.type == b"message" and part.subtype in _KINDS and not part.parts


def _groups(body: bytes) -> tuple[Header, ...]:
    groups: list[Header] = []
    lines: list[bytes] = []
    for line in [*body.split(b"\n"), b""]:
        if line.strip():
            lines.append(line)
        elif lines:
            groups.append(read_header(b"\n".join(lines) + b"\n"))
            lines = []
            if len(groups) > limit.REPORT_RECIPIENTS:
                break
    return tuple(groups)


def _returned(octets: bytes, root: Part) -> Header:
    for part in root.parts:
        if part.is_message:
            return read_header(octets[part.parts[0].header_start : part.parts[0].body_start], limit.REPORT_OCTETS)
        if part.subtype in _HEADERS:
            end = min(part.body_end, part.body_start + limit.REPORT_OCTETS)
            body = decode_body(octets[part.body_start : end], part.encoding)
            return read_header(body[: head_end(body)])
    return _NOTHING
