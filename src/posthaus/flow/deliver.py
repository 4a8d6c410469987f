"""The end of the way in: one transaction becomes one plan, which one write keeps.

Here is what takes time and may be refused: loops, the one parse, signatures and seals, the lines in front. The write is
flow/keep.py's, and nobody is answered before it has returned. What leaves by an alias has its name in front, by which
we know the message when it comes back.

Standards: RFC 5321 §3.9, §4.4 and §6.3, RFC 3461 §5.2.7, RFC 3848, RFC 8689 §5.
Faults:    those of flow/keep.py, of flow/ingest.py and of the store.
"""

import asyncio
from collections import Counter
from dataclasses import replace

from posthaus.base import limit
from posthaus.flow import bounce, forward, ingest, pace, report, srs
from posthaus.flow.bounce import Mailing, Notice
from posthaus.flow.keep import Heir, Plan, Way, keep
from posthaus.flow.route import Here
from posthaus.flow.sign import signatures
from posthaus.flow.site import Site
from posthaus.flow.spool import Spool
from posthaus.flow.transaction import Client, Transaction
from posthaus.mail import trace
from posthaus.mail.address import Address
from posthaus.mail.compose import crlf
from posthaus.mail.envelope import Recipient
from posthaus.mail.header import Header, head_end, is_crowded, read_header
from posthaus.mail.prepared import Prepared
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.store.message import Placing

_THREAD_OCTETS = 256 * 1024  # more is looked through in a thread
_NO_WAYS: tuple[Way, ...] = ()


async def deliver(site: Site, here: Here, transaction: Transaction, spool: Spool) -> Reply | None:
    """Keep the message for all recipients of the transaction; None when it is kept, else why not."""
    async with ingest.turn(site, spool.size):
        octets = await ingest.carried(await spool.octets(), binary=transaction.envelope.body == "BINARYMIME")
        head = bytes(octets[: limit.HEADER_OCTETS])
        if trace.count_received(head) > limit.SMTP_RECEIVED_FIELDS:
            return reply.LOOP
        if is_crowded(head):
            return reply.HEADER_TOO_LARGE  # nobody proves, shows or finds what stands behind
        received = _received(site.hostname, transaction)
        envelope, ways, outlined = transaction.envelope, _NO_WAYS, None
        if envelope.body == "BINARYMIME":
            envelope = replace(envelope, body="8BITMIME")  # it was: see ingest.carried
        if transaction.outward:
            header = read_header(head[: head_end(head)])
            if _comes_back(header, transaction):
                return reply.LOOP
            envelope = replace(envelope, tls_optional=not envelope.requiretls and _needs_no_tls(header))
            came, octets = octets, await _with_line_ends(octets)
            ways = await _ways(site, transaction, octets, received)
            if octets is came and not _is_read_here(transaction, octets):
                outlined = await ingest.outline(octets, header)
        prepared = outlined or await ingest.prepare(octets)
        if prepared.head_octets > limit.HEADER_OCTETS:
            return reply.HEADER_TOO_LARGE  # readers have headers whole, and nobody writes such a one in good faith
        content = await ingest.content(site, octets, prepared, _names(transaction) + received)
        now = int(site.clock.now())
        plan = Plan(
            content,
            envelope,
            transaction.tid,
            pace.times(envelope, now, site.send.give_up, site.send.warn),
            received,
            transaction.account_id,
            heirs(transaction),
            ways,
            transaction.blind,
            _origin(transaction),
            site.send.hold,
            report.hear(octets, prepared, transaction.envelope) if isinstance(prepared, Prepared) else None,
            report.hear_tls(octets, prepared) if isinstance(prepared, Prepared) else None,
            transaction.trusted,
            (site.send.networks_per_hour, site.send.networks_per_day),
        )
        notice = await _notice(site, plan, octets, now)
        with site.handover.passing() as passing:
            await site.store.write(keep, plan, passing, notice, here, now)
        return None


# -- the plan ------------------------------------------------------------------------------------------------------


def heirs(transaction: Transaction) -> tuple[Heir, ...]:
    """Each account once, however many of the recipients led there."""
    return tuple(
        Heir(Placing(account, local.inbox, 0), transaction.asked[account], local.has_quota)
        for account, local in transaction.locals.items()
    )


async def _notice(site: Site, plan: Plan, octets: bytes | memoryview, now: int) -> Notice | None:
    """RFC 3461 §4.1: NOTIFY=SUCCESS, from one of our own people. A stranger's forged address is not told."""
    if not plan.account or not plan.heirs or not plan.is_at_once(now):
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
        "auth": client.identity.mechanism if client.identity is not None else "",
        "by": transaction.protocol,
        "peer": client.peer.address,
        "name": client.name,
        "tls": _tls(client),
    }


async def _ways(site: Site, transaction: Transaction, octets: bytes | memoryview, received: bytes) -> tuple[Way, ...]:
    """One for the recipients that the client named itself, one for each alias that leads out."""
    signed = b""
    if transaction.author is not None:
        signed = await signatures(site, transaction.author.domain, octets)
    by_alias: dict[Address | None, list[Recipient]] = {}
    for outward in transaction.outward.values():
        by_alias.setdefault(outward.via, []).append(outward.recipient)
    seals = await forward.seals(site, transaction, octets, {via.domain for via in by_alias if via is not None})
    ways = []
    for via, recipients in by_alias.items():
        before, path = signed, transaction.envelope.reverse_path
        if via is not None:
            before += seals[via.domain] + trace.render_delivered_to(via)
            path = await srs.rewritten(site, path, via.domain)
        ways.append(Way(before + received, tuple(recipients), path))
    return tuple(ways)


def _is_read_here(transaction: Transaction, octets: bytes | memoryview) -> bool:
    """By an account of ours, or by us, because it may be a report."""
    return bool(transaction.locals) or transaction.has_copy or report.may_speak(octets)


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


def _names(transaction: Transaction) -> bytes:
    """Return-Path, and Delivered-To where there is just one recipient."""
    only = _only(transaction)
    delivered_to = trace.render_delivered_to(only) if only is not None else b""
    return trace.render_return_path(transaction.envelope.reverse_path) + delivered_to


def _received(hostname: str, transaction: Transaction) -> bytes:
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
