"""Prepared: all that any later reader of a message needs, worked out once.

Made by mail/prepare.py, kept in the row of the message, never worked out again but by a job that meets an old version.
An Outline is what is asked of a message that nobody here will read.

Standards: RFC 9051 §7.5.2; RFC 5256 §2.1.
Faults:    none; a value.
"""

from posthaus.base.value import value


@value
class Outline:
    """What the queue and the record have of a message."""

    size_octets: int  # of the blob
    head_octets: int  # length of the header including the empty line
    subject: str
    message_id: str  # without <>; "" if there is none


@value
class Prepared(Outline):
    """Facts of one message. Offsets in `structure` are relative to the blob: the octets as they came, no prefix."""

    version: int  # of the scan; a job re-scans older rows
    structure: bytes  # packed part tree; mail.structure.unpack
    envelope: bytes  # rendered IMAP ENVELOPE
    bodystructure: bytes  # rendered IMAP BODYSTRUCTURE
    fields: bytes  # raw octets of commonly fetched header fields, in their order
    field_index: bytes  # names and lengths in `fields`; mail.fieldcache
    preview: str  # the first 256 characters of the text
    base_subject: str  # RFC 5256 §2.1
    references: tuple[str, ...]
    sender: str  # From, for people
    recipients: str  # To, for people
    sent_at: int | None  # Date, Unix seconds
    has_attachment: bool
