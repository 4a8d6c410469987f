"""What others report of TLS: of our domains, a bounded number, forgotten in time."""

import pytest

from posthaus.base import limit
from posthaus.mail.tlsrpt import Failure, Policy, Report
from posthaus.store import tlsreport
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, person

DAY = 86_400


def _report(number: int = 1, *policies: Policy) -> Report:
    return Report("B Inc", "", f"r{number}", NOW - DAY, NOW, policies or (Policy("sts", "a.example", successes=5),))


@pytest.fixture
async def ours(store: Store) -> Store:
    await person(store, "anna")
    return store


async def test_of_our_domains_alone(ours: Store) -> None:
    report = _report(1, Policy("sts", "a.example"), Policy("tlsa", "a.example"), Policy("sts", "b.example"))
    assert await ours.write(tlsreport.put, report, NOW) == 2
    assert [one.policy for one in await ours.read(tlsreport.listing, NOW)] == ["sts", "tlsa"]
    assert await ours.read(tlsreport.listing, NOW, "b.example") == []


async def test_sent_again_it_counts_once(ours: Store) -> None:
    for at in (NOW, NOW + 9, NOW + DAY):
        await ours.write(tlsreport.put, _report(), at)
    (one,) = await ours.read(tlsreport.listing, NOW)
    assert one.successes == 5
    assert await ours.read(tlsreport.listing, NOW + 2 * DAY) == []


async def test_bounded(ours: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What strangers make up fills no disk: so many rows a day, and so much of each."""
    monkeypatch.setattr(limit, "TLSRPT_KEPT", 3)
    monkeypatch.setattr(limit, "TLSRPT_FAILURES_KEPT", 2)
    failures = tuple(Failure("x" * 9_999 + "\0", n, reason="y" * 9_999) for n in (1, 1 << 99, 2))
    for number in range(5):
        await ours.write(tlsreport.put, _report(number, Policy("sts", "a.example", failures=failures)), NOW)
    found = await ours.read(tlsreport.listing, NOW)
    assert len(found) == 3
    assert [one.sessions for one in found[0].failures] == [limit.TLSRPT_SESSIONS, 2]
    assert len(found[0].failures[0].kind) <= limit.TLSRPT_REASON_CHARACTERS
    assert await ours.write(tlsreport.forget, NOW + DAY, 2) == 2
    assert await ours.write(tlsreport.forget, NOW + DAY, 9) == 1
    assert await ours.read(tlsreport.listing, 0) == []
