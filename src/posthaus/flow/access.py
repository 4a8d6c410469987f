"""Who may do what with a mailbox: the one door for whoever names one.

A shared mailbox is a mailbox of its owner that others reach under another name, `Other users/ADDRESS/NAME`, or
`Shared/ADDRESS/NAME` where the owner is a team. It is found here by either name, and asked for the right that is
needed, in the transaction that goes on with it. Where that right is missing, only who may look the mailbox up is told
that it is there; for all others it does not exist, and neither does its owner.

The owner has all rights, and costs nothing more than his mailbox. An own mailbox that has had the name of a namespace
from before there was one is not hidden by it: it hides the namespace.

Standards: RFC 4314 §2, §4, §6; RFC 2342 §5.
Faults:    NotAllowed, OwnersUse, NoSuchMember; NoSuchMailbox, NotPermitted.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from posthaus.base.error import Refusal
from posthaus.mail.address import AddressFault, parse_address
from posthaus.mail.rights import ALL, CREATE, DELETE, LOOKUP
from posthaus.store import account as accounts
from posthaus.store import acl, directory, reach
from posthaus.store import mailbox as mailboxes
from posthaus.store.account import Account
from posthaus.store.acl import Awaited, Member
from posthaus.store.error import NoSuchMailbox, NotPermitted
from posthaus.store.mailbox import OTHERS, SEPARATOR, TEAMS, Mailbox
from posthaus.store.tx import Tx

ANYONE_NAME = "anyone"
PREFIXES = (OTHERS + SEPARATOR, TEAMS + SEPARATOR)
_ODD = re.compile(r"[=/%*]")  # an address may have these; a level of a name may not, or means something by them
_ESCAPED = re.compile(r"=([0-9A-F]{2})")


class NotAllowed(Refusal):
    """He knows of the mailbox, and may not do that with it."""


class OwnersUse(Refusal):
    """A special use of another's mailbox, which is for him to give (RFC 6154 §3, §4)."""


class NoSuchMember(Refusal):
    """Nobody here has that address, or can have it."""


@dataclass(frozen=True, slots=True)
class Access:
    """A mailbox as one account may use it."""

    box: Mailbox  # named as the owner names it
    name: str  # as who asks names it
    member: int  # who asks, where he is not the owner; else 0
    rights: int

    @property
    def account(self) -> int:
        """Whose it is: rows, quota, MODSEQ and the book are his."""
        return self.box.account

    def need(self, rights: int) -> None:
        if rights & ~self.rights:
            raise NotAllowed if self.rights & LOOKUP else NoSuchMailbox

    def need_any(self, rights: int) -> None:
        if not rights & self.rights:
            raise NotAllowed if self.rights & LOOKUP else NoSuchMailbox


# -- names ---------------------------------------------------------------------------------------------------------


def is_foreign(name: str) -> bool:
    """Does it look like the name of another's mailbox?"""
    return name.startswith(PREFIXES)


def canonical(name: str) -> str:
    """As mailboxes.canonical, for names of others' mailboxes too."""
    prefix, slash, rest = name.partition(SEPARATOR)
    if not is_foreign(name):
        return mailboxes.canonical(name)
    level, below, rest = rest.partition(SEPARATOR)
    key = _key(level)
    level = level if key is None else _level(key)
    return mailboxes.canonical(f"{prefix}{slash}{level}") + (below + mailboxes.canonical(rest) if below else "")


def name_for_others(owner: str, name: str, *, is_shared: bool) -> str:
    """owner: the key of the address."""
    return SEPARATOR.join((TEAMS if is_shared else OTHERS, _level(owner), name))


def _level(key: str) -> str:
    return _ODD.sub(lambda odd: f"={ord(odd[0]):02X}", key)


def _key(level: str) -> str | None:
    try:
        address = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), level)
        return parse_address(address.encode("utf-8", "replace"), smtputf8=True).key
    except AddressFault:
        return None


async def owner_of(tx: Tx, who: int, name: str) -> tuple[Account | None, str]:
    """Whose mailbox a name can be, None for who asks, and its name there."""
    if not is_foreign(name):
        return None, name
    top, _, rest = name.partition(SEPARATOR)
    if await mailboxes.has_any(tx, who, top):
        return None, name
    level, _, inner = rest.partition(SEPARATOR)
    key = _key(level)
    owner = None if key is None else await accounts.find(tx, key)
    is_there = owner is not None and owner.state == accounts.OPEN and bool(owner.shared) == (top == TEAMS)
    if owner is None or not is_there or owner.id == who or not inner:
        raise NoSuchMailbox
    return owner, inner


async def _held(tx: Tx, who: int, name: str) -> tuple[Account | None, str]:
    """As owner_of, in a write: nobody changes rights to what is the owner's before it is over."""
    owner, inner = await owner_of(tx, who, name)
    if owner is not None:
        await accounts.lock(tx, [owner.id])
    return owner, inner


# -- finding -------------------------------------------------------------------------------------------------------


async def find(tx: Tx, who: int, name: str, rights: int) -> Access:
    """By name, to be written to, with all of these rights."""
    owner, inner = await owner_of(tx, who, name)
    if owner is None:
        return _own(await mailboxes.find(tx, who, inner))
    try:
        box = await mailboxes.find(tx, owner.id, inner)
    except NotPermitted:  # the owner's view of deleted messages
        raise NoSuchMailbox from None
    return await _checked(tx, who, owner, box, rights)


async def find_at(tx: Tx, who: int, name: str, rights: int) -> tuple[Access, int]:
    """By name, to be read; with the owner's MODSEQ: where the book of changes stands."""
    owner, inner = await owner_of(tx, who, name)
    box, modseq = await mailboxes.find_at(tx, who if owner is None else owner.id, inner)
    if owner is None:
        return _own(box), modseq
    if box.state == mailboxes.VIEW:
        raise NoSuchMailbox
    return await _checked(tx, who, owner, box, rights), modseq


