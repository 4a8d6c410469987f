"""DKIM-Signature fields of a message: relaxed/relaxed, one for each key, all over one hash of the body.

The same octets, keys and time give the same fields. Fields that a reader shows or trusts are named once more in h= than
they occur ("oversigned"), so none of them can be added on the way; fields of mailing lists only where they are, because
a list may add its own.

Standards: RFC 6376 §3.5, §3.7, §5.4.1 and §5.4.2, RFC 8463 §3, RFC 8058 §4 (List-Unsubscribe-Post is signed).
Faults:    none.
"""

import base64
from collections.abc import Iterable, Sequence

from posthaus.check.canonical import canonical_field, hash_body, pick_fields, split_message, unsigned_field
from posthaus.check.signingkey import SigningKey
from posthaus.mail.header import Header

_LINE_OCTETS = 75  # and the tab before it, and a semicolon

_OVERSIGNED = (
    "From", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "In-Reply-To", "References",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
)  # fmt: skip
_SIGNED = (
    "Sender", "Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID",
    "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post", "List-Owner",
    "List-Archive", "Auto-Submitted",
)  # fmt: skip


def sign(octets: bytes | memoryview, keys: Iterable[SigningKey], at: int) -> bytes:
    """DKIM-Signature fields to put in front of the message; `at` is Unix time."""
    header, body = split_message(octets)
    names = signed_names(header)
    digest = hash_body(body, relaxed=True).digest
    fields = signed_fields(header, names)
    return b"".join(
        sign_field("DKIM-Signature", ["v=1", *message_tags(key, names, digest, at)], key, fields) for key in keys
    )


def signed_names(header: Header) -> list[str]:
    """h=, in an order that does not depend on the message."""
    names = []
    for name in _OVERSIGNED:
        names += [name] * (header.names.count(name.lower().encode()) + 1)
    for name in _SIGNED:
        names += [name] * header.names.count(name.lower().encode())
    return names


def signed_fields(header: Header, names: Iterable[str]) -> bytes:
    """The octets that stand for the fields of h= in what is signed."""
    picked = pick_fields(header, [name.lower().encode() for name in names])
    return b"".join([canonical_field(raw, relaxed=True) for raw in picked])


def message_tags(key: SigningKey, names: Sequence[str], digest: bytes, at: int) -> list[str]:
    """The tags of a signature over a message, but for the first one and b=. digest: of the body."""
    return [
        f"a={key.algorithm}",
        "c=relaxed/relaxed",
        f"d={key.domain}",
        f"s={key.selector}",
        f"t={at}",
        "h=" + ":".join(names),
        f"bh={base64.b64encode(digest).decode()}",
    ]


def sign_field(name: str, tags: Sequence[str], key: SigningKey, fields: bytes) -> bytes:
    """A field with b= at its end; it signs `fields` and itself."""
    unsigned = fold(f"{name}: ", [*tags, "b="])
    signature = base64.b64encode(key.sign(fields + unsigned_field(unsigned.encode(), relaxed=True))).decode()
    lines = [signature[at : at + _LINE_OCTETS] for at in range(0, len(signature), _LINE_OCTETS)]
    return "\r\n\t".join([unsigned, *lines]).encode() + b"\r\n"


def fold(begun: str, tags: Iterable[str]) -> str:
    """Tags in lines; a list may go on in the next line after any of its colons."""
    lines = [begun]
    for n, tag in enumerate(tags):
        _add(lines, "; " if n else "", tag)
    return "\r\n\t".join(lines)


def _add(lines: list[str], gap: str, tag: str) -> None:
    for piece in tag.replace(":", ":\0").split("\0"):
        if len(lines[-1]) + len(gap) + len(piece) <= _LINE_OCTETS:
            lines[-1] += gap + piece
        else:
            lines[-1] += gap.rstrip()
            lines.append(piece)
        gap = ""
