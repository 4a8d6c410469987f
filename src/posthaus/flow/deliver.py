"""The end of the way in: one transaction becomes one plan, and one write keeps all of it.

The plan is the content (octets, what was worked out of them, the lines in front), its placings in mailboxes of ours,
and the parcels in which it leaves. Their octets are kept once; what differs are the lines in front. It is kept whole or
not at all, and nobody is answered before the write has returned.

    placings   INBOX of each account. Too many at once, one whose quota is gone since RCPT, and all of a message that is
               to be held become errands of the destination "local" instead
    parcels    one for whom the client named itself, one for each alias that leads out: its name is in the lines in
               front, by which we know the message when it comes back
    own copy   in the author's mailbox for Sent, where the account wants it, with the Bcc fields that nobody else sees.
               Not where one of its last messages has the same Message-ID: then the client has put it there itself
    notice     that it was delivered, to one of our own people who asked for it

Standards: RFC 5321 §3.9, §4.4, §6.1 and §6.3, RFC 3461 §5.2.7, RFC 3848, RFC 2852 §4, RFC 4865 §5, RFC 8689 §5.
Faults:    NoSuchMailbox, NoSuchAccount, SendingLimit, SendingHeld (Refusal), those of flow/ingest.py and of the store.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from posthaus.base import limit
from posthaus.flow import bounce, forward, ingest, report, srs
from posthaus.flow.bounce import Mailing, Notice
from posthaus.flow.route import Here
from posthaus.flow.sign import signatures
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.compose import crlf
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.flag import SEEN
from posthaus.mail.header import Header, head_end, read_header
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store import message, queue, record, sending
from posthaus.store.message import Content, Placing
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.record import Entry
from posthaus.store.smarthost import destination
from posthaus.store.tx import Tx

_THREAD_OCTETS = 256 * 1024  # more is looked through in a thread


@dataclass(frozen=True, slots=True)
class Heir:
    """A recipient among us: where the message goes, and how he was named."""

    placing: Placing
    recipient: Recipient
    has_quota: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """When a parcel is first tried, when it is given up, and when its sender is told of the delay (0: never)."""

    due: int
    expires: int
    warn_at: int


@dataclass(frozen=True, slots=True)
class Way:
    """One parcel: the lines in front of it, and its recipients."""

    prefix: bytes
    recipients: tuple[Recipient, ...]
    reverse_path: Address | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one transaction does to the store. Octets are those of `content`, for everybody."""

    content: Content
    envelope: Envelope
    tid: str
    timing: Timing
    received: bytes  # our Received field: the lines in front of what waits for accounts of ours
    account: int = 0  # who submits it; 0: nobody of ours
    heirs: tuple[Heir, ...] = ()
    ways: tuple[Way, ...] = ()
    blind: bytes = b""  # the lines in front of the author's own copy
    origin: Mapping[str, str | int] = field(default_factory=dict)  # for the record
    heard: report.Heard | None = None  # what it says of a message that we sent


_NO_WAYS: tuple[Way, ...] = ()


async def deliver(site: Site, here: Here, transaction: Transaction, spool: Spool) -> Reply | None:
    """Keep the message for all recipients of the transaction; None when it is kept, else why not."""
    async with ingest.turn(site, spool.size):
        octets = await ingest.carried(await spool.octets(), binary=transaction.envelope.body == "BINARYMIME")
        head = bytes(octets[: limit.HEADER_OCTETS])
        if trace.count_received(head) > limit.SMTP_RECEIVED_FIELDS:
            return reply.LOOP
        envelope, ways = transaction.envelope, _NO_WAYS
        if envelope.body == "BINARYMIME":
            envelope = replace(envelope, body="8BITMIME")  # it was: see ingest.carried
        if transaction.outward:
            header = read_header(head[: head_end(head)])
            if _comes_back(header, transaction):
                return reply.LOOP
            envelope = replace(envelope, tls_optional=not envelope.requiretls and _needs_no_tls(header))
            octets = await _with_line_ends(octets)
            ways = await _ways(site, transaction, octets)
        prepared = await ingest.prepare(octets)
        if prepared.head_octets > limit.HEADER_OCTETS:
            return reply.HEADER_TOO_LARGE  # readers have headers whole, and nobody writes such a one in good faith
        content = await ingest.content(site, octets, prepared, render_prefix(site.hostname, transaction))
        now = int(site.clock.now())
        plan = Plan(
            content,
            envelope,
            transaction.tid,
            timing(site, transaction, now),
            render_received(site.hostname, transaction),
            transaction.account_id,
            heirs(transaction),
            ways,
            transaction.blind,
            _origin(transaction),
            report.hear(octets, prepared, transaction.envelope),
        )
        notice = await _notice(site, plan, octets, now)
        await site.store.write(keep, plan, notice, here, now)
        return None


