"""The client's side of SASL: which mechanism is taken, and what is answered to each challenge.

Used towards smart hosts, over TLS or loopback only (the session sees to that). The order is ours, not the host's: SCRAM
first, because it also proves that the host knows our password; then those that send it; CRAM-MD5 where there is
nothing else.

Standards: RFC 4422 §3, RFC 4616, RFC 5802, RFC 7677, RFC 2195, draft-murchison-sasl-login-00.
Faults:    SaslFault.
"""

import base64
from collections.abc import Sequence
from typing import Protocol

from posthaus.proto.sasl.crammd5 import cram_digest
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.plain import render_plain
from posthaus.proto.sasl.scramclient import ScramClient

NONCE_OCTETS = 18


class SaslClient(Protocol):
    """One exchange: initial(), then respond() to each challenge, then finish() when the server says that we are in."""

    name: str

    def initial(self) -> bytes | None:
        """The initial response; None where the server speaks first."""
        ...

    def respond(self, challenge: bytes) -> bytes: ...

    def finish(self) -> None:
        """SaslFault where the server has not proved what it had to."""
        ...


class _Plain:
    name = "PLAIN"

    def __init__(self, user: str, password: str) -> None:
        self._message = render_plain(user, password)

    def initial(self) -> bytes | None:
        return self._message

    def respond(self, challenge: bytes) -> bytes:
        raise SaslFault("unexpected-challenge")

    def finish(self) -> None:
        pass


class _Login:
    name = "LOGIN"

    def __init__(self, user: str, password: str) -> None:
        self._answers = [password.encode(), user.encode()]

    def initial(self) -> bytes | None:
        return None

    def respond(self, challenge: bytes) -> bytes:
        if not self._answers:
            raise SaslFault("unexpected-challenge")
        return self._answers.pop()

    def finish(self) -> None:
        pass


class _CramMd5:
    name = "CRAM-MD5"

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user.encode(), password.encode()
        self._answered = False

    def initial(self) -> bytes | None:
        return None

    def respond(self, challenge: bytes) -> bytes:
        if self._answered:
            raise SaslFault("unexpected-challenge")
        self._answered = True
        return b"%s %s" % (self._user, cram_digest(self._password, challenge))

    def finish(self) -> None:
        pass


class _Scram:
    def __init__(self, name: str, hash_name: str, user: str, password: str, nonce: bytes) -> None:
        self.name = name
        self._inner = ScramClient(hash_name, user, password, nonce)
        self._turn = 0

    def initial(self) -> bytes | None:
        return self._inner.first()

    def respond(self, challenge: bytes) -> bytes:
        self._turn += 1
        if self._turn == 1:
            return self._inner.respond(challenge)
        if self._turn > 2:
            raise SaslFault("unexpected-challenge")
        self._inner.check(challenge)  # RFC 4954 §4: data with the success come as one more challenge
        return b""

    def finish(self) -> None:
        if self._turn < 2:
            raise SaslFault("server-unproven", malformed=False)


def choose(offered: Sequence[str], user: str, password: str, nonce: bytes) -> SaslClient | None:
    """The best mechanism of those on offer (names in capitals); None where we have none of them."""
    for name, hash_name in (("SCRAM-SHA-256", "sha256"), ("SCRAM-SHA-1", "sha1")):
        if name in offered:
            return _Scram(name, hash_name, user, password, nonce)
    for kind in (_Plain, _Login, _CramMd5):
        if kind.name in offered:
            made: SaslClient = kind(user, password)
            return made
    return None


def render_nonce(octets: bytes) -> bytes:
    """Octets of chance as a nonce of SCRAM: printable, without a comma."""
    return base64.b64encode(octets)
