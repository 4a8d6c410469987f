"""The table of SASL mechanisms: the only place that knows which there are and what each needs.

The order is the order of announcement, best first: many clients take the first one that they know.

Standards: RFC 4422 §3.1; each row names its own.
Faults:    none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row. `kind` is the credential it is checked against, as flow/credential.py makes it."""

    name: str
    standard: str
    kind: str
    is_clear: bool = False  # the password crosses the wire as it is: needs TLS or loopback
    has_binding: bool = False  # tied to the TLS channel
    needs_recoverable: bool = False  # the server must be able to read the password


MECHANISMS = (
    Mechanism("SCRAM-SHA-256-PLUS", "RFC 7677", "scram-sha-256", has_binding=True),
    Mechanism("SCRAM-SHA-256", "RFC 7677", "scram-sha-256"),
    Mechanism("SCRAM-SHA-1-PLUS", "RFC 5802", "scram-sha-1", has_binding=True),
    Mechanism("SCRAM-SHA-1", "RFC 5802", "scram-sha-1"),
    Mechanism("CRAM-MD5", "RFC 2195", "cleartext", needs_recoverable=True),
    Mechanism("PLAIN", "RFC 4616", "argon2", is_clear=True),
    Mechanism("LOGIN", "draft-murchison-sasl-login-00", "argon2", is_clear=True),
)
BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}

# RFC 9266 §3 and RFC 5929 §4. tls-unique is broken below TLS 1.3 without extra care and absent from it.
BINDINGS = ("tls-exporter", "tls-server-end-point")
