"""The door for log-in: with a store in memory, a clock that jumps, and an executor that does its work at once."""

import asyncio
from base64 import b64decode
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from posthaus.base import limit
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.flow.credential import is_outdated, make_credentials, make_quick_credentials
from posthaus.flow.identity import (
    BadCredentials,
    BadExchange,
    ClearTextRefused,
    Exchange,
    Identity,
    LoginBusy,
    NoSuchMechanism,
    TooManyGuesses,
)
from posthaus.flow.login import Login, clear_allowed
from posthaus.proto.sasl.crammd5 import apop_digest, cram_digest
from posthaus.proto.sasl.plain import render_plain
from posthaus.proto.sasl.scramclient import ScramClient
from posthaus.store.account import LoginRow
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock

PASSWORD = "pä ssword"
CREDENTIALS = make_credentials(PASSWORD, SeededChance(7), recoverable=True)
ALICE = Identity(17, "Alice@example.test")


class FakePeer:
    def __init__(self, address: str = "192.0.2.9") -> None:
        self.address = address

    @property
    def is_loopback(self) -> bool:
        return self.address in ("127.0.0.1", "::1")


class FakeStream:
    def __init__(self, address: str = "192.0.2.9", *, tls: bool = True, endpoint: bytes | None = None) -> None:
        self.peer = FakePeer(address)
        self.tls = object() if tls else None
        self._endpoint = endpoint

    def channel_binding(self, kind: str) -> bytes | None:
        return self._endpoint if kind == "tls-server-end-point" else None