async def keep(tx: Tx, plan: Plan, notice: Notice | None, here: Here, now: int) -> None:
    """The one write."""
    outward = [recipient for way in plan.ways for recipient in way.recipients]
    sent = 0
    if plan.account:
        if outward:
            await sending.count(tx, plan.account, [recipient.address.key for recipient in outward], now)
        sent = await _sent_mailbox(tx, plan, now)
    waiting = await _who_waits(tx, plan, now)
    if waiting and notice is not None:
        # Some are served later than was thought: so are all, and the runner tells of each.
        waiting, notice = {heir.placing.account for heir in plan.heirs}, None
    at_once = [heir.placing for heir in plan.heirs if heir.placing.account not in waiting]
    content = plan.content
    if bool(at_once) + bool(waiting) + len(plan.ways) + bool(sent) > 1:
        content = replace(content, blob=await message.keep_octets(tx, content, now))
    queued: list[NewErrand] = []
    if at_once:
        await message.deliver(tx, content, at_once, now)
    if sent:
        own = replace(content, prefix=plan.blind)
        await message.deliver(tx, own, [Placing(plan.account, sent, SEEN)], now)
    if waiting:
        due = max(plan.timing.due, now)
        late = [
            NewErrand(heir.recipient, queue.LOCAL, due, account)
            for heir in plan.heirs
            if (account := heir.placing.account) in waiting
        ]
        # flow/late.py puts Return-Path and Delivered-To in front when it is kept at last
        await queue.enqueue(tx, _parcel(plan, replace(content, prefix=plan.received)), late, now)
        queued += late
    for way in plan.ways:
        parcel = _parcel(plan, replace(content, prefix=way.prefix))
        parcel = replace(parcel, envelope=replace(plan.envelope, reverse_path=way.reverse_path))
        is_tls_optional = plan.envelope.tls_optional  # RFC 8689 §3
        errands = [
            NewErrand(
                one,
                await destination(tx, one.address, way.reverse_path, is_tls_optional=is_tls_optional),
                plan.timing.due,
            )
            for one in way.recipients
        ]
        await queue.enqueue(tx, parcel, errands, now)
        queued += errands
    if queued:
        await record.write(tx, _entries(plan, queued, now))
    if notice is not None:
        await bounce.tell(tx, notice, here, now)
    if plan.heard is not None:
        await report.note(tx, plan.heard, now)


async def _who_waits(tx: Tx, plan: Plan, now: int) -> set[int]:
    """Accounts that are not served in this commit."""
    if not _is_at_once(plan, now):
        return {heir.placing.account for heir in plan.heirs}
    return await accounts.over_quota(tx, [heir.placing.account for heir in plan.heirs if heir.has_quota])


def _is_at_once(plan: Plan, now: int) -> bool:
    return plan.timing.due <= now and len(plan.heirs) <= limit.LOCAL_AT_ONCE


async def _sent_mailbox(tx: Tx, plan: Plan, now: int) -> int:
    """Where the author's own copy goes; 0 for nowhere."""
    if not (await sending.get(tx, plan.account)).sent_copy:
        return 0
    found = await mailboxes.for_use(tx, plan.account, "\\Sent", "Sent", now)
    message_id = plan.content.prepared.message_id
    return 0 if await message.is_among_last(tx, found, message_id, limit.SENT_LOOKED_BACK) else found


def _entries(plan: Plan, queued: Sequence[NewErrand], now: int) -> list[Entry]:
    """Mail that stays in the house has none."""
    path, prepared = plan.envelope.reverse_path, plan.content.prepared
    words: dict[str, str | int] = {**plan.origin, "size": prepared.size_octets, "subject": prepared.subject}
    sender = "" if path is None else path.key
    entries = [Entry(plan.tid, now, record.Kind.SUBMITTED, sender, words, prepared.message_id)]
    for errand in queued:
        whom = errand.recipient.address.key
        entries.append(Entry(plan.tid, now, record.Kind.QUEUED, whom, {"to": errand.destination}))
    return entries


def _parcel(plan: Plan, content: Content) -> NewParcel:
    return NewParcel(content, plan.envelope, plan.tid, plan.account, plan.timing.expires, plan.timing.warn_at)


# -- the plan ------------------------------------------------------------------------------------------------------


def heirs(transaction: Transaction) -> tuple[Heir, ...]:
    """Each account once, however many of the recipients led there."""
    return tuple(
        Heir(Placing(account, local.inbox, 0), transaction.asked[account], local.room_octets is not None)
        for account, local in transaction.locals.items()
    )


