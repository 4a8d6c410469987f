"""What became of a message, as values: what a delivery status notification says, written or read.

Standards: RFC 3464 §2.2 and §2.3, RFC 2852 §5, RFC 4865 §5.1.2, RFC 6533 §3.
Faults:    none; values.
"""

import enum
import re
from dataclasses import dataclass

_CODE = re.compile(r"[245]\d\d\b", re.ASCII).match


class Action(enum.Enum):
    """RFC 3464 §2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one recipient."""

    address: str  # Final-Recipient, without its type
    action: Action
    status: str  # "5.1.1"
    original: str = ""  # Original-Recipient as "rfc822;anna@b.example", "" where none was given
    remote: str = ""  # name of the server that answered
    said: str = ""  # its reply, "550 5.1.1 no such user", lines joined by "\n"
    reason: str = ""  # in our words, where no server said anything
    last_attempt: int | None = None  # Unix seconds, as all times here
    retry_until: int | None = None

    @property
    def code(self) -> int:
        """The basic reply code, 0 where there is none."""
        return int(self.said[:3]) if _CODE(self.said) else 0


@dataclass(frozen=True, slots=True)
class Dsn:
    reporting: str  # Reporting-MTA, a host name
    fates: tuple[Fate, ...]
    arrival: int | None = None
    envid: str = ""  # Original-Envelope-Id, decoded
    deliver_by: int | None = None  # Deliver-By-Date
    hold: str = ""  # Future-Release-Request, "for;3600" or "until;2030-01-01T00:00:00Z"

    @property
    def is_global(self) -> bool:
        """Does an address need RFC 6533?"""
        return any(not (fate.address.isascii() and fate.original.isascii()) for fate in self.fates)

    @property
    def has_failed(self) -> bool:
        return any(fate.action is Action.FAILED for fate in self.fates)


@dataclass(frozen=True, slots=True)
class Original:
    """The message that is spoken of: what of it is given back, and what its header says."""

    returned: bytes  # its header, or all of it
    is_whole: bool
    subject: str = ""
    message_id: str = ""  # without <>
    tid: str = ""  # our id of its transaction
