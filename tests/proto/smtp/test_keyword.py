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


def test_numbers_are_those_of_the_offer() -> None:
    lines = announce(Offer(size_octets=4_711, recipients=17, transactions=3))
    assert "SIZE 4711" in lines
    assert "LIMITS RCPTMAX=17 MAILMAX=3" in lines


def test_table_has_each_name_once() -> None:
    assert len({keyword.name for keyword in KEYWORDS}) == len(KEYWORDS)
