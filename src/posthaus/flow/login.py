"""The one door for log-in: SMTP AUTH, IMAP LOGIN and AUTHENTICATE, POP3, ManageSieve, HTTP.

A name is an address, whatever its case, or a bare localpart where there is exactly one domain. Unknown names, closed
accounts and wrong passwords take the same time and get the same answer. Passwords are verified in a few threads, and a
good one is remembered (flow/verified.py); wrong ones are slowed (flow/guess.py). The credential version is read from
the store at every log-in, so a changed password counts at once, in every worker.

Standards: RFC 4422, RFC 4616 §2, RFC 5802, RFC 1939 §7, RFC 2195.
Faults:    BadCredentials, TooManyGuesses, NoSuchMechanism, ClearTextRefused (Refusal); LoginBusy (Trouble).
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol

from posthaus.base import limit
from posthaus.base.chance import Chance
from posthaus.base.clock import Clock
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.flow import exchange
from posthaus.flow.credential import ARGON2, CLEARTEXT, SCRAM, false_hash, make_credentials, proves
from posthaus.flow.guess import Guesses, Peer
from posthaus.flow.identity import (
    BadCredentials,
    ClearTextRefused,
    Exchange,
    Identity,
    LoginBusy,
    NoSuchMechanism,
    TooManyGuesses,
)
from posthaus.flow.upgrade import Upgrades
from posthaus.flow.verified import TokenMemory, VerifiedCache, make_token, parse_payload, render_payload
from posthaus.mail.address import AddressFault, parse_address
from posthaus.proto.sasl.crammd5 import apop_digest, is_same
from posthaus.proto.sasl.mechanism import BINDINGS, BY_NAME, MECHANISMS
from posthaus.store import account as store_account
from posthaus.store import directory
from posthaus.store.account import OPEN, LoginRow
from posthaus.store.store import Store
from posthaus.store.tx import Tx

__all__ = ["BadCredentials", "Identity", "Login", "TooManyGuesses", "clear_allowed"]


class Channel(Protocol):
    """What is asked of net.stream.Stream."""

    @property
    def peer(self) -> Peer: ...

    @property
    def tls(self) -> object | None: ...

    def channel_binding(self, kind: str) -> bytes | None: ...


class Accounts(Protocol):
    """What is asked of store.account."""

    async def login_row(self, tx: Tx, key: str) -> LoginRow | None: ...

    async def credentials(self, tx: Tx, account: int) -> dict[str, bytes]: ...

    async def has_credential(self, tx: Tx, kind: str) -> bool: ...

    async def count_credentials(self, tx: Tx, kind: str) -> int: ...

    async def upgrade_credentials(self, tx: Tx, account: int, version: int, values: Mapping[str, bytes]) -> bool: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A name that was looked up. `key` is there for unknown names too, to count guesses."""

    key: str
    row: LoginRow | None

    @property
    def identity(self) -> Identity:
        if self.row is None:
            raise BadCredentials
        return Identity(self.row.id, self.row.address)


def clear_allowed(stream: Channel) -> bool:
    """May a password cross this stream as it is? On TLS, and where nobody can listen."""
    return stream.tls is not None or stream.peer.is_loopback


