"""Accounts: who has mail here, what it may hold, and what proves that it is him.

Standards: none.
Faults:    NoSuchAccount, AccountExists, NoSuchDomain, OverQuota.
"""

from collections.abc import Iterable, Mapping, Sequence

from posthaus.base.value import value
from posthaus.store.error import AccountExists, NoSuchAccount, NoSuchDomain, OverQuota
from posthaus.store.text import storable
from posthaus.store.tx import Tx, number

OPEN, REMOVING = 0, 1


@value
class Account:
    """A row of `account`, as routes, quota and listings want it."""

    id: int
    key: str
    address: str
    inbox: int
    quota_octets: int
    used_octets: int
    used_messages: int  # each counted once
    state: int
    quota_messages: int = 0  # each counted in every mailbox that has it
    placed_messages: int = 0  # so; 0 where no quota asks for it
    admin: int = 0
    shared: int = 0  # a team's, to which nobody logs in

    @property
    def is_admin(self) -> bool:
        """May he set the quotas of all accounts from a mail client?"""
        return self.admin != 0

    @property
    def has_quota(self) -> bool:
        return self.quota_octets > 0 or self.quota_messages > 0

    @property
    def room_octets(self) -> int | None:
        """What its quotas leave for one more message; None where no quota says anything of its size."""
        if 0 < self.quota_messages <= self.placed_messages:
            return 0
        return max(0, self.quota_octets - self.used_octets) if self.quota_octets > 0 else None


@value
class LoginRow:
    id: int
    address: str
    inbox: int
    credential_version: int
    state: int


# Messages are counted where a quota asks for it: an account has few mailboxes, and each knows how many it has.
_PLACED = (
    "CASE WHEN quota_messages>0 THEN (SELECT CAST(coalesce(sum(m.total), 0) AS BIGINT) FROM mailbox m"
    " WHERE m.account=account.id AND m.state=0) ELSE 0 END"
)
_COLUMNS = (
    f"id, key, address, inbox, quota_octets, used_octets, used_messages, state, quota_messages, {_PLACED}, is_admin,"
    " shared"
)


async def find(tx: Tx, key: str) -> Account | None:
    """By canonical address."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM account WHERE key=$1", storable(key))
    return None if row is None else Account(*row)


async def get(tx: Tx, account: int) -> Account:
    row = await tx.one(f"SELECT {_COLUMNS} FROM account WHERE id=$1", account)
    if row is None:
        raise NoSuchAccount
    return Account(*row)


async def listing(tx: Tx, domain: str | None = None) -> list[Account]:
    where, args = ("WHERE domain=$1", (domain,)) if domain is not None else ("", ())
    return [Account(*row) for row in await tx.all(f"SELECT {_COLUMNS} FROM account {where} ORDER BY key", *args)]


async def create(
    tx: Tx,
    address: str,
    key: str,
    domain: str,
    credentials: Mapping[str, bytes],
    quota_octets: int,
    now: int,
    quota_messages: int = 0,
    *,
    shared: bool = False,
) -> int:
    """Makes the account with its INBOX. shared: a team's; nobody can log in to it, whatever its credentials."""
    await hold_still(tx, domain)
    if await tx.one("SELECT 1 FROM account WHERE key=$1", key) is not None:
        raise AccountExists(address)
    row = await tx.one(
        "INSERT INTO account (key, address, domain, inbox, modseq, uidvalidity, quota_octets, used_octets,"
        " used_messages, credential_version, state, created, shared)"
        " VALUES ($1, $2, $3, 0, 1, $4, $5, 0, 0, 1, 0, $4, $6) RETURNING id",
        key, address, domain, now, quota_octets, int(shared),
    )  # fmt: skip
    assert row is not None
    account: int = row[0]
    inbox = await tx.one(
        "INSERT INTO mailbox (account, name, uidvalidity, uidnext, modseq, total, unseen, deleted, size, recent_from,"
        " unseen_from, special_use, state) VALUES ($1, 'INBOX', $2, 1, 1, 0, 0, 0, 0, 1, 1, '', 0) RETURNING id",
        account, now,
    )  # fmt: skip
    assert inbox is not None
    await tx.run("UPDATE account SET inbox=$2 WHERE id=$1", account, inbox[0])
    await tx.run("INSERT INTO subscription (account, name) VALUES ($1, 'INBOX')", account)
    await _put_credentials(tx, account, credentials)
    await tx.run(
        "INSERT INTO acl (mailbox, member, given, denied)"
        " SELECT mailbox, CAST($1 AS BIGINT), given, denied FROM acl_awaiting WHERE key=$2",
        account, key,
    )  # fmt: skip
    await tx.run("DELETE FROM acl_awaiting WHERE key=$1", key)
    if quota_messages:
        await set_quota(tx, account, quota_octets, quota_messages)
    return account


async def hold_still(tx: Tx, domain: str) -> None:
    """Nobody else makes an account there before this transaction has ended."""
    if not await tx.run("UPDATE domain SET created=created WHERE name=$1", domain):
        raise NoSuchDomain(domain)


async def set_quota(tx: Tx, account: int, quota_octets: int, quota_messages: int = 0) -> None:
    """0: none."""
    quotas = "UPDATE account SET quota_octets=$2, quota_messages=$3 WHERE id=$1"
    if not await tx.run(quotas, account, quota_octets, quota_messages):
        raise NoSuchAccount


async def set_admin(tx: Tx, account: int, is_admin: bool) -> None:
    if not await tx.run("UPDATE account SET is_admin=$2 WHERE id=$1", account, int(is_admin)):
        raise NoSuchAccount


