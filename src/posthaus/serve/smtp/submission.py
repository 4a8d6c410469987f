"""Submission: mail from our own people, who have logged in, and from trusted networks.

The reverse-path and the author must be addresses of the account, aliases that lead to it, or what an admin has given
it. From a trusted network no log-in is needed, but the reverse-path must be of a domain of ours; where it is null, the
author must. The network is judged by the client's own address, which behind a load balancer its PROXY header tells.
Date and Message-ID are added where they are missing, Bcc is dropped. All else is as on port 25, which does the
delivering.

Standards: RFC 6409 §4.3, §6.1, §8, RFC 8314 §3.3, RFC 4865 §4.2, §5.2.2 and §6, RFC 4954 §6.
Faults:    those of the store and of flow/deliver.py.
"""

from dataclasses import replace

from posthaus.base import limit, rate
from posthaus.base.setting import SendSetting
from posthaus.base.value import value
from posthaus.flow import allowance, submit
from posthaus.flow.allowance import Allowance
from posthaus.flow.identity import Identity
from posthaus.flow.route import Alias, Here, Local, Refused, Relay, may_write_as, relays_of
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool, spool_of
from posthaus.flow.stop import stop, stop_client
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail.address import Address
from posthaus.mail.envelope import Recipient
from posthaus.mail.header import head_end, read_header
from posthaus.net.peer import Networks
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.reply import Reply
from posthaus.serve.smtp.mx import MxPolicy, enter, find
from posthaus.store import directory, network, queue, sending
from posthaus.store.suppression import suppressed
from posthaus.store.tx import Tx

_MESSAGE_ID_LETTERS = 26  # 130 bits


NOBODY = Networks(())


class SubmissionPolicy:
    """The policy of ports 587 and 465."""

    service = "submission"
    offers_auth = True

    def __init__(self, site: Site, here: Here, trusted: Networks = NOBODY) -> None:
        self._inner = MxPolicy(site, here)
        self._trusted = trusted
        self._site = site
        self._here = here

    def offer(self, client: Client, base: Offer) -> Offer:
        hold_until = int(self._site.clock.now()) + limit.SMTP_HOLD_S
        inner = self._inner.offer(client, base)
        return replace(inner, dsn=True, priority="MIXER", hold_s=limit.SMTP_HOLD_S, hold_until=hold_until)

    async def connect(self, client: Client) -> Reply:
        return reply.greeting(self._here.hostname)

    async def ehlo(self, client: Client) -> Reply:
        return reply.OK

    async def mail(self, transaction: Transaction) -> Reply:
        client = transaction.client
        if client.identity is None and client.peer.address not in self._trusted:
            return reply.AUTH_REQUIRED
        path = transaction.envelope.reverse_path
        # The null reverse-path is for notifications (RFC 8098 §2.1); their author is asked for all the same.
        if client.identity is None:
            transaction.trusted = rate.network(client.peer.address)
        seen = await self._site.store.read(_look_at_sender, transaction, path, self._here)
        if not seen.may_write:
            self._refused(transaction, "reverse-path", path)
            return reply.NOT_OUR_DOMAIN if client.identity is None else reply.NOT_YOUR_ADDRESS
        if seen.is_held:
            self._refused(transaction, "held", path)
            return reply.CLIENT_HELD if client.identity is None else reply.SENDING_HELD
        transaction.vouched, transaction.has_copy = path, seen.has_copy
        answer = await self._inner.mail(transaction)
        return await self._wishes(transaction) if answer.is_positive else answer

    async def _wishes(self, transaction: Transaction) -> Reply:
        """When it is to go, and before which other mail."""
        envelope, now = transaction.envelope, int(transaction.at)
        if envelope.hold_for is not None or envelope.hold_until is not None:
            if transaction.client.identity is None:
                return reply.HOLD_NEEDS_AUTH
            until = now + envelope.hold_for if envelope.hold_for is not None else envelope.hold_until or 0
            if not now < until <= now + limit.SMTP_HOLD_S:
                return reply.HOLD_IS_PAST if until <= now else reply.HOLD_TOO_LONG
            by = envelope.deliver_by
            if by is not None and until > now + by.seconds:
                return reply.HOLD_BEHIND_DEADLINE
            transaction.envelope = replace(envelope, hold_until=until)
            held = await self._site.store.read(queue.held_until_later, transaction.account_id, now)
            if held.messages >= limit.SMTP_HOLD_MESSAGES or held.octets >= limit.SMTP_HOLD_OCTETS:
                return reply.HOLD_TOO_MUCH
        elif envelope.priority > 0 and transaction.client.identity is None:
            transaction.envelope = replace(envelope, priority=0)
            return reply.PRIORITY_LOWERED
        return reply.SENDER_OK

    async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
        site = self._site
        seen = await site.store.read(
            _look_at_recipient, transaction, recipient.address, self._here, site.send, site.clock.now()
        )
        found = seen.found
        if not isinstance(found, Refused):
            refused = seen.refused or await self._beyond(transaction, seen)
            if refused is None:
                enter(transaction, recipient, found)
                return reply.RECIPIENT_OK
            found = refused
        return self._inner.refuse(transaction, recipient.address, found)

    async def _beyond(self, transaction: Transaction, seen: "_Seen") -> Refused | None:
        """Has the account, or the client, sent to too many others? Who does not stop there, is stopped."""
        identity, allowed = transaction.client.identity, seen.allowance
        if allowed is None:
            return None
        transaction.allowance = allowed
        answer = allowed.judge(seen.new, seen.strangers)
        if answer is reply.SENDING_HELD:
            if identity is None:
                await stop_client(self._site, self._here, transaction.trusted, transaction.tid)
                answer = reply.CLIENT_HELD
            else:
                await stop(self._site, self._here, identity, transaction.tid)
        return None if answer is None else Refused(answer, "sending-limit")

    async def accept(self, transaction: Transaction) -> Reply:
        spool, identity = transaction.spool, transaction.client.identity
        if spool is None:
            return reply.CANNOT_NOW
        octets = await spool.octets()
        # Cut at a fixed size first, so that a message that is one huge header is not looked through.
        head = bytes(octets[: limit.HEADER_OCTETS])
        head = head[: head_end(head)]
        header = read_header(head)
        found = submit.authors(header)
        if found is None:
            self._refused(transaction, "no-author", None)
            return reply.NO_AUTHOR
        vouched = transaction.vouched
        is_vouched = vouched is not None and (identity is None or found == (vouched,))
        if not is_vouched and not await self._may_write_as(found, identity):
            self._refused(transaction, "author", found[0])
            return reply.NOT_OUR_DOMAIN if identity is None else reply.NOT_YOUR_AUTHOR
        transaction.author, transaction.blind = found[0], submit.blind(header)
        message_id = f"{self._site.chance.name(_MESSAGE_ID_LETTERS)}@{self._here.hostname}"
        fit = submit.make_fit(header, at=int(transaction.at), message_id=message_id)
        if fit is not None:
            await self._replace(transaction, spool, octets, fit, len(head))
        return await self._inner.accept(transaction)

    async def _replace(
        self,
        transaction: Transaction,
        old: Spool,
        octets: bytes | memoryview,
        fit: tuple[bytes, bytes],
        head_octets: int,
    ) -> None:
        """Another header on the same body; the header as it came is not kept."""
        transaction.spool = await spool_of(self._site.spool_folder, *fit, memoryview(octets)[head_octets:])
        old.close()

    async def _may_write_as(self, addresses: tuple[Address, ...], identity: Identity | None) -> bool:
        return await self._site.store.read(_may_write_as_all, addresses, identity, self._here)

    def _refused(self, transaction: Transaction, why: str, address: Address | None) -> None:
        self._site.log.event(
            "smtp.submission-refused", cid=transaction.client.cid, tid=transaction.tid, why=why, address=address
        )


