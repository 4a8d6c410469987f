"""GETMETADATA and SETMETADATA, and the METADATA that tells what others have changed.

What is private of the server belongs to the account. What is shared is the house's: an admin writes it, and where he
has not, /shared/admin is the postmaster. /private/specialuse is the special use of the mailbox, not a copy of it.
Whoever has enabled METADATA hears of changes while a mailbox is selected, from the book like everything else.

Beside another's mailbox everybody has his own private ones, and hears of the shared ones alone.

Standards: RFC 5464 §3, §4; RFC 5466 §3.2; RFC 6154 §4; RFC 9590 §3.
Faults:    NoSuchMailbox, NotAllowed, OwnersUse, UseTaken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.flow import access, guarded
from posthaus.flow.access import Access, OwnersUse, is_foreign
from posthaus.mail.rights import INSERT, KEEP_SEEN, LOOKUP, POST, READ, WRITE
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import Depth, GetMetadata, SetMetadata
from posthaus.serve.imap import stored
from posthaus.serve.imap.mailbox import USES
from posthaus.serve.imap.view import View
from posthaus.store import account as accounts
from posthaus.store import annotation, change
from posthaus.store import mailbox as mailboxes
from posthaus.store.annotation import NO_MAILBOX, PRIVATE, SHARED
from posthaus.store.change import Change, Kind
from posthaus.store.error import LimitReached, NoSuchMailbox, NotPermitted, UseTaken
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

Value = tuple[str, bytes | None]

_ANY = READ | KEEP_SEEN | WRITE | INSERT | POST  # RFC 5464 §3.3: and "l"
_ADMIN = SHARED + "/admin"
_SPECIAL_USE = PRIVATE + "/specialuse"


# -- GETMETADATA ---------------------------------------------------------------------------------------------------


async def getmetadata(session: "ImapSession", command: GetMetadata) -> None:
    name, values = await session.site.store.read(_get, session.account, command)
    largest, most = 0, command.max_size
    if most is not None:
        sizes = [len(value) for _, value in values if value is not None]
        largest = max([size for size in sizes if size > most], default=0)
        values = [(entry, value) for entry, value in values if value is None or len(value) <= most]
    if values:
        await session.send(render.metadata(name, values, utf8=session.engine.utf8))
    session.ok(command.tag, "GETMETADATA completed", code.long_entries(largest) if largest else None)


async def _get(tx: Tx, account: int, command: GetMetadata) -> tuple[str, list[Value]]:
    """The mailbox's name, and entries with their values, in the order in which they were asked for."""
    granted = (await access.find_at(tx, account, command.mailbox, LOOKUP))[0] if command.mailbox else None
    if granted is not None:
        granted.need_any(_ANY)
    mailbox, owner, member = (NO_MAILBOX, account, 0) if granted is None else _key(granted)
    made = _of_mailbox(granted) if granted is not None else await _of_server(tx, account)
    found: dict[str, Value] = {}
    for entry in command.entries:
        name = entry.lower()
        value = made.get(name) or await annotation.get(tx, owner, mailbox, name, member=member)
        if command.depth is Depth.ENTRY or value is not None:
            found[name] = entry, value
        if command.depth is not Depth.ENTRY:
            kept = dict(await annotation.below(tx, owner, mailbox, name, member=member))
            for one, value in sorted({**kept, **made}.items()):
                if _is_below(one, name, command.depth):
                    found.setdefault(one, (one, value))
    return (granted.name if granted is not None else ""), list(found.values())


def _key(granted: Access) -> tuple[int, int, int]:
    """Mailbox, owner, and who asks where he is not the owner."""
    return granted.box.id, granted.account, granted.member


def is_readable(granted: Access) -> bool:
    """RFC 5464 §3.3: who may look a mailbox up may not yet read its annotations, nor hear of them."""
    return bool(granted.rights & _ANY)


def _is_below(entry: str, above: str, depth: Depth) -> bool:
    rest = entry.removeprefix(above + "/")
    return rest != entry and (depth is Depth.ALL or "/" not in rest)


def _of_mailbox(granted: Access) -> dict[str, bytes]:
    """What is no annotation in the store but looks like one; the owner's use of his mailbox."""
    use = granted.box.special_use
    return {_SPECIAL_USE: use.encode("ascii")} if use and not granted.member else {}


async def _of_server(tx: Tx, account: int) -> dict[str, bytes]:
    if await annotation.get(tx, account, NO_MAILBOX, _ADMIN) is not None:
        return {}
    domain = (await accounts.get(tx, account)).key.rpartition("@")[2]
    return {_ADMIN: b"mailto:postmaster@" + domain.encode("ascii", "replace")}  # RFC 5464 §6.2.1: a URI


async def of_all(tx: Tx, account: int, boxes: Sequence[Access], entries: tuple[str, ...]) -> dict[str, list[Value]]:
    """The values of these mailboxes by name, for LIST (RFC 9590 §3)."""
    if not entries:
        return {}
    names = {entry: entry.lower() for entry in entries}
    values = await annotation.of_all(tx, account, set(names.values()))
    found: dict[str, list[Value]] = {}
    for one in boxes:
        if not one.member:
            made = _of_mailbox(one)
            found[one.name] = [(e, made.get(name) or values.get((one.box.id, name))) for e, name in names.items()]
        elif is_readable(one):
            mailbox, owner, member = _key(one)
            found[one.name] = [
                (e, await annotation.get(tx, owner, mailbox, name, member=member)) for e, name in names.items()
            ]
    return found