async def by_id(tx: Tx, who: int, mailbox: int, rights: int = 0) -> Access:
    """A mailbox that was found before: it may have been renamed since, or rights taken away."""
    box = await mailboxes.get(tx, mailbox)
    if box.account == who:
        return _own(box)
    owner = await accounts.get(tx, box.account)
    if owner.state != accounts.OPEN:
        raise NoSuchMailbox
    return await _checked(tx, who, owner, box, rights)


async def everything(tx: Tx, who: int) -> list[Access]:
    """All mailboxes that he may look up, his own first; names only ones and the view of deleted messages too."""
    own = [_own(box) for box in await mailboxes.with_view(tx, who)]
    return own + await others(tx, who, [one.name for one in own])


async def others(tx: Tx, who: int, own: Iterable[str]) -> list[Access]:
    """Those of others. own: the names of his own."""
    taken = {OTHERS, TEAMS}.intersection(own)
    found = []
    for one in await reach.by_others(tx, who):
        if one.rights & LOOKUP and (TEAMS if one.is_shared else OTHERS) not in taken:
            name = name_for_others(one.owner, one.box.name, is_shared=one.is_shared)
            found.append(Access(one.box, name, who, one.rights))
    return found


def _own(box: Mailbox) -> Access:
    return Access(box, box.name, 0, ALL)


async def _checked(tx: Tx, who: int, owner: Account, box: Mailbox, rights: int) -> Access:
    name = name_for_others(owner.key, box.name, is_shared=bool(owner.shared))
    access = Access(box, name, who, await acl.rights(tx, box.id, who))
    access.need(rights)
    return access


# -- making, removing and renaming -----------------------------------------------------------------------------------


async def create(tx: Tx, who: int, name: str, special_use: str, now: int) -> tuple[int, str]:
    """The id, and the name as it is now. Below another's mailbox with the right to it."""
    owner, inner = await _above(tx, who, name)
    if owner is None:
        return await mailboxes.create(tx, who, inner, special_use, now), mailboxes.canonical(inner)
    if special_use:
        raise OwnersUse
    made = await mailboxes.create(tx, owner.id, inner, "", now)
    return made, name_for_others(owner.key, mailboxes.canonical(inner), is_shared=bool(owner.shared))


async def _above(tx: Tx, who: int, name: str) -> tuple[Account | None, str]:
    """Whose tree a new name would be in, and the name there, if he may make it: the nearest mailbox above says so (RFC
    4314 §4). What is at the top of a team's tree INBOX answers for; of a person's nothing is made by others."""
    try:
        owner, inner = await _held(tx, who, name)
    except NoSuchMailbox:
        raise NotAllowed from None  # as where there is one, but it is not for him
    if owner is None:
        return None, inner
    levels = mailboxes.canonical(inner).split(SEPARATOR)
    names = [SEPARATOR.join(levels[:depth]) for depth in range(len(levels) - 1, 0, -1)]
    for superior in [*names, *(["INBOX"] if owner.shared else [])]:
        try:
            box = await mailboxes.find(tx, owner.id, superior)
        except (NoSuchMailbox, NotPermitted):
            continue
        if await acl.rights(tx, box.id, who) & CREATE:
            return owner, inner
        break
    raise NotAllowed


async def remove(tx: Tx, who: int, name: str, now: int) -> int:
    """The id."""
    owner, inner = await _held(tx, who, name)
    if owner is not None:
        await find(tx, who, name, DELETE)
    return await mailboxes.remove(tx, who if owner is None else owner.id, inner, now)


async def rename(tx: Tx, who: int, old: str, new: str, now: int) -> int:
    """Within one owner's tree: mail changes its owner by MOVE alone. The account whose it is."""
    owner, inner = await _held(tx, who, old)
    if owner is not None:
        await find(tx, who, old, DELETE)
    to, renamed = await _above(tx, who, new)
    if (owner and owner.id) != (to and to.id):
        raise NotPermitted("from one owner to another messages are moved")
    if owner is not None and mailboxes.canonical(inner) == "INBOX":
        raise NotAllowed
    account = who if owner is None else owner.id
    await mailboxes.rename(tx, account, inner, renamed, now)
    return account


# -- members ---------------------------------------------------------------------------------------------------------


async def member_of(tx: Tx, name: str) -> int:
    """Whom a name without its dash means; NoSuchMember where it is nobody here. For an administrator, who may know."""
    named = await named_by(tx, name)
    if isinstance(named, Awaited):
        raise NoSuchMember(name)
    return named


async def named_by(tx: Tx, name: str) -> Member:
    """Likewise, whether there is an account of that address or not: who gives rights does not learn it. NoSuchMember
    where it can be nobody here."""
    if name == ANYONE_NAME:
        return acl.ANYONE
    try:
        key = parse_address(name.encode("utf-8", "replace"), smtputf8=True).key
    except AddressFault:
        raise NoSuchMember(name) from None
    found = await accounts.find(tx, key)
    if found is None:
        if not await directory.domain_exists(tx, _domain(key)):
            raise NoSuchMember(name)
        return Awaited(key)
    return found.id


async def to_be_given(tx: Tx, name: str) -> Member:
    """Likewise, in a write: who is nobody stays so until it is over."""
    named = await named_by(tx, name)
    if isinstance(named, Awaited):
        await accounts.hold_still(tx, _domain(named.key))
        return await named_by(tx, name)
    return named


def _domain(key: str) -> str:
    return key.rpartition("@")[2]