@value
class _Seen:
    """What the store says of a recipient, in one look. allowance: where it counts how many there are."""

    found: Local | Alias | Relay | Refused
    refused: Refused | None = None
    allowance: Allowance | None = None
    new: int = 0  # addresses in other domains
    strangers: int = 0  # of them


async def _look_at_recipient(
    tx: Tx, transaction: Transaction, address: Address, here: Here, send: SendSetting, now: float
) -> _Seen:
    found = await find(tx, transaction.envelope, address, here, now, may_relay=True)
    relays, account = relays_of(found), transaction.account_id
    for relay in relays:
        why = await suppressed(tx, account, relay.address, int(now))
        if why is not None:  # another server has said that there is nobody, and would say so again
            return _Seen(found, Refused(reply.suppressed(why), "suppressed"))
    new = tuple(r.address.key for r in relays if r.address.key not in transaction.outward)
    if not new:
        return _Seen(found)
    looked, client = transaction.allowance, transaction.trusted
    if looked is None and account:
        looked = await allowance.look(tx, account, int(now))
    elif looked is None:
        looked = await allowance.look_client(tx, client, send.networks_per_hour, send.networks_per_day, int(now))
    strangers = await allowance.count_strangers(tx, account, new) if account else 0
    return _Seen(found, None, looked, len(new), strangers)


@value
class _Sender:
    """What the store says of who sends, in one look."""

    may_write: bool  # as the reverse-path
    is_held: bool = False
    has_copy: bool = False


async def _look_at_sender(tx: Tx, transaction: Transaction, path: Address | None, here: Here) -> _Sender:
    identity = transaction.client.identity
    if path is not None and not await _may_write_as_all(tx, (path,), identity, here):
        return _Sender(False)
    if identity is None:
        return _Sender(True, await network.is_stopped(tx, transaction.trusted))
    found = await sending.get(tx, identity.account_id)
    return _Sender(True, bool(found.held), found.sent_copy)


async def _may_write_as_all(tx: Tx, addresses: tuple[Address, ...], identity: Identity | None, here: Here) -> bool:
    """identity None: a trusted network, which may write as every address of our domains."""
    for address in addresses:
        if identity is None:
            is_allowed = await directory.domain_exists(tx, address.domain)
        else:
            is_allowed = await may_write_as(tx, address, identity.account_id, here)
        if not is_allowed:
            return False
    return True
