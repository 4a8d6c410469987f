"""Tests of posthaus.proto.smtp.keyword: what is announced at which moment."""

from posthaus.proto.smtp.keyword import KEYWORDS, Offer, announce


def names(offer: Offer) -> set[str]:
    return {line.split(" ")[0] for line in announce(offer)}


def test_what_is_always_there() -> None:
    assert names(Offer()) == {
        "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "DSN", "LIMITS",
    }  # fmt: skip


def test_what_depends_on_the_moment() -> None:
    """RFC 3207 §4.2: STARTTLS is not announced inside TLS; RFC 4954 §3: AUTH names its mechanisms."""
    assert "STARTTLS" in names(Offer(starttls=True))
    assert "AUTH PLAIN SCRAM-SHA-256" in announce(Offer(mechanisms=("PLAIN", "SCRAM-SHA-256")))


def test_what_is_for_some_only() -> None:
    """RFC 8689 §2: REQUIRETLS inside of TLS; RFC 4865 §4: how long and until when."""
    lines = announce(Offer(requiretls=True, deliver_by_s=60, priority="MIXER", hold_s=3_600, hold_until=1_767_312_000))
    assert lines[-5:-1] == (
        "REQUIRETLS", "DELIVERBY 60", "MT-PRIORITY MIXER", "FUTURERELEASE 3600 2026-01-02T00:00:00Z",
    )  # fmt: skip


def test_numbers_are_those_of_the_offer() -> None:
    lines = announce(Offer(size_octets=4_711, recipients=17, transactions=3))
    assert "SIZE 4711" in lines
    assert "LIMITS RCPTMAX=17 MAILMAX=3" in lines


def test_table_has_each_name_once() -> None:
    assert len({keyword.name for keyword in KEYWORDS}) == len(KEYWORDS)
