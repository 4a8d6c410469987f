"""Counting what became of TLS, session by session: in memory, and from time to time into the store.

    Relay(..., on_tls=counter.session)        NextHops(..., on_policy=counter.policy)

A day is a day of UTC. Nothing is counted where nobody is to be told, nor of smart hosts: they are ours to look after,
and ask for no reports.

Standards: RFC 8460 §4.
Faults:    none; what cannot be written is written later, and a crash loses a minute's counts.
"""

import asyncio
from collections import Counter

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.base.error import Trouble
from posthaus.base.log import Log
from posthaus.flow.demand import PolicyFailure, tlsa_lines
from posthaus.flow.hop import Host, NextHop
from posthaus.flow.relay import TlsFailure
from posthaus.store import tlsresult
from posthaus.store.store import Store
from posthaus.store.tlsresult import Result

DAY_S = 86_400
_COUNTED = frozenset({"sts", "tlsa", "no-policy-found"})


class TlsCounter:
    """One worker's counts."""

    def __init__(self, store: Store, clock: Clock, log: Log, *, is_on: bool = True) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._is_on = is_on
        self._counts: Counter[Result] = Counter()
        self._is_full = asyncio.Event()

    def session(self, hop: NextHop, host: Host, address: str, failure: TlsFailure | None) -> None:
        """One try at TLS (flow/relay.py)."""
        if host.policy not in _COUNTED or not hop.policy_domain:
            return
        text = hop.policy_text if host.policy == "sts" else tlsa_lines(host.tlsa)
        result = Result(self._day(), hop.policy_domain, host.policy, text)
        if failure is not None:
            result = Result(
                result.day, result.domain, result.policy, text,
                failure.kind, failure.source, host.name, address, failure.helo, failure.reason,
            )  # fmt: skip
        self._add(result)

    def policy(self, failure: PolicyFailure) -> None:
        """A host that was never tried, or a policy that could not be had (flow/demand.py)."""
        self._add(
            Result(
                self._day(), failure.domain, failure.policy, failure.policy_text,
                failure.kind, host=failure.host, reason=failure.reason,
            )
        )  # fmt: skip

    async def flush(self) -> None:
        """What was counted is in the store when this returns, or still here."""
        counts, self._counts = self._counts, Counter()
        self._is_full.clear()
        if not counts:
            return
        try:
            await self._store.write(tlsresult.count, sorted(counts.items(), key=lambda item: item[0].domain))
        except Trouble as trouble:
            self._log.warn("tlsrpt.not-counted", fault=type(trouble).__name__, why=trouble)
            if len(self._counts) < limit.TLSRPT_WAITING:
                self._counts.update(counts)

    async def run(self, *, every_s: float = limit.TLSRPT_FLUSH_S) -> None:
        """From time to time, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(every_s):
                    await self._is_full.wait()
            except TimeoutError:
                pass
            await self.flush()

    def _add(self, result: Result) -> None:
        if not self._is_on:
            return
        self._counts[result] += 1
        if len(self._counts) >= limit.TLSRPT_WAITING:
            self._is_full.set()

    def _day(self) -> int:
        return int(self._clock.now()) // DAY_S
