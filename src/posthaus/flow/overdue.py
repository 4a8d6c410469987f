"""Parcels whose clock has rung: their sender is told that it takes long, or they are given up.

It does not matter whether their destination is being tried: a hundred thousand errands to a host that is dead for a
week are told of and given up in time. Here ends, too, what a person has returned or dropped.

Standards: RFC 5321 §4.5.4.1, RFC 2852 §4, RFC 3461 §6.2, RFC 3463 §3.5.
Faults:    none.
"""

from dataclasses import replace

from posthaus.flow.settle import Done
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store.load import Claim, Settled
from posthaus.store.queue import Errand, Parcel, State

_NOT_TRIED = Outcome(Kind.DEFERRED, 0, "4.4.7", "not tried yet")
_EXPIRED = Outcome(Kind.FAILED, 0, "5.4.7", "it could not be delivered in time")
_RETURNED = Outcome(Kind.FAILED, 0, "5.0.0", "given back by the postmaster")


def decide(claim: Claim, now: int) -> list[Done]:
    """What is to be settled of one parcel."""
    parcel = claim.parcel
    given_up: list[Settled] = []
    dropped: list[Settled] = []
    told: list[Settled] = []
    untouched: list[Settled] = []
    for errand in claim.errands:
        if errand.state == State.DROPPED:
            dropped.append(Settled(errand, _RETURNED))
        elif errand.state == State.RETURNED:
            given_up.append(Settled(errand, _last(errand, _RETURNED)))
        elif now >= parcel.expires:
            given_up.append(Settled(errand, _in_time(parcel, errand, "R", now) or _last(errand, _EXPIRED)))
        elif parcel.warn_at and now >= parcel.warn_at:
            why = _in_time(parcel, errand, "N", now) or errand.reason or _NOT_TRIED
            told.append(Settled(errand, why, errand.due))
        else:
            untouched.append(Settled(errand, None, errand.due))
    found = [
        Done(parcel, tuple(given_up)),
        Done(parcel, tuple(dropped), is_silent=True),
        Done(parcel, tuple(told), is_warning=True),
        Done(parcel, tuple(untouched)),
    ]
    return [done for done in found if done.settled]


def _in_time(parcel: Parcel, errand: Errand, mode: str, now: int) -> Outcome | None:
    """RFC 2852 §4.1.3: its deadline, of this mode, has passed, and the status tells of nothing else."""
    by = parcel.envelope.deliver_by
    if by is None or by.mode != mode or now < parcel.created + by.seconds:
        return None
    words = "the time in which it had to arrive has passed"
    if errand.reason is not None and errand.reason.text:
        words = f"{words}; before that: {errand.reason.text}"
    outcome = Outcome(Kind.FAILED, 0, "5.4.7", words) if mode == "R" else Outcome(Kind.DEFERRED, 0, "4.4.7", words)
    return replace(outcome, host=errand.reason.host) if errand.reason is not None else outcome


def _last(errand: Errand, why: Outcome) -> Outcome:
    """The last answer says more than the time that has passed (RFC 3463 §3.5, X.4.7)."""
    if errand.reason is None:
        return why
    return replace(errand.reason, kind=Kind.FAILED, blames_host=False)
