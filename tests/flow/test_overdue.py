"""Parcels whose clock has rung: who is told what."""

from posthaus.flow import overdue
from posthaus.mail.address import Address
from posthaus.mail.envelope import DeliverBy, Envelope, Recipient
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store.load import Claim
from posthaus.store.queue import Errand, Parcel, State
from posthaus.testing.storehouse import NOW

OTTO = Recipient(Address("otto", "b.example"))
FULL = Outcome(Kind.DEFERRED, 452, "4.2.2", "mailbox full", "mx.b.example")
HOUR = 3_600


def _claim(by: DeliverBy | None, *, expires: int, warn_at: int = 0, reason: Outcome | None = FULL) -> Claim:
    envelope = Envelope(Address("anna", "a.example"), deliver_by=by)
    parcel = Parcel(1, "t1", envelope, 1, "", 9, NOW, expires, warn_at)
    return Claim(parcel, (Errand(1 << 16, 1, OTTO, "mx/b.example", 1, NOW, State.WAITING, reason),))


def _outcome(claim: Claim, at: int) -> tuple[Outcome, bool]:
    """What is told, and whether it is a warning."""
    (done,) = overdue.decide(claim, at)
    (settled,) = done.settled
    assert settled.outcome is not None
    return settled.outcome, done.is_warning


def test_the_last_answer_is_told() -> None:
    outcome, is_warning = _outcome(_claim(None, expires=NOW + HOUR), NOW + HOUR)
    assert (outcome.kind, outcome.status, outcome.code, is_warning) == (Kind.FAILED, "4.2.2", 452, False)
    outcome, _ = _outcome(_claim(None, expires=NOW + HOUR, reason=None), NOW + HOUR)
    assert (outcome.kind, outcome.status) == (Kind.FAILED, "5.4.7")


def test_a_deadline_is_told_as_such() -> None:
    """RFC 2852 §4.1.3"""
    returned, is_warning = _outcome(_claim(DeliverBy(HOUR, "R"), expires=NOW + HOUR), NOW + HOUR)
    assert (returned.kind, returned.status, returned.code, is_warning) == (Kind.FAILED, "5.4.7", 0, False)
    assert returned.text.endswith("has passed; before that: mailbox full") and returned.host == "mx.b.example"
    notified = _claim(DeliverBy(HOUR, "N"), expires=NOW + 9 * HOUR, warn_at=NOW + HOUR, reason=None)
    told, is_warning = _outcome(notified, NOW + HOUR)
    assert (told.kind, told.status, is_warning) == (Kind.DEFERRED, "4.4.7", True)


def test_given_up_before_or_after_its_time() -> None:
    """RFC 2852 §4.1.2: what was given up for another reason is told with that."""
    early, _ = _outcome(_claim(DeliverBy(9 * HOUR, "R"), expires=NOW + HOUR), NOW + HOUR)
    late, _ = _outcome(_claim(DeliverBy(HOUR, "N"), expires=NOW + 9 * HOUR), NOW + 9 * HOUR)
    assert early == late and (early.kind, early.status) == (Kind.FAILED, "4.2.2")
