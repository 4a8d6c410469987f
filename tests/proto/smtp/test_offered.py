"""What hosts announce."""

from posthaus.base import limit
from posthaus.proto.smtp.offered import NOTHING, Offered, parse_offered
from posthaus.proto.smtp.replyread import Heard


def parse(*lines: str) -> Offered:
    return parse_offered(Heard(250, "", ("mx.example greets you", *lines)))


def test_everything() -> None:
    found = parse(
        "PIPELINING", "SIZE 1000", "8BITMIME", "SMTPUTF8", "CHUNKING", "DSN", "STARTTLS", "REQUIRETLS",
        "AUTH PLAIN SCRAM-SHA-256", "AUTH=LOGIN PLAIN", "MT-PRIORITY MIXER", "DELIVERBY 240", "ENHANCEDSTATUSCODES",
        "LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1",
    )  # fmt: skip
    assert found == Offered(
        name="mx.example", pipelining=True, eightbit=True, smtputf8=True, chunking=True, dsn=True, starttls=True,
        requiretls=True, priority=True, size=True, size_octets=1_000, deliver_by_s=240,
        mechanisms=("PLAIN", "SCRAM-SHA-256", "LOGIN"), recipients=20, transactions=5, domains=1,
    )  # fmt: skip


def test_case_and_odd_spaces_do_not_matter() -> None:
    assert parse("pipelining ", "  Size   7", "auth plain").size_octets == 7
    assert parse("auth plain").mechanisms == ("PLAIN",)


def test_no_fixed_maximum() -> None:
    """RFC 1870 §4: 0, or no number."""
    assert (parse("SIZE 0").size, parse("SIZE 0").size_octets) == (True, None)
    assert (parse("SIZE").size, parse("SIZE").size_octets) == (True, None)
    assert (parse().size, parse().size_octets) == (False, None)


def test_deliver_by_without_a_least_time() -> None:
    """RFC 2852 §3"""
    assert parse("DELIVERBY").deliver_by_s == 0
    assert parse("DELIVERBY 60,more").deliver_by_s == 60
    assert parse("DELIVERBY ,more").deliver_by_s == 0
    assert parse().deliver_by_s is None


def test_limits_are_believed_within_reason() -> None:
    """RFC 9422 §4; ours is the least of both."""
    assert parse("LIMITS RCPTMAX=100000").recipients == limit.RELAY_RECIPIENTS
    for odd in ("RCPTMAX=0", "RCPTMAX=", "RCPTMAX=-1", "RCPTMAX=x", "RCPTMAX", "RCPTMAX=" + "9" * 30):
        assert parse("LIMITS " + odd).recipients == limit.RELAY_RECIPIENTS


def test_nothing() -> None:
    assert parse("", "x") == Offered(name="mx.example")
    assert Offered() == NOTHING
