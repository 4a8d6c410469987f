"""APPEND: messages come in, are prepared, and are kept; several that are pipelined share one commit.

What can be refused is refused before the octets come. A message is being written while the engine reads on, as long as
what it reads is the next APPEND; the answers go out in order, each after its commit, before anything else is done.
Several messages of one APPEND are kept in one transaction, all or none.

Standards: RFC 9051 §6.3.12, §7.1 (APPENDUID, TRYCREATE, OVERQUOTA); RFC 3502 §6.3.11; RFC 3516 §4.3; RFC 7888 §4;
           RFC 7889 §4.
Faults:    NoSuchMailbox (TRYCREATE), OverQuota, LimitReached, StoreFull, SpoolFull.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posthaus.base import limit
from posthaus.base.error import Refusal, Trouble
from posthaus.flow import ingest
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool
from posthaus.mail.flag import parse_flags
from posthaus.proto.imap import code
from posthaus.proto.imap.command import Append, NewMessage
from posthaus.proto.imap.event import Accept, LiteralChunk, LiteralDropped, LiteralHeader, Refuse
from posthaus.serve.imap.error import answer_of
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store import message
from posthaus.store.error import NoSuchMailbox, OverQuota
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

    mailbox: int
    octets: int = 0  # announced, all together
    in_memory: int = 0  # of them, in the command
    spool: Spool | None = None
    trouble: Trouble | None = None  # the spool's; told when all octets have come

    def close(self) -> None:
        if self.spool is not None:
            self.spool.close()


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A command whose messages are being written."""

    tag: bytes
    octets: int
    task: "asyncio.Task[list[Placed]]"


# -- before the octets ---------------------------------------------------------------------------------------------


async def _may_come(tx: Tx, account: int, name: str, size: int) -> int:
    """The mailbox's id, if such a message may go there as far as can be told now."""
    box = await mailboxes.find(tx, account, name)
    owner = await accounts.get(tx, account)
    if 0 < owner.quota_octets < owner.used_octets + size:
        raise OverQuota
    return box.id


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
    total = size if incoming is None else incoming.octets + size
    if size > session.site.message_octets or (incoming is not None and total > limit.IMAP_APPEND_OCTETS):
        _refuse(session, "The message is too large", code.TOOBIG)
        return
    try:
        mailbox = await session.site.store.read(_may_come, session.account, event.append.mailbox, total)
    except (Refusal, Trouble) as e:
        _refuse(session, *_answer_of(e))
        return
    if incoming is None:
        session.append = incoming = Incoming(mailbox)
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
    incoming, session.append = session.append, None
    assert incoming is not None
    new = command.messages[0]
    small = new.parts[0].octets
    if small is not None and len(command.messages) == 1:
        if len(small) + sum([one.octets for one in session.under_way]) > _UNDER_WAY_OCTETS:
            await settle(session)
        _begin(session, command.tag, len(small), _keep(session.site, session.account, new, incoming.mailbox, small))
        if len(session.under_way) >= _UNDER_WAY:
            await settle(session)
        return
    # A large one goes alone: its work is done in threads and outside, and UIDs shall rise in the order of commands.
    await settle(session)
    try:
        if incoming.trouble is not None:
            raise incoming.trouble
        spooled = b"" if incoming.spool is None else await incoming.spool.octets()
        if len(command.messages) == 1:
            work = _keep(session.site, session.account, new, incoming.mailbox, spooled)
        else:
            work = _keep_all(session.site, session.account, command, incoming, spooled)
        _begin(session, command.tag, incoming.octets, work)
        await settle(session)
    except Trouble as e:
        session.no(command.tag, *_answer_of(e))
    finally:
        incoming.close()


def _begin(session: "ImapSession", tag: bytes, size: int, work: Coroutine[Any, Any, list[Placed]]) -> None:
    session.under_way.append(UnderWay(tag, size, asyncio.get_running_loop().create_task(work)))


async def _keep(site: Site, account: int, new: NewMessage, mailbox: int, octets: bytes | memoryview) -> list[Placed]:
    async with ingest.turn(site, len(octets)):
        now = int(site.clock.now())
        draft = await _draft(site, account, new, mailbox, octets, now)
        return [await site.store.write(message.append, draft.content, draft.placing, draft.received, now)]


async def _keep_all(
    site: Site, account: int, command: Append, incoming: Incoming, spooled: bytes | memoryview
) -> list[Placed]:
    async with ingest.turn(site, incoming.octets):
        now = int(site.clock.now())
        drafts, at = [], 0
        for new in command.messages:
            part = new.parts[0]
            octets = part.octets
            if octets is None:
                octets, at = bytes(spooled[at : at + part.size]), at + part.size
            drafts.append(await _draft(site, account, new, incoming.mailbox, octets, now))
        return await site.store.write(message.append_all, drafts, now)


async def _draft(
    site: Site, account: int, new: NewMessage, mailbox: int, octets: bytes | memoryview, now: int
) -> Draft:
    octets = await ingest.carried(octets, binary=False)
    prepared = await ingest.prepare(octets)
    content = await ingest.content(site, octets, prepared, b"")
    bits, keywords = parse_flags(new.flags)
    return Draft(content, Placing(account, mailbox, bits, keywords), now if new.at is None else new.at)


async def settle(session: "ImapSession") -> None:
    """Waits for what is being written, and answers each in the order it came."""
    waiting = session.under_way
    while waiting:
        one = waiting.pop(0)
        try:
            placed = await one.task
        except (Refusal, Trouble) as e:
            text, what = _answer_of(e)
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


def _answer_of(error: Refusal | Trouble) -> tuple[str, bytes | None]:
    if isinstance(error, NoSuchMailbox):
        return "No such mailbox", code.TRYCREATE  # RFC 9051 §6.3.12
    return answer_of(error)
