"""The one write that a transaction makes: placings, parcels, the author's own copy, what is recorded and told.

A Plan is made by flow/deliver.py before the write, with all that takes time. It is kept whole or not at all. The octets
are kept once; what differs are the lines in front.

    placings   INBOX of each account. Too many at once, one whose quota is gone since RCPT, and all of a message that is
               to be held become errands of the destination "local" instead
    parcels    one for whom the client named itself, one for each alias that leads out
    own copy   in the author's mailbox for Sent, where the account wants it, with the Bcc fields that nobody else sees.
               Not where one of its last messages has the same Message-ID: then the client has put it there itself
    notice     that it was delivered, to one of our own people who asked for it

Standards: RFC 5321 §6.1, RFC 3461 §4.1, RFC 4865 §5, RFC 8689 §3.
Faults:    NoSuchMailbox, NoSuchAccount, SendingLimit, SendingHeld (Refusal); StoreFull.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.flow import bounce, report
from posthaus.flow.bounce import Notice
from posthaus.flow.handover import Handed, Passing
from posthaus.flow.pace import Times
from posthaus.flow.route import Here
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.flag import SEEN
from posthaus.mail.prepared import Prepared
from posthaus.mail.tlsrpt import Report as TlsReport
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store import message, network, queue, record, sending, tlsreport
from posthaus.store.blob import Octets
from posthaus.store.load import born, may_board
from posthaus.store.message import Content, Placing
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.record import Entry
from posthaus.store.smarthost import destination
from posthaus.store.tx import Tx


@value
class Heir:
    """A recipient among us: where the message goes, and how he was named."""

    placing: Placing
    recipient: Recipient
    has_quota: bool = False


@value
class Way:
    """One parcel: the lines in front of it, and its recipients."""

    prefix: bytes
    recipients: tuple[Recipient, ...]
    reverse_path: Address | None


@value
class Plan:
    """All that one transaction does to the store. Octets are those of `content`, for everybody."""

    content: Content
    envelope: Envelope
    tid: str
    times: Times
    received: bytes  # our Received field: the lines in front of what waits for accounts of ours
    account: int = 0  # who submits it; 0: nobody of ours
    heirs: tuple[Heir, ...] = ()
    ways: tuple[Way, ...] = ()
    blind: bytes = b""  # the lines in front of the author's own copy
    origin: Mapping[str, str | int] = field(default_factory=dict)  # for the record
    is_held: bool = False  # what is for other servers waits until a person says so
    heard: report.Heard | None = None  # what it says of a message that we sent
    tls_report: TlsReport | None = None  # what it says of TLS with hosts of ours
    client: str = ""  # of a trusted network, which brought it
    client_limits: tuple[int, int] = (0, 0)  # recipients in other domains that it may have, by hour and day

    def is_at_once(self, now: int) -> bool:
        """Are accounts of ours served in this commit?"""
        return self.times.due <= now and len(self.heirs) <= limit.LOCAL_AT_ONCE


async def keep(tx: Tx, plan: Plan, passing: Passing, notice: Notice | None, here: Here, now: int) -> None:
    """The one write."""
    passing.begin()
    outward = [recipient for way in plan.ways for recipient in way.recipients]
    sent = 0
    if plan.account:
        if outward:
            await sending.count(tx, plan.account, [recipient.address.key for recipient in outward], now)
        sent = await _sent_mailbox(tx, plan, now)
    elif plan.client and outward:
        await network.count(tx, plan.client, len(outward), *plan.client_limits, now)
    waiting = await _who_waits(tx, plan, now)
    if waiting and notice is not None:
        # Some are served later than was thought: so are all, and the runner tells of each.
        waiting, notice = {heir.placing.account for heir in plan.heirs}, None
    at_once = [heir.placing for heir in plan.heirs if heir.placing.account not in waiting]
    content = plan.content
    if bool(at_once) + bool(waiting) + len(plan.ways) + bool(sent) > 1:
        content = replace(content, blob=await message.keep_octets(tx, content, now, names=0))
    queued: list[NewErrand] = []
    if at_once:
        await message.deliver(tx, content, at_once, now)
    if sent:
        own = replace(content, prefix=plan.blind)
        await message.deliver(tx, own, [Placing(plan.account, sent, SEEN)], now)
    ways = [(way, await _errands(tx, plan, way)) for way in plan.ways]
    if len(ways) + bool(waiting) > 1:
        names = {errand.destination for _, errands in ways for errand in errands}
        await queue.meet(tx, names | ({queue.LOCAL} if waiting else set()))
    if waiting:
        queued += await _enqueue_late(tx, plan, content, waiting, now)
    for way, errands in ways:
        await _enqueue(tx, plan, way, errands, content, passing, now)
        queued += errands
    if queued:
        await record.write(tx, _entries(plan, queued, now))
    if notice is not None:
        await bounce.tell(tx, notice, here, now)
    if plan.heard is not None:
        await report.note(tx, plan.heard, now)
    if plan.tls_report is not None:
        await tlsreport.put(tx, plan.tls_report, now)


async def _enqueue_late(tx: Tx, plan: Plan, content: Content, waiting: set[int], now: int) -> list[NewErrand]:
    """For accounts of ours; flow/late.py puts Return-Path and Delivered-To in front when it is kept at last."""
    errands = [
        NewErrand(heir.recipient, queue.LOCAL, plan.times.due, account)
        for heir in plan.heirs
        if (account := heir.placing.account) in waiting
    ]
    await queue.enqueue(tx, _parcel(plan, replace(content, prefix=plan.received)), errands, now)
    return errands


async def _errands(tx: Tx, plan: Plan, way: Way) -> list[NewErrand]:
    is_tls_optional = plan.envelope.tls_optional  # RFC 8689 §3
    errands = []
    for one in way.recipients:
        key = await destination(tx, one.address, way.reverse_path, is_tls_optional=is_tls_optional)
        errands.append(NewErrand(one, key, plan.times.due, is_held=plan.is_held))
    return errands


async def _enqueue(
    tx: Tx, plan: Plan, way: Way, errands: Sequence[NewErrand], content: Content, passing: Passing, now: int
) -> None:
    parcel = _parcel(plan, replace(content, prefix=way.prefix))
    parcel = replace(parcel, envelope=replace(plan.envelope, reverse_path=way.reverse_path))
    loads = {}
    if plan.times.due <= now and not plan.is_held:
        for name in sorted({errand.destination for errand in errands}):
            load = passing.place(name)
            if load and await may_board(tx, load):
                loads[name] = load
    id_ = await queue.enqueue(tx, parcel, errands, now, loads)
    for name in loads:
        # what lies outside is read when it is sent
        octets = None
        if not plan.content.blob:
            octets = Octets(way.prefix, content.head, content.body, content.packing, "", parcel.content.size_octets)
        passing.hand(name, Handed(born(id_, parcel, errands, name, now), octets))


async def _who_waits(tx: Tx, plan: Plan, now: int) -> set[int]:
    """Accounts that are not served in this commit."""
    if not plan.is_at_once(now):
        return {heir.placing.account for heir in plan.heirs}
    return await accounts.over_quota(tx, [heir.placing.account for heir in plan.heirs if heir.has_quota])


async def _sent_mailbox(tx: Tx, plan: Plan, now: int) -> int:
    """Where the author's own copy goes; 0 for nowhere."""
    if not isinstance(plan.content.prepared, Prepared):  # nobody wanted one when it came
        return 0
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
        to: dict[str, str | int] = {"to": errand.destination, "held": int(errand.is_held)}
        entries.append(Entry(plan.tid, now, record.Kind.QUEUED, whom, to))
    return entries


def _parcel(plan: Plan, content: Content) -> NewParcel:
    times = plan.times
    return NewParcel(content, plan.envelope, plan.tid, plan.account, times.expires, times.warn_at, plan.client)
