"""From outcomes to delivery status notifications: who is owed one, what is in it, where it goes.

    owed()      what the sender is to be told, by NOTIFY and by what happened
    prepare()   one DSN for all of it, made before the write: octets, and all that readers need
    put()       inside of the commit that settles or delivers: into the sender's INBOX, or onto the queue
    Bouncer     these for the runner of the queue, with the record and the list of suppressed addresses

A DSN never answers a DSN, and a stranger is told of failure alone: of mail that we took from him for somebody else,
forwarded it, and could not hand over. Mail for nobody was refused in its session, so there is no backscatter. By the
same reason a stranger's DELIVERBY brings no "relayed": at an alias his message has arrived (RFC 2852 §1).

Standards: RFC 3461 §4.1, §4.3, §5.2.2, §5.2.3, §5.2.6, §6.1 and §6.2, RFC 2852 §4.1.4 and §5,
           RFC 4865 §5.1.2, RFC 5321 §4.5.5 and §6.1, RFC 6710 §4.6, RFC 8689 §5.
Faults:    those of flow/ingest.py and of the store.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.flow import ingest, srs
from posthaus.flow.route import POSTMASTER, Here, find_route, locals_of, relays_of
from posthaus.flow.sign import signatures
from posthaus.flow.site import Site
from posthaus.flow.transaction import make_tid
from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.date import render_utc
from posthaus.mail.dsn import Cover, cut_header, render_dsn
from posthaus.mail.envelope import NEVER, DeliverBy, Envelope, Recipient
from posthaus.mail.fate import Action, Dsn, Fate, Original
from posthaus.mail.header import read_header
from posthaus.mail.outcome import Kind, Outcome
from posthaus.mail.srs import SrsFault, is_srs
from posthaus.mail.thread import message_id
from posthaus.mail.word import decode_words
from posthaus.proto.smtp.param import decode_xtext
from posthaus.store import account as accounts
from posthaus.store import blob, directory, message, queue, record, smarthost, suppression
from posthaus.store.error import NoSuchAccount
from posthaus.store.load import Settled
from posthaus.store.message import Content, Placing
from posthaus.store.queue import NewErrand, NewParcel, Parcel
from posthaus.store.record import Entry
from posthaus.store.tx import Tx

_LETTERS = 26  # 130 bits


@dataclass(frozen=True, slots=True)
class Mailing:
    """The message that is spoken of. `account` is who submitted it, 0 for nobody of ours; `head` begins with our own
    fields; `body` None: it lies outside, and is too large to be given back."""

    envelope: Envelope
    tid: str
    account: int
    arrival: int
    head: bytes
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A DSN that is ready for the commit."""

    content: Content
    to: Address
    tid: str  # of the message that it speaks of
    own_tid: str
    account: int  # who submitted the message
    fates: tuple[Fate, ...]
    smtputf8: bool
    signed: bytes = b""  # fields in front of one that leaves the house
    requiretls: bool = False
    priority: int = 0
    is_held: bool = False  # where it leaves the house

    @property
    def envelope(self) -> Envelope:
        """RFC 3461 §6.1: from the null reverse-path; as safe (RFC 8689 §5) and as soon (RFC 6710 §4.6) as what it
        speaks of."""
        return Envelope(
            None, body="8BITMIME", smtputf8=self.smtputf8, requiretls=self.requiretls, priority=self.priority
        )


# -- who is owed what ----------------------------------------------------------------------------------------------


def owed(
    envelope: Envelope,
    account: int,
    results: Iterable[tuple[Recipient, Outcome]],
    *,
    at: int,
    retry_until: int | None = None,
) -> tuple[Fate, ...]:
    """What the sender is to be told now; a deferred recipient is given only when it is time to tell of the delay."""
    if envelope.reverse_path is None:
        return ()
    fates = []
    for recipient, outcome in results:
        action = _action(recipient, outcome, account, envelope.deliver_by)
        if action is not None:
            fates.append(_fate(recipient, outcome, action, at, retry_until if action is Action.DELAYED else None))
    return tuple(fates)


