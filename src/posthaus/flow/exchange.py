"""SASL exchanges: the state machines of proto/sasl with an account behind them.

Each takes responses without their base64 and gives challenges, until it gives an identity or fails. An exchange that
has failed is not to be used again.

Standards: RFC 4422 §3, RFC 4954 §4 (no initial response where the server speaks first).
Faults:    BadExchange, BadCredentials, TooManyGuesses (Refusal); LoginBusy (Trouble).
"""

from typing import TYPE_CHECKING

from posthaus.flow.credential import false_verifier
from posthaus.flow.identity import BadExchange, Exchange, Identity
from posthaus.proto.sasl.crammd5 import cram_digest, parse_cram, render_stamp
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.login import LoginServer
from posthaus.proto.sasl.mechanism import Mechanism
from posthaus.proto.sasl.plain import parse_plain
from posthaus.proto.sasl.scram import HASHES, ScramFirst, ScramServer, parse_verifier

if TYPE_CHECKING:
    from posthaus.flow.login import Channel, Found, Login

_NONCE_LETTERS = 24  # 120 bits


def start(login: "Login", mechanism: Mechanism, stream: "Channel", service: str, offered: tuple[str, ...]) -> Exchange:
    """The exchange of a mechanism."""
    match mechanism.name:
        case "PLAIN":
            return PlainExchange(login, stream, service)
        case "LOGIN":
            return LoginExchange(login, stream, service)
        case "CRAM-MD5":
            return CramExchange(login, stream, service)
        case _:
            return ScramExchange(login, mechanism, stream, service, offered)


class PlainExchange:
    def __init__(self, login: "Login", stream: "Channel", service: str) -> None:
        self._login, self._stream, self._service = login, stream, service
        self._asked = False

    async def step(self, response: bytes) -> bytes | Identity:
        if not response and not self._asked:
            self._asked = True
            return b""
        try:
            plain = parse_plain(response)
        except SaslFault as fault:
            raise BadExchange(fault.reason) from fault
        peer = self._stream.peer
        identity = await self._login.password(plain.authcid, plain.password, peer, self._service)
        await check_authzid(self._login, plain.authzid, identity, self._stream, self._service, "PLAIN")
        return identity


class LoginExchange:
    def __init__(self, login: "Login", stream: "Channel", service: str) -> None:
        self._login, self._stream, self._service = login, stream, service
        self._server = LoginServer()
        self._asked = False

    async def step(self, response: bytes) -> bytes | Identity:
        if not self._asked:
            self._asked = True
            if not response:
                return self._server.start()
            # Outlook and curl send the name as an initial response, and all servers take it.
        try:
            question = self._server.step(response)
        except SaslFault as fault:
            raise BadExchange(fault.reason) from fault
        if question is not None:
            return question
        name, password = self._server.name or "", self._server.password or ""
        return await self._login.password(name, password, self._stream.peer, self._service, "LOGIN")


class CramExchange:
    def __init__(self, login: "Login", stream: "Channel", service: str) -> None:
        self._login, self._stream, self._service = login, stream, service
        self._challenge = b""

    async def step(self, response: bytes) -> bytes | Identity:
        if not self._challenge:
            if response:
                raise BadExchange("initial-response")
            login = self._login
            self._challenge = render_stamp(login.chance.name(_NONCE_LETTERS), int(login.clock.now()), login.host)
            return self._challenge
        challenge = self._challenge
        try:
            name, digest = parse_cram(response)
        except SaslFault as fault:
            raise BadExchange(fault.reason) from fault
        return await self._login.digest(
            name, digest, lambda secret: cram_digest(secret, challenge), self._stream.peer, self._service, "CRAM-MD5"
        )


class ScramExchange:
    """client-first, our challenge, client-final, our proof, an empty response; the identity comes last."""

    def __init__(
        self, login: "Login", mechanism: Mechanism, stream: "Channel", service: str, offered: tuple[str, ...]
    ) -> None:
        self._login, self._mechanism, self._stream, self._service = login, mechanism, stream, service
        plain_name = mechanism.name.removesuffix("-PLUS")
        self._server = ScramServer(
            HASHES[mechanism.kind],
            login.chance.name(_NONCE_LETTERS).encode(),
            plus=mechanism.has_binding,
            offered_plus=f"{plain_name}-PLUS" in offered,
            binding=stream.channel_binding,
        )
        self._asked = False
        self._first: ScramFirst | None = None
        self._found: Found | None = None
        self._identity: Identity | None = None

    async def step(self, response: bytes) -> bytes | Identity:
        if self._identity is not None:
            if response:
                raise BadExchange("other-error")
            return self._identity
        if not response and not self._asked:
            self._asked = True
            return b""
        self._asked = True
        if self._found is None:
            return await self._begin(response)
        return await self._finish(self._found, response)

    async def _begin(self, response: bytes) -> bytes:
        try:
            first = self._server.first(response)
        except SaslFault as fault:
            raise BadExchange(fault.reason) from fault
        login, kind = self._login, self._mechanism.kind
        found = await login.find(first.name)
        value = (await login.credentials(found)).get(kind)
        if value is None:  # nobody, or somebody without this verifier
            found = type(found)(found.key, None)
            iterations = login.false_iterations(found)
            salt = login.false_salt(f"{kind} {iterations}", found)
            verifier = false_verifier(HASHES[kind], salt, iterations, login.chance)
        else:
            verifier = parse_verifier(value)
        self._first, self._found = first, found
        return self._server.challenge(verifier)

    async def _finish(self, found: "Found", response: bytes) -> bytes:
        login, peer, name = self._login, self._stream.peer, self._mechanism.name
        login.charge(found, peer, self._service, name)
        try:
            proof = self._server.final(response)
        except SaslFault as fault:
            if fault.malformed:
                login.guesses.withdraw(peer, found.key)
                raise BadExchange(fault.reason) from fault
            raise await login.refused(found, peer, self._service, name, fault.reason) from fault
        identity = login.accepted(found, peer, self._service, name)
        authzid = self._first.authzid if self._first is not None else ""
        await check_authzid(login, authzid, identity, self._stream, self._service, name)
        self._identity = identity
        return proof


async def check_authzid(
    login: "Login", authzid: str, identity: Identity, stream: "Channel", service: str, mechanism: str
) -> None:
    """RFC 4422 §3.4.1: who logs in may act as himself only; naming himself once more is harmless."""
    if not authzid:
        return
    found = await login.find(authzid)
    if found.row is None or found.row.id != identity.account_id:
        raise await login.refused(found, stream.peer, service, mechanism, "authzid")
