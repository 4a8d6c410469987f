"""Outcome: what became of one recipient in one try, from the wire to the DSN.

One value for all who have to know: the relay makes it, the queue settles by it, the record keeps it, the DSN tells it.

Standards: RFC 3463, RFC 3464 §2.3, RFC 5321 §4.5.4.
Faults:    none; a value.
"""

import enum

from posthaus.base.value import value


class Kind(enum.Enum):
    DELIVERED = "delivered"  # in a mailbox of ours
    RELAYED = "relayed"  # the next host has said 2xx
    DEFERRED = "deferred"  # 4xx, no answer, or no way there now: try again
    FAILED = "failed"  # 5xx, or never: tell the sender


@value
class Outcome:
    """`code` 0: no reply was given, `text` says in our words what went wrong (a time-out, no such domain)."""

    kind: Kind
    code: int = 0
    enhanced: str = ""  # "5.1.1"; "" where the host gave none
    text: str = ""  # the reply's text, lines joined by "\n", or our words
    host: str = ""  # name of the remote MTA, "" where none was reached
    address: str = ""  # its IP address
    tls: str = ""  # "TLSv1.3 TLS_AES_256_GCM_SHA384, verified by DANE"; "" in the clear
    has_dsn: bool = False  # RELAYED: the host announced DSN, so telling of success is its business now
    has_deliver_by: bool = False  # RELAYED: the host announced DELIVERBY
    blames_host: bool = False  # DEFERRED: the way or the host is at fault, so its other mail need not be tried now

    @property
    def is_final(self) -> bool:
        return self.kind is not Kind.DEFERRED

    @property
    def status(self) -> str:
        """Always a status code of RFC 3463: the host's own, or the class of what happened."""
        if self.enhanced:
            return self.enhanced
        return {"deferred": "4.0.0", "failed": "5.0.0"}.get(self.kind.value, "2.0.0")