def _action(recipient: Recipient, outcome: Outcome, account: int, by: DeliverBy | None) -> Action | None:
    match outcome.kind:
        case Kind.FAILED:
            return Action.FAILED if _asks(recipient, "FAILURE", default=True) else None
        case Kind.DEFERRED:  # a stranger could have us tell whom he names, and when (RFC 2852 §4.1.3)
            return Action.DELAYED if account and _asks(recipient, "DELAY", default=True) else None
        case Kind.RELAYED if account and by is not None and _is_told_of_relay(by, outcome):
            return Action.RELAYED if recipient.notify != NEVER else None
        case Kind.RELAYED if outcome.has_dsn:
            return None  # RFC 3461 §5.2.2: the next server has been asked to tell
        case Kind.RELAYED:
            action = Action.RELAYED
        case Kind.DELIVERED:
            action = Action.DELIVERED
    # A stranger is not offered DSN: his address may be forged, and would be told of our success.
    return action if account and _asks(recipient, "SUCCESS", default=False) else None


def _is_told_of_relay(by: DeliverBy, outcome: Outcome) -> bool:
    """RFC 2852 §4.1.4: it is traced, or goes on to where nobody knows of its time."""
    return by.trace or (by.mode == "N" and not outcome.has_deliver_by)


def received(envelope: Envelope, recipients: Iterable[tuple[Recipient, bool]], *, at: int) -> tuple[Fate, ...]:
    """What one of our own people is to be told of mail that was kept here in the reply to DATA; True: by an alias of
    several, which has expanded it (RFC 3461 §5.2.7.3: its members are not told of one by one)."""
    if envelope.reverse_path is None:
        return ()
    done = Outcome(Kind.DELIVERED, enhanced="2.0.0")
    return tuple(
        _fate(recipient, done, Action.EXPANDED if is_group else Action.DELIVERED, at, None)
        for recipient, is_group in recipients
        if _asks(recipient, "SUCCESS", default=False)
    )


def _asks(recipient: Recipient, word: str, *, default: bool) -> bool:
    """RFC 3461 §4.1: without NOTIFY, failure is told, and delay as well by our choice."""
    return word in recipient.notify if recipient.notify else default


def _fate(recipient: Recipient, outcome: Outcome, action: Action, at: int, retry_until: int | None) -> Fate:
    return Fate(
        address=str(recipient.address),
        action=action,
        status=outcome.status,
        original=_original(recipient.orcpt),
        remote=outcome.host,
        said=_said(outcome) if outcome.code else "",
        reason="" if outcome.code else outcome.text,
        last_attempt=at if action in (Action.FAILED, Action.DELAYED) else None,
        retry_until=retry_until,
    )


def _original(orcpt: bytes | None) -> str:
    """RFC 3461 §5.2.1: the address as it was before its xtext."""
    return decode_xtext(orcpt).decode("utf-8", "replace") if orcpt else ""


def _said(outcome: Outcome) -> str:
    """The reply as it came: code and enhanced code before its text."""
    enhanced = "" if outcome.text.startswith(outcome.enhanced) else f"{outcome.enhanced} "
    return f"{outcome.code} {enhanced}{outcome.text}".rstrip()


# -- making it -----------------------------------------------------------------------------------------------------


