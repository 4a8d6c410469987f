"""SCRAM, the client's side: for relaying through a smarthost, and for the tests of our own server.

first(), then respond() to the server's challenge, then check() what the server proves in return: only after that is it
known to hold our password's verifier.

Standards: RFC 5802 §3, §5, RFC 7677.
Faults:    SaslFault.
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from posthaus.base import limit
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.saslprep import prepare_password
from posthaus.proto.sasl.scram import render_saslname, salted_password, xor

_CHALLENGE = re.compile(
    rb"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[A-Za-z0-9+/]+={0,2}),i=(?P<count>[1-9]\d{0,8})(?:,[A-Za-z]=[^,\0]+)*"
)
ITERATIONS_MIN = 4096  # RFC 7677 §4; fewer would give a false server our password for little


class ScramClient:
    """One exchange. `binding`: (kind, data) for -PLUS. `flag` "y": we could bind, the server did not offer it."""

    def __init__(
        self,
        hash_name: str,
        name: str,
        password: str,
        nonce: bytes,
        *,
        authzid: str = "",
        binding: tuple[str, bytes] | None = None,
        flag: str = "n",
    ) -> None:
        self._hash = hash_name
        self._password = prepare_password(password)
        self._nonce = nonce
        kind = f"p={binding[0]}" if binding else flag
        self._gs2 = f"{kind},{'a=' + render_saslname(authzid) if authzid else ''},".encode()
        self._bound = self._gs2 + (binding[1] if binding else b"")
        self._bare = b"n=%s,r=%s" % (render_saslname(name).encode(), nonce)
        self._wanted = b""

    def first(self) -> bytes:
        return self._gs2 + self._bare

    def respond(self, challenge: bytes) -> bytes:
        """client-final-message = client-final-message-without-proof "," proof"""
        match = _CHALLENGE.fullmatch(challenge)
        if match is None or not match["nonce"].startswith(self._nonce) or match["nonce"] == self._nonce:
            raise SaslFault("other-error")  # RFC 5802 §5.1: the server's nonce goes on where ours ends
        iterations = int(match["count"])
        if not ITERATIONS_MIN <= iterations <= limit.SCRAM_ITERATIONS_MAX:
            raise SaslFault("other-error")
        try:
            salt = b64decode(match["salt"], validate=True)
        except Base64Error:
            raise SaslFault("invalid-encoding") from None
        salted = salted_password(self._hash, self._password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", self._hash)
        stored_key = hashlib.new(self._hash, client_key).digest()
        bare = b"c=%s,r=%s" % (b64encode(self._bound), match["nonce"])
        said = b",".join((self._bare, challenge, bare))
        self._wanted = hmac.digest(hmac.digest(salted, b"Server Key", self._hash), said, self._hash)
        return b"%s,p=%s" % (bare, b64encode(xor(client_key, hmac.digest(stored_key, said, self._hash))))

    def check(self, server_final: bytes) -> None:
        """server-final-message = (server-error / verifier) [extensions]"""
        if not self._wanted or not hmac.compare_digest(
            server_final.partition(b",")[0], b"v=" + b64encode(self._wanted)
        ):
            raise SaslFault("server-unproven", malformed=False)