class FakeStore:
    """Runs a function with no transaction at all; FakeAccounts asks for none."""

    async def read(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await fn(None, *args, **kwargs)

    write = read


class FakeAccounts:
    def __init__(self) -> None:
        self.rows = {
            "alice@example.test": LoginRow(17, "Alice@example.test", 1, 1, 0),
            "closed@example.test": LoginRow(18, "closed@example.test", 2, 1, 1),
            "new@example.test": LoginRow(19, "new@example.test", 3, 1, 0),
        }
        self.values: dict[int, dict[str, bytes]] = {17: CREDENTIALS, 18: CREDENTIALS}
        self.upgrades = 0

    async def login_row(self, tx: object, key: str) -> LoginRow | None:
        return self.rows.get(key)

    async def credentials(self, tx: object, account: int) -> dict[str, bytes]:
        return self.values.get(account, {})

    async def has_credential(self, tx: object, kind: str) -> bool:
        return await self.count_credentials(tx, kind) > 0

    async def count_credentials(self, tx: object, kind: str) -> int:
        return sum(kind in values for values in self.values.values())

    async def upgrade_credentials(self, tx: object, account: int, version: int, values: Mapping[str, bytes]) -> bool:
        self.upgrades += 1
        self.values[account] = dict(values)
        return True

    def change(self, password: str) -> None:
        self.rows["alice@example.test"] = LoginRow(17, "Alice@example.test", 1, 2, 0)
        self.values[17] = make_credentials(password, SeededChance(8))


class CountingExecutor(Executor):
    """Does the work at once, or holds it until told, and counts."""

    def __init__(self) -> None:
        self.runs = 0
        self.held: list[Callable[[], None]] = []
        self.hold = False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.runs += 1
        future: Future[Any] = Future()

        def run() -> None:
            future.set_result(fn(*args, **kwargs))

        if self.hold:
            self.held.append(run)
        else:
            run()
        return future


class Door:
    """A Login and all that is around it."""

    def __init__(self, domain: str | None = "example.test", key: bytes = b"k") -> None:
        self.clock = JumpClock(frozen=True)
        self.accounts = FakeAccounts()
        self.executor = CountingExecutor()
        self.metric = Metric()
        self.lines: list[str] = []
        self.shared: list[bytes] = []
        self.pauses: list[float] = []
        self.peer = FakePeer()

        async def sole_domain(tx: object) -> str | None:
            return domain

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        self.login = Login(
            FakeStore(),  # type: ignore[arg-type]
            self.clock,
            SeededChance(),
            Log(self.clock, self.lines.append),
            self.metric,
            self.executor,
            key=key,
            host="mail.example.test",
            accounts=self.accounts,
            sole_domain=sole_domain,
            on_share=self.shared.append,
            is_trusted=lambda address: address == "198.51.100.1",
            pause=pause,
        )

    async def password(self, password: str = PASSWORD, name: str = "alice@example.test", peer: str = "") -> Identity:
        return await self.login.password(name, password, FakePeer(peer) if peer else self.peer, "imap")

    async def guess(self, n: int, name: str = "alice@example.test", peer: str = "192.0.2.66", tag: str = "") -> None:
        """n different wrong passwords."""
        for i in range(n):
            with pytest.raises(BadCredentials):
                await self.password(f"wrong {tag}{i}", name, peer)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    # Argon2 is measured elsewhere; here it would only be waited for.
    monkeypatch.setattr(
        "posthaus.flow.login.proves", lambda values, nobody, password: "argon2" in values and password == PASSWORD
    )
    return Door()


NAMES = ["alice@example.test", "ALICE@Example.TEST", "alice", " Alice ", "aLICE@example.test"]


@pytest.mark.parametrize("name", NAMES)
async def test_names(door: Door, name: str) -> None:
    found = await door.password(name=name)
    assert found == ALICE and found.mechanism == "PLAIN"


@pytest.mark.parametrize(
    "name", ["bob", "bob@example.test", "closed@example.test", "new@example.test", "@", "a@b@", ""]
)
async def test_nobody_gets_the_same_answer(door: Door, name: str) -> None:
    runs = door.executor.runs
    with pytest.raises(BadCredentials) as caught:
        await door.password(name=name)
    assert str(caught.value) == "name or password is wrong"
    assert door.executor.runs == runs + 1  # Argon2 was paid for


async def test_bare_localpart_needs_one_domain() -> None:
    door = Door(domain=None)
    with pytest.raises(BadCredentials):
        await door.password(name="alice")


async def test_argon2_for_true() -> None:
    door = Door()
    assert await door.password() == ALICE
    with pytest.raises(BadCredentials):
        await door.password("pä ssworD")
    with pytest.raises(BadCredentials):
        await door.password(name="bob")


async def test_remembered(door: Door) -> None:
    for _ in range(100):
        await door.password()
    assert door.executor.runs == 1
    assert door.metric.value("login.cached") == 99
    door.clock.jump(limit.VERIFIED_LIFE_S - 1)
    await door.password()
    door.clock.jump(limit.VERIFIED_LIFE_S - 1)  # counted from the last use
    await door.password()
    assert door.executor.runs == 1
    door.clock.jump(limit.VERIFIED_LIFE_S + 1)
    await door.password()
    assert door.executor.runs == 2


async def test_sweep(door: Door) -> None:
    await door.password()
    await door.guess(1)
    door.clock.jump(limit.VERIFIED_LIFE_S + 1)
    door.login.sweep()
    await door.password()
    assert door.executor.runs == 3


async def test_changed_password_counts_at_once(door: Door) -> None:
    await door.password()
    door.accounts.change("other")
    await door.password()  # the fake verifier still says yes
    assert door.executor.runs == 2


async def test_siblings_learn(door: Door) -> None:
    await door.password()
    assert len(door.shared) == 1
    assert b"ssword" not in door.shared[0]
    sibling, stranger = Door(), Door(key=b"another family")
    for other in (sibling, stranger):
        other.login.learn(door.shared[0])
        other.login.learn(b"noise")
        await other.password()
    assert sibling.executor.runs == 0
    assert stranger.executor.runs == 1


async def test_same_one_is_verified_once(door: Door) -> None:
    door.executor.hold = True
    tasks = [asyncio.create_task(door.password()) for _ in range(20)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert door.executor.runs == 1
    tasks[0].cancel()  # its session went away; the others still get their answer
    door.executor.held.pop()()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[1:] == [ALICE] * 19


async def test_busy(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "LOGIN_WAITING", 2)
    door.executor.hold = True
    tasks = [asyncio.create_task(door.password(f"p{i}", peer=f"192.0.2.{i}")) for i in range(3)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert isinstance(tasks[2].exception(), LoginBusy)
    for run in door.executor.held:
        run()
    assert {type(r) for r in await asyncio.gather(*tasks[:2], return_exceptions=True)} == {BadCredentials}


async def test_delays_grow_then_refusal(door: Door) -> None:
    await door.guess(limit.GUESSES_PER_ACCOUNT)
    assert len(door.pauses) == limit.GUESSES_PER_ACCOUNT - limit.GUESSES_FREE
    assert door.pauses == sorted(door.pauses)
    assert door.pauses[:2] == [1.0, 2.0]
    assert door.pauses[-1] == limit.GUESS_DELAY_MAX_S
    with pytest.raises(TooManyGuesses):
        await door.password()  # not even the right one, from anywhere
    assert "why=too-many" in door.lines[-1]
    door.clock.jump(limit.GUESS_WINDOW_S)
    assert await door.password() == ALICE


async def test_owner_is_not_shut_out(door: Door) -> None:
    await door.password(peer="2001:db8::1")
    await door.guess(limit.GUESSES_PER_ACCOUNT)
    with pytest.raises(TooManyGuesses):
        await door.password("new one", peer="203.0.113.5")
    assert await door.password(peer="203.0.113.5") == ALICE  # remembered passwords pass anyway
    door.login._verified = type(door.login._wrong)(door.clock, 1.0, 1)
    assert await door.password(peer="2001:db8::2") == ALICE  # the /64 that he comes from


async def test_address_is_refused_for_all_names(door: Door) -> None:
    for i in range(limit.GUESSES_PER_ADDRESS):
        await door.guess(1, f"user{i}@example.test", f"2001:db8::{i:x}")
    with pytest.raises(TooManyGuesses):
        await door.password(peer="2001:db8::ffff")
    assert await door.password(peer="2001:db8:0:1::1") == ALICE


@pytest.mark.parametrize("peer", ["127.0.0.1", "198.51.100.1"])
async def test_those_who_speak_for_many_are_counted_per_account(door: Door, peer: str) -> None:
    for i in range(limit.GUESSES_PER_ADDRESS + 10):
        await door.guess(1, f"user{i}@example.test", peer)
    assert await door.password(peer=peer) == ALICE
    await door.guess(limit.GUESSES_PER_ACCOUNT - 1, "user0@example.test", peer, "more ")
    with pytest.raises(TooManyGuesses):
        await door.password("x", "user0@example.test", peer)


async def test_same_wrong_password_is_one_guess(door: Door) -> None:
    for _ in range(100):
        with pytest.raises(BadCredentials):
            await door.password("yesterday's")
    assert door.executor.runs == 1
    assert door.pauses == []
    assert await door.password() == ALICE


@pytest.mark.parametrize("password", ["", "x" * 1025, "ä" * 513])
async def test_unfit(door: Door, password: str) -> None:
    with pytest.raises(BadCredentials):
        await door.password(password)
    assert door.executor.runs == 0


async def test_log_holds_no_password(door: Door) -> None:
    await door.password()
    await door.guess(1)
    text = "".join(door.lines)
    assert "login.accepted service=imap mechanism=PLAIN address=Alice@example.test account=17 peer=192.0.2.9" in text
    assert "login.refused service=imap mechanism=PLAIN name=alice@example.test known=yes" in text
    assert "ssword" not in text
    assert "wrong 0" not in text


# -- mechanisms ----------------------------------------------------------------------------------------------------

OFFERS = [
    (FakeStream(tls=False), "SCRAM-SHA-256 SCRAM-SHA-1"),
    (FakeStream("127.0.0.1", tls=False), "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"),
    (FakeStream(), "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"),
    (FakeStream(endpoint=b"x"), "SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN LOGIN"),
    (FakeStream(tls=False, endpoint=b"x"), "SCRAM-SHA-256 SCRAM-SHA-1"),
]


@pytest.mark.parametrize(("stream", "wanted"), OFFERS)
def test_offered(stream: FakeStream, wanted: str) -> None:
    assert Door().login.offered(stream) == tuple(wanted.split())


async def test_cram_md5_is_offered_while_somebody_has_opted_in(door: Door) -> None:
    for opted_in in (True, False, True):
        door.accounts.values[17] = CREDENTIALS if opted_in else make_quick_credentials("x", SeededChance())
        door.accounts.values[18] = {}
        await door.login.refresh()
        assert door.login.has_recoverable is opted_in
        assert ("CRAM-MD5" in door.login.offered(FakeStream(tls=False))) is opted_in
    door.accounts.values[17] = {}
    await door.login.refresh()
    with pytest.raises(NoSuchMechanism):
        door.login.begin("CRAM-MD5", FakeStream(), "imap")


def test_clear_allowed() -> None:
    assert clear_allowed(FakeStream())
    assert clear_allowed(FakeStream("::1", tls=False))
    assert not clear_allowed(FakeStream(tls=False))


def test_begin_faults() -> None:
    login = Door().login
    with pytest.raises(ClearTextRefused):
        login.begin("plain", FakeStream(tls=False), "imap")
    for name in ("GSSAPI", "", "CRAM-MD5", "SCRAM-SHA-256-PLUS"):
        with pytest.raises(NoSuchMechanism):
            login.begin(name, FakeStream(tls=False), "imap")


async def walk(exchange: Exchange, *responses: bytes) -> list[bytes | Identity]:
    return [await exchange.step(response) for response in responses]


PLAIN = render_plain("alice@example.test", PASSWORD)
DIALOGUES: list[tuple[str, list[bytes], list[bytes | Identity]]] = [
    ("PLAIN", [PLAIN], [ALICE]),
    ("plain", [b"", PLAIN], [b"", ALICE]),
    ("PLAIN", [render_plain("alice", PASSWORD, "ALICE@example.test")], [ALICE]),
    ("LOGIN", [b"", b"alice", PASSWORD.encode()], [b"Username:", b"Password:", ALICE]),
    ("LOGIN", [b"alice", PASSWORD.encode()], [b"Password:", ALICE]),
]


@pytest.mark.parametrize(("mechanism", "responses", "wanted"), DIALOGUES)
async def test_clear(door: Door, mechanism: str, responses: list[bytes], wanted: list[bytes | Identity]) -> None:
    assert await walk(door.login.begin(mechanism, FakeStream(), "smtp"), *responses) == wanted


BROKEN = [
    ("PLAIN", [b"", b""]),
    ("PLAIN", [b"alice"]),
    ("LOGIN", [b"", b""]),
    ("LOGIN", [b"", b"a", b"\xff"]),
    ("CRAM-MD5", [b"initial"]),
    ("CRAM-MD5", [b"", b"alice"]),
    ("SCRAM-SHA-256", [b"", b""]),
    ("SCRAM-SHA-256", [b"n,,n=alice,r=x", b"c=biws"]),
    ("SCRAM-SHA-1", [b"n,,n=nobody,r=x", b""]),
]


@pytest.mark.parametrize(("mechanism", "responses"), BROKEN)
async def test_broken_exchange(door: Door, mechanism: str, responses: list[bytes]) -> None:
    await door.login.refresh()
    exchange = door.login.begin(mechanism, FakeStream(), "smtp")
    await walk(exchange, *responses[:-1])
    with pytest.raises(BadExchange):
        await exchange.step(responses[-1])


@pytest.mark.parametrize("authzid", ["closed@example.test", "bob", "new@example.test"])
async def test_nobody_acts_for_another(door: Door, authzid: str) -> None:
    with pytest.raises(BadCredentials):
        await door.login.begin("PLAIN", FakeStream(), "smtp").step(render_plain("alice", PASSWORD, authzid))
    assert "why=authzid" in door.lines[-1]


async def scram(door: Door, client: ScramClient, mechanism: str, stream: FakeStream) -> bytes | Identity:
    exchange = door.login.begin(mechanism, stream, "imap")
    challenge = await exchange.step(client.first())
    assert isinstance(challenge, bytes)
    proof = await exchange.step(client.respond(challenge))
    assert isinstance(proof, bytes)
    client.check(proof)
    return await exchange.step(b"")


HASHES = [("SCRAM-SHA-256", "sha256"), ("SCRAM-SHA-1", "sha1")]


@pytest.mark.parametrize(("mechanism", "hash_name"), HASHES)
async def test_scram(mechanism: str, hash_name: str) -> None:
    door = Door()
    client = ScramClient(hash_name, "alice@example.test", PASSWORD, b"nonce", authzid="alice")
    assert await scram(door, client, mechanism, FakeStream(tls=False)) == ALICE
    binding = ("tls-server-end-point", b"certificate")
    client = ScramClient(hash_name, "Alice", PASSWORD, b"nonce", binding=binding)
    assert await scram(door, client, f"{mechanism}-PLUS", FakeStream(endpoint=b"certificate")) == ALICE


async def test_scram_downgrade() -> None:
    client = ScramClient("sha256", "alice", PASSWORD, b"nonce", flag="y")
    with pytest.raises(BadExchange):
        await scram(Door(), client, "SCRAM-SHA-256", FakeStream(endpoint=b"certificate"))
    client = ScramClient("sha256", "alice", PASSWORD, b"nonce", flag="y")
    assert await scram(Door(), client, "SCRAM-SHA-256", FakeStream()) == ALICE


@pytest.mark.parametrize("name", ["alice", "bob", "new@example.test", "closed@example.test"])
async def test_scram_wrong(name: str) -> None:
    door = Door()
    for i in range(limit.GUESSES_PER_ACCOUNT):
        client = ScramClient("sha1", name, f"guess {i}", b"nonce")
        with pytest.raises(BadCredentials):
            await scram(door, client, "SCRAM-SHA-1", FakeStream())
    with pytest.raises(TooManyGuesses):
        await scram(door, ScramClient("sha1", name, "x", b"nonce"), "SCRAM-SHA-1", FakeStream())
    assert max(door.pauses) == limit.GUESS_DELAY_MAX_S


async def test_scram_salt_of_nobody_is_steady() -> None:
    async def salt(door: Door, name: str, mechanism: str = "SCRAM-SHA-256") -> bytes:
        challenge = await door.login.begin(mechanism, FakeStream(), "imap").step(b"n,,n=%s,r=x" % name.encode())
        assert isinstance(challenge, bytes)
        assert challenge.endswith(b",i=%d" % limit.SCRAM_ITERATIONS)
        return challenge.split(b",")[1]

    one, two = Door(), Door()
    assert await salt(one, "bob") == await salt(two, "BOB@example.test") == await salt(one, "bob")
    assert len({await salt(one, n) for n in ("bob", "carol", "closed@example.test", "new@example.test", "alice")}) == 5
    assert await salt(one, "bob") != await salt(one, "bob", "SCRAM-SHA-1")
    assert len(b64decode((await salt(one, "bob"))[2:])) == len(b64decode((await salt(one, "alice"))[2:]))


async def test_cram_md5(door: Door) -> None:
    await door.login.refresh()
    exchange = door.login.begin("CRAM-MD5", FakeStream(tls=False), "pop3")
    challenge = await exchange.step(b"")
    assert isinstance(challenge, bytes)
    assert challenge.endswith(b"@mail.example.test>")
    assert await exchange.step(b"alice " + cram_digest(PASSWORD.encode(), challenge)) == ALICE


@pytest.mark.parametrize("name", ["alice", "bob", "new@example.test"])
async def test_cram_md5_wrong(door: Door, name: str) -> None:
    await door.login.refresh()
    exchange = door.login.begin("CRAM-MD5", FakeStream(), "pop3")
    challenge = await exchange.step(b"")
    assert isinstance(challenge, bytes)
    with pytest.raises(BadCredentials):
        await exchange.step(name.encode() + b" " + cram_digest(b"wrong", challenge))


async def test_who_tries_cram_md5_first_is_not_shut_out(door: Door) -> None:
    """smtplib and others take it wherever it is offered, and then PLAIN. Here alice has not opted in."""
    door.accounts.values[17] = make_credentials(PASSWORD, SeededChance())
    await door.login.refresh()
    for _ in range(3 * limit.GUESSES_PER_ADDRESS):
        with pytest.raises(BadCredentials):
            await door.login.digest("alice", b"0" * 32, lambda secret: b"1" * 32, door.peer, "smtp", "CRAM-MD5")
        assert await door.password() == ALICE
    assert door.pauses == []


@pytest.mark.parametrize("name", ["alice", "bob", "new@example.test"])
async def test_guessing_by_cram_md5_is_counted(door: Door, name: str) -> None:
    for _ in range(limit.GUESSES_PER_ACCOUNT):
        with pytest.raises(BadCredentials):
            await door.login.digest(name, b"0" * 32, lambda secret: b"1" * 32, door.peer, "smtp", "CRAM-MD5")
    with pytest.raises(TooManyGuesses):
        await door.login.digest(name, b"0" * 32, lambda secret: b"1" * 32, door.peer, "smtp", "CRAM-MD5")


async def test_apop(door: Door) -> None:
    stamp = b"<1@mail.example.test>"
    digest = apop_digest(PASSWORD.encode(), stamp)
    assert await door.login.apop("alice", digest, stamp, door.peer, "pop3") == ALICE
    for name, said in (("alice", b"0" * 32), ("bob", digest), ("new@example.test", apop_digest(b"nobody's", stamp))):
        with pytest.raises(BadCredentials):
            await door.login.apop(name, said, stamp, door.peer, "pop3")


async def test_make_credentials(door: Door) -> None:
    assert set(await door.login.make_credentials("secret")) == {"argon2", "scram-sha-1", "scram-sha-256"}


# -- what an import has left out -----------------------------------------------------------------------------------


async def settled(door: Door) -> None:
    """Upgrades run beside the log-in; with this executor and this store they need a few turns."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_imported_account_is_upgraded_at_its_first_log_in() -> None:
    door = Door()
    door.accounts.values[17] = make_quick_credentials(PASSWORD, SeededChance())
    with pytest.raises(BadCredentials):
        await door.password("wrong")
    await settled(door)
    assert door.accounts.upgrades == 0
    assert await door.password() == ALICE
    await settled(door)
    assert not is_outdated(door.accounts.values[17])
    assert "login.upgraded account=17" in door.lines[-1]
    door.login._verified = type(door.login._wrong)(door.clock, 1.0, 1)
    assert await door.password() == ALICE
    await settled(door)
    assert door.accounts.upgrades == 1
    assert "ssword" not in "".join(door.lines)


async def test_iterations_of_nobody_are_those_of_accounts() -> None:
    """Else they told which names exist: of a house with many imported accounts, or of one with none."""

    async def shown(door: Door, name: str, mechanism: str = "SCRAM-SHA-256") -> bytes:
        challenge = await door.login.begin(mechanism, FakeStream(), "imap").step(b"n,,n=%s,r=x" % name.encode())
        assert isinstance(challenge, bytes)
        return challenge.partition(b",")[2]

    door = Door()
    names = [f"nobody{i}" for i in range(200)]
    quick = make_quick_credentials(PASSWORD, SeededChance())
    counts = []
    for imported in range(5):
        door.accounts.values = {n: quick if n <= imported else CREDENTIALS for n in range(1, 5)}
        await door.login.refresh()
        counts.append(sum([b"i=%d" % limit.SCRAM_IMPORT_ITERATIONS in await shown(door, name) for name in names]))
        one = await shown(door, names[0])
        assert one == await shown(door, names[0])
        assert one.rpartition(b"=")[2] == (await shown(door, names[0], "SCRAM-SHA-1")).rpartition(b"=")[2]
    assert counts[0] == 0 and counts[4] == 200
    assert all(abs(count - 50 * n) < 30 for n, count in enumerate(counts))