async def prepare(site: Site, mailing: Mailing, fates: tuple[Fate, ...]) -> Notice | None:
    """The DSN of these fates; None where nothing is owed. To be called outside of a write."""
    path = mailing.envelope.reverse_path
    to = await _way_back(site, path) if path is not None and fates else None
    if to is None:
        return None
    envid = decode_xtext(mailing.envelope.envid).decode("ascii", "replace") if mailing.envelope.envid else ""
    by = mailing.envelope.deliver_by
    deliver_by = None if by is None else mailing.arrival + by.seconds
    dsn = Dsn(site.hostname, fates, mailing.arrival, envid, deliver_by, _hold(mailing.envelope))
    now = int(site.clock.now())
    cover = Cover(
        sender=Address(POSTMASTER, site.hostname),
        to=to,
        at=now,
        message_id=f"{site.chance.name(_LETTERS)}@{site.hostname}",
        boundary=site.chance.name(_LETTERS),
    )
    octets = render_dsn(dsn, _original_of(mailing, dsn), cover)
    content = await ingest.content(site, octets, await ingest.prepare(octets), b"")
    signed = b"" if await site.store.read(directory.domain_exists, to.domain) else await _signed(site, octets)
    smtputf8 = dsn.is_global or not str(to).isascii()
    return Notice(
        content, to, mailing.tid, make_tid(site.chance, now), mailing.account, fates, smtputf8, signed,
        mailing.envelope.requiretls, mailing.envelope.priority, site.send.hold,
    )  # fmt: skip


def _hold(envelope: Envelope) -> str:
    """RFC 4865 §5.1.2: what was asked for."""
    if envelope.hold_for is not None:
        return f"for;{envelope.hold_for}"
    return f"until;{render_utc(envelope.hold_until)}" if envelope.hold_until is not None else ""


async def _signed(site: Site, octets: bytes) -> bytes:
    """By the host's own domain, or the one above it; both are aligned with its author (RFC 7489 §3.1.1)."""
    host = site.hostname
    return await signatures(site, host, octets) or await signatures(site, host.partition(".")[2], octets)


async def _way_back(site: Site, path: Address) -> Address | None:
    """Of mail that was forwarded, to him who sent it; None where we cannot have written this reverse-path."""
    if not is_srs(path.localpart) or not await site.store.read(directory.domain_exists, path.domain):
        return path
    try:
        return await site.store.read(srs.way_back, path.localpart, site.clock.now())
    except SrsFault:
        return None


def _original_of(mailing: Mailing, dsn: Dsn) -> Original:
    header = read_header(mailing.head)
    body = mailing.body
    # RFC 3461 §4.3: all of it only where something failed; RFC 8689 §5: never, where its way had to be secret.
    is_whole = (
        dsn.has_failed
        and mailing.envelope.ret != "HDRS"
        and not mailing.envelope.requiretls
        and body is not None
        and len(mailing.head) + len(body) <= limit.DSN_RETURN_OCTETS
    )
    return Original(
        returned=mailing.head + (body or b"") if is_whole else cut_header(mailing.head),
        is_whole=is_whole,
        subject=decode_words(header.value(b"subject") or b""),
        message_id=message_id(header.value(b"message-id") or b""),
        tid=mailing.tid,
    )


# -- handing it over -----------------------------------------------------------------------------------------------


async def put(tx: Tx, notice: Notice, here: Here, now: int) -> str:
    """Into the INBOX of whoever the reverse-path leads to, however full it is, or onto the queue where it leads out.
    Where it went: "inbox", "queue", or "nowhere" because the sender is no longer there."""
    found = await find_route(tx, notice.to, here, may_relay=True)
    placings = [Placing(local.account_id, local.inbox, 0) for local in locals_of(found)]
    outward = relays_of(found)
    if not placings and not outward and notice.account:
        placings = await _own_inbox(tx, notice.account)
    if placings:
        content = replace(notice.content, prefix=trace.render_return_path(None))
        await message.deliver(tx, content, placings, now)
    for relay in outward:
        await _enqueue(tx, notice, relay.address, now)
    return "inbox" if placings else "queue" if outward else "nowhere"


async def _own_inbox(tx: Tx, account: int) -> list[Placing]:
    try:
        found = await accounts.get(tx, account)
    except NoSuchAccount:
        return []
    return [Placing(found.id, found.inbox, 0)] if found.state == accounts.OPEN else []


