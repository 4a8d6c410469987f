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
from posthaus.serve.smtp.mx import MxPolicy, enter
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
        if path is not None and not await self._may_write_as((path,), client.identity):
            self._refused(transaction, "reverse-path", path)
            return reply.NOT_OUR_DOMAIN if client.identity is None else reply.NOT_YOUR_ADDRESS
        if client.identity is not None and (await self._sending(client.identity)).held:
            self._refused(transaction, "held", path)
            return reply.SENDING_HELD
        if client.identity is None:
            transaction.trusted = rate.network(client.peer.address)
            if await self._site.store.read(network.is_stopped, transaction.trusted):
                self._refused(transaction, "held", path)
                return reply.CLIENT_HELD
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
        found = await self._inner.find(transaction, recipient, may_relay=True)
        if not isinstance(found, Refused):
            refused = await self._suppressed(transaction, found) or await self._beyond(transaction, found)
            if refused is None:
                enter(transaction, recipient, found)
                return reply.RECIPIENT_OK
            found = refused
        return self._inner.refuse(transaction, recipient.address, found)

    async def _suppressed(self, transaction: Transaction, found: Local | Alias | Relay) -> Refused | None:
        """Another server has said that there is nobody, and would say so again."""
        now = int(self._site.clock.now())
        for relay in relays_of(found):
            why = await self._site.store.read(suppressed, transaction.account_id, relay.address, now)
            if why is not None:
                return Refused(reply.suppressed(why), "suppressed")
        return None

    async def _beyond(self, transaction: Transaction, found: Local | Alias | Relay) -> Refused | None:
        """Has the account, or the client, sent to too many others? Who does not stop there, is stopped."""
        identity = transaction.client.identity
        new = tuple(r.address.key for r in relays_of(found) if r.address.key not in transaction.outward)
        if not new:
            return None
        store, account = self._site.store, transaction.account_id
        if transaction.allowance is None:
            transaction.allowance = await self._allowance(transaction)
        strangers = 0 if identity is None else await store.read(allowance.count_strangers, account, new)
        answer = transaction.allowance.judge(len(new), strangers)
        if answer is reply.SENDING_HELD:
            if identity is None:
                await stop_client(self._site, self._here, transaction.trusted, transaction.tid)
                answer = reply.CLIENT_HELD
            else:
                await stop(self._site, self._here, identity, transaction.tid)
        return None if answer is None else Refused(answer, "sending-limit")

    async def _allowance(self, transaction: Transaction) -> Allowance:
        site, now = self._site, int(self._site.clock.now())
        if transaction.client.identity is not None:
            return await site.store.read(allowance.look, transaction.account_id, now)
        limits = site.send.networks_per_hour, site.send.networks_per_day
        return await site.store.read(allowance.look_client, transaction.trusted, *limits, now)

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
        is_vouched = identity is None and transaction.envelope.reverse_path is not None
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

    async def _sending(self, identity: Identity) -> sending.Sending:
        return await self._site.store.read(sending.get, identity.account_id)

    async def _may_write_as(self, addresses: tuple[Address, ...], identity: Identity | None) -> bool:
        account_id = None if identity is None else identity.account_id
        return await self._site.store.read(_may_write_as_all, addresses, account_id, self._here)

    def _refused(self, transaction: Transaction, why: str, address: Address | None) -> None:
        self._site.log.event(
            "smtp.submission-refused", cid=transaction.client.cid, tid=transaction.tid, why=why, address=address
        )


async def _may_write_as_all(tx: Tx, addresses: tuple[Address, ...], account_id: int | None, here: Here) -> bool:
    """account_id None: a trusted network, which may write as every address of our domains."""
    for address in addresses:
        if account_id is None:
            is_allowed = await directory.domain_exists(tx, address.domain)
        else:
            is_allowed = await may_write_as(tx, address, account_id, here)
        if not is_allowed:
            return False
    return True
