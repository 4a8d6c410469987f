"""The end of the way in: one transaction becomes one plan, and one write keeps it for all of its accounts.

A plan names the octets, what was worked out of them, the lines that are put in front, and the mailboxes. It is kept
whole or not at all, and nobody is answered before the write has returned. The store knows nothing of spools and plans:
`Keep` is the seam, handed in by whoever builds the house.

Standards: RFC 5321 §4.4, §6.1 and §6.3, RFC 3848.
Faults:    those of Keep: OverQuota, NoSuchMailbox, NoSuchAccount (Refusal); Trouble.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.flow.spool import Spool
from posthaus.flow.transaction import Transaction
from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.prepared import Prepared
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Placing:
    """One account's share: a mailbox of it, and the flags there (bits of mail/flag.py)."""

    account_id: int
    mailbox: int
    flags: int = 0
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One message for any number of accounts. `octets` is a view of a file where the message is large."""

    octets: bytes | memoryview
    prepared: Prepared
    prefix: bytes
    placings: tuple[Placing, ...]
    at: int  # internal date, Unix seconds

    @property
    def head(self) -> bytes:
        return bytes(self.octets[: self.prepared.head_octets])

    @property
    def body(self) -> bytes | memoryview:
        return self.octets[self.prepared.head_octets :]


Keep = Callable[[Plan], Awaitable[None]]
"""Writes a plan; returns after COMMIT."""

Prepare = Callable[[bytes | memoryview], Awaitable[Prepared]]
"""flow.ingest.prepare."""


@dataclass(frozen=True, slots=True)
class Site:
    """What delivering needs of the house."""

    hostname: str
    prepare: Prepare
    keep: Keep


async def deliver(site: Site, transaction: Transaction, spool: Spool) -> Reply | None:
    """Keep the message for all accounts of the transaction; None when it is kept, else why not."""
    octets = await spool.octets()
    if trace.count_received(bytes(octets[: limit.HEADER_OCTETS])) > limit.SMTP_RECEIVED_FIELDS:
        return reply.LOOP
    prepared = await site.prepare(octets)
    plan = Plan(octets, prepared, render_prefix(site.hostname, transaction), placings(transaction), int(transaction.at))
    await site.keep(plan)
    return None


def placings(transaction: Transaction) -> tuple[Placing, ...]:
    """INBOX of each account, however many of the recipients led there."""
    return tuple(Placing(local.account_id, local.inbox) for local in transaction.locals.values())


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
