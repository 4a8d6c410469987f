"""Port 25: mail from anywhere, for us alone.

Every recipient must lead to an account of ours, whoever asks and from wherever; there is no setting that makes this an
open relay. The null reverse-path is always welcome. The message is kept for all recipients or for none.

Standards: RFC 5321 §3.3, §4.5.5, §6.1 and §7.8, RFC 1870 §6.
Faults:    those of the store and of flow/deliver.py.
"""

from dataclasses import replace

from posthaus.base import limit
from posthaus.flow.deliver import deliver
from posthaus.flow.route import Alias, Here, Local, Refused, locals_of, route
from posthaus.flow.site import Site
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.reply import Reply


class MxPolicy:
    """The policy of port 25."""

    service = "mx"
    offers_auth = False

    def __init__(self, site: Site, here: Here) -> None:
        self._site = site
        self._here = here

    def offer(self, client: Client, base: Offer) -> Offer:
        # RFC 8689 §2: REQUIRETLS inside of TLS only. What is asked of the way on goes along where an alias leads out.
        return replace(base, requiretls=client.tls is not None, deliver_by_s=limit.SMTP_DELIVER_BY_S)

    async def connect(self, client: Client) -> Reply:
        return reply.greeting(self._here.hostname)

    async def ehlo(self, client: Client) -> Reply:
        return reply.OK

    async def mail(self, transaction: Transaction) -> Reply:
        return refuse_parameters(transaction.envelope) or reply.SENDER_OK

    async def rcpt(self, transaction: Transaction, recipient: Recipient) -> Reply:
        found = await route(self._site.store, recipient.address, self._here)
        if isinstance(found, Refused):
            return self._refuse(transaction, recipient.address, found)
        if not _has_room(locals_of(found), transaction.envelope):
            return self._refuse(transaction, recipient.address, Refused(reply.OVER_QUOTA, "over-quota-with-size"))
        if isinstance(found, Alias) and found.left_out:
            self._site.log.warn(
                "smtp.alias-leads-out", tid=transaction.tid, rcpt=recipient.address, n=len(found.left_out)
            )
        enter(transaction, found)
        return reply.RECIPIENT_OK

    async def accept(self, transaction: Transaction) -> Reply:
        spool = transaction.spool
        if spool is None:
            return reply.CANNOT_NOW
        refused = await deliver(self._site, transaction, spool)
        return refused or reply.accepted(transaction.tid)

    def _refuse(self, transaction: Transaction, address: Address, found: Refused) -> Reply:
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


def refuse_parameters(envelope: Envelope) -> Reply | None:
    """What the grammar allows and we do not promise."""
    by = envelope.deliver_by
    if by is not None and by.mode == "R" and by.seconds < limit.SMTP_DELIVER_BY_S:
        return reply.DELIVER_BY_TOO_SOON
    return None


def enter(transaction: Transaction, found: Local | Alias) -> None:
    """The accounts of a recipient, each once in a transaction."""
    for local in locals_of(found):
        transaction.locals.setdefault(local.account_id, local)


def _has_room(locals: tuple[Local, ...], envelope: Envelope) -> bool:
    """RFC 1870 §6: a declared size may be refused already at RCPT."""
    size = envelope.size or 0
    return all(local.room_octets is None or size <= local.room_octets for local in locals)
