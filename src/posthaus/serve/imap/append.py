"""APPEND: the message comes in, is prepared, and is kept; several that are pipelined share one commit.

What can be refused is refused before the octets come. A message is being written while the engine reads on, as long as
what it reads is the next APPEND; the answers go out in order, each after its commit, before anything else is done.

Standards: RFC 9051 §6.3.12, §7.1 (APPENDUID, TRYCREATE, OVERQUOTA); RFC 3516 §4.3; RFC 7888 §4; RFC 7889 §4.
Faults:    NoSuchMailbox (TRYCREATE), OverQuota, LimitReached, StoreFull, SpoolFull.
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.base.error import Refusal, Trouble
from posthaus.flow import ingest
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool
from posthaus.mail.flag import parse_flags
from posthaus.proto.imap import code
from posthaus.proto.imap.command import Append
from posthaus.proto.imap.event import Accept, LiteralChunk, LiteralDropped, LiteralHeader, Refuse
from posthaus.serve.imap.error import answer_of
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store import message
from posthaus.store.error import NoSuchMailbox, OverQuota
from posthaus.store.message import Placed, Placing
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_UNDER_WAY = 50  # messages that wait for one commit
_UNDER_WAY_OCTETS = 1024 * 1024

EVENTS = (Append, LiteralHeader, LiteralChunk, LiteralDropped)  # what may be handled while others are being written


@dataclass(slots=True)
class Incoming:
    """The message that is coming in."""

    mailbox: int
    spool: Spool | None = None  # None: small, it is in the command
    trouble: Trouble | None = None  # the spool's; told when all octets have come

    def close(self) -> None:
        if self.spool is not None:
            self.spool.close()


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A message that is being written."""

    tag: bytes
    octets: int
    task: "asyncio.Task[Placed]"


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
    if size > session.site.message_octets:
        session.engine.literal(Refuse("The message is too large", code.TOOBIG))
        return
    try:
        mailbox = await session.site.store.read(_may_come, session.account, event.append.mailbox, size)
    except (Refusal, Trouble) as e:
        session.engine.literal(Refuse(*_answer_of(e)))
        return
    if size <= limit.INLINE_OCTETS:
        session.append = Incoming(mailbox)
        session.engine.literal(Accept.MEMORY)
    else:
        session.append = Incoming(mailbox, Spool(session.site.spool_folder))
        session.engine.literal(Accept.SPOOL)


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
    if session.append is not None:
        session.append.close()
        session.append = None


# -- after the octets ----------------------------------------------------------------------------------------------


async def append(session: "ImapSession", command: Append) -> None:
    incoming, session.append = session.append, None
    assert incoming is not None
    small = command.message.octets
    if small is not None:
        if command.message.size + sum([one.octets for one in session.under_way]) > _UNDER_WAY_OCTETS:
            await settle(session)
        _begin(session, command, incoming, small)
        if len(session.under_way) >= _UNDER_WAY:
            await settle(session)
        return
    # A large one goes alone: its work is done in threads and outside, and UIDs shall rise in the order of commands.
    await settle(session)
    try:
        if incoming.trouble is not None:
            raise incoming.trouble
        assert incoming.spool is not None
        _begin(session, command, incoming, await incoming.spool.octets())
        await settle(session)
    except Trouble as e:
        session.no(command.tag, *_answer_of(e))
    finally:
        incoming.close()


def _begin(session: "ImapSession", command: Append, incoming: Incoming, octets: bytes | memoryview) -> None:
    work = _keep(session.site, session.account, command, incoming.mailbox, octets)
    task = asyncio.get_running_loop().create_task(work)
    session.under_way.append(UnderWay(command.tag, command.message.size, task))


async def _keep(site: Site, account: int, command: Append, mailbox: int, octets: bytes | memoryview) -> Placed:
    async with ingest.turn(site, len(octets)):
        octets = await ingest.carried(octets, binary=False)
        prepared = await ingest.prepare(octets)
        content = await ingest.content(site, octets, prepared, b"")
        bits, keywords = parse_flags(command.flags)
        now = int(site.clock.now())
        received = now if command.at is None else command.at
        return await site.store.write(message.append, content, Placing(account, mailbox, bits, keywords), received, now)


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
        session.engine.ok(one.tag, "APPEND completed", code.append_uid(placed.uidvalidity, (placed.uid,)))


def forget(session: "ImapSession") -> None:
    """The session is over: what is being written is written, and nobody hears of it."""
    for one in session.under_way:
        one.task.add_done_callback(lambda task: task.cancelled() or task.exception())
    session.under_way.clear()


def _answer_of(error: Refusal | Trouble) -> tuple[str, bytes | None]:
    if isinstance(error, NoSuchMailbox):
        return "No such mailbox", code.TRYCREATE  # RFC 9051 §6.3.12
    return answer_of(error)
