"""What is our own: by the address itself, or by any address of this host where we listen on all."""

from posthaus.net.own import OwnDoors, is_loopback, is_of_this_host, is_public

ELSEWHERE = "192.0.2.1"  # RFC 5737 §3: nobody's


def test_of_this_host() -> None:
    assert is_of_this_host("127.0.0.1")
    assert not is_of_this_host(ELSEWHERE)
    assert not is_of_this_host("2001:db8::1")


def test_everybodys() -> None:
    assert all(is_public(one) for one in ("9.9.9.9", "2620:fe::9", "::ffff:9.9.9.9"))
    assert not any(is_public(one) for one in ("127.0.0.1", "192.168.0.1", "::1", "fe80::1", "::ffff:10.0.0.1"))
    assert all(is_loopback(one) for one in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"))
    assert not any(is_loopback(one) for one in ("10.0.0.1", "fe80::1"))


def test_one_address() -> None:
    doors = OwnDoors([("127.0.0.1", 25)])
    assert ("127.0.0.1", 25) in doors
    assert ("127.0.0.1", 26) not in doors
    assert ("127.0.0.2", 25) not in doors
    assert "127.0.0.1" not in doors


def test_all_addresses_of_a_family() -> None:
    doors = OwnDoors([("0.0.0.0", 25), ("::", 26)])
    assert ("127.0.0.1", 25) in doors and ("127.0.0.2", 25) in doors
    assert ("127.0.0.1", 26) not in doors
    assert (ELSEWHERE, 25) not in doors
