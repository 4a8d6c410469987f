"""What a peer can do wrong in a SASL exchange.

Standards: RFC 4422 §3.5, RFC 5802 §7.
Faults:    this module names them.
"""


class SaslFault(Exception):
    """The exchange has failed. `reason` is a fixed word for the log; `malformed` tells grammar from wrong secrets."""

    def __init__(self, reason: str, *, malformed: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.malformed = malformed
