"""Where a forward-path leads: to accounts of ours, out to another domain, or to a refusal.

The first of these decides: exact account, exact alias, user+detail without its detail, postmaster, catch-all. An alias
may lead to aliases and to other domains; each target is met once, and loops end. One look-up is one snapshot of the
store. A foreign address is a way out only for a client who may send; for strangers this house is no open relay.

Standards: RFC 5321 §3.5, §3.9, §4.1.3, §4.5.1 and §7.8, RFC 5233 §4.
Faults:    Trouble of the store.
"""

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail.address import Address, AddressFault, parse_address, split_subaddress
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.store import account as accounts
from posthaus.store import directory, sender
from posthaus.store.account import Account
from posthaus.store.tx import Tx

POSTMASTER = "postmaster"


@value
class Here:
    """What this host is: its name, its own address-literals."""

    hostname: str
    literals: frozenset[str] = frozenset()
    separator: str = "+"


@value
class Local:
    """An account of ours. `room_octets` is what its quotas leave, None where none says anything of the size."""

    account_id: int
    address: Address
    inbox: int
    detail: str | None = None
    room_octets: int | None = None
    has_quota: bool = False


@value
class Relay:
    """An address in a domain that is not ours."""

    address: Address


@value
class Alias:
    """Several ways on: all that an alias leads to, accounts and other domains, each once."""

    address: Address
    targets: tuple[Local, ...]
    outward: tuple[Relay, ...] = ()


@value
class Refused:
    """`why` is for the log; the reply says less."""

    reply: Reply
    why: str


Route = Local | Alias | Relay | Refused


def locals_of(found: Route) -> tuple[Local, ...]:
    if isinstance(found, Local):
        return (found,)
    return found.targets if isinstance(found, Alias) else ()


def relays_of(found: Route) -> tuple[Relay, ...]:
    if isinstance(found, Relay):
        return (found,)
    return found.outward if isinstance(found, Alias) else ()


async def find_route(tx: Tx, address: Address, here: Here, *, may_relay: bool = False) -> Route:
    """may_relay: the client may send to other domains.

    An account over its quota may have room again later. One full mailbox defers all that an alias leads to, because a
    message is kept for all of them or for none.
    """
    found = await _find(tx, address, here)
    if isinstance(found, Relay) and not may_relay:
        return Refused(reply.RELAYING_DENIED, "relaying")
    if any(local.room_octets == 0 for local in locals_of(found)):
        return Refused(reply.OVER_QUOTA, "over-quota")
    return found


async def _find(tx: Tx, address: Address, here: Here) -> Route:
    """The rules in their order."""
    if not address.domain or address.domain in here.literals:
        # <Postmaster>, and mail to the host by its number: both mean the domain of the house (RFC 5321 §4.5.1).
        if address.domain and address.localpart.lower() != POSTMASTER:
            return Refused(reply.NO_SUCH_USER, "address-literal")
        address = Address(address.localpart, await directory.first_domain(tx))
        if not address.domain:
            return Refused(reply.RELAYING_DENIED, "no-domain")
    if not await directory.domain_exists(tx, address.domain):
        if address.domain != here.hostname:
            return Relay(address)
        if address.localpart.lower() != POSTMASTER:
            return Refused(reply.RELAYING_DENIED, "relaying")  # the way to it would lead back here
        address = Address(POSTMASTER, await directory.first_domain(tx))
    found = await _look_up(tx, address, None, here)
    user, detail = split_subaddress(address.localpart, here.separator)
    if found is None and detail is not None:
        found = await _look_up(tx, Address(user, address.domain), detail, here)
    if found is None and address.localpart.lower() == POSTMASTER:
        # RFC 5321 §4.5.1: each domain has one; where it has no account at all, the house's own domain answers.
        first = await directory.first_account(tx, address.domain)
        if first is None:
            first = await directory.first_account(tx, await directory.first_domain(tx))
        found = await _follow_one(tx, first, here)
    if found is None:
        found = await _follow_one(tx, await directory.catch_all(tx, address.domain), here)
    return found or Refused(reply.NO_SUCH_USER, "no-mailbox")


async def _look_up(tx: Tx, address: Address, detail: str | None, here: Here) -> Route | None:
    """An account of exactly this address, or all that an alias of exactly this address leads to."""
    account = await accounts.find(tx, address.key)
    if account is not None:
        return _local(account, detail)
    targets = await directory.alias_targets(tx, address.key)
    return await _follow(tx, address, targets, here) if targets else None


def _local(account: Account, detail: str | None) -> Route:
    if account.state != accounts.OPEN:
        return Refused(reply.ACCOUNT_DISABLED, "account-closed")
    address = _parse(account.address)
    if address is None:
        return Refused(reply.NO_SUCH_USER, "account-address")
    return Local(account.id, address, account.inbox, detail, account.room_octets, account.has_quota)


async def _follow_one(tx: Tx, target: str | None, here: Here) -> Route | None:
    """A postmaster or a catch-all: an account or an alias, named by its address."""
    address = _parse(target) if target else None
    return None if address is None else await _look_up(tx, address, None, here)


async def _follow(tx: Tx, alias: Address, targets: tuple[str, ...], here: Here) -> Route:
    """Breadth first; an address that was seen before is not followed again, so a loop ends by itself."""
    seen = {alias.key}
    met: dict[int, Local] = {}
    outward: list[Relay] = []
    level = list(targets)
    for _ in range(limit.ALIAS_DEPTH):
        deeper: list[str] = []
        for target in level:
            address = _parse(target)
            if address is None or address.key in seen:
                continue
            seen.add(address.key)
            if len(seen) > limit.ALIAS_TARGETS:
                return Refused(reply.ALIAS_LOOP, "alias-too-wide")
            deeper += await _target(tx, address, here, met, outward)
        level = deeper
        if not level:
            break
    if met or outward:
        return Alias(alias, tuple(met.values()), tuple(outward))
    if level:
        return Refused(reply.ALIAS_LOOP, "alias-too-deep")
    return Refused(reply.NO_SUCH_USER, "alias-leads-nowhere")


async def _target(tx: Tx, address: Address, here: Here, met: dict[int, Local], outward: list[Relay]) -> tuple[str, ...]:
    """Enter one target where it belongs; the targets of an alias are given back to be followed."""
    account = await accounts.find(tx, address.key)
    user, detail = split_subaddress(address.localpart, here.separator)
    if account is None and detail is not None:
        account = await accounts.find(tx, Address(user, address.domain).key)
    if account is not None:
        found = _local(account, detail)
        if isinstance(found, Local):
            met.setdefault(found.account_id, found)
        return ()
    if not await directory.domain_exists(tx, address.domain):
        if address.domain != here.hostname:
            outward.append(Relay(address))
        return ()
    return await directory.alias_targets(tx, address.key)


def _parse(text: str) -> Address | None:
    try:
        return parse_address(text.encode("utf-8", "replace"), smtputf8=True)
    except AddressFault:
        return None


async def may_write_as(tx: Tx, address: Address, account_id: int, here: Here) -> bool:
    """RFC 6409 §6.1: as itself, as an alias that leads to it, and as what an admin has given it."""
    if await is_own(tx, address, account_id, here):
        return True
    return await sender.is_allowed(tx, account_id, address.key, address.domain)


async def is_own(tx: Tx, address: Address, account_id: int, here: Here) -> bool:
    """Is it the account's own, or does mail to it come (also) here?"""
    found = await _find(tx, address, here)
    return any(local.account_id == account_id for local in locals_of(found))
