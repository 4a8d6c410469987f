"""Outcomes: what is final, and which status they always have."""

import pytest

from posthaus.mail.outcome import Kind, Outcome


@pytest.mark.parametrize(
    ("outcome", "status", "is_final"),
    [
        (Outcome(Kind.RELAYED, 250, "2.0.0"), "2.0.0", True),
        (Outcome(Kind.RELAYED, 250), "2.0.0", True),
        (Outcome(Kind.DELIVERED), "2.0.0", True),
        (Outcome(Kind.DEFERRED), "4.0.0", False),
        (Outcome(Kind.DEFERRED, 452, "4.2.2"), "4.2.2", False),
        (Outcome(Kind.FAILED, 550), "5.0.0", True),
        (Outcome(Kind.FAILED, 550, "5.1.1"), "5.1.1", True),
    ],
)
def test_status(outcome: Outcome, status: str, is_final: bool) -> None:
    assert (outcome.status, outcome.is_final) == (status, is_final)
