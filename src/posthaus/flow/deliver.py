"""The end of the way in: one transaction becomes one plan, and one write keeps it for all of its accounts.

The plan is the content (octets, what was worked out of them, the lines in front) and its placings. It is kept whole or
not at all, and nobody is answered before the write has returned.

Standards: RFC 5321 §4.4, §6.1 and §6.3, RFC 3848.
Faults:    NoSuchMailbox, NoSuchAccount (Refusal), those of flow/ingest.py and of the store (Trouble).
"""

from posthaus.base import limit
from posthaus.flow import ingest
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool
from posthaus.flow.transaction import Transaction
from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.store import message
from posthaus.store.message import Placing


async def deliver(site: Site, transaction: Transaction, spool: Spool) -> Reply | None:
    """Keep the message for all accounts of the transaction; None when it is kept, else why not."""
    async with ingest.turn(site, spool.size):
        octets = await ingest.carried(await spool.octets(), binary=transaction.envelope.body == "BINARYMIME")
        if trace.count_received(bytes(octets[: limit.HEADER_OCTETS])) > limit.SMTP_RECEIVED_FIELDS:
            return reply.LOOP
        prepared = await ingest.prepare(octets)
        if prepared.head_octets > limit.HEADER_OCTETS:
            return reply.HEADER_TOO_LARGE  # readers have headers whole, and nobody writes such a one in good faith
        content = await ingest.content(site, octets, prepared, render_prefix(site.hostname, transaction))
        await site.store.write(message.deliver, content, placings(transaction), int(site.clock.now()))
        return None


def placings(transaction: Transaction) -> tuple[Placing, ...]:
    """INBOX of each account, however many of the recipients led there."""
    return tuple(Placing(local.account_id, local.inbox, 0) for local in transaction.locals.values())


def render_prefix(hostname: str, transaction: Transaction) -> bytes:
    """Return-Path, Delivered-To and Received; the two that name a recipient only where there is just one."""
    client = transaction.client
    only = _only(transaction)
    tls = f"{client.tls.version} {client.tls.cipher}" if client.tls is not None else ""
    hop = trace.Hop(
        helo=client.name,
        address=client.peer.address,
        reverse=client.reverse,
        by=hostname,
        protocol=transaction.protocol,
        tid=transaction.tid,
        at=transaction.at,
        tls=tls,
        recipient=only,
    )
    delivered_to = trace.render_delivered_to(only) if only is not None else b""
    return trace.render_return_path(transaction.envelope.reverse_path) + delivered_to + trace.render_received(hop)


def _only(transaction: Transaction) -> Address | None:
    return transaction.recipients[0].address if len(transaction.recipients) == 1 else None
