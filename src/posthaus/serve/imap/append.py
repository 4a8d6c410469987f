"""APPEND and REPLACE: messages come in, are prepared, and are kept; several that are pipelined share one commit.

What can be refused is refused before the octets come. A message is being written while the engine reads on, as long as
what it reads is the next APPEND; the answers go out in order, each after its commit, before anything else is done.
Several messages of one APPEND are kept in one transaction, all or none.

Standards: RFC 9051 §6.3.12, §7.1 (APPENDUID, TRYCREATE, OVERQUOTA); RFC 3502 §6.3.11; RFC 3516 §4.3; RFC 7888 §4;
           RFC 7889 §4; RFC 4469 §3; RFC 8508 §3.4.
Faults:    NoSuchMailbox (TRYCREATE), OverQuota, LimitReached, BadUrl, MessageTooLarge, StoreFull, SpoolFull.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posthaus.base import limit
from posthaus.base.error import Refusal, Trouble
from posthaus.base.value import value
from posthaus.flow import access, guarded, ingest
from posthaus.flow.access import Access
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool
from posthaus.mail.flag import parse_flags
from posthaus.mail.rights import INSERT
from posthaus.proto.imap import code
from posthaus.proto.imap.command import Append, NewMessage, Replace, Url
from posthaus.proto.imap.event import Accept, LiteralChunk, LiteralDropped, LiteralHeader, Refuse
from posthaus.proto.imap.token import Literal
from posthaus.serve.imap import catenate, messagelimit
from posthaus.serve.imap.error import answer_of
from posthaus.store import account as accounts
from posthaus.store.error import NoSuchMailbox, NoSuchMessage, OverQuota
from posthaus.store.message import Draft, Placed, Placing
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_UNDER_WAY = 50  # messages that wait for one commit
_UNDER_WAY_OCTETS = 1024 * 1024

EVENTS = (Append, LiteralHeader, LiteralChunk, LiteralDropped)  # what may be handled while others are being written


@dataclass(slots=True)
class Incoming:
    """The messages of one command that are coming in: small ones in the command, the others in one spool."""

    target: Access
    octets: int = 0  # announced, all together
    in_memory: int = 0  # of them, in the command
    spool: Spool | None = None
    trouble: Trouble | None = None  # the spool's; told when all octets have come

    def close(self) -> None:
        if self.spool is not None:
            self.spool.close()


@value
class UnderWay:
    """A command whose messages are being written."""

    tag: bytes
    octets: int
    task: "asyncio.Task[list[Placed]]"


# -- before the octets ---------------------------------------------------------------------------------------------


async def _may_come(tx: Tx, who: int, name: str, size: int, messages: int = 0) -> Access:
    """The mailbox, if such messages may go there as far as can be told now."""
    target = await access.find(tx, who, name, INSERT)
    owner = await accounts.get(tx, target.account)
    if 0 < owner.quota_octets < owner.used_octets + size:
        raise OverQuota
    if 0 < owner.quota_messages < owner.placed_messages + messages:
        raise OverQuota
    return target


async def literal(session: "ImapSession", event: LiteralHeader) -> None:
    if not event.non_sync:
        await settle(session)  # this client waits, so "+ OK" comes after all that is due
    size = event.size
    if event.is_first:
        session.append = None
    incoming = session.append
    if not size:  # so a client gives up (RFC 3502 §6.3.11)
        _refuse(session, "No message is empty; nothing is appended", None)
        return
    if (what := messagelimit.too_many_to_save(session, len(event.append.messages))) is not None:
        _refuse(session, "Too many messages at once", what)
        return
    total = size if incoming is None else incoming.octets + size
    if size > session.site.message_octets or (incoming is not None and total > limit.IMAP_APPEND_OCTETS):
        _refuse(session, "The message is too large", code.TOOBIG)
        return
    try:
        if isinstance(event.append, Replace):
            _replaced(session, event.append)
            weight = messages = 0  # what the old message has is free then; the write knows
        else:
            weight, messages = total, len(event.append.messages)
        name = event.append.mailbox
        target = await session.site.store.read(_may_come, session.account, name, weight, messages)
    except (Refusal, Trouble) as e:
        _refuse(session, *answer_to(e))
        return
    if incoming is None:
        session.append = incoming = Incoming(target)
    incoming.octets = total
    if incoming.in_memory + size <= limit.INLINE_OCTETS:
        incoming.in_memory += size
        session.engine.literal(Accept.MEMORY)
    else:
        if incoming.spool is None:
            incoming.spool = Spool(session.site.spool_folder)
        session.engine.literal(Accept.SPOOL)


def _refuse(session: "ImapSession", text: str, what: bytes | None) -> None:
    """The command is over, with all its messages."""
    _drop(session)
    session.engine.literal(Refuse(text, what))


async def chunk(session: "ImapSession", event: LiteralChunk) -> None:
    incoming = session.append
    assert incoming is not None and incoming.spool is not None
    if incoming.trouble is not None:
        return
    if incoming.spool.add(event.octets):
        try:
            await incoming.spool.flush()
        except Trouble as e:
            incoming.trouble = e
            incoming.close()


async def dropped(session: "ImapSession", event: LiteralDropped) -> None:
    _drop(session)


def _drop(session: "ImapSession") -> None:
    if session.append is not None:
        session.append.close()
        session.append = None


# -- after the octets ----------------------------------------------------------------------------------------------


async def append(session: "ImapSession", command: Append) -> None:
    new = command.messages[0]
    part = new.parts[0]
    if isinstance(part, Literal) and part.octets is not None and len(new.parts) == len(command.messages) == 1:
        incoming, session.append = session.append, None
        assert incoming is not None
        small = part.octets
        if len(small) + sum([one.octets for one in session.under_way]) > _UNDER_WAY_OCTETS:
            await settle(session)
        _begin(session, command.tag, len(small), _keep(session.site, new, incoming.target, small))
        if len(session.under_way) >= _UNDER_WAY:
            await settle(session)
        return
    if (what := messagelimit.too_many_to_save(session, len(command.messages))) is not None:
        await settle(session)
        _drop(session)
        session.no(command.tag, "Too many messages at once", what)
        return
    # A large one goes alone: its work is done in threads and outside, and UIDs shall rise in the order of commands.
    await settle(session)
    incoming = await _all_come(session, command)
    if incoming is None:
        return
    try:
        if incoming.trouble is not None:
            raise incoming.trouble
        _begin(session, command.tag, incoming.octets, _keep_all(session, command, incoming))
        await settle(session)
    except (Refusal, Trouble) as e:
        session.no(command.tag, *answer_to(e))
    finally:
        incoming.close()


async def replace(session: "ImapSession", command: Replace) -> None:
    """The new message comes and the old one goes, or neither (RFC 8508 §3.4)."""
    incoming = await _all_come(session, command)
    if incoming is None:
        return
    view = session.selected
    try:
        if incoming.trouble is not None:
            raise incoming.trouble
        uid = _replaced(session, command)
        async with ingest.turn(session.site, _weight(session, command, incoming)):
            (draft,) = await _drafts(session, command, incoming)
            placed = await session.site.store.write(
                guarded.replace, incoming.target, draft, view.member, view.account, view.mailbox, uid, session.now()
            )
    except (Refusal, Trouble) as e:
        session.no(command.tag, *answer_to(e))
        return
    finally:
        incoming.close()
    # before the EXPUNGE, so that the client knows the one while it still knows the other
    session.say(b"* OK [%b] The new message is there\r\n" % code.append_uid(placed.uidvalidity, (placed.uid,)))
    await session.tell_news(may_expunge=True, asked=True)
    session.ok(command.tag, "REPLACE completed", session.highest_modseq())


def _replaced(session: "ImapSession", command: Replace) -> int:
    """The UID of the message that is to go."""
    view = session.selected
    if view.read_only:
        raise ReadOnly
    try:
        found = [low for _, low, _ in view.uids.pieces(session.uids_of(command.numbers, uid=command.uid))]
    except Refusal:
        found = []
    if not found:
        raise NoSuchMessage
    return found[0]


async def _all_come(session: "ImapSession", command: Append | Replace) -> Incoming | None:
    """What has come of the command; where it is all URLs, nothing was announced. None: it was answered."""
    if any(isinstance(part, Literal) for new in command.messages for part in new.parts):
        incoming, session.append = session.append, None
        assert incoming is not None
        return incoming
    _drop(session)
    try:
        return Incoming(await session.site.store.read(_may_come, session.account, command.mailbox, 0))
    except (Refusal, Trouble) as e:
        session.no(command.tag, *answer_to(e))
        return None


def _begin(session: "ImapSession", tag: bytes, size: int, work: Coroutine[Any, Any, list[Placed]]) -> None:
    session.under_way.append(UnderWay(tag, size, asyncio.get_running_loop().create_task(work)))


async def _keep(site: Site, new: NewMessage, target: Access, octets: bytes | memoryview) -> list[Placed]:
    async with ingest.turn(site, len(octets)):
        now = int(site.clock.now())
        draft = await _draft(site, new, target, octets, now)
        return await site.store.write(guarded.append, target, [draft], now)


async def _keep_all(session: "ImapSession", command: Append, incoming: Incoming) -> list[Placed]:
    async with ingest.turn(session.site, _weight(session, command, incoming)):
        drafts = await _drafts(session, command, incoming)
        return await session.site.store.write(guarded.append, incoming.target, drafts, session.now())


def _weight(session: "ImapSession", command: Append | Replace, incoming: Incoming) -> int:
    """Octets that are in memory at a time; how long parts of other messages are is not known yet."""
    of_others = any(isinstance(part, Url) for new in command.messages for part in new.parts)
    return session.site.message_octets if of_others else incoming.octets


async def _drafts(session: "ImapSession", command: Append | Replace, incoming: Incoming) -> list[Draft]:
    site, now = session.site, session.now()
    spooled = b"" if incoming.spool is None else await incoming.spool.octets()
    drafts: list[Draft] = []
    at = total = 0
    for new in command.messages:
        parts: list[bytes | memoryview] = []
        size = 0
        for part in new.parts:
            if isinstance(part, Url):
                parts.append(await catenate.octets_of(session, part.octets))
            elif part.octets is not None:
                parts.append(part.octets)
            else:
                parts.append(spooled[at : at + part.size])
                at += part.size
            size += len(parts[-1])
            if size > site.message_octets or (drafts and total + size > limit.IMAP_APPEND_OCTETS):
                raise MessageTooLarge
        total += size
        octets = parts[0] if len(parts) == 1 else b"".join(parts)
        drafts.append(await _draft(site, new, incoming.target, octets, now))
    return drafts


async def _draft(site: Site, new: NewMessage, target: Access, octets: bytes | memoryview, now: int) -> Draft:
    octets = await ingest.carried(octets, binary=False)
    prepared = await ingest.prepare(octets)
    content = await ingest.content(site, octets, prepared, b"")
    bits, keywords = parse_flags(new.flags)
    placing = Placing(target.account, target.box.id, bits, keywords)
    return Draft(content, placing, now if new.at is None else new.at)


async def settle(session: "ImapSession") -> None:
    """Waits for what is being written, and answers each in the order it came."""
    waiting = session.under_way
    while waiting:
        one = waiting.pop(0)
        try:
            placed = await one.task
        except (Refusal, Trouble) as e:
            text, what = answer_to(e)
            session.engine.no(one.tag, text, what)
            continue
        # RFC 9051 §6.3.12: where the mailbox is selected, the client is told of the message before the OK
        await session.tell_if_rung()
        uids = [p.uid for p in placed]
        session.engine.ok(one.tag, "APPEND completed", code.append_uid(placed[0].uidvalidity, uids))


def forget(session: "ImapSession") -> None:
    """The session is over: what is being written is written, and nobody hears of it."""
    for one in session.under_way:
        one.task.add_done_callback(lambda task: task.cancelled() or task.exception())
    session.under_way.clear()


class MessageTooLarge(Refusal):
    """A message made of parts, or several together."""


class ReadOnly(Refusal):
    """The mailbox was opened by EXAMINE."""


def answer_to(error: Refusal | Trouble) -> tuple[str, bytes | None]:
    if isinstance(error, NoSuchMailbox):
        return "No such mailbox", code.TRYCREATE  # RFC 9051 §6.3.12
    if isinstance(error, catenate.BadUrl):
        return "A part is not there", code.bad_url(error.url)
    if isinstance(error, MessageTooLarge):
        return "The message is too large", code.TOOBIG
    if isinstance(error, ReadOnly):
        return "The mailbox is open for reading only", code.READ_ONLY
    return answer_of(error)
