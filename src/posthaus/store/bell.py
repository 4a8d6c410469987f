"""Doorbells: who wants to hear of which account.

"Account 17 is at MODSEQ 4711", no more: what changed is read from the book. A bell may ring for nothing, and a lost one
is made up for by the next, or by the driver's look once a second. Drivers carry bells between workers and nodes.

Account 0 is nobody's: its bell says that there is something to do in the queue. It has no MODSEQ to look at, so the
look once a second rings it whenever anybody has written.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

QUEUE = 0


class Notice(Protocol):
    """Is told which accounts somebody watches here, so that others need not ring for the rest."""

    def begin(self, account: int) -> None: ...

    def end(self, account: int) -> None: ...


class Watcher:
    """One who listens; close() is its last word."""

    __slots__ = ("_bells", "account", "ring")

    def __init__(self, bells: "Bells", account: int, ring: Callable[[], None]) -> None:
        self._bells = bells
        self.account = account
        self.ring = ring

    def close(self) -> None:
        self._bells.remove(self)


class Bells:
    """The listeners of one worker."""

    def __init__(self) -> None:
        self.notice: Notice | None = None
        self._watchers: dict[int, list[Watcher]] = {}
        self._heard: dict[int, int] = {}  # account -> MODSEQ of its last bell
        self._has_new = False

    def watch(self, account: int, ring: Callable[[], None]) -> Watcher:
        watcher = Watcher(self, account, ring)
        if account not in self._watchers:
            self._watchers[account] = []
            if self.notice is not None:
                self.notice.begin(account)
        self._watchers[account].append(watcher)
        if self._heard.setdefault(account, 0) == 0:
            self._has_new = True
        return watcher

    def remove(self, watcher: Watcher) -> None:
        watchers = self._watchers.get(watcher.account)
        if watchers and watcher in watchers:
            watchers.remove(watcher)
            if not watchers:
                del self._watchers[watcher.account]
                if self.notice is not None:
                    self.notice.end(watcher.account)
                self._heard.pop(watcher.account, None)

    def ring(self, touched: Mapping[int, int]) -> None:
        """touched: account -> MODSEQ."""
        for account, modseq in touched.items():
            watchers = self._watchers.get(account)
            if watchers:
                self._heard[account] = max(modseq, self._heard[account])
                for watcher in tuple(watchers):
                    watcher.ring()

    def has_new(self) -> bool:
        """Somebody came since this was asked: what was written just before him may not have rung for him."""
        has_new, self._has_new = self._has_new, False
        return has_new

    def heard(self) -> list[tuple[int, int]]:
        """The watched accounts, each with the MODSEQ of its last bell."""
        return list(self._heard.items())
