"""Writes in a mailbox by somebody who may not be its owner.

Rights may be taken away at any time, so they are asked in the transaction that writes, and only once it has the owner's
row: whoever changes them has that as well, and goes before or after as a whole. What a session remembers of them counts
nothing, so whoever was given more has it at once. The owner is asked nothing. What somebody may not do of several
things is left out; where nothing is left, he is told, in a mailbox that he has selected whether he may look it up or
not.

Standards: RFC 4314 §4; RFC 6851 §4.2 (MOVE: "t" and "e"), RFC 8508 §4.1 (REPLACE as well).
Faults:    NotAllowed; NoSuchMailbox, NoSuchMember, and those of the store's functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace as changed

from posthaus.flow import access
from posthaus.flow.access import Access, NotAllowed
from posthaus.mail.flag import EVERYTHING, FIRST_KEYWORD_BIT, SEEN
from posthaus.mail.rights import ADMINISTER, DELETE_MESSAGES, EXPUNGE, INSERT, KEEP_SEEN, READ, WRITE, settable
from posthaus.mail.uidset import Ranges
from posthaus.store import account as accounts
from posthaus.store import acl, across, annotation, change, flag, message, seen
from posthaus.store import mailbox as mailboxes
from posthaus.store.error import NoSuchMailbox
from posthaus.store.flag import Edit, Stored
from posthaus.store.message import Copied, Draft, Placed
from posthaus.store.tx import Tx

_FLAGS = KEEP_SEEN | WRITE | DELETE_MESSAGES
_MOVE = READ | DELETE_MESSAGES | EXPUNGE
_COMMON = (1 << FIRST_KEYWORD_BIT) - 1


async def store(tx: Tx, member: int, account: int, mailbox: int, uids: Ranges, edit: Edit, now: int) -> Stored:
    """flag.store. member: who does it, where he is not the owner."""
    may = EVERYTHING
    if member:
        await accounts.lock(tx, [account])
        granted = await _selected(tx, member, mailbox, READ)
        if not granted.rights & _FLAGS:
            raise NotAllowed
        may = settable(granted.rights)
        asked = edit.bits | (EVERYTHING & ~_COMMON if edit.keywords else 0)
        if asked and not asked & may:
            raise NotAllowed
        if not may & ~_COMMON:
            edit = changed(edit, keywords=())  # none is made for somebody who may not set it
    return await flag.store(tx, account, mailbox, uids, edit, now, member=member, may=may)


async def may_keep_seen(tx: Tx, member: int, mailbox: int) -> bool:
    """Of one that he has selected."""
    try:
        await _selected(tx, member, mailbox, KEEP_SEEN)
    except (NotAllowed, NoSuchMailbox):
        return False
    return True


async def has_deleted(tx: Tx, member: int, mailbox: int) -> bool:
    """Is there anything that `expunge` would take? Not where the mailbox is removed; NotAllowed where he may not."""
    try:
        if member:
            return (await _selected(tx, member, mailbox, EXPUNGE)).box.deleted > 0
        return (await mailboxes.get(tx, mailbox)).deleted > 0
    except NoSuchMailbox:
        return False


async def expunge(tx: Tx, member: int, account: int, mailbox: int, uids: Ranges, now: int) -> list[int]:
    """Those with \\Deleted; the UIDs that went."""
    if member:
        await accounts.lock(tx, [account])
        await _selected(tx, member, mailbox, EXPUNGE)
    _, gone = await message.expunge(tx, account, mailbox, uids, now, only_deleted=True)
    return gone


async def copy(
    tx: Tx, member: int, account: int, source: int, uids: Ranges, target: Access, now: int, *, move: bool, room: int
) -> Copied:
    """From a mailbox of one account into one of the same or another. room: as in message.copy."""
    may = EVERYTHING
    if member or target.member:
        await accounts.lock(tx, [account, target.account])
    if member:
        await _selected(tx, member, source, _MOVE if move else READ)
    if target.member:
        may = settable((await access.by_id(tx, target.member, target.box.id, INSERT)).rights)
    if account == target.account:
        flags = may | SEEN  # which is of each who sees both, the owner's too, and not only his who copies
        copied = await message.copy(tx, account, source, uids, target.box.id, now, move=move, room=room, may=flags)
        if copied.target and not may & SEEN:
            uid_range = (copied.target[0], copied.target[-1])
            await seen.mark(tx, target.box.id, target.member, [uid_range], seen=False)
        return copied
    return await across.copy(
        tx, account, source, uids, target.account, target.box.id, now, move=move, room=room, may=may, reader=member,
        writer=target.member,
    )  # fmt: skip


async def append(tx: Tx, target: Access, drafts: Sequence[Draft], now: int) -> list[Placed]:
    """All of them, or none."""
    if target.member:
        await accounts.lock(tx, [target.account])
    return await message.append_all(tx, [await _allowed(tx, target, draft) for draft in drafts], now)


async def replace(
    tx: Tx, target: Access, draft: Draft, member: int, account: int, mailbox: int, uid: int, now: int
) -> Placed:
    """member, account, mailbox, uid: of the message that goes."""
    if member or target.member:
        await accounts.lock(tx, [account, target.account])
    if member:
        await _selected(tx, member, mailbox, _MOVE)
    return await message.replace(tx, await _allowed(tx, target, draft), account, mailbox, uid, now)


async def annotate(tx: Tx, target: Access, values: Mapping[str, bytes | None], now: int) -> dict[int, int]:
    """Beside another's mailbox; the MODSEQs, by account. What is private is in one's own book, for it is nobody else's,
    and takes no right to write."""
    mailbox, owner, member = target.box.id, target.account, target.member
    books = {member if annotation.is_private(entry) else owner for entry in values}
    modseqs = {account: await accounts.advance(tx, account) for account in sorted(books)}
    if owner in books:
        await access.by_id(tx, member, mailbox, WRITE)
    await annotation.put(tx, owner, mailbox, values, member=member)
    for account, modseq in modseqs.items():
        entries = [entry for entry in values if annotation.is_private(entry) == (account == member)]
        await change.write_entries(tx, account, modseq, mailbox, entries, now)
    return modseqs


async def change_rights(
    tx: Tx,
    who: int,
    name: str,
    whom: str,
    mode: acl.Mode,
    rights: int,
    now: int,
    *,
    negative: bool = False,
    may_give_all: bool = True,
) -> str:
    """Of `whom`, an address or "anyone"; the mailbox's name. may_give_all: may people give rights to anyone?"""
    granted = await access.find(tx, who, name, ADMINISTER)
    member = await access.to_be_given(tx, whom)
    if granted.member:
        await accounts.lock(tx, acl.books(granted.account, member))
        granted = await access.by_id(tx, who, granted.box.id, ADMINISTER)
    await acl.change_rights(
        tx, granted.account, granted.box.id, member, mode, rights, now,
        negative=negative, may_give=may_give_all or member != acl.ANYONE,
    )  # fmt: skip
    return granted.name


async def _selected(tx: Tx, member: int, mailbox: int, rights: int) -> Access:
    """A mailbox that he has selected, with all of these rights."""
    granted = await access.by_id(tx, member, mailbox)
    if rights & ~granted.rights:
        raise NotAllowed
    return granted


async def _allowed(tx: Tx, target: Access, draft: Draft) -> Draft:
    """With the flags that he may set there: RFC 4314 §4, the lack of one is no reason to refuse the message."""
    if not target.member:
        return draft
    may = settable((await access.by_id(tx, target.member, target.box.id, INSERT)).rights)
    placing = draft.placing
    keywords = placing.keywords if may & ~_COMMON else ()
    return changed(draft, placing=changed(placing, flags=placing.flags & may, keywords=keywords, member=target.member))
