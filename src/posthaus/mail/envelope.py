"""The envelope: what MAIL and RCPT said, and nothing more.

Values only. What a parameter does is decided by those who read it.

Standards: RFC 5321 §2.3.1, RFC 1870, RFC 2852 §4, RFC 3030, RFC 3461 §4, RFC 4865 §4, RFC 6152, RFC 6531 §3.4,
           RFC 6710 §3, RFC 8689.
Faults:    none.
"""

from typing import Literal

from posthaus.base.value import value
from posthaus.mail.address import Address

Body = Literal["7BIT", "8BITMIME", "BINARYMIME"]
Ret = Literal["FULL", "HDRS"]

NEVER = frozenset({"NEVER"})
_NOTHING: frozenset[str] = frozenset()


@value
class DeliverBy:
    """RFC 2852 §4: in so many seconds from MAIL; then it is returned (mode R) or the delay is told (N)."""

    seconds: int
    mode: Literal["N", "R"]
    trace: bool = False


@value
class Envelope:
    """What MAIL said. `reverse_path` None is the null reverse-path <>; `envid` is kept as xtext, as it came."""

    reverse_path: Address | None
    body: Body = "7BIT"
    size: int | None = None
    smtputf8: bool = False
    ret: Ret | None = None
    envid: bytes | None = None
    requiretls: bool = False
    hold_until: int | None = None  # FUTURERELEASE: Unix seconds
    deliver_by: DeliverBy | None = None
    priority: int = 0  # MT-PRIORITY, -9 to 9
    hold_for: int | None = None  # FUTURERELEASE in seconds from MAIL, as it was asked for; `hold_until` follows from it
    tls_optional: bool = False  # not MAIL's but the header's "TLS-Required: No": any way is better than none

    @property
    def is_returned_in_time(self) -> bool:
        """RFC 2852 §4: after its deadline it is of no use to anybody (mode R)."""
        return self.deliver_by is not None and self.deliver_by.mode == "R"


@value
class Recipient:
    """What RCPT said. `orcpt` is "type;xtext" as it came; an empty `notify` means that none was given."""

    address: Address
    orcpt: bytes | None = None
    notify: frozenset[str] = _NOTHING
