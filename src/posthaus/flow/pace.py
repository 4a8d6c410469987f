"""How often and over how many connections: when an errand is tried next, and how a destination is treated.

An errand waits twice as long after each try, up to an hour.

A destination begins with a few connections. Each is a credit; as many credits as connections are worth one more. A host
that does not work costs one connection; as many failures as connections are left, and the destination is dead: nothing
of it is tried for a while, twice as long each time, and then over one connection. Whatever gets through ends all that.

Standards: RFC 5321 §4.5.4.1, RFC 2852 §4, RFC 4865 §4.
Faults:    none; pure functions.
"""

from collections.abc import Iterable
from dataclasses import replace

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail.envelope import Envelope
from posthaus.mail.outcome import Outcome
from posthaus.store.queue import Pace


@value
class Times:
    """Of a parcel, in Unix seconds. `warn_at` 0: the sender is not told of a delay."""

    due: int
    expires: int
    warn_at: int


def times(envelope: Envelope, now: int, give_up_s: float, warn_s: float) -> Times:
    """When it is tried first, given up, and told of.

    All begin when the message is released (FUTURERELEASE). By a deadline in mode R it is given up, in mode N the sender
    is told of the delay (DELIVERBY); a negative one in mode N has passed already.
    """
    due = max(envelope.hold_until or now, now)
    expires = due + int(give_up_s)
    warn_at = due + int(warn_s) if warn_s else 0
    by = envelope.deliver_by
    if by is not None and by.mode == "R":
        expires = max(now, min(expires, now + by.seconds))
    elif by is not None:
        warn_at = max(now, now + by.seconds)
    if envelope.reverse_path is None or warn_at >= expires:
        warn_at = 0
    return Times(due, expires, warn_at)


def schedule(attempts: int) -> int:
    """Seconds until the next try, after so many."""
    return min(limit.QUEUE_RETRY_FIRST_S << min(max(attempts, 1) - 1, 16), limit.QUEUE_RETRY_MOST_S)


def after(pace: Pace, outcomes: Iterable[Outcome], now: int) -> Pace:
    """What a few tries over one connection mean for their destination."""
    outcomes = list(outcomes)
    worked = sum([not one.blames_host and one.code > 0 for one in outcomes])
    if any(one.blames_host for one in outcomes):
        return _tired(pace) if worked else _failed(pace, now)
    return _worked(pace, worked) if worked else pace


def _worked(pace: Pace, n: int) -> Pace:
    allowed, credit = pace.allowed, pace.credit + n
    while credit >= allowed and allowed < limit.QUEUE_CONNECTIONS_MOST:
        credit -= allowed
        allowed += 1
    return Pace(allowed, credit if allowed < limit.QUEUE_CONNECTIONS_MOST else 0)


def _tired(pace: Pace) -> Pace:
    """The host worked, and then would not go on: fewer connections, and no more than that."""
    return Pace(max(1, pace.allowed - 1))


def _failed(pace: Pace, now: int) -> Pace:
    if now < pace.rest:  # of connections that were under way when it died
        return pace
    failed = replace(pace, allowed=max(1, pace.allowed - 1), credit=0, failures=pace.failures + 1)
    if failed.failures < failed.allowed:
        return failed
    deaths = pace.deaths + 1
    return Pace(allowed=1, deaths=deaths, rest=now + schedule(deaths))
