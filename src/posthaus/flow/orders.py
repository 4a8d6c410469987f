"""What a worker remembers of SORT and THREAD: the order that it made of a set of messages, the last one of each kind.

What they look at never changes, and a UID never stands for another message. So an order holds for ever, and for any
part of what was put in order; nothing has to be told when mail comes or goes. A message that a new release prepares
again (store/rescan.py) keeps its place until the worker starts anew.

Standards: none.
Faults:    none.
"""

from array import array
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from posthaus.base import limit
from posthaus.mail.uidset import Ranges

_RANGE_OCTETS = 120  # two numbers in a tuple in a list


@dataclass(frozen=True, slots=True)
class Order:
    """UIDs in an order of their own."""

    uids: Ranges  # the same, rising
    ordered: "array[int]"

    @property
    def octets(self) -> int:
        return len(self.uids) * _RANGE_OCTETS + len(self.ordered) * self.ordered.itemsize


@dataclass(frozen=True, slots=True)
class Tree:
    """Threads as they are told."""

    uids: Ranges  # of what is in them
    numbers: Ranges  # by which the text names it
    text: bytes

    @property
    def octets(self) -> int:
        return (len(self.uids) + len(self.numbers)) * _RANGE_OCTETS + len(self.text)


class Orders:
    """By mailbox and what was asked; those asked for longest ago go first."""

    def __init__(self, most_octets: int = limit.ORDERS_OCTETS) -> None:
        self._most_octets = most_octets
        self._octets = 0
        self._kept: OrderedDict[Hashable, Order | Tree] = OrderedDict()

    def order(self, mailbox: int, by: Hashable) -> Order | None:
        found = self._find((mailbox, by))
        return found if isinstance(found, Order) else None

    def tree(self, mailbox: int, by: Hashable) -> Tree | None:
        found = self._find((mailbox, by))
        return found if isinstance(found, Tree) else None

    def keep(self, mailbox: int, by: Hashable, one: Order | Tree) -> None:
        """In place of what was kept of the same kind. What is larger than all that may be kept is not."""
        self._forget((mailbox, by))
        if one.octets > self._most_octets:
            return
        self._kept[mailbox, by] = one
        self._octets += one.octets
        while self._octets > self._most_octets:
            self._forget(next(iter(self._kept)))

    def _find(self, key: Hashable) -> Order | Tree | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _forget(self, key: Hashable) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._octets -= gone.octets
