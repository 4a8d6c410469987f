"""When the wall clock goes back: nothing of the queue lies further ahead than if it had been set just now.

Once a clock that was days ahead is right again, each next try, each rest of a destination and the end of each parcel
would be days away. There is no state that says so: what is further ahead than it can be now is brought near, and a
parcel that came later than now is as if it had come now. That is looked for when a worker starts, when it sees the
clock go back, and once more a lease later, for what was being written in that moment.

Standards: RFC 5321 §4.5.4.1, RFC 4865 §4 (what is to be held until a time still is).
Faults:    those of the store.
"""

from posthaus.base import limit
from posthaus.flow.site import Site
from posthaus.store import ahead
from posthaus.store.ahead import Nearer
from posthaus.store.load import Claim
from posthaus.store.queue import NEVER, Parcel


class Setback:
    """Of one worker: look() often."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._latest: int | None = None  # what the wall clock showed last
        self._times: list[float] = []  # when it is looked for, by the hand that never goes back

    async def look(self, now: int) -> None:
        at = self._site.clock.monotonic()
        if self._latest is None or now < self._latest:
            self._times = [at, at + limit.QUEUE_LEASE_S]
        self._latest = now
        if self._times and at >= self._times[0]:
            if done := await bring_near(self._site, now):
                self._site.log.warn("queue.clock-went-back", changed=done)
            del self._times[0]


async def bring_near(site: Site, now: int) -> int:
    """All that lies too far ahead; how many parcels and destinations."""
    due, created = now + limit.QUEUE_RETRY_MOST_S, now + limit.QUEUE_LEASE_S  # clocks of nodes differ a little
    done = after = 0
    while claims := await site.store.scan(ahead.beyond, due, created, after, limit.QUEUE_AHEAD_ERRANDS):
        after = claims[-1].errands[-1].id
        found = [one for claim in claims if (one := nearer(claim, now)) is not None]
        if found:
            await site.store.write(ahead.bring_near, found)
            done += len(found)
    return done + await site.store.write(ahead.shorten, due)


def nearer(claim: Claim, now: int) -> Nearer | None:
    """None: all is as it should be."""
    parcel, released = claim.parcel, _released(claim.parcel, now)
    is_later = parcel.created > now + limit.QUEUE_LEASE_S
    is_held_until = parcel.envelope.hold_for is None and released > now
    back_s = parcel.created - now if is_later and not is_held_until else 0
    most = max(released, now + limit.QUEUE_RETRY_MOST_S)
    errands = tuple((errand, max(released, now)) for errand in claim.errands if most < errand.due < NEVER)
    if not errands and not back_s:
        return None
    return Nearer(parcel, parcel.created - back_s, parcel.expires - back_s, parcel.warn_at - back_s, errands)


def _released(parcel: Parcel, now: int) -> int:
    """Until when it is held by itself: a time that its sender has named, or so many seconds from when it came."""
    envelope = parcel.envelope
    if envelope.hold_until is None or envelope.hold_for is None:
        return envelope.hold_until or 0
    return min(parcel.created, now) + envelope.hold_for
