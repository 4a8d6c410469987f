"""Addresses: parsed, refused, rendered, looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.mail.address import (
    Address,
    AddressFault,
    NeedsSmtputf8,
    literal,
    localpart_key,
    parse_address,
    split_subaddress,
)

GOOD: list[tuple[bytes, str, str, str]] = [
    (b"a@b", "a", "b", "a@b"),
    (b"A.b+c@Example.ORG", "A.b+c", "example.org", "A.b+c@example.org"),
    (b"!#$%&'*+-/=?^_`{|}~@b.c", "!#$%&'*+-/=?^_`{|}~", "b.c", "!#$%&'*+-/=?^_`{|}~@b.c"),
    (b'"a b"@c.d', "a b", "c.d", '"a b"@c.d'),
    (b'"a@b"@c.d', "a@b", "c.d", '"a@b"@c.d'),
    (b'"a"@c.d', "a", "c.d", "a@c.d"),
    (b'"a\\"b\\\\"@c.d', 'a"b\\', "c.d", '"a\\"b\\\\"@c.d'),
    (b"a@[192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]"),
    (b"a@[ipv6:2001:DB8:0::1]", "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"),
    (b"a@_dmarc.b_c.example", "a", "_dmarc.b_c.example", "a@_dmarc.b_c.example"),
    ("jörg@münchen.example".encode(), "jörg", "xn--mnchen-3ya.example", "jörg@xn--mnchen-3ya.example"),
    ("a@例え.example".encode(), "a", "xn--r8jz45g.example", "a@xn--r8jz45g.example"),
    (b"x" * 256 + b"@b", "x" * 256, "b", "x" * 256 + "@b"),
]


@pytest.mark.parametrize(("octets", "localpart", "domain", "text"), GOOD)
def test_good(octets: bytes, localpart: str, domain: str, text: str) -> None:
    address = parse_address(octets, smtputf8=True)
    assert (address.localpart, address.domain, str(address)) == (localpart, domain, text)
    assert parse_address(text.encode(), smtputf8=True) == address


BAD = [
    b"", b"a", b"@b", b"a@", b"a@b@c", b"a b@c", b".a@b", b"a.@b", b"a..b@c", b'"a@b', b'a"b@c', b'""@b', b"a@.b",
    b"a@b.", b"a@b..c", b"a@-b", b"a@b-", b"a@" + b"x" * 64, b"a@" + b"x." * 130 + b"y", b"x" * 257 + b"@b",
    b"a@[1.2.3]",
    b"a@[192.0.2.1", b"a@[IPv6:fe80::1%eth0]", b"a@[x]", b"a@[]", b"a\0@b", b"a\r@b", b'"a\nb"@c', b'"a\x7f"@c',
    b"\xff@b", b"a@\xff", "a\u2028@b".encode(), "a@b\u3002".encode(), b"a@b/c", b"a@b:25", b"<a@b>", b"a@b c",
]  # fmt: skip


@pytest.mark.parametrize("octets", BAD)
def test_bad(octets: bytes) -> None:
    with pytest.raises(AddressFault):
        parse_address(octets, smtputf8=True)


def test_outside_of_ascii_needs_smtputf8() -> None:
    for octets in ("ö@b".encode(), "a@ö.b".encode()):
        with pytest.raises(NeedsSmtputf8):
            parse_address(octets, smtputf8=False)
    with pytest.raises(AddressFault) as caught:
        parse_address("ö..@b".encode(), smtputf8=False)
    assert not isinstance(caught.value, NeedsSmtputf8)


def test_odd_dots_are_quoted_when_rendered() -> None:
    for octets in (b"a..b@c", b"a.@c", b".a@c"):
        address = parse_address(octets, smtputf8=False, odd_dots=True)
        assert str(address) == f'"{address.localpart}"@c'
        assert parse_address(str(address).encode(), smtputf8=False) == address


KEYS = [
    ("Alice", "alice"),
    ("STRASSE", "strasse"),
    ("Straße", "strasse"),
    ("É", "é"),
    ("E\u0301", "é"),
    ("ǅ", "ǆ"),
]


@pytest.mark.parametrize(("localpart", "key"), KEYS)
def test_keys_fold_case_and_form(localpart: str, key: str) -> None:
    assert localpart_key(localpart) == key
    assert Address(localpart, "b").key == f"{key}@b"


SUBADDRESSES = [("a", "a", None), ("a+b", "a", "b"), ("a+b+c", "a", "b+c"), ("a+", "a", ""), ("+a", "+a", None)]


@pytest.mark.parametrize(("localpart", "user", "detail"), SUBADDRESSES)
def test_subaddress(localpart: str, user: str, detail: str | None) -> None:
    assert split_subaddress(localpart) == (user, detail)


def test_literals() -> None:
    assert literal("192.0.2.1") == "[192.0.2.1]"
    assert literal("2001:DB8::0:1") == "[IPv6:2001:db8::1]"
    assert str(Address("postmaster", "")) == "postmaster"


@given(st.text(max_size=60), st.sampled_from(["b.example", "[192.0.2.1]"]))
def test_what_is_rendered_is_read_back(localpart: str, domain: str) -> None:
    rendered = str(Address(localpart, domain))
    try:
        octets = rendered.encode()
        parsed = parse_address(octets, smtputf8=True)
    except (AddressFault, UnicodeEncodeError):
        return
    assert parsed == Address(localpart, domain)
    assert not any(ord(c) < 32 or ord(c) == 127 for c in rendered)


@given(st.binary(max_size=80))
def test_any_octets_are_an_address_or_a_fault(octets: bytes) -> None:
    for odd_dots in (False, True):
        try:
            address = parse_address(octets, smtputf8=True, odd_dots=odd_dots)
        except AddressFault:
            continue
        assert parse_address(str(address).encode(), smtputf8=True) == address