async def over_quota(tx: Tx, ids: Sequence[int]) -> set[int]:
    """Those of the accounts that can take nothing now."""
    full = (
        "SELECT 1 FROM account WHERE id=$1 AND (quota_octets>0 AND used_octets>=quota_octets"
        f" OR quota_messages>0 AND {_PLACED}>=quota_messages)"
    )
    return {account for account in ids if await tx.one(full, account) is not None}


async def check_quota(tx: Tx, account: int) -> None:
    """Before a message is put into a mailbox, when its octets are counted already: is there room for it?"""
    row = await tx.one("SELECT quota_octets, used_octets, quota_messages FROM account WHERE id=$1", account)
    if row is not None and 0 < row[0] < row[1]:
        raise OverQuota
    if row is not None and row[2]:
        await check_messages(tx, account, 1)


async def check_messages(tx: Tx, account: int, more: int) -> None:
    """Is there room for so many messages more, whatever their size?"""
    too_many = f"SELECT 1 FROM account WHERE id=$1 AND quota_messages>0 AND {_PLACED} + $2 > quota_messages"
    if await tx.one(too_many, account, more) is not None:
        raise OverQuota("too many messages")


async def mark_removed(tx: Tx, account: int) -> None:
    """Nobody reaches it from now on; the sweep takes away all that is its own, in pieces."""
    await advance(tx, account)
    await tx.run(
        "UPDATE account SET state=1, key=CAST(id AS TEXT) || '/' || key, credential_version=credential_version+1"
        " WHERE id=$1",
        account,
    )
    await tx.run("DELETE FROM credential WHERE account=$1", account)
    await tx.run("DELETE FROM acl WHERE member=$1", account)  # nor reaches it others from now on


# -- log-in --------------------------------------------------------------------------------------------------------


async def login_row(tx: Tx, key: str) -> LoginRow | None:
    row = await tx.one(
        "SELECT id, address, inbox, credential_version, state FROM account WHERE key=$1 AND shared=0", storable(key)
    )
    return None if row is None else LoginRow(*row)


async def credentials(tx: Tx, account: int) -> dict[str, bytes]:
    """What proves who he is: kind -> value, both made by flow/credential.py."""
    return dict(await tx.all("SELECT kind, value FROM credential WHERE account=$1", account))


async def set_credentials(tx: Tx, account: int, values: Mapping[str, bytes]) -> None:
    """Replaces all; verified log-ins of before count no more."""
    if not await tx.run("UPDATE account SET credential_version=credential_version+1 WHERE id=$1", account):
        raise NoSuchAccount
    await tx.run("DELETE FROM credential WHERE account=$1", account)
    await _put_credentials(tx, account, values)


async def upgrade_credentials(tx: Tx, account: int, version: int, values: Mapping[str, bytes]) -> bool:
    """The same password, better kept: the version stays, so verified log-ins count on. False where a password was set
    or the account was closed since `version` was read; then nothing is changed."""
    same = "UPDATE account SET credential_version=credential_version WHERE id=$1 AND credential_version=$2 AND state=$3"
    if not await tx.run(same, account, version, OPEN):  # locks the row until the commit, too
        return False
    await tx.run("DELETE FROM credential WHERE account=$1", account)
    await _put_credentials(tx, account, values)
    return True


async def has_credential(tx: Tx, kind: str) -> bool:
    """Does any account at all have it?"""
    return await tx.one("SELECT 1 FROM credential WHERE kind=$1 LIMIT 1", kind) is not None


async def count_credentials(tx: Tx, kind: str) -> int:
    """How many accounts have it."""
    row = await tx.one("SELECT count(*) FROM credential WHERE kind=$1", kind)
    return 0 if row is None else int(row[0])


async def with_credential(tx: Tx, kind: str) -> frozenset[int]:
    """The accounts that have it."""
    return frozenset(row[0] for row in await tx.all("SELECT account FROM credential WHERE kind=$1", kind))


async def _put_credentials(tx: Tx, account: int, values: Mapping[str, bytes]) -> None:
    await tx.many(
        "INSERT INTO credential (account, kind, value) VALUES ($1, $2, $3)",
        [(account, kind, value) for kind, value in values.items()],
    )


# -- MODSEQ --------------------------------------------------------------------------------------------------------


async def advance(tx: Tx, account: int) -> int:
    """The first statement of every write on an account: locks its row and gives the MODSEQ of this write."""
    row = await tx.one("UPDATE account SET modseq=modseq+1 WHERE id=$1 RETURNING modseq", account)
    if row is None:
        raise NoSuchAccount
    modseq: int = row[0]
    tx.touch(account, modseq)
    return modseq


async def lock(tx: Tx, ids: Iterable[int]) -> None:
    """Before a write on two accounts, whose parts then lock them in any order."""
    for account in sorted(set(ids)):
        if not await tx.run("UPDATE account SET modseq=modseq WHERE id=$1", account):
            raise NoSuchAccount


async def modseq(tx: Tx, account: int) -> int:
    row = await tx.one("SELECT modseq FROM account WHERE id=$1", account)
    if row is None:
        raise NoSuchAccount
    return number(row)


async def next_uidvalidity(tx: Tx, account: int, now: int) -> int:
    """max(last + 1, now): never the same twice in an account."""
    row = await tx.one(
        "UPDATE account SET uidvalidity=CASE WHEN uidvalidity >= $2 THEN uidvalidity+1 ELSE $2 END"
        " WHERE id=$1 RETURNING uidvalidity",
        account,
        now,
    )
    if row is None:
        raise NoSuchAccount
    return number(row)
