"""GETQUOTA, GETQUOTAROOT, SETQUOTA: what an account may hold, and what it holds.

An account is one quota root, named "". A resource without a limit is not told (RFC 9208 §4.2.1): STORAGE where an admin
has set a quota, MAILBOX always. Limits are an admin's to set, and nobody is one here.

Standards: RFC 9208 §4.1, §4.2, §5.
Faults:    NoSuchMailbox.
"""

from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import GetQuota, GetQuotaRoot, SetQuota
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_ROOT = b""
_UNIT = 1_024  # octets, of STORAGE (RFC 9208 §5.1)

Resources = list[tuple[bytes, int, int]]


async def get_quota(session: "ImapSession", command: GetQuota) -> None:
    if command.root != _ROOT:
        session.no(command.tag, "No such quota root", code.NONEXISTENT)
        return
    session.say(render.quota(_ROOT, await session.site.store.read(_resources, session.account)))
    session.ok(command.tag, "GETQUOTA completed")


async def get_quota_root(session: "ImapSession", command: GetQuotaRoot) -> None:
    name, resources = await session.site.store.read(_of_mailbox, session.account, command.mailbox)
    session.say(render.quota_root(name, [_ROOT], utf8=session.engine.utf8))
    session.say(render.quota(_ROOT, resources))
    session.ok(command.tag, "GETQUOTAROOT completed")


async def set_quota(session: "ImapSession", command: SetQuota) -> None:
    session.no(command.tag, "Only an admin changes what an account may hold", code.NOPERM)


async def _of_mailbox(tx: Tx, account: int, name: str) -> tuple[str, Resources]:
    return (await mailboxes.find_at(tx, account, name))[0].name, await _resources(tx, account)


async def _resources(tx: Tx, account: int) -> Resources:
    owner = await accounts.get(tx, account)
    resources = [(b"MAILBOX", await mailboxes.count(tx, account), limit.MAILBOXES_PER_ACCOUNT)]
    if owner.quota_octets:
        # The limit is rounded down and what is used up, so that nobody is told of space that there is not.
        resources.insert(0, (b"STORAGE", -(-owner.used_octets // _UNIT), owner.quota_octets // _UNIT))
    return resources
