"""POP3 sessions against a real store, over a stream that plays a script."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from posthaus.base import limit
from posthaus.base.log import Log
from posthaus.base.metric import Metric
from posthaus.flow.credential import make_credentials
from posthaus.flow.login import Login
from posthaus.flow.site import Site
from posthaus.mail.prepared import Prepared
from posthaus.net.peer import Peer, TlsState
from posthaus.net.stream import Stream, Wake
from posthaus.net.wheel import Wheel
from posthaus.proto.pop3.reply import render_multiline
from posthaus.proto.sasl.crammd5 import apop_digest
from posthaus.proto.sasl.scramclient import ScramClient
from posthaus.serve.pop3.session import Pop3Service
from posthaus.store import account, blob, directory, fetch, lease, message
from posthaus.store.drivers.sqlite import SqliteStore
from posthaus.store.error import StoreBusy, StoreDown
from posthaus.store.message import Content, Placing
from posthaus.store.tx import Tx
from posthaus.testing.chance import SeededChance
from posthaus.testing.clock import JumpClock

PASSWORD = "tanstaaf"
CREDENTIALS = make_credentials(PASSWORD, SeededChance(7), recoverable=True)
LOGIN = b"USER tim@example.test\r\nPASS tanstaaf\r\n"
MAILS = [
    b"Subject: one\r\n\r\nline 1\r\n.line 2\r\nline 3\r\n",
    b"Subject: two\r\n\r\n",
    b"Subject: three\r\n\r\nno end",
]

Step = bytes | Wake | float | Callable[[], Awaitable[None]]


class ScriptedStream(Stream):
    """Plays steps: octets to take, a wake, seconds that pass, or something that happens elsewhere. Then the end."""

    def __init__(self, clock: JumpClock, steps: list[Step], *, address: str = "127.0.0.1", cid: str = "c1") -> None:
        super().__init__(Wheel(clock), lambda stream: None, cid)
        self.peer = Peer(address, 4711, "127.0.0.1", 110)
        self.writes: list[bytes] = []
        self.is_stuck = False
        self.is_aborted = False
        self._clock = clock
        self._steps = iter(steps)
        self._came = b""

    async def wait(self, timeout_s: float) -> Wake:
        step = next(self._steps, Wake.END)
        if isinstance(step, Wake):
            return step
        if isinstance(step, bytes):
            self._came = step
            return Wake.OCTETS
        if isinstance(step, float):
            self._clock.jump(min(step, timeout_s))
            return Wake.DEADLINE
        await step()
        return Wake.BELL

    def take(self) -> bytes:
        came, self._came = self._came, b""
        return came

    def write(self, octets: bytes) -> None:
        self.writes.append(octets)

    async def drain(self, timeout_s: float) -> None:
        if self.is_stuck:
            raise ConnectionAbortedError("the peer does not read")

    def channel_binding(self, kind: str) -> bytes | None:
        return None

    def abort(self) -> None:
        self.is_aborted = True

    @property
    def said(self) -> bytes:
        return b"".join(self.writes)


class FaultyStore:
    """A store that fails on order."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.fail: str | None = None  # name of a function

    async def read(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if fn.__name__ == self.fail:
            raise StoreDown("on order")
        return await self._store.read(fn, *args, **kwargs)

    scan = read

    async def write(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if fn.__name__ == self.fail:
            raise StoreBusy("on order")
        return await self._store.write(fn, *args, **kwargs)


class MemoryBlobs:
    """Large octets in a dictionary; short reads as a network gives them."""

    def __init__(self) -> None:
        self.octets: dict[str, bytes] = {}

    async def write(self, key: str, pieces: Iterator[bytes]) -> None:
        self.octets[key] = b"".join(pieces)

    async def read(self, key: str, start: int, end: int) -> bytes:
        return self.octets[key][start : min(end, start + 70_001)]

    async def remove(self, key: str) -> None:
        del self.octets[key]


class House:
    """A store with one account and three messages, and the POP3 service on it."""

    def __init__(self, store: SqliteStore, **policy: Any) -> None:
        self.clock = JumpClock(frozen=True)
        self.store = FaultyStore(store)
        self.blobs = MemoryBlobs()
        self.lines: list[str] = []
        self.metric = Metric()
        log = Log(self.clock, self.lines.append)
        chance = SeededChance()

        async def pause(seconds: float) -> None:
            self.clock.jump(seconds)

        self.executor = ThreadPoolExecutor(1)
        login = Login(
            self.store,  # type: ignore[arg-type]
            self.clock,
            chance,
            log,
            self.metric,
            self.executor,
            key=b"key",
            host="mail.test",
            pause=pause,
        )
        site = Site(
            store=self.store,  # type: ignore[arg-type]
            blobs=self.blobs,
            login=login,
            clock=self.clock,
            chance=chance,
            log=log,
            metric=self.metric,
            hostname="mail.test",
            spool_folder=Path("nothing is taken in"),
            worker="w1",
            message_octets=0,
        )
        self.service = Pop3Service(site, **{"pause": pause, **policy})
        self.account = 0
        self.inbox = 0

    async def furnish(self) -> None:
        async def make(tx: Tx) -> int:
            await directory.add_domain(tx, "example.test", 1)
            return await account.create(
                tx, "tim@example.test", "tim@example.test", "example.test", CREDENTIALS, 0, 1_700_000_000
            )

        self.account = await self.store.write(make)
        self.inbox = (await self.store.read(account.get, self.account)).inbox
        for octets in MAILS:
            await self.append(octets)

    async def append(self, octets: bytes, *, outside: str = "") -> None:
        head, gap, body = octets.partition(b"\r\n\r\n")
        head += gap
        prepared = Prepared(
            len(octets), len(head), "", "", 1, b"", b"", b"", b"", b"", "", "", (), "", "", None, False,
        )  # fmt: skip
        number = 0
        if outside:
            await self.blobs.write(outside, iter([body]))
            number = await self.store.write(blob.begin, outside, len(octets), len(head), 1)
        content = Content(prepared, b"Return-Path: <>\r\n", head, b"" if outside else body, 0, number)
        await self.store.write(message.deliver, content, [Placing(self.account, self.inbox, 0)], 1_700_000_001)

    async def play(self, *steps: Step, cid: str = "c1", address: str = "127.0.0.1") -> ScriptedStream:
        stream = ScriptedStream(self.clock, list(steps), cid=cid, address=address)
        await self.service.run(stream)
        return stream

    async def kept(self) -> list[int]:
        return [row[0] for row in await self.store.read(fetch.listing, self.inbox)]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(tmp_path)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def house(opened: SqliteStore) -> AsyncIterator[House]:
    house = House(opened)
    await house.furnish()
    yield house
    house.executor.shutdown()
    assert not [line for line in house.lines if " defect " in line]


def whole(octets: bytes) -> bytes:
    octets = b"Return-Path: <>\r\n" + octets
    return render_multiline(b"+OK %d octets\r\n" % len(octets), octets)


def after_login(stream: ScriptedStream) -> bytes:
    head, found, rest = stream.said.partition(b"+OK logged in\r\n")
    assert found, head
    return rest


# -- reading -------------------------------------------------------------------------------------------------------


async def test_whole_session(house: House) -> None:
    stream = await house.play(
        LOGIN,
        b"STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nRETR 3\r\nDELE 1\r\nRETR 1\r\nSTAT\r\nLIST 1\r\nUIDL 2\r\nLIST\r\nQUIT\r\n",
    )
    sizes = [len(octets) + 17 for octets in MAILS]
    listing = b"+OK\r\n" + b"".join(b"%d %d\r\n" % (n, size) for n, size in enumerate(sizes, 1)) + b".\r\n"
    uidl = b"+OK\r\n" + b"".join(b"%d %x.%x\r\n" % (n, 1_700_000_000, n) for n in (1, 2, 3)) + b".\r\n"
    assert stream.writes[0] == b"+OK Posthaus ready\r\n"
    assert stream.writes[1] == b"+OK\r\n+OK logged in\r\n"
    assert stream.writes[2:] == [  # one write for the whole batch
        b"+OK 3 %d\r\n" % sum(sizes)
        + listing
        + uidl
        + whole(MAILS[0])
        + whole(MAILS[2])
        + b"+OK\r\n-ERR message is deleted\r\n+OK 2 %d\r\n-ERR message is deleted\r\n" % (sizes[1] + sizes[2])
        + b"+OK 2 %x.2\r\n" % 1_700_000_000
        + listing.replace(b"1 %d\r\n" % sizes[0], b"", 1)
        + b"+OK bye\r\n"
    ]
    assert await house.kept() == [2, 3]
    assert house.metric.value("pop3.retrieved") == 2


async def test_next_session_sees_what_is_left(house: House) -> None:
    await house.play(LOGIN + b"DELE 2\r\nQUIT\r\n")
    await house.append(b"Subject: four\r\n\r\n")
    rest = after_login(await house.play(LOGIN, b"UIDL\r\nQUIT\r\n", cid="c2"))
    assert [line.split(b".")[-1] for line in rest.splitlines()[1:4]] == [b"1", b"3", b"4"]


@pytest.mark.parametrize("steps", [(Wake.END,), (b"RSET\r\nQUIT\r\n",), (b"QUI",), (1e9, 1e9)])
async def test_nothing_is_deleted_without_quit(house: House, steps: tuple[Step, ...]) -> None:
    await house.play(LOGIN, b"DELE 1\r\nDELE 2\r\n", *steps)
    assert await house.kept() == [1, 2, 3]


async def test_retr_leaves_flags(house: House) -> None:
    await house.play(LOGIN + b"RETR 1\r\nQUIT\r\n")
    row = await house.store.read(fetch.one, house.inbox, 1, ("flags",))
    assert row == (0,)


TOPS = [
    (b"TOP 1 0\r\n", b"Return-Path: <>\r\nSubject: one\r\n\r\n"),
    (b"TOP 1 2\r\n", b"Return-Path: <>\r\nSubject: one\r\n\r\nline 1\r\n..line 2\r\n"),
    (b"TOP 1 999999999\r\n", b"Return-Path: <>\r\nSubject: one\r\n\r\nline 1\r\n..line 2\r\nline 3\r\n"),
    (b"TOP 3 1\r\n", b"Return-Path: <>\r\nSubject: three\r\n\r\nno end\r\n"),
]


@pytest.mark.parametrize(("command", "wanted"), TOPS)
async def test_top(house: House, command: bytes, wanted: bytes) -> None:
    assert after_login(await house.play(LOGIN + command)) == b"+OK\r\n" + wanted + b".\r\n"


@pytest.mark.parametrize("command", [b"RETR", b"DELE", b"LIST", b"UIDL"])
@pytest.mark.parametrize("number", [0, 4, 999_999_999])
async def test_no_such_message(house: House, command: bytes, number: int) -> None:
    said = after_login(await house.play(LOGIN + b"%s %d\r\nTOP %d 0\r\n" % (command, number, number)))
    assert said == b"-ERR no such message\r\n" * 2


async def test_pipelined_run_is_read_in_batches(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "POP3_BATCH_OCTETS", 100)
    stream = await house.play(LOGIN, b"RETR 1\r\nRETR 2\r\nRETR 9\r\nRETR 3\r\n" * 3)
    assert (
        after_login(stream) == (whole(MAILS[0]) + whole(MAILS[1]) + b"-ERR no such message\r\n" + whole(MAILS[2])) * 3
    )
    assert len(stream.writes) > 4


async def test_one_after_the_other_is_read_ahead(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[list[int]] = []
    octets_of = blob.octets_of

    async def counted(tx: Tx, messages: list[int]) -> dict[int, blob.Octets]:
        reads.append(messages)
        return await octets_of(tx, messages)

    monkeypatch.setattr(blob, "octets_of", counted)
    steps = [b"RETR 1\r\n", b"DELE 3\r\n", b"RETR 2\r\n", b"RETR 3\r\n", b"RSET\r\n", b"RETR 3\r\n", b"RETR 1\r\n"]
    stream = await house.play(LOGIN, *steps, b"QUIT\r\n")
    one, two, three = map(whole, MAILS)
    deleted = b"-ERR message is deleted\r\n"
    assert after_login(stream) == b"".join([one, b"+OK\r\n", two, deleted, b"+OK\r\n", three, one, b"+OK bye\r\n"])
    assert [len(messages) for messages in reads] == [3, 1, 1]  # a refused number ends the reading ahead


async def test_large_message_goes_in_pieces(house: House) -> None:
    body = b".dot\r\nmore\r\n" * 60_000
    await house.append(b"Subject: large\r\n\r\n" + body, outside="aabb")
    stream = await house.play(LOGIN, b"RETR 4\r\nTOP 4 0\r\nTOP 4 3\r\nTOP 4 20000\r\nQUIT\r\n")
    octets = b"Subject: large\r\n\r\n" + body
    top = b"+OK\r\nReturn-Path: <>\r\nSubject: large\r\n\r\n"
    lines = render_multiline(b"\r\n", body).splitlines(keepends=True)[1:]
    assert after_login(stream) == b"".join(
        [whole(octets), top, b".\r\n", top, *lines[:3], b".\r\n", top, *lines[:20_000], b".\r\n+OK bye\r\n"]
    )
    assert max(map(len, stream.writes)) < 200_000


async def test_large_message_that_breaks_off(house: House) -> None:
    await house.append(b"Subject: large\r\n\r\n" + b"x\r\n" * 90_000, outside="aabb")
    house.blobs.octets["aabb"] = house.blobs.octets["aabb"][:100_000]
    stream = await house.play(LOGIN, b"RETR 4\r\nQUIT\r\n")
    assert stream.is_aborted  # never an end that looks like one
    assert b"\r\n.\r\n" not in stream.said


async def test_message_that_is_gone(house: House) -> None:
    async def expunge() -> None:
        await house.store.write(message.expunge, house.account, house.inbox, [(1, 1)], 5, only_deleted=False)

    async def purge() -> None:
        async def take_away(tx: Tx) -> None:
            await tx.run("DELETE FROM blob WHERE id IN (SELECT blob FROM message WHERE size=$1)", len(MAILS[0]) + 17)

        await house.store.write(take_away)

    stream = await house.play(
        LOGIN, expunge, b"RETR 1\r\n", purge, b"RETR 1\r\nTOP 1 1\r\nRETR 2\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n"
    )
    gone = b"-ERR message is gone\r\n"
    assert after_login(stream) == (whole(MAILS[0]) + gone + gone + whole(MAILS[1]) + b"+OK\r\n+OK\r\n+OK bye\r\n")
    assert await house.kept() == [3]


async def test_store_in_trouble(house: House) -> None:
    async def fail() -> None:
        house.store.fail = "octets_of"

    stream = await house.play(LOGIN, fail, b"RETR 1\r\nRETR 2\r\nTOP 1 0\r\nNOOP\r\n")
    assert after_login(stream) == b"-ERR [SYS/TEMP] not now; try again later\r\n" * 3 + b"+OK\r\n"


# -- maildrop ------------------------------------------------------------------------------------------------------


async def test_one_session_at_a_time(house: House) -> None:
    said: list[bytes] = []

    async def other() -> None:
        said.append((await house.play(LOGIN, b"AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\nQUIT\r\n", cid="other")).said)

    busy = b"-ERR [IN-USE] another session has this maildrop\r\n"
    await house.play(LOGIN, other, b"QUIT\r\n", other)
    assert said[0].count(busy) == 2
    await house.play(LOGIN, Wake.END, cid="c3")  # nobody is left behind
    assert busy not in (await house.play(LOGIN, b"QUIT\r\n", cid="c4")).said


async def test_own_last_session_is_just_leaving(opened: SqliteStore) -> None:
    async def leave(seconds: float) -> None:
        await mine.store.write(lease.release, f"pop3/{mine.account}", "w1/old")

    mine = House(opened, pause=leave)
    await mine.furnish()
    now_ms = int(mine.clock.now() * 1000)
    await mine.store.write(lease.take, f"pop3/{mine.account}", "w1/old", now_ms, now_ms + 60_000)
    assert b"+OK logged in" in (await mine.play(LOGIN)).said
    mine.executor.shutdown()


async def test_maildrop_is_renewed(house: House) -> None:
    said: list[bytes] = []

    async def other() -> None:
        said.append((await house.play(LOGIN, cid="other")).said)

    await house.play(LOGIN, *[15.0] * 20, other, b"QUIT\r\n")
    assert b"[IN-USE]" in said[0]


async def test_dead_worker_holds_for_a_minute(house: House) -> None:
    async def crash() -> None:
        house.store.fail = "release"

    await house.play(LOGIN, crash, Wake.END)
    house.store.fail = None
    assert b"[IN-USE]" in (await house.play(LOGIN, cid="c2")).said
    house.clock.jump(limit.POP3_LEASE_S)
    assert b"+OK logged in" in (await house.play(LOGIN, cid="c3")).said


async def test_lost_maildrop_ends_the_session(house: House) -> None:
    async def taken() -> None:
        house.clock.jump(limit.POP3_LEASE_S + 1)  # this worker was stopped for so long
        await house.store.write(_take, f"pop3/{house.account}", int(house.clock.now() * 1000))

    stream = await house.play(LOGIN, b"DELE 1\r\n", taken, b"QUIT\r\n")
    assert after_login(stream) == b"+OK\r\n"
    assert any("pop3.maildrop-lost" in line for line in house.lines)
    assert await house.kept() == [1, 2, 3]


async def _take(tx: Tx, name: str, now_ms: int) -> None:
    await tx.run("UPDATE lease SET owner='w2/x', until=$2 WHERE name=$1", name, now_ms + 60_000)


async def test_maildrop_lost_at_the_last_moment(house: House) -> None:
    async def taken() -> None:
        await house.store.write(_take, f"pop3/{house.account}", int(house.clock.now() * 1000))

    stream = await house.play(LOGIN, b"DELE 1\r\n", taken, b"QUIT\r\n")
    assert after_login(stream) == b"+OK\r\n-ERR [SYS/TEMP] deleted messages were not removed\r\n"
    assert await house.kept() == [1, 2, 3]


async def test_renewal_survives_a_busy_store(house: House) -> None:
    async def fail() -> None:
        house.store.fail = "take"

    async def heal() -> None:
        house.store.fail = None

    stream = await house.play(LOGIN, fail, 20.0, heal, 20.0, b"QUIT\r\n")
    assert after_login(stream) == b"+OK bye\r\n"
    assert any("pop3.maildrop-unrenewed" in line for line in house.lines)


async def test_update_that_fails(house: House) -> None:
    house.store.fail = "_update"
    stream = await house.play(LOGIN, b"DELE 1\r\nQUIT\r\n")
    assert after_login(stream) == b"+OK\r\n-ERR [SYS/TEMP] deleted messages were not removed\r\n"
    assert await house.kept() == [1, 2, 3]
    house.store.fail = None
    assert b"+OK logged in" in (await house.play(LOGIN, cid="c2")).said


@pytest.mark.parametrize("function", ["take", "_open", "_look_up"])
async def test_login_while_the_store_is_in_trouble(house: House, function: str) -> None:
    house.store.fail = function
    stream = await house.play(LOGIN)
    assert stream.said.endswith(b"-ERR [SYS/TEMP] not now; try again later\r\n")
    house.store.fail = None
    assert b"+OK logged in" in (await house.play(LOGIN, cid="c2")).said


# -- log-in --------------------------------------------------------------------------------------------------------


async def test_wrong_password(house: House) -> None:
    lines = b"".join(b"USER tim\r\nPASS wrong%d\r\n" % i for i in range(9))
    stream = await house.play(lines, b"NOOP\r\n")
    wrong = b"+OK\r\n-ERR [AUTH] name or password is wrong\r\n"
    assert stream.said.partition(b"\r\n")[2] == wrong * limit.LOGIN_ATTEMPTS_PER_SESSION


async def test_auth_plain_and_cancel(house: House) -> None:
    stream = await house.play(
        b"AUTH PLAIN\r\n", b"*\r\n", b"AUTH GSSAPI\r\n", b"AUTH PLAIN\r\n", b"AHRpbQB0YW5zdGFhZg==\r\n"
    )
    assert stream.said.partition(b"\r\n")[2] == (
        b"+ \r\n-ERR cancelled\r\n-ERR no such mechanism\r\n+ \r\n+OK logged in\r\n"
    )


async def test_auth_broken_exchange(house: House) -> None:
    stream = await house.play(b"AUTH SCRAM-SHA-256 AGE=\r\nAUTH PLAIN AGE=\r\n" + LOGIN)
    assert stream.said.count(b"-ERR the exchange failed\r\n") == 2
    assert stream.said.endswith(b"+OK logged in\r\n")


async def test_auth_scram(house: House) -> None:
    client = ScramClient("sha256", "tim", PASSWORD, b"nonce")
    steps: list[Step] = [b"AUTH SCRAM-SHA-256 " + b64encode(client.first()) + b"\r\n"]
    stream = ScriptedStream(house.clock, [])

    async def respond() -> None:
        challenge = b64decode(stream.writes[-1][2:])
        stream._steps = iter([b64encode(client.respond(challenge)) + b"\r\n", check, b"\r\n"])

    async def check() -> None:
        client.check(b64decode(stream.writes[-1][2:]))

    stream._steps = iter([*steps, respond])
    await house.service.run(stream)
    assert stream.said.endswith(b"+OK logged in\r\n")


async def test_apop(opened: SqliteStore) -> None:
    house = House(opened)
    await house.furnish()
    assert not (await house.play()).writes[0].endswith(b">\r\n")
    await house.service.site.login.refresh()  # now it has heard of tim, who keeps a readable password
    stream = ScriptedStream(house.clock, [])

    async def log_in() -> None:
        stamp = stream.writes[0].split()[-1]
        stream._steps = iter([b"APOP tim " + apop_digest(PASSWORD.encode(), stamp) + b"\r\n"])

    stream._steps = iter([log_in])
    await house.service.run(stream)
    assert stream.writes[0].startswith(b"+OK Posthaus ready <")
    assert stream.said.endswith(b"+OK logged in\r\n")
    house.executor.shutdown()


async def test_stls(opened: SqliteStore) -> None:
    async def start_tls(stream: Stream) -> None:
        stream.tls = TlsState("TLSv1.3", "x", None, None)

    house = House(opened, start_tls=start_tls)
    await house.furnish()
    stream = await house.play(b"USER tim\r\nCAPA\r\nSTLS\r\n" + LOGIN, b"CAPA\r\nSTLS\r\n" + LOGIN, address="192.0.2.1")
    before, _, after = stream.said.partition(b"+OK begin TLS\r\n")
    assert b"-ERR no password in the clear; STLS first\r\n" in before
    assert b"STLS\r\n" in before and b"\r\nUSER\r\n" not in before and b"PLAIN" not in before
    assert b"STLS\r\n" not in after and b"\r\nUSER\r\n" in after and b"PLAIN" in after
    assert after.count(b"+OK logged in\r\n") == 1  # what was injected in the clear is gone
    assert b"-ERR no TLS here\r\n" in after
    house.executor.shutdown()


# -- time ----------------------------------------------------------------------------------------------------------


async def test_stranger_has_a_minute(house: House) -> None:
    stream = await house.play(b"CAPA\r\n", 30.0, b"CAPA\r\n", 31.0, b"CAPA\r\n")
    assert stream.said.count(b"+OK capabilities") == 2


async def test_idle_timeout(house: House) -> None:
    """RFC 1939 §3: at least ten minutes, and nothing is said or removed."""
    steps: list[Step] = [15.0] * 35
    stream = await house.play(LOGIN, b"DELE 1\r\n", *steps, b"NOOP\r\n", *[20.0] * 31, b"NOOP\r\n")
    assert after_login(stream) == b"+OK\r\n+OK\r\n"
    assert await house.kept() == [1, 2, 3]


async def test_draining(house: House) -> None:
    stream = ScriptedStream(house.clock, [Wake.BELL, b"CAPA\r\n"])
    stream.draining = True
    await house.service.run(stream)
    assert stream.said == b"+OK Posthaus ready\r\n"
    stream = ScriptedStream(house.clock, [LOGIN, Wake.BELL, b"DELE 1\r\nQUIT\r\n"])
    stream.draining = True
    await house.service.run(stream)
    assert after_login(stream) == b"+OK\r\n+OK bye\r\n"


async def test_client_that_does_not_read(house: House) -> None:
    stream = ScriptedStream(house.clock, [])

    async def stick() -> None:
        stream.is_stuck = True

    stream._steps = iter([LOGIN, stick, b"DELE 1\r\nRETR 2\r\n", b"QUIT\r\n"])
    await house.service.run(stream)
    assert stream.is_aborted
    assert await house.kept() == [1, 2, 3]
    assert b"+OK logged in" in (await house.play(LOGIN, cid="c2")).said
