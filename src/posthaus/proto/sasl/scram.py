"""SCRAM, the server's side: prove the password to each other without sending it.

The server keeps StoredKey and ServerKey, from which nobody can log in. Three steps without I/O: first() takes the
client's opening and tells who it is, challenge() needs the verifier (true or made up, the client cannot tell), final()
checks the proof and gives the server's own. -PLUS ties all that to the TLS channel.

Standards: RFC 5802, RFC 7677, RFC 5803 (form of the stored verifier), RFC 5929 §4, RFC 9266.
Faults:    SaslFault; its reason is a server-error-value of RFC 5802 §7 where there is one. Misuse, for steps out of
           order (a defect).
"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from posthaus.proto.misuse import Misuse
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.mechanism import BINDINGS
from posthaus.proto.sasl.saslprep import prepare

Binding = Callable[[str], bytes | None]  # channel binding data of a kind, as Stream.channel_binding gives it

HASHES = {"scram-sha-1": "sha1", "scram-sha-256": "sha256"}  # credential kind -> hashlib name
_PBKDF2: dict[str, HashAlgorithm] = {"sha1": SHA1(), "sha256": SHA256()}
_TITLES = {"sha1": b"SCRAM-SHA-1", "sha256": b"SCRAM-SHA-256"}

# RFC 5802 §7: gs2-header client-first-message-bare; reserved-mext (m=) matches nothing here and so fails, as it must
_FIRST = re.compile(
    r"(?P<gs2>(?P<flag>[ny]|p=(?P<kind>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,\0]+))?,)"
    r"(?P<bare>n=(?P<name>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
)
_FINAL = re.compile(
    rb"(?P<bare>c=(?P<binding>[A-Za-z0-9+/]+={0,2}),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
    rb",p=(?P<proof>[A-Za-z0-9+/]+={0,2})"
)
_VERIFIER = re.compile(
    rb"(?P<title>SCRAM-SHA-1|SCRAM-SHA-256)\$(?P<count>\d{1,9}):(?P<salt>[^$:]+)\$(?P<stored>[^$:]+):(?P<server>[^$:]+)"
)
_BARE_EQUALS = re.compile(r"=(?!2C|3D)")


@dataclass(frozen=True, slots=True)
class Verifier:
    """What the server keeps of a password."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


@dataclass(frozen=True, slots=True)
class ScramFirst:
    """Whom the client says it is; both prepared."""

    name: str
    authzid: str


def salted_password(hash_name: str, password: str, salt: bytes, iterations: int) -> bytes:
    """SaltedPassword := Hi(Normalize(password), salt, i); the password comes prepared"""
    kind = _PBKDF2[hash_name]
    # Half the time of hashlib's, which has the OpenSSL of the system; both let the GIL go.
    return PBKDF2HMAC(kind, kind.digest_size, salt, iterations).derive(password.encode("utf-8"))


