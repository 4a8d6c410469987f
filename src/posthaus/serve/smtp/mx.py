"""Port 25: mail from anywhere, for us alone.

Every recipient must lead to an account of ours, or be an alias of ours that leads out, or the way back of a bounce to
somebody whose mail we forwarded; whoever asks and from wherever, there is no setting that makes this an open relay. The
null reverse-path is always welcome. The message is kept for all recipients or for none.

Standards: RFC 5321 §3.3, §3.9, §4.5.5, §6.1 and §7.8, RFC 1870 §6, RFC 2852 §4, RFC 3461 §5.2.7, RFC 8689 §2.
Faults:    those of the store and of flow/deliver.py.
"""

from dataclasses import replace

from posthaus.base import limit
from posthaus.flow import srs
from posthaus.flow.deliver import deliver
from posthaus.flow.route import Alias, Here, Local, Refused, Relay, find_route, locals_of, relays_of
from posthaus.flow.site import Site
from posthaus.flow.transaction import Client, Outward, Transaction
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.mail.srs import SrsFault, is_srs
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.param import encode_xtext
from posthaus.proto.smtp.reply import Reply
from posthaus.store import directory
from posthaus.store.tx import Tx


class MxPolicy:
    """The policy of port 25."""

    service = "mx"
    offers_auth = False

    def __init__(self, site: Site, here: Here) -> None:
        self._site = site
        self._here = here

    def offer(self, client: Client, base: Offer) -> Offer:
        # RFC 8689 §2: REQUIRETLS inside of TLS only. What is asked of the way on goes along where an alias leads out.
        # Whoever may not ask for a notification of success tells of it himself (RFC 3461 §5.2.2), and nobody can have
        # us write to an address that he made up.
        return replace(base, dsn=False, requiretls=client.tls is not None, deliver_by_s=limit.SMTP_DELIVER_BY_S)

    async def connect(self, client: Client) -> Reply:
        return reply.greeting(self._here.hostname)

    async def ehlo(self, client: Client) -> Reply:
        return reply.OK

    async def mail(self, transaction: Transaction) -> Reply:
        by = transaction.envelope.deliver_by
        if by is not None and by.mode == "R" and by.seconds < limit.SMTP_DELIVER_BY_S:
            return reply.DELIVER_BY_TOO_SOON
        return reply.SENDER_OK

    async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
        envelope, now = transaction.envelope, self._site.clock.now()
        found = await self._site.store.read(find, envelope, recipient.address, self._here, now)
        if isinstance(found, Refused):
            return self.refuse(transaction, recipient.address, found)
        enter(transaction, recipient, found)
        return reply.RECIPIENT_OK

    async def accept(self, transaction: Transaction) -> Reply:
        spool = transaction.spool
        if spool is None:
            return reply.CANNOT_NOW
        refused = await deliver(self._site, self._here, transaction, spool)
        return refused or reply.accepted(transaction.tid)

    def refuse(self, transaction: Transaction, address: Address, found: Refused) -> Reply:
        self._site.metric.count("smtp.rcpt-refused")
        self._site.log.event(
            "smtp.rcpt",
            cid=transaction.client.cid,
            tid=transaction.tid,
            rcpt=address,
            code=found.reply.code,
            why=found.why,
        )
        return found.reply


async def find(
    tx: Tx, envelope: Envelope, address: Address, here: Here, now: float, *, may_relay: bool = False
) -> Local | Alias | Relay | Refused:
    """Where the recipient leads, as far as this message goes."""
    if envelope.reverse_path is None and is_srs(address.localpart):
        return await _way_back(tx, address, here, now)
    found = await find_route(tx, address, here, may_relay=may_relay)
    if not _has_room(locals_of(found), envelope):
        return Refused(reply.OVER_QUOTA, "over-quota-with-size")
    return found


async def _way_back(tx: Tx, address: Address, here: Here, now: float) -> Local | Alias | Relay | Refused:
    """A bounce of what an alias led out goes back to its author."""
    if not await directory.domain_exists(tx, address.domain):
        return Refused(reply.RELAYING_DENIED, "relaying")
    try:
        author = await srs.way_back(tx, address.localpart, now)
    except SrsFault as fault:
        return Refused(reply.NO_SUCH_USER, f"srs: {fault}")
    found = await find_route(tx, author, here, may_relay=True)
    return Alias(address, (), (found,)) if isinstance(found, Relay) else found


def enter(transaction: Transaction, recipient: Recipient, found: Local | Alias | Relay) -> None:
    """All that a recipient leads to, each once in a transaction."""
    via = found.address if isinstance(found, Alias) else None
    for local in locals_of(found):
        if local.account_id not in transaction.locals:
            transaction.locals[local.account_id] = local
            transaction.asked[local.account_id] = recipient
    for relay in relays_of(found):
        onward = replace(recipient, address=relay.address)
        if via is not None and recipient.orcpt is None:
            onward = replace(onward, orcpt=_orcpt(recipient.address))
        transaction.outward.setdefault(relay.address.key, Outward(onward, via))


def _orcpt(address: Address) -> bytes | None:
    """RFC 3461 §5.2.7.1: what the alias was called, so that a notification names what its reader knows."""
    text = str(address)
    return b"rfc822;" + encode_xtext(text.encode()) if text.isascii() and address.domain else None


def _has_room(locals: tuple[Local, ...], envelope: Envelope) -> bool:
    """RFC 1870 §6: a declared size may be refused already at RCPT."""
    size = envelope.size or 0
    return all(local.room_octets is None or size <= local.room_octets for local in locals)
