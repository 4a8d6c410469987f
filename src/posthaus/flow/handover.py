"""From the session to a connection, without a claim: what is put in is taken along by a load that goes there already.

While a load of this worker is on its way and its host works, an errand for the same destination may be born claimed by
it, in the commit that puts it in. That saves the commit of a claim, and the octets need not be read. Everything else
about it is as usual: it is a row like any other, and after a crash it waits.

A write reserves its place before it commits, and a load does not end while a place is reserved. Where it is not known
whether a write was kept, whoever waits for it having gone away, the load gives back all it has.

Standards: none.
Faults:    none.
"""

from collections import deque
from collections.abc import Callable
from types import TracebackType

from posthaus.base import limit
from posthaus.base.error import Refusal
from posthaus.base.value import value
from posthaus.store.blob import Octets
from posthaus.store.load import Claim


@value
class Handed:
    """`octets`: those of the parcel, where they are at hand."""

    claim: Claim
    octets: Octets | None = None


class Boarding:
    """Where a load on its way takes more along. Its carrier opens it and shuts it."""

    def __init__(self, load: int, destination: str, wake: Callable[[], None]) -> None:
        """wake: something has come."""
        self.load = load
        self.destination = destination
        self.waiting: deque[Handed] = deque()  # the first of them is being sent
        self.reserved = 0  # by writes that have not returned
        self.is_quick = False  # its host takes a message in a moment
        self.is_unsure = False  # there may be errands of this load that nobody knows
        self.was_used = False  # since it was opened
        self._wake = wake

    @property
    def has_room(self) -> bool:
        return len(self.waiting) + self.reserved < (limit.QUEUE_HANDED if self.is_quick else 1)

    def settle(self, handed: Handed | None, *, is_sure: bool) -> None:
        """The write that had reserved a place has returned."""
        self.reserved -= 1
        self.is_unsure = self.is_unsure or not is_sure
        if handed is not None:
            self.was_used = True
            self.waiting.append(handed)
        self._wake()


class Handover:
    """Of one worker."""

    def __init__(self) -> None:
        self._open: dict[str, list[Boarding]] = {}

    def open(self, boarding: Boarding) -> None:
        mine = self._open.setdefault(boarding.destination, [])
        if boarding not in mine:
            mine.append(boarding)

    def shut(self, boarding: Boarding) -> None:
        """Nothing more comes but what is reserved."""
        mine = self._open.get(boarding.destination, [])
        if boarding in mine:
            mine.remove(boarding)
            if not mine:
                del self._open[boarding.destination]

    def find(self, destination: str) -> Boarding | None:
        for boarding in self._open.get(destination, ()):
            if boarding.has_room:
                return boarding
        return None

    def passing(self) -> "Passing":
        return Passing(self)


class Passing:
    """What one write hands over; a context around it."""

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._places: dict[str, Boarding] = {}
        self._handed: dict[str, Handed] = {}

    def begin(self) -> None:
        """First in the write, for it may run twice."""
        self._handed.clear()

    def place(self, destination: str) -> int:
        """The load that takes one parcel along, 0 for none."""
        if destination in self._handed:
            return 0
        boarding = self._places.get(destination) or self._handover.find(destination)
        if boarding is None:
            return 0
        if destination not in self._places:
            self._places[destination] = boarding
            boarding.reserved += 1
        return boarding.load

    def hand(self, destination: str, handed: Handed) -> None:
        self._handed[destination] = handed

    def __enter__(self) -> "Passing":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        is_sure = fault is None or isinstance(fault, Refusal)
        for destination, boarding in self._places.items():
            boarding.settle(self._handed.get(destination) if fault is None else None, is_sure=is_sure)