def make_verifier(hash_name: str, password: str, salt: bytes, iterations: int) -> Verifier:
    """RFC 5802 §3: StoredKey := H(HMAC(SaltedPassword, "Client Key")); ServerKey alike from "Server Key", not hashed"""
    salted = salted_password(hash_name, password, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    return Verifier(
        salt, iterations, hashlib.new(hash_name, client_key).digest(), hmac.digest(salted, b"Server Key", hash_name)
    )


def render_verifier(hash_name: str, verifier: Verifier) -> bytes:
    """RFC 5803 §3: scheme "$" iterations ":" salt "$" StoredKey ":" ServerKey"""
    salt, stored, server = map(b64encode, (verifier.salt, verifier.stored_key, verifier.server_key))
    return b"%s$%d:%s$%s:%s" % (_TITLES[hash_name], verifier.iterations, salt, stored, server)


def parse_verifier(value: bytes) -> Verifier:
    """The inverse; ValueError for what render_verifier never made."""
    match = _VERIFIER.fullmatch(value)
    if match is None:
        raise ValueError("not a SCRAM verifier")
    salt, stored, server = (b64decode(match[name], validate=True) for name in ("salt", "stored", "server"))
    return Verifier(salt, int(match["count"]), stored, server)


class ScramServer:
    """One exchange. `offered_plus`: the -PLUS twin was announced on this connection."""

    def __init__(self, hash_name: str, nonce: bytes, *, plus: bool, offered_plus: bool, binding: Binding) -> None:
        self._hash = hash_name
        self._nonce = nonce
        self._plus = plus
        self._offered_plus = offered_plus
        self._binding = binding
        self._client_bare = b""
        self._server_first = b""
        self._binding_input = b""
        self._whole_nonce = b""
        self._verifier: Verifier | None = None

    def first(self, message: bytes) -> ScramFirst:
        """client-first-message = gs2-header client-first-message-bare"""
        try:
            match = _FIRST.fullmatch(message.decode("utf-8"))
        except UnicodeDecodeError:
            raise SaslFault("invalid-encoding") from None
        if match is None:
            raise SaslFault("invalid-encoding")
        self._binding_input = match["gs2"].encode() + self._bound(match["flag"], match["kind"])
        self._client_bare = match["bare"].encode()
        self._whole_nonce = match["nonce"].encode() + self._nonce
        name = parse_saslname(match["name"])
        return ScramFirst(name, parse_saslname(match["authzid"]) if match["authzid"] else "")

    def challenge(self, verifier: Verifier) -> bytes:
        """server-first-message = nonce "," salt "," iteration-count"""
        self._verifier = verifier
        self._server_first = b"r=%s,s=%s,i=%d" % (self._whole_nonce, b64encode(verifier.salt), verifier.iterations)
        return self._server_first

    def final(self, message: bytes) -> bytes:
        """client-final-message in, server-final-message out; a wrong proof is a fault that is not `malformed`."""
        verifier = self._verifier
        if verifier is None:
            raise Misuse("final() before challenge()")
        match = _FINAL.fullmatch(message)
        if match is None:
            raise SaslFault("invalid-encoding")
        # RFC 5802 §6: the client repeats its gs2 header, so whoever changed it, or the channel, is found out here.
        if not hmac.compare_digest(_decoded(match["binding"]), self._binding_input):
            raise SaslFault("channel-bindings-dont-match", malformed=False)
        if not hmac.compare_digest(match["nonce"], self._whole_nonce):
            raise SaslFault("other-error")
        said = b",".join((self._client_bare, self._server_first, match["bare"]))
        signature = hmac.digest(verifier.stored_key, said, self._hash)
        proof = _decoded(match["proof"])
        if len(proof) != len(signature):
            raise SaslFault("invalid-encoding")
        if not hmac.compare_digest(hashlib.new(self._hash, xor(proof, signature)).digest(), verifier.stored_key):
            raise SaslFault("invalid-proof", malformed=False)
        return b"v=" + b64encode(hmac.digest(verifier.server_key, said, self._hash))

    def _bound(self, flag: str, kind: str | None) -> bytes:
        """Channel binding data that the client must have seen too; b"" without binding."""
        if kind is None:
            if self._plus:
                raise SaslFault("channel-bindings-dont-match")  # RFC 5802 §6: -PLUS means "p="
            # RFC 5802 §6: "y" says that we offered no -PLUS. If we did, somebody between us took it away.
            if flag == "y" and self._offered_plus:
                raise SaslFault("server-does-support-channel-binding", malformed=False)
            return b""
        if not self._plus:
            raise SaslFault("channel-binding-not-supported")
        data = self._binding(kind) if kind in BINDINGS else None
        if data is None:
            raise SaslFault("unsupported-channel-binding-type")
        return data


def parse_saslname(text: str) -> str:
    """saslname = 1*(value-safe-char / "=2C" / "=3D"), prepared"""
    if _BARE_EQUALS.search(text):
        raise SaslFault("invalid-username-encoding")
    try:
        name = prepare(text.replace("=2C", ",").replace("=3D", "="))
    except SaslFault:
        raise SaslFault("invalid-username-encoding") from None
    if not name:
        raise SaslFault("invalid-username-encoding")
    return name


def render_saslname(name: str) -> str:
    return name.replace("=", "=3D").replace(",", "=2C")


def xor(a: bytes, b: bytes) -> bytes:
    """Of the same length."""
    return (int.from_bytes(a) ^ int.from_bytes(b)).to_bytes(len(a))


def _decoded(text: bytes) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Base64Error:
        raise SaslFault("invalid-encoding") from None
