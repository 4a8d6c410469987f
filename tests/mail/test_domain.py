"""Domains: A-labels, whatever comes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.mail.domain import DomainFault, to_ascii

GOOD = [
    ("Example.ORG", "example.org"),
    ("a", "a"),
    ("1.2", "1.2"),
    ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
    ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
    ("faß.de", "xn--fa-hia.de"),
    ("bücher。example", "xn--bcher-kva.example"),
]


@pytest.mark.parametrize(("domain", "wanted"), GOOD)
def test_to_ascii(domain: str, wanted: str) -> None:
    assert to_ascii(domain) == wanted


@pytest.mark.parametrize(
    "domain",
    ["", ".", "a.", ".a", "a..b", "a b", "a\n", "-a", "a-", "x" * 64, "a." * 128, "ü" * 60, "a@b", "ü\u202e.b"],
)
def test_faults(domain: str) -> None:
    with pytest.raises(DomainFault):
        to_ascii(domain)


@given(st.text(max_size=40))
def test_any_text(domain: str) -> None:
    try:
        ascii_domain = to_ascii(domain)
    except DomainFault:
        return
    assert ascii_domain == to_ascii(ascii_domain)
    assert ascii_domain.isascii() and len(ascii_domain) <= 255