async def _enqueue(tx: Tx, notice: Notice, to: Address, now: int) -> None:
    content = replace(notice.content, prefix=notice.signed)
    parcel = NewParcel(content, notice.envelope, notice.own_tid, 0, now + limit.DSN_GIVE_UP_S, 0)
    # RFC 3461 §6.1: nobody is to be told of the fate of a DSN
    key = await smarthost.destination(tx, to, None)
    errand = NewErrand(Recipient(to, notify=NEVER), key, now, is_held=notice.is_held)
    await queue.enqueue(tx, parcel, [errand], now)


# -- what the queue asks -------------------------------------------------------------------------------------------


@value
class Report:
    """What is to be written with the settling of errands of one parcel."""

    parcel: Parcel
    settled: tuple[Settled, ...]  # those that were tried
    notice: Notice | None


class Bouncer:
    """Called by the runner of the queue: report() before the write, write() within it, ahead of load.settle()."""

    def __init__(self, site: Site, here: Here) -> None:
        self._site = site
        self._here = here

    async def report(self, parcel: Parcel, settled: Sequence[Settled], *, is_warning: bool = False) -> Report:
        """is_warning: nothing was tried, it is time to tell the sender that it takes long."""
        told = [(r.errand.recipient, r.outcome) for r in settled if r.outcome is not None]
        tried = () if is_warning else tuple(r for r in settled if r.outcome is not None)
        now = int(self._site.clock.now())
        fates = owed(
            parcel.envelope,
            parcel.account,
            [(who, outcome) for who, outcome in told if is_warning or outcome.is_final],
            at=now,
            retry_until=parcel.expires,
        )
        if not fates:
            return Report(parcel, tried, None)
        octets = await self._site.store.read(queue.octets, parcel.id)
        body = None if octets.place else blob.unpack(octets.body, octets.packing)
        mailing = Mailing(
            parcel.envelope, parcel.tid, parcel.account, parcel.created, octets.prefix + octets.head, body
        )
        return Report(parcel, tried, await prepare(self._site, mailing, fates))

    async def write(self, tx: Tx, report: Report, now: int) -> None:
        """The DSN, the record, and what was learned of the addresses."""
        parcel = report.parcel
        if report.notice is not None:
            await tell(tx, report.notice, self._here, now)
        for r in report.settled:
            assert r.outcome is not None
            if parcel.account and r.outcome.is_final and r.errand.destination != queue.LOCAL:
                await _learn(tx, parcel, r.errand.recipient.address, r.outcome, now)
        await record.write(
            tx,
            [
                record.of_outcome(parcel.tid, now, r.errand.recipient.address, r.outcome, due=r.due)
                for r in report.settled
                if r.outcome is not None
            ],
        )


async def tell(tx: Tx, notice: Notice, here: Here, now: int) -> None:
    """put(), and a row that says so."""
    where = await put(tx, notice, here, now)
    actions = " ".join(dict.fromkeys(fate.action.value for fate in notice.fates))
    words: dict[str, str | int] = {"action": actions, "of": len(notice.fates), "where": where}
    if where == "queue":
        words["as"] = notice.own_tid
    await record.write(tx, [Entry(notice.tid, now, record.Kind.TOLD, notice.to.key, words)])


async def _learn(tx: Tx, parcel: Parcel, address: Address, outcome: Outcome, now: int) -> None:
    """A host may take a message and report at once that it failed: before we have settled that it was taken."""
    account = parcel.account
    if outcome.kind is Kind.FAILED:
        reason = _said(outcome) if outcome.code else outcome.text
        await suppression.failed(tx, account, address, outcome.status, reason, now)
    elif await suppression.has(tx, account, address) and not await record.is_reported(
        tx, parcel.tid, address, parcel.created, now
    ):
        await suppression.delivered(tx, account, address)
