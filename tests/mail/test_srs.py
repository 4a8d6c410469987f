"""Sender rewriting: there and back again, and nothing that we did not write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.mail.address import Address, parse_address
from posthaus.mail.srs import SrsFault, is_srs, restore, rewrite

KEY, OLD = b"k" * 32, b"o" * 32
NOW = 1_700_000_000.0
DAY = 86_400.0
ANNA = Address("Anna.B+list", "a.test")


def test_there_and_back() -> None:
    path = rewrite(ANNA, "b.test", KEY, NOW)
    kind, hash_, day, domain, local = path.localpart.split("=")
    assert (path.domain, kind, len(hash_), len(day), domain, local) == ("b.test", "SRS0", 6, 2, "a.test", "Anna.B+list")
    assert is_srs(path.localpart) and not is_srs(ANNA.localpart) and not is_srs("srs0")
    assert restore(path.localpart, [KEY], NOW) == ANNA
    assert restore(path.localpart, [KEY, OLD], NOW) == ANNA
    assert rewrite(ANNA, "b.test", KEY, NOW) == path  # the same all day: greylisting depends on it


def test_a_host_on_the_way_that_changes_case() -> None:
    path = rewrite(ANNA, "b.test", KEY, NOW)
    assert restore(path.localpart.lower(), [KEY], NOW) == Address("anna.b+list", "a.test")
    assert restore(path.localpart.upper(), [KEY], NOW) == Address("ANNA.B+LIST", "a.test")


def test_a_chain_never_grows_beyond_two() -> None:
    first = rewrite(ANNA, "b.test", OLD, NOW)
    second = rewrite(first, "c.test", KEY, NOW)
    assert second.localpart.startswith("SRS1=") and "=b.test==" in second.localpart
    third = rewrite(second, "d.test", b"x" * 32, NOW)
    assert third.localpart.partition("=b.test==")[2] == second.localpart.partition("=b.test==")[2]
    for path, key in ((second, KEY), (third, b"x" * 32)):
        assert restore(path.localpart, [key], NOW) == first  # directly to the first forwarder
    assert restore(first.localpart, [OLD], NOW) == ANNA


@pytest.mark.parametrize("separator", ["+", "-"])
def test_separators_of_others(separator: str) -> None:
    other = Address(f"SRS0{separator}abcd=XY=a.test=anna", "b.test")
    path = rewrite(other, "c.test", KEY, NOW)
    assert restore(path.localpart, [KEY], NOW) == other


def test_age() -> None:
    path = rewrite(ANNA, "b.test", KEY, NOW)
    assert restore(path.localpart, [KEY], NOW + 21 * DAY) == ANNA
    assert restore(path.localpart, [KEY], NOW - 21 * DAY) == ANNA  # the clock went back
    for at in (NOW + 22 * DAY, NOW + 400 * DAY, NOW - 22 * DAY):
        with pytest.raises(SrsFault, match="expired"):
            restore(path.localpart, [KEY], at)


def test_what_we_did_not_write() -> None:
    path = rewrite(ANNA, "b.test", KEY, NOW).localpart
    second = rewrite(Address(path, "b.test"), "c.test", KEY, NOW).localpart
    forged = [
        path.replace("a.test", "evil.test"), path.replace("Anna", "Eve"), path[:-1], "SRS0=AAAAAA=AA=a.test=x",
        "SRS0=\u00fcAAAAA=AA=a.test=x", "SRS0=", "SRS0=a=b", "SRS1=", "anna",
        second.replace("b.test", "evil.test"), second.replace("SRS1=", "SRS1=A"),
    ]  # fmt: skip
    for localpart in forged:
        with pytest.raises(SrsFault):
            restore(localpart, [KEY], NOW)
    with pytest.raises(SrsFault):
        restore(path, [OLD], NOW)
    with pytest.raises(SrsFault):
        restore(path, [], NOW)


def test_too_long_to_be_written() -> None:
    with pytest.raises(SrsFault, match="too long"):
        rewrite(Address("a" * 250, "a.test"), "b.test", KEY, NOW)
    with pytest.raises(SrsFault):
        rewrite(Address("SRS1=x", "a.test"), "b.test", KEY, NOW)


@given(
    local=st.from_regex(r'[a-zA-Z0-9=+_/"\\ .\u00fc-]{1,60}', fullmatch=True).filter(lambda text: not is_srs(text)),
    at=st.floats(0, 4e9),
)
def test_any_localpart(local: str, at: float) -> None:
    address = Address(local, "a.test")
    path = rewrite(address, "b.test", KEY, at)
    assert parse_address(str(path).encode(), smtputf8=True) == path
    assert restore(path.localpart, [KEY], at) == address


@pytest.mark.parametrize("domain", ["b.test/relay", "b.test> BODY", "b..test", "[10.0.0]", "a@b.test"])
def test_a_first_forwarder_that_is_none(domain: str) -> None:
    """Whoever sends says who the first of the chain was; a name in the queue, or an SMTP command, it must not become"""
    path = rewrite(Address(f"SRS1=HHHHHH={domain}==GGGGGG=AA=a.test=anna", "c.test"), "d.test", KEY, NOW)
    with pytest.raises(SrsFault, match="not a domain"):
        restore(path.localpart, [KEY], NOW)


def test_an_address_literal_has_its_way_back() -> None:
    for host in ("[192.0.2.1]", "[IPv6:2001:db8::1]"):
        path = rewrite(Address("anna", host), "d.test", KEY, NOW)
        assert restore(path.localpart, [KEY], NOW) == Address("anna", host)
