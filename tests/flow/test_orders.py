"""What is remembered of SORT and THREAD."""

from array import array

from posthaus.flow.orders import Order, Orders, Tree


def order(*uids: int) -> Order:
    return Order([(min(uids), max(uids))], array("I", uids))


def test_the_last_of_each_kind_is_kept() -> None:
    orders = Orders()
    assert orders.order(1, "date") is None
    orders.keep(1, "date", order(2, 1))
    orders.keep(1, "size", order(1, 2))
    orders.keep(2, "date", order(5))
    orders.keep(1, "date", order(3, 1, 2))
    assert orders.order(1, "date") == order(3, 1, 2)
    assert orders.order(1, "size") == order(1, 2)
    assert orders.order(2, "date") == order(5)
    assert orders.tree(1, "date") is None


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    one = Tree([(1, 9)], [(1, 9)], bytes(600))
    orders = Orders(3 * one.octets)
    for mailbox in (1, 2, 3):
        orders.keep(mailbox, "refs", one)
    assert orders.tree(1, "refs") is one
    orders.keep(4, "refs", one)
    assert [mailbox for mailbox in range(1, 5) if orders.tree(mailbox, "refs")] == [1, 3, 4]


def test_what_is_too_large_is_not_kept_and_what_it_replaces_goes() -> None:
    orders = Orders(1_000)
    orders.keep(1, "date", order(1))
    orders.keep(2, "date", order(2))
    orders.keep(1, "date", order(*range(1, 400)))
    assert orders.order(1, "date") is None
    assert orders.order(2, "date") == order(2)
    for _ in range(100):  # nothing is counted twice
        orders.keep(2, "date", order(2))
    assert orders.order(2, "date") == order(2)
