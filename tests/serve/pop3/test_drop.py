"""The maildrop of one session."""

import re

from posthaus.serve.pop3.drop import Drop

ROWS = [(3, 100, 11), (4, 200, 12), (9, 300, 13), (10, 400, 14)]


def test_listings() -> None:
    drop = Drop(0x66, ROWS)
    assert len(drop) == 4
    assert drop.stat() == b"+OK 4 1000\r\n"
    assert drop.list_all() == b"+OK\r\n1 100\r\n2 200\r\n3 300\r\n4 400\r\n.\r\n"
    assert drop.uidl_all() == b"+OK\r\n1 66.3\r\n2 66.4\r\n3 66.9\r\n4 66.a\r\n.\r\n"
    assert drop.list_one(2) == b"+OK 2 200\r\n"
    assert drop.uidl_one(4) == b"+OK 4 66.a\r\n"
    assert (drop.message(3), drop.size_octets(3)) == (13, 300)


def test_empty() -> None:
    drop = Drop(1, ())
    assert drop.stat() == b"+OK 0 0\r\n"
    assert drop.list_all() == drop.uidl_all() == b"+OK\r\n.\r\n"
    assert drop.doomed() == []


def test_deleting() -> None:
    drop = Drop(1, ROWS)
    drop.list_all(), drop.uidl_all()
    assert drop.delete(2) == b"+OK\r\n"
    assert drop.delete(2) == b"-ERR message is deleted\r\n"
    assert drop.delete(1) == b"+OK\r\n"
    assert drop.delete(4) == b"+OK\r\n"
    assert drop.delete(5) == b"-ERR no such message\r\n"
    assert drop.stat() == b"+OK 1 300\r\n"
    assert drop.list_all() == b"+OK\r\n3 300\r\n.\r\n"
    assert drop.uidl_all() == b"+OK\r\n3 1.9\r\n.\r\n"
    assert drop.list_one(2) == drop.uidl_one(2) == b"-ERR message is deleted\r\n"
    assert drop.doomed() == [(3, 4), (10, 10)]
    assert len(drop) == 4
    drop.reset()
    assert drop.stat() == b"+OK 4 1000\r\n"
    assert drop.list_all().count(b"\r\n") == 6


def test_unique_ids_have_their_form() -> None:
    """RFC 1939 §7: one to 70 characters from 0x21 to 0x7E"""
    drop = Drop(0xFFFFFFFF, [(0xFFFFFFFF, 1, 1)])
    unique_id = drop.uidl_one(1).split()[2]
    assert re.fullmatch(rb"[!-~]{1,70}", unique_id)
