"""Listening sockets: one per worker on the same port, and no second server unseen."""

import socket

import pytest

from posthaus.net.bind import BindFault, bind


def test_one_socket_for_each_worker() -> None:
    sockets = bind("127.0.0.1", 0, 3)
    try:
        assert len(sockets) == 3
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert len({one.fileno() for one in sockets}) == 3
    finally:
        for one in sockets:
            one.close()


def test_a_second_server_is_refused() -> None:
    sockets = bind("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    try:
        with pytest.raises(BindFault, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
            bind("127.0.0.1", port)
    finally:
        sockets[0].close()
    bind("127.0.0.1", port)[0].close()


def test_ipv4_and_ipv6_do_not_collide() -> None:
    four = bind("127.0.0.1", 0)
    six = bind("::1", four[0].getsockname()[1])
    for one in four + six:
        one.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv6_address_that_is_not_ours_is_left_out() -> None:
    assert bind("2001:db8::1", 0) == []


def test_an_ipv4_address_that_is_not_ours_is_a_fault() -> None:
    with pytest.raises(BindFault, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0)