def timing(site: Site, transaction: Transaction, now: int) -> Timing:
    envelope, send = transaction.envelope, site.send
    due = max(envelope.hold_until or 0, now)
    expires = due + int(send.give_up)
    warn_at = due + int(send.warn) if send.warn else 0
    by = envelope.deliver_by
    if by is not None:
        deadline = max(int(transaction.at) + by.seconds, now)
        if by.mode == "R":
            expires = min(expires, deadline)
        else:
            warn_at = min(warn_at or deadline, deadline)
    return Timing(due, expires, warn_at)


async def _notice(site: Site, plan: Plan, octets: bytes | memoryview, now: int) -> Notice | None:
    """RFC 3461 §4.1: NOTIFY=SUCCESS, from one of our own people. A stranger's forged address is not told."""
    if not plan.account or not plan.heirs or not _is_at_once(plan, now):
        return None
    asked = {heir.recipient.address: heir.recipient for heir in plan.heirs}
    counts = Counter(heir.recipient.address for heir in plan.heirs)
    told = [(recipient, counts[address] > 1) for address, recipient in asked.items()]
    fates = bounce.received(plan.envelope, told, at=now)
    if not fates:
        return None
    end = plan.content.prepared.head_octets
    head = plan.content.prefix + bytes(octets[:end])
    return await bounce.prepare(site, Mailing(plan.envelope, plan.tid, plan.account, now, head, None), fates)


def _origin(transaction: Transaction) -> dict[str, str | int]:
    client = transaction.client
    return {
        "account": transaction.account_id,
        "by": transaction.protocol,
        "peer": client.peer.address,
        "name": client.name,
        "tls": _tls(client),
    }


async def _ways(site: Site, transaction: Transaction, octets: bytes | memoryview) -> tuple[Way, ...]:
    """One for the recipients that the client named itself, one for each alias that leads out."""
    signed = b""
    if transaction.author is not None:
        signed = await signatures(site, transaction.author.domain, octets)
    by_alias: dict[Address | None, list[Recipient]] = {}
    for outward in transaction.outward.values():
        by_alias.setdefault(outward.via, []).append(outward.recipient)
    seals = await forward.seals(site, transaction, octets, {via.domain for via in by_alias if via is not None})
    received = render_received(site.hostname, transaction)
    ways = []
    for via, recipients in by_alias.items():
        before, path = signed, transaction.envelope.reverse_path
        if via is not None:
            before += seals[via.domain] + trace.render_delivered_to(via)
            path = await srs.rewritten(site, path, via.domain)
        ways.append(Way(before + received, tuple(recipients), path))
    return tuple(ways)


def _comes_back(header: Header, transaction: Transaction) -> bool:
    """An alias has led it out before (RFC 5321 §6.3)."""
    been = {value.strip().lower() for value in header.values(b"delivered-to")}
    ways_out = {str(one.via).lower().encode() for one in transaction.outward.values() if one.via is not None}
    return not been.isdisjoint(ways_out)


def _needs_no_tls(header: Header) -> bool:
    """RFC 8689 §5: the header says "TLS-Required: No"."""
    return any(value.strip().lower() == b"no" for value in header.values(b"tls-required"))


async def _with_line_ends(octets: bytes | memoryview) -> bytes | memoryview:
    """What leaves the house has no bare CR and no bare LF: BDAT lets them in, and nobody's DATA may find them."""
    if len(octets) <= _THREAD_OCTETS:
        return crlf(bytes(octets))
    return await asyncio.to_thread(lambda: crlf(bytes(octets)))


# -- the lines in front --------------------------------------------------------------------------------------------


def render_prefix(hostname: str, transaction: Transaction) -> bytes:
    """Return-Path, Delivered-To and Received; the two that name a recipient only where there is just one."""
    only = _only(transaction)
    delivered_to = trace.render_delivered_to(only) if only is not None else b""
    path = transaction.envelope.reverse_path
    return trace.render_return_path(path) + delivered_to + render_received(hostname, transaction)


def render_received(hostname: str, transaction: Transaction) -> bytes:
    """From where our own people write is nobody else's business: it is in the log, not in the mail."""
    client = transaction.client
    hop = trace.Hop(
        helo=client.name,
        address=client.peer.address,
        reverse=client.reverse,
        by=hostname,
        protocol=transaction.protocol,
        tid=transaction.tid,
        at=transaction.at,
        tls=_tls(client),
        is_hidden=client.identity is not None,
        priority=transaction.envelope.priority,
        recipient=_only(transaction),
    )
    return trace.render_received(hop)


def _tls(client: Client) -> str:
    return f"{client.tls.version} {client.tls.cipher}" if client.tls is not None else ""


def _only(transaction: Transaction) -> Address | None:
    return transaction.recipients[0].address if len(transaction.recipients) == 1 else None
