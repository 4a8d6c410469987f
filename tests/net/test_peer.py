"""Addresses of peers."""

import pytest

from posthaus.net.peer import Networks, Peer, plain_address, wide_networks


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("", ""),
    ],
)
def test_plain_address(address: str, wanted: str) -> None:
    assert plain_address(address) == wanted


@pytest.mark.parametrize(
    ("address", "wanted"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("192.0.2.1", False), ("", False)]
)
def test_loopback(address: str, wanted: bool) -> None:
    assert Peer(address, 1, "", 0).is_loopback is wanted


def test_networks() -> None:
    networks = Networks(("10.0.0.0/8", "2001:db8::/32"))
    assert "10.1.2.3" in networks
    assert "2001:db8:1::1" in networks
    assert "11.0.0.1" not in networks
    assert "" not in networks
    assert "10.0.0.1" not in Networks(())


def test_wide_networks() -> None:
    narrow = ("10.0.0.0/16", "192.0.2.7/32", "2001:db8::/33", "::1/128")
    wide = ("0.0.0.0/0", "10.0.0.0/8", "172.16.0.0/15", "::/0", "2001:db8::/32")
    assert wide_networks(narrow + wide) == wide
