"""CRAM-MD5 and APOP: a digest of the password and of something that we said a moment ago.

Both need the password in a form that can be read, and MD5; they serve old clients only, for accounts that asked for it.

Standards: RFC 2195 §2, RFC 1939 §7.
Faults:    SaslFault.
"""

import hashlib
import hmac
import re

from posthaus.proto.sasl.fault import SaslFault

_DIGEST = re.compile(rb"[0-9a-fA-F]{32}")


def render_stamp(token: str, now: int, host: str) -> bytes:
    """A challenge in the form of a msg-id, used once. RFC 1939 §7: different for each connection."""
    return b"<%s.%d@%s>" % (token.encode(), now, host.encode())


def parse_cram(response: bytes) -> tuple[str, bytes]:
    """response = user-name SP digest; the name may hold spaces."""
    name, _, digest = response.rpartition(b" ")
    if not name or not _DIGEST.fullmatch(digest):
        raise SaslFault("cram-grammar")
    try:
        return name.decode("utf-8"), digest.lower()
    except UnicodeDecodeError:
        raise SaslFault("cram-utf8") from None


def cram_digest(secret: bytes, challenge: bytes) -> bytes:
    """digest = MD5((secret XOR opad), MD5((secret XOR ipad), challenge)), in lower-case hexadecimal"""
    return hmac.new(secret, challenge, hashlib.md5).hexdigest().encode()


def apop_digest(secret: bytes, stamp: bytes) -> bytes:
    """RFC 1939 §7: MD5 of the greeting's timestamp, angle brackets included, followed by the secret."""
    return hashlib.md5(stamp + secret).hexdigest().encode()


def is_same(digest: bytes, wanted: bytes) -> bool:
    """In a time that tells nothing about where they differ."""
    return hmac.compare_digest(digest.lower(), wanted)
