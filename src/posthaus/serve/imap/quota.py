"""GETQUOTA, GETQUOTAROOT, SETQUOTA: what an account may hold, and what it holds.

An account is one quota root, named "". A resource without a limit is not told (RFC 9208 §4.2.1): STORAGE and MESSAGE
where there is a quota, MAILBOX always. Who is an administrator (`posthaus account admin`) names the roots of all
accounts by their addresses, and sets their quotas; for anybody else there are no such roots.

Standards: RFC 9208 §4.1, §4.2, §5. RFC 9208 §4.1.3 not: a limit of 0, for here it is none, and MAILBOX, which is no
           admin's to set; §5.4 (ANNOTATION-STORAGE) not.
Faults:    NoSuchMailbox, NotAllowed, NoSuchAccount.
"""

from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.flow import access
from posthaus.mail.address import AddressFault, parse_address
from posthaus.mail.rights import READ
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command_quota import GetQuota, GetQuotaRoot, SetQuota
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store.account import Account
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_OWN = b""
_UNIT = 1_024  # octets, of STORAGE (RFC 9208 §5.1)
_MOST = 2**63 - 1  # of what the store keeps

Resources = list[tuple[bytes, int, int]]


async def get_quota(session: "ImapSession", command: GetQuota) -> None:
    resources = await session.site.store.read(_of_root, session.account, command.root)
    if resources is None:
        session.no(command.tag, "No such quota root", code.NONEXISTENT)
        return
    session.say(render.quota(command.root, resources))
    session.ok(command.tag, "GETQUOTA completed")


async def get_quota_root(session: "ImapSession", command: GetQuotaRoot) -> None:
    name, resources = await session.site.store.read(_of_mailbox, session.account, command.mailbox)
    session.say(render.quota_root(name, [] if resources is None else [_OWN], utf8=session.engine.utf8))
    if resources is not None:
        session.say(render.quota(_OWN, resources))
    session.ok(command.tag, "GETQUOTAROOT completed")


async def set_quota(session: "ImapSession", command: SetQuota) -> None:
    """All limits are set anew: what is not named has none (RFC 9208 §4.1.3)."""
    limits = dict(command.limits)
    octets, messages = limits.pop(b"STORAGE", None), limits.pop(b"MESSAGE", None)
    who = await session.site.store.read(accounts.get, session.account)
    if not who.is_admin:
        session.no(command.tag, "Only an administrator changes what an account may hold", code.NOPERM)
        return
    if limits:
        session.no(command.tag, "No limit of that can be set", code.CANNOT)
        return
    if octets == 0 or messages == 0 or (octets or 0) * _UNIT > _MOST or (messages or 0) > _MOST:
        session.no(command.tag, "Not a limit that can be set", code.CANNOT)
        return
    whose = await session.site.store.read(_find, session.account, command.root)
    if whose is None:
        session.no(command.tag, "No such quota root", code.NONEXISTENT)
        return
    await session.site.store.write(accounts.set_quota, whose.id, (octets or 0) * _UNIT, messages or 0)
    session.site.log.event(
        "imap.setquota", cid=session.stream.cid, by=who.address, account=whose.address,
        octets=(octets or 0) * _UNIT, messages=messages or 0,
    )  # fmt: skip
    session.say(render.quota(command.root, await session.site.store.read(_of_account, whose.id)))
    session.ok(command.tag, "SETQUOTA completed")


async def _find(tx: Tx, account: int, root: bytes) -> Account | None:
    """Whose root it is, as far as this account may know of it."""
    own = await accounts.get(tx, account)
    if root == _OWN:
        return own
    if not own.is_admin:
        return None
    try:
        found = await accounts.find(tx, parse_address(root, smtputf8=True).key)
    except AddressFault:
        return None
    return found if found is not None and found.state == accounts.OPEN else None


async def _of_root(tx: Tx, account: int, root: bytes) -> Resources | None:
    whose = await _find(tx, account, root)
    return None if whose is None else await _resources(tx, whose)


async def _of_mailbox(tx: Tx, account: int, name: str) -> tuple[str, Resources | None]:
    """What another's mailbox counts in is his: how full he is nobody else is told."""
    granted, _ = await access.find_at(tx, account, name, READ)
    return granted.name, None if granted.member else await _of_account(tx, account)


async def _of_account(tx: Tx, account: int) -> Resources:
    return await _resources(tx, await accounts.get(tx, account))


async def _resources(tx: Tx, owner: Account) -> Resources:
    resources = []
    if owner.quota_octets:
        # The limit is rounded down and what is used up, so that nobody is told of space that there is not.
        resources.append((b"STORAGE", -(-owner.used_octets // _UNIT), owner.quota_octets // _UNIT))
    if owner.quota_messages:
        resources.append((b"MESSAGE", owner.placed_messages, owner.quota_messages))
    resources.append((b"MAILBOX", await mailboxes.count(tx, owner.id), limit.MAILBOXES_PER_ACCOUNT))
    return resources
