"""Reports of what became of TLS, once a day, to the domains that ask for them in DNS.

One worker of all does it, under a lease. A report by mail is put into the queue in the commit that takes its counts
away, so it is sent once. One over HTTPS may be sent twice after a crash; it has the same id then. Mail goes there
whatever is demanded of TLS, since a report of a fault must not be lost by that fault.

Standards: RFC 8460 §3, §4.1 and §5.
Faults:    Locked (another worker is at it); those of the store.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from posthaus.base import limit
from posthaus.base.dns import DnsTrouble, Resolver
from posthaus.base.error import Trouble
from posthaus.flow import ingest, sign
from posthaus.flow.route import POSTMASTER, Here, find_route, locals_of
from posthaus.flow.site import Site
from posthaus.flow.tlscount import DAY_S
from posthaus.flow.transaction import make_tid
from posthaus.mail.address import Address, AddressFault, parse_address
from posthaus.mail.envelope import NEVER, Envelope, Recipient
from posthaus.mail.sts import StsFault, parse_policy
from posthaus.mail.tlsrpt import Failure, Policy, Report, pack, parse_record, render_report
from posthaus.mail.tlsrptmail import MEDIA_TYPE, Cover, render_mail
from posthaus.net.https import Https, HttpsFault
from posthaus.store import directory, lease, queue, smarthost, tlsresult
from posthaus.store.error import Locked
from posthaus.store.message import Content, Placing
from posthaus.store.queue import NewErrand, NewParcel
from posthaus.store.tlsresult import Counted
from posthaus.store.tx import Tx

_LETTERS = 26
_MAILTO, _HTTPS = "mailto:", "https:"


@dataclass(frozen=True, slots=True)
class _Letter:
    """A report that is ready for the commit."""

    to: Address
    content: Content
    tid: str


class TlsReporter:
    """What run_reports() does in a round."""

    def __init__(self, site: Site, here: Here, resolver: Resolver, https: Https) -> None:
        self._site = site
        self._here = here
        self._resolver = resolver
        self._https = https

    async def report_once(self, owner: str) -> int:
        """Days that are over; how many domains were told."""
        store, now = self._site.store, int(self._site.clock.now())
        until_ms = (now + int(limit.TLSRPT_LEASE_S)) * 1000
        await store.write(lease.take, lease.TLSRPT, owner, now * 1000, until_ms)
        try:
            done, today = 0, now // DAY_S
            await store.write(tlsresult.remove_after, today + 1)  # clocks of nodes about midnight
            for day, domain in await store.read(tlsresult.waiting, today):
                if done >= limit.TLSRPT_AT_ONCE or self._site.clock.now() * 1000 > until_ms:
                    break
                late_s = now - (day + 1) * DAY_S - _spread_s(domain)
                if late_s >= 0:
                    done += await self._tell(day, domain, is_last=late_s > limit.TLSRPT_TRIES_S)
            return done
        finally:
            await store.write(lease.release, lease.TLSRPT, owner)

    async def run(self, owner: str, *, every_s: float = limit.TLSRPT_EVERY_S) -> None:
        """Round after round, until cancelled."""
        log = self._site.log
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.report_once(owner)
            except Locked:
                pass
            except Trouble as trouble:
                log.warn("tlsrpt.trouble", fault=type(trouble).__name__, why=trouble)
            except Exception as exc:
                log.defect("tlsrpt.defect", exc)

    async def _tell(self, day: int, domain: str, *, is_last: bool) -> bool:
        """Whether somebody was told. The counts go when that is done, when nobody asks, or when it is given up."""
        store = self._site.store
        try:
            uris = parse_record((await self._resolver.txt(f"_smtp._tls.{domain}")).records)
        except DnsTrouble:
            if is_last:
                await store.write(tlsresult.remove, day, domain)
            return False
        if not uris:
            await store.write(tlsresult.remove, day, domain)
            return False
        submitter = await store.read(directory.first_domain) or self._site.hostname
        report = make_report(day, domain, submitter, await store.read(tlsresult.of_day, day, domain))
        letters = [await self._letter(report, domain, submitter, to) for to in _addresses(uris)]
        is_posted = False
        for uri in uris:
            if uri.lower().startswith(_HTTPS):
                is_posted = await self._post(uri, domain, report) or is_posted
        if letters or is_posted or is_last:
            await store.write(self._finish, day, domain, letters, int(self._site.clock.now()))
        if letters or is_posted:
            self._site.log.event("tlsrpt.sent", domain=domain, id=report.id, to=" ".join(uris))
        return bool(letters) or is_posted

    async def _post(self, url: str, domain: str, report: Report) -> bool:
        try:
            response = await self._https.post(url, pack(render_report(report)), MEDIA_TYPE)
        except (HttpsFault, DnsTrouble) as fault:
            self._site.log.event("tlsrpt.not-sent", domain=domain, to=url, why=fault)
            return False
        if response.code // 100 != 2:
            self._site.log.event("tlsrpt.not-sent", domain=domain, to=url, why=f"the answer is {response.code}")
            return False
        return True

    async def _letter(self, report: Report, domain: str, submitter: str, to: Address) -> _Letter:
        site = self._site
        cover = Cover(
            domain, submitter, to, Address(POSTMASTER, submitter), int(site.clock.now()),
            f"{site.chance.name(_LETTERS)}@{site.hostname}", site.chance.name(_LETTERS),
        )  # fmt: skip
        octets = render_mail(report, cover)
        prefix = await sign.signatures(site, submitter, octets)  # RFC 8460 §5.3: it must be signed
        content = await ingest.content(site, octets, await ingest.prepare(octets), prefix)
        return _Letter(to, content, make_tid(site.chance, site.clock.now()))

    async def _finish(self, tx: Tx, day: int, domain: str, letters: Sequence[_Letter], now: int) -> None:
        """From the null reverse-path: nobody here wants to hear that a report of faults was not taken."""
        for letter in letters:
            smtputf8 = not str(letter.to).isascii()
            envelope = Envelope(None, body="8BITMIME", smtputf8=smtputf8, tls_optional=True)
            parcel = NewParcel(letter.content, envelope, letter.tid, 0, now + limit.TLSRPT_TRIES_S, 0)
            if await directory.domain_exists(tx, letter.to.domain):
                found = locals_of(await find_route(tx, letter.to, self._here))
                await queue.send(
                    tx, letter.content, [Placing(one.account_id, one.inbox, 0) for one in found], parcel, [], now
                )
                continue
            key = await smarthost.destination(tx, letter.to, None, is_tls_optional=True)
            errand = NewErrand(Recipient(letter.to, notify=NEVER), key, now, is_held=self._site.send.hold)
            await queue.enqueue(tx, parcel, [errand], now)
        await tlsresult.remove(tx, day, domain)


def _spread_s(domain: str) -> int:
    """RFC 8460 §4.1: the same for all workers, another one for each domain."""
    return int.from_bytes(hashlib.sha256(domain.encode()).digest()[:4]) % limit.TLSRPT_SPREAD_S


def _addresses(uris: Sequence[str]) -> list[Address]:
    found = []
    for uri in uris:
        if uri.lower().startswith(_MAILTO):
            text = unquote(uri[len(_MAILTO) :].partition("?")[0])
            try:
                found.append(parse_address(text.encode("utf-8", "replace"), smtputf8=True))
            except AddressFault:
                continue
    return list(dict.fromkeys(found))


def make_report(day: int, domain: str, submitter: str, counts: Sequence[Counted]) -> Report:
    """One policy of the report for each policy that was met."""
    policies: dict[tuple[str, tuple[str, ...]], list[Counted]] = {}
    for one in counts:
        policies.setdefault((one.result.policy, one.result.policy_text), []).append(one)
    start = day * DAY_S
    return Report(
        submitter,
        f"{POSTMASTER}@{submitter}",
        f"{day}.{domain}@{submitter}",
        start,
        start + DAY_S - 1,
        tuple(_policy(kind, domain, text, group) for (kind, text), group in policies.items()),
    )


def _policy(kind: str, domain: str, text: tuple[str, ...], group: Sequence[Counted]) -> Policy:
    failures = tuple(_failure(one) for one in group if one.result.kind)
    fine = sum(one.sessions for one in group if not one.result.kind)
    failed = sum(one.sessions for one in failures)
    return Policy(kind, domain, text, _patterns(kind, text), fine, failures, failed)


def _failure(one: Counted) -> Failure:
    told = one.result
    return Failure(told.kind, one.sessions, told.source, told.host, told.address, told.helo, told.reason)


def _patterns(kind: str, text: Sequence[str]) -> tuple[str, ...]:
    if kind != "sts" or not text:
        return ()
    try:
        return parse_policy("\n".join(text).encode()).mx
    except StsFault:
        return ()
