"""PLAIN: one message with authorization identity, authentication identity and password.

Standards: RFC 4616 §2.
Faults:    SaslFault.
"""

from dataclasses import dataclass

from posthaus.proto.sasl.fault import SaslFault


@dataclass(frozen=True, slots=True)
class Plain:
    authzid: str  # "" means: whoever the authentication identity is
    authcid: str
    password: str


def parse_plain(message: bytes) -> Plain:
    """message = [authzid] UTF8NUL authcid UTF8NUL passwd"""
    parts = message.split(b"\0")
    if len(parts) != 3:
        raise SaslFault("plain-grammar")
    try:
        authzid, authcid, password = (part.decode("utf-8") for part in parts)
    except UnicodeDecodeError:
        raise SaslFault("plain-utf8") from None
    if not authcid or not password:
        raise SaslFault("plain-empty")  # RFC 4616 §2: both are 1*SAFE
    return Plain(authzid, authcid, password)


def render_plain(authcid: str, password: str, authzid: str = "") -> bytes:
    """The client's one message."""
    return b"\0".join(part.encode("utf-8") for part in (authzid, authcid, password))