class Login:
    """One per worker. `key` is the family's: made before the fork, the same in all workers, better kept over restarts.

    CRAM-MD5 and APOP want passwords that can be read. They are offered while `has_recoverable`, which refresh() learns
    from the store: some account has opted in.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        log: Log,
        metric: Metric,
        executor: Executor,
        *,
        key: bytes,
        host: str,
        accounts: Accounts = store_account,
        sole_domain: Callable[[Tx], Awaitable[str | None]] = directory.sole_domain,
        cache: VerifiedCache | None = None,
        on_share: Callable[[bytes], None] | None = None,
        is_trusted: Callable[[str], bool] = lambda address: False,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.clock = clock
        self.chance = chance
        self.host = host
        self.guesses = Guesses(clock, is_trusted)
        self.has_recoverable = False
        self._store = store
        self._log = log
        self._metric = metric
        self._executor = executor
        self._token_key = hmac.digest(key, b"verified", "sha256")
        self._salt_key = hmac.digest(key, b"false salt", "sha256")
        self._accounts = accounts
        self._sole_domain = sole_domain
        self._verified = cache or TokenMemory(clock, limit.VERIFIED_LIFE_S, limit.VERIFIED_ENTRIES)
        self._wrong = TokenMemory(clock, limit.WRONG_LIFE_S, limit.WRONG_ENTRIES)
        self._on_share = on_share
        self._pause = pause
        self._false_hash = false_hash(chance)
        self._upgrades = Upgrades(store, executor, chance, log, accounts)
        self._quick_share = 0.0  # of all accounts: those with the quick verifiers of an import
        self._running: dict[bytes, asyncio.Future[bool]] = {}  # verifications under way; the same one is not run twice

    # -- doors -----------------------------------------------------------------------------------------------------

    async def password(self, name: str, password: str, peer: Peer, service: str, mechanism: str = "PLAIN") -> Identity:
        """Name and password as they came; the session has asked clear_allowed() before."""
        found = await self.find(name)
        if not self._is_fit(password):
            raise await self.refused(found, peer, service, mechanism, "unfit")
        token = self._token(found, password)
        if found.row is not None and self._verified.get(token):
            self._metric.count("login.cached")
            return self.accepted(found, peer, service, mechanism, charged=False)
        if self._wrong.get(token):
            raise await self.refused(found, peer, service, mechanism, "same-again")
        self.charge(found, peer, service, mechanism)
        try:
            is_right, values = await self._verify(found, token, password)
        except Exception:
            self.guesses.withdraw(peer, found.key)
            raise
        if not is_right:
            self._wrong.put(token)
            raise await self.refused(found, peer, service, mechanism, "wrong")
        self._verified.put(token)
        if self._on_share is not None:
            self._on_share(render_payload(token))
        if found.row is not None:
            self._upgrades.consider(found.row.id, found.row.credential_version, values, password)
        return self.accepted(found, peer, service, mechanism)

    async def apop(self, name: str, digest: bytes, stamp: bytes, peer: Peer, service: str) -> Identity:
        """RFC 1939 §7; stamp is the greeting's, with its angle brackets."""
        return await self.digest(name, digest, lambda secret: apop_digest(secret, stamp), peer, service, "APOP")

    async def digest(
        self, name: str, digest: bytes, wanted: Callable[[bytes], bytes], peer: Peer, service: str, mechanism: str
    ) -> Identity:
        """CRAM-MD5 and APOP: `wanted` makes the right digest from the readable password."""
        found = await self.find(name)
        secret = (await self.credentials(found)).get(CLEARTEXT)
        self.charge(found, peer, service, mechanism)
        is_right = is_same(digest, wanted(secret or b"nobody's"))
        if not is_right or secret is None or found.row is None:
            if secret is None:
                self.guesses.in_vain(peer, found.key)
            raise await self.refused(found, peer, service, mechanism, "wrong")
        return self.accepted(found, peer, service, mechanism)

    def mechanisms(self, *, tls: bool, channel_binding: bool, clear_allowed: bool) -> tuple[str, ...]:
        """Names to announce, best first."""
        return tuple(
            m.name
            for m in MECHANISMS
            if (self.has_recoverable or not m.needs_recoverable)
            and (channel_binding or not m.has_binding)
            and (tls or clear_allowed or not m.is_clear)
        )

    def offered(self, stream: Channel) -> tuple[str, ...]:
        """mechanisms() for this stream as it stands now."""
        has_tls = stream.tls is not None
        can_bind = has_tls and any(stream.channel_binding(kind) is not None for kind in BINDINGS)
        return self.mechanisms(tls=has_tls, channel_binding=can_bind, clear_allowed=clear_allowed(stream))

    def begin(self, mechanism: str, stream: Channel, service: str) -> Exchange:
        """One exchange of a mechanism that is offered on this stream."""
        name, offered = mechanism.upper(), self.offered(stream)
        if name in offered:
            return exchange.start(self, BY_NAME[name], stream, service, offered)
        known = BY_NAME.get(name)
        if known is not None and known.is_clear:
            raise ClearTextRefused("TLS first")
        raise NoSuchMechanism("not offered")

    def learn(self, payload: bytes) -> None:
        """What a sibling's on_share said."""
        token = parse_payload(payload)
        if token is not None:
            self._verified.put(token)

    async def refresh(self) -> None:
        """Ask the store what concerns all accounts together; to be called at start and every LOGIN_REFRESH_S."""
        self.has_recoverable, self._quick_share = await self._store.read(self._look_around)

    async def close(self) -> None:
        """Before the store and the executor are."""
        await self._upgrades.close()

    def sweep(self) -> None:
        """Free what nobody used for long; to be called every few minutes."""
        for memory in (self._verified, self._wrong):
            if isinstance(memory, TokenMemory):
                memory.sweep()

    async def make_credentials(
        self, password: str, *, scram: bool = True, recoverable: bool = False
    ) -> dict[str, bytes]:
        """flow.credential.make_credentials in a thread of ours."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, lambda: make_credentials(password, self.chance, scram=scram, recoverable=recoverable)
        )

    # -- steps that exchanges share --------------------------------------------------------------------------------

    async def find(self, name: str) -> Found:
        """Look a name up; an unknown one is found with row None."""
        return await self._store.read(self._look_up, name.strip())

    async def credentials(self, found: Found) -> dict[str, bytes]:
        """{} for nobody, after the same look at the store."""
        return await self._store.read(self._accounts.credentials, found.row.id if found.row is not None else 0)

    def false_salt(self, kind: str, found: Found) -> bytes:
        """The same each time for a name that does not exist, in every worker."""
        return hmac.digest(self._salt_key, f"{kind} {found.key}".encode(), "sha256")

    def false_iterations(self, found: Found) -> int:
        """What a name that does not exist shows instead of an account's: as often a quick one as accounts do."""
        digest = hmac.digest(self._salt_key, f"iterations {found.key}".encode(), "sha256")
        is_quick = int.from_bytes(digest[:8]) < self._quick_share * 2.0**64
        return limit.SCRAM_IMPORT_ITERATIONS if is_quick else limit.SCRAM_ITERATIONS

    def charge(self, found: Found, peer: Peer, service: str, mechanism: str) -> None:
        """TooManyGuesses, or one guess is counted."""
        try:
            self.guesses.charge(peer, found.key)
        except TooManyGuesses:
            self._tell_refused(found, peer, service, mechanism, "too-many")
            raise

    def accepted(self, found: Found, peer: Peer, service: str, mechanism: str, *, charged: bool = True) -> Identity:
        identity = replace(found.identity, mechanism=mechanism)
        if charged:
            self.guesses.right(peer, found.key)
        else:
            self.guesses.forgive(peer, found.key)
        self._metric.count("login.accepted")
        self._log.event(
            "login.accepted",
            service=service,
            mechanism=mechanism,
            address=identity.address,
            account=identity.account_id,
            peer=peer.address,
        )
        return identity

    async def refused(self, found: Found, peer: Peer, service: str, mechanism: str, why: str) -> BadCredentials:
        """Tell the log, hold the answer back, and give what is to be raised."""
        self._tell_refused(found, peer, service, mechanism, why)
        delay_s = self.guesses.delay_s(peer, found.key)
        if delay_s > 0.0:
            await self._pause(delay_s)
        return BadCredentials("name or password is wrong")

    # -- inside ----------------------------------------------------------------------------------------------------

    async def _look_up(self, tx: Tx, name: str) -> Found:
        if "@" not in name:
            domain = await self._sole_domain(tx)
            name = f"{name}@{domain or ''}"
        try:
            key = parse_address(name.encode("utf-8", "replace"), smtputf8=True).key
        except AddressFault:
            return Found(name.casefold()[: limit.LOGIN_NAME_OCTETS], None)
        row = await self._accounts.login_row(tx, key)
        return Found(key, row if row is not None and row.state == OPEN else None)

    async def _look_around(self, tx: Tx) -> tuple[bool, float]:
        accounts = self._accounts
        whole = await accounts.count_credentials(tx, ARGON2)
        scram = await accounts.count_credentials(tx, SCRAM)
        quick_share = max(0.0, 1.0 - whole / scram) if scram else 0.0
        return await accounts.has_credential(tx, CLEARTEXT), quick_share

    def _token(self, found: Found, password: str) -> bytes:
        if found.row is None:
            return make_token(self._token_key, 0, 0, f"{found.key}\0{password}")
        return make_token(self._token_key, found.row.id, found.row.credential_version, password)

    def _is_fit(self, password: str) -> bool:
        """Nobody's password is beyond the limit, and hashing what is takes time."""
        return 0 < len(password) <= limit.PASSWORD_OCTETS and len(password.encode("utf-8", "replace")) <= (
            limit.PASSWORD_OCTETS
        )

    async def _verify(self, found: Found, token: bytes, password: str) -> tuple[bool, dict[str, bytes]]:
        """Is it right, and the credentials that say so."""
        values = await self.credentials(found)
        running = self._running.get(token)
        if running is None:
            if len(self._running) >= limit.LOGIN_WAITING:
                self._metric.count("login.busy")
                raise LoginBusy("too many passwords wait to be verified")
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, proves, values, self._false_hash, password)
            self._running[token] = running
            running.add_done_callback(lambda done: self._running.pop(token, None))
        # Others may wait for the same one, so a cancelled session takes nothing with it.
        return await asyncio.shield(running) and found.row is not None, values

    def _tell_refused(self, found: Found, peer: Peer, service: str, mechanism: str, why: str) -> None:
        self._metric.count("login.refused")
        is_known = found.row is not None
        self._log.event(
            "login.refused",
            service=service,
            mechanism=mechanism,
            name=found.key,
            known=is_known,
            peer=peer.address,
            why=why,
        )
