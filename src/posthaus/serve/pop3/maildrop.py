"""What a POP3 session asks of the store: the exclusive maildrop, its messages, and the update at QUIT.

The maildrop is a lease named after the account: one session at a time over all workers and nodes, and free again soon
after a worker has died. The update takes the lease, expunges and releases in one transaction: all or nothing.

Standards: RFC 1939 §4, §6.
Faults:    Locked where another session has it; others of the store.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.mail.uidset import Ranges
from posthaus.serve.pop3.drop import Drop
from posthaus.store import account as accounts
from posthaus.store import blob, fetch, lease, mailbox, message
from posthaus.store.blob import Octets
from posthaus.store.error import Locked
from posthaus.store.store import Store
from posthaus.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Opened:
    inbox: int
    drop: Drop


class Maildrop:
    """One account's, for one session. `owner` is "<worker>/<session>", so that a dead worker's can be cleared."""

    def __init__(self, store: Store, clock: Clock, account_id: int, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._account = account_id
        self._owner = owner
        self._inbox = 0
        self._name = f"pop3/{account_id}"
        self.is_held = False
        self.renewed_at = 0.0  # monotonic

    async def open(self, pause: Callable[[float], Awaitable[None]]) -> Drop:
        """Take the lease, then look at the mailbox, so nothing of a session before us is missed."""
        for _ in range(limit.POP3_LEASE_TRIES - 1):
            try:
                await self.renew()
                break
            except Locked:
                await pause(limit.POP3_LEASE_PAUSE_S)
        else:
            await self.renew()
        opened = await self._store.scan(_open, self._account)
        self._inbox = opened.inbox
        return opened.drop

    async def renew(self) -> None:
        """Locked where somebody else has taken it since it ran out."""
        try:
            await self._store.write(lease.take, self._name, self._owner, *self._lease_ms())
        except Exception:
            self.is_held = False
            raise
        self.is_held = True
        self.renewed_at = self._clock.monotonic()

    async def octets_of(self, messages: list[int]) -> dict[int, Octets]:
        """Those that are there still."""
        return await self._store.scan(blob.octets_of, messages)

    async def update(self, uids: Ranges) -> None:
        """RFC 1939 §6: the UPDATE state. When this returns, the messages are gone and so is the lease."""
        now_ms, until_ms = self._lease_ms()
        await self._store.write(_update, self._name, self._owner, now_ms, until_ms, self._account, self._inbox, uids)
        self.is_held = False

    async def release(self) -> None:
        """Without deleting anything."""
        if self.is_held:
            self.is_held = False
            await self._store.write(lease.release, self._name, self._owner)

    def _lease_ms(self) -> tuple[int, int]:
        now = self._clock.now()
        return int(now * 1000), int((now + limit.POP3_LEASE_S) * 1000)


async def _open(tx: Tx, account_id: int) -> Opened:
    account = await accounts.get(tx, account_id)
    box = await mailbox.get(tx, account.inbox)
    return Opened(box.id, Drop(box.uidvalidity, await fetch.listing(tx, box.id)))


async def _update(
    tx: Tx, name: str, owner: str, now_ms: int, until_ms: int, account: int, inbox: int, uids: Ranges
) -> None:
    if uids:
        # The account row first, as in every write (lock order); then nobody else may have the maildrop.
        await message.expunge(tx, account, inbox, uids, now_ms // 1000, only_deleted=False)
        await lease.take(tx, name, owner, now_ms, until_ms)
    await lease.release(tx, name, owner)