# -- SETMETADATA ---------------------------------------------------------------------------------------------------


async def setmetadata(session: "ImapSession", command: SetMetadata) -> None:
    """All of it, or nothing (RFC 5464 §4.3)."""
    refused = _refused(command)
    if refused is not None:
        session.no(command.tag, *refused)
        return
    try:
        modseqs = await session.site.store.write(_set, session.account, command.mailbox, command.values, session.now())
    except LimitReached:
        session.no(command.tag, "Too many annotations", code.METADATA_TOOMANY)
        return
    except NotPermitted as fault:
        if isinstance(fault, UseTaken) or _SPECIAL_USE not in command.values:
            raise
        session.no(command.tag, "Not a special use for that mailbox", code.USEATTR)
        return
    if session.view is not None and session.view.account in modseqs:
        session.view.own.add(modseqs[session.view.account])
    session.ok(command.tag, "SETMETADATA completed")


def _refused(command: SetMetadata) -> tuple[str, bytes] | None:
    """Words and code where one of the values will not do."""
    for entry, value in command.values.items():
        if not entry.startswith((PRIVATE + "/", SHARED + "/")):
            return "An entry begins with /private/ or /shared/", code.CANNOT
        if not command.mailbox and not entry.startswith(PRIVATE):
            return "Only the server's administrator can change that", code.NOPERM
        if value is not None and len(value) > limit.ANNOTATION_OCTETS:
            return "The value is too long", code.max_size(limit.ANNOTATION_OCTETS)
        if entry == _SPECIAL_USE and command.mailbox and _use(value) is None:
            return "Not a special use for a mailbox here", code.USEATTR  # RFC 6154 §4
        if value is not None and not command.mailbox and not stored.is_fit(entry, value):
            return "Not a search", code.CANNOT
    return None


def _use(value: bytes | None) -> str | None:
    """The special use, '' for none, None for what we do not have."""
    return USES.get(value.decode("ascii", "replace").lower()) if value else ""


async def _set(tx: Tx, account: int, name: str, values: Mapping[str, bytes | None], now: int) -> dict[int, int]:
    """The MODSEQs, by account."""
    if is_foreign(name):
        granted = await access.find(tx, account, name, LOOKUP)
        if granted.member:
            granted.need_any(_ANY)
            if _SPECIAL_USE in values:
                raise OwnersUse
            return await guarded.annotate(tx, granted, values, now)
    modseq = await accounts.advance(tx, account)
    mailbox = (await access.find(tx, account, name, 0)).box.id if name else NO_MAILBOX
    kept = dict(values)
    if mailbox != NO_MAILBOX and _SPECIAL_USE in kept:
        use = _use(kept.pop(_SPECIAL_USE)) or ""
        if use and mailboxes.canonical(name) == "INBOX":
            raise NotPermitted("INBOX is for what comes in")
        await mailboxes.give_use(tx, account, mailbox, use, modseq, now)
    await annotation.put(tx, account, mailbox, kept)
    await change.write_entries(tx, account, modseq, mailbox, list(values), now)
    return {account: modseq}


# -- what others did -----------------------------------------------------------------------------------------------


def note(session: "ImapSession", view: View, changes: Sequence[Change]) -> None:
    """Takes in what the book says of annotations; nothing is told yet. Whoever has said NOTIFY hears by that alone."""
    wanted = b"METADATA" in session.engine.enabled_names and session.notifier is None  # RFC 5464 §4.4.2
    for one in changes:
        if one.kind == Kind.ANNOTATION:
            if wanted and one.modseq not in view.own:
                session.annotated += for_reader(view.member, (one,))
            view.own.discard(one.modseq)


def for_reader(member: int, changes: Iterable[Change]) -> list[Change]:
    """What somebody else than the owner may hear of the owner's book: what is written for all beside a mailbox.
    member: 0 for the owner."""
    if not member:
        return list(changes)
    told = [(one, [entry for entry in one.entries if not annotation.is_private(entry)]) for one in changes]
    return [replace(one, uids="\n".join(entries)) for one, entries in told if entries and one.mailbox != NO_MAILBOX]


async def tell(session: "ImapSession") -> None:
    """Which entries are others now. Of a mailbox that is gone, nothing is told."""
    names = await session.site.store.read(_names, session.account, {one.mailbox for one in session.annotated})
    for line in changed_lines(session.annotated, names, utf8=session.engine.utf8):
        session.say(line)
    session.annotated = []


async def _names(tx: Tx, who: int, wanted: Iterable[int]) -> dict[int, str]:
    names = {}
    for mailbox in wanted:
        if mailbox != NO_MAILBOX:
            try:
                granted = await access.by_id(tx, who, mailbox, LOOKUP)
            except NoSuchMailbox:
                continue
            if is_readable(granted):
                names[mailbox] = granted.name
    return names


def changed_lines(changes: Iterable[Change], names: Mapping[int, str], *, utf8: bool) -> list[bytes]:
    """METADATA without values (RFC 5464 §4.4.2), one for each mailbox that has a name."""
    changed: dict[int, dict[str, None]] = {}
    for one in changes:
        changed.setdefault(one.mailbox, {}).update(dict.fromkeys(one.entries))
    names = {**names, NO_MAILBOX: ""}
    return [
        render.metadata_changed(names[mailbox], entries, utf8=utf8)
        for mailbox, entries in changed.items()
        if mailbox in names
    ]
