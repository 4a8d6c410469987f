"""MTA-STS for what we send: which policy a domain has now.

A policy is kept in the store until it expires, and what is kept holds while DNS or HTTPS are down: whoever could take
away the TXT record or the web host must not take away the policy (RFC 8461 §10.2). It is fetched when the id in the
TXT record is another one, and once a day for those in use, so that it does not expire while mail waits.

Standards: RFC 8461 §3, §5 and §10.2, RFC 8460 §4.3.2.2 (what goes wrong).
Faults:    Trouble of the store; Locked from refresh_once() (another worker is at it).
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.base.dns import DnsTrouble, Resolver
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.base.task import end_tasks
from posthaus.mail.sts import StsFault, StsPolicy, parse_policy, parse_record
from posthaus.net.https import Https, HttpsFault
from posthaus.store import lease, stspolicy
from posthaus.store.error import Locked
from posthaus.store.store import Store
from posthaus.store.stspolicy import Kept

_PATH = "/.well-known/mta-sts.txt"
_MEDIA_TYPE = "text/plain"
_OK = 200


@dataclass(frozen=True, slots=True)
class Found:
    """`failure` is a result type of RFC 8460 §4.3: a policy was announced that could not be had; an older one may
    stand all the same."""

    policy: StsPolicy | None = None
    text: str = ""
    failure: str = ""
    why: str = ""


class _Unfit(Exception):
    def __init__(self, failure: str, why: str) -> None:
        super().__init__(why)
        self.failure = failure


class Policies:
    """One worker's view of them. It remembers only what could not be fetched, so as not to ask again at once."""

    def __init__(self, store: Store, resolver: Resolver, https: Https, clock: Clock, log: Log) -> None:
        self._store = store
        self._resolver = resolver
        self._https = https
        self._clock = clock
        self._log = log
        self._failed: OrderedDict[tuple[str, str], tuple[float, Found]] = OrderedDict()
        self._fetching: dict[tuple[str, str], asyncio.Task[Found]] = {}

    async def find(self, domain: str) -> Found:
        now = int(self._clock.now())
        kept = await self._store.read(stspolicy.get, domain, now)
        policy_id = await self._announced(domain)
        if policy_id is not None and (kept is None or kept.id != policy_id):
            found = await self._fetched(domain, policy_id)
            if found.policy is not None:
                return found
            return found if kept is None else _of(kept, found.failure, found.why)
        if kept is None:
            return Found()
        if kept.used <= now - limit.STS_REFRESH_S:
            await self._store.write(stspolicy.touch, domain, now)
        return _of(kept)

    async def close(self) -> None:
        await end_tasks(self._fetching.values())

    async def _announced(self, domain: str) -> str | None:
        try:
            return parse_record((await self._resolver.txt(f"_mta-sts.{domain}")).records)
        except DnsTrouble:
            return None

    # -- fetching --------------------------------------------------------------------------------------------------

    async def _fetched(self, domain: str, policy_id: str) -> Found:
        """From the domain's web host; several who want it at the same time fetch it once."""
        key = (domain, policy_id)
        until, found = self._failed.get(key, (0.0, Found()))
        if self._clock.monotonic() < until:
            return found
        task = self._fetching.get(key)
        if task is None:
            task = self._fetching[key] = asyncio.get_running_loop().create_task(self._fetch(domain, policy_id))
            task.add_done_callback(lambda _: self._fetching.pop(key, None))
        return await asyncio.shield(task)

    async def _fetch(self, domain: str, policy_id: str, used: int | None = None) -> Found:
        """The policy, which is kept from now on; or why there is none."""
        try:
            policy, text = await self._ask(domain)
        except _Unfit as unfit:
            self._log.event("sts.not-fetched", domain=domain, failure=unfit.failure, why=unfit)
            found = Found(None, "", unfit.failure, str(unfit))
            self._failed[domain, policy_id] = (self._clock.monotonic() + limit.STS_RETRY_S, found)
            if len(self._failed) > limit.STS_RETRY_DOMAINS:
                self._failed.popitem(last=False)
            return found
        now = int(self._clock.now())
        kept = Kept(domain, policy_id, text, now, now + policy.max_age_s, now if used is None else used)
        await self._store.write(stspolicy.put, kept)
        self._log.event("sts.fetched", domain=domain, id=policy_id, mode=policy.mode.value, max_age_s=policy.max_age_s)
        return Found(policy, text)

    async def _ask(self, domain: str) -> tuple[StsPolicy, str]:
        try:
            response = await self._https.get(f"mta-sts.{domain}", _PATH, most_octets=limit.STS_POLICY_OCTETS)
        except HttpsFault as fault:
            raise _Unfit(
                "sts-webpki-invalid" if fault.is_certificate else "sts-policy-fetch-error", str(fault)
            ) from None
        except DnsTrouble as trouble:
            raise _Unfit("sts-policy-fetch-error", str(trouble)) from None
        if response.code != _OK:
            raise _Unfit("sts-policy-fetch-error", f"the answer is {response.code}")
        if response.media_type != _MEDIA_TYPE:
            raise _Unfit("sts-policy-invalid", f"it is {response.media_type or 'of no type'}, not {_MEDIA_TYPE}")
        try:
            return parse_policy(response.octets), response.octets.decode()
        except StsFault as fault:
            raise _Unfit("sts-policy-invalid", str(fault)) from None

    # -- refreshing ------------------------------------------------------------------------------------------------

    async def refresh_once(self, owner: str) -> int:
        """Those in use whose day is over, by one worker of all; how many were had."""
        now = int(self._clock.now())
        until_ms = (now + int(limit.STS_REFRESH_LEASE_S)) * 1000
        await self._store.write(lease.take, lease.STS, owner, now * 1000, until_ms)
        try:
            await self._store.write(stspolicy.sweep, now)
            due = await self._store.read(
                stspolicy.to_refresh,
                now - limit.STS_REFRESH_S,
                now - limit.STS_KEEP_UNUSED_S,
                now,
                limit.STS_REFRESH_AT_ONCE,
            )
            done = 0
            for kept in due:
                if self._clock.now() * 1000 > until_ms:
                    break
                policy_id = await self._announced(kept.domain) or kept.id
                done += (await self._fetch(kept.domain, policy_id, kept.used)).policy is not None
            return done
        finally:
            await self._store.write(lease.release, lease.STS, owner)

    async def run_refresh(self, owner: str, *, every_s: float = limit.STS_REFRESH_EVERY_S) -> None:
        """Round after round, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.refresh_once(owner)
            except Locked:
                pass
            except Trouble as trouble:
                self._log.warn("sts.trouble", fault=type(trouble).__name__, why=trouble)
            except Exception as exc:
                self._log.defect("sts.defect", exc)


def _of(kept: Kept, failure: str = "", why: str = "") -> Found:
    return Found(parse_policy(kept.text.encode()), kept.text, failure, why)
