"""Wrong guesses: first slowed, then refused, per network of the peer and per account.

A guess is charged before it is verified, so a hundred at once gain nothing, and given back when it was right. Nobody
can shut an owner out of his account: a network that has logged in to it lately is not counted with the others. The same
wrong password again is no new guess (flow/login.py remembers it), so a forgotten telephone counts once. A client that
tries CRAM-MD5 before PLAIN wherever it is offered has its vain tries back once the password has come and is right.

Standards: RFC 4422 §6.1, RFC 4616 §6.
Faults:    TooManyGuesses.
"""

from collections.abc import Callable
from typing import Protocol

from posthaus.base import limit
from posthaus.base.clock import Clock
from posthaus.base.rate import Rate, network
from posthaus.flow.identity import TooManyGuesses

_FIRST_DELAY_S = 0.5


class Peer(Protocol):
    """What is asked of net.stream.Peer: the address is the client's own where a trusted proxy said so."""

    @property
    def address(self) -> str: ...

    @property
    def is_loopback(self) -> bool: ...


class Guesses:
    """Counts of one worker. `is_trusted` names addresses of our own proxies, which speak for many."""

    def __init__(self, clock: Clock, is_trusted: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_trusted = is_trusted
        self._by_network = Rate(clock, limit.GUESSES_PER_ADDRESS, limit.GUESS_WINDOW_S)
        self._by_account = Rate(clock, limit.GUESSES_PER_ACCOUNT, limit.GUESS_WINDOW_S)
        # One token per (account, network) that lasts for a day: who holds one was let in.
        self._known = Rate(clock, 1, limit.KNOWN_PEER_LIFE_S)
        self._vain = Rate(clock, limit.GUESSES_PER_ACCOUNT, limit.GUESS_WINDOW_S)

    def charge(self, peer: Peer, account: str) -> None:
        """Before a guess is verified."""
        net, known = self._network(peer), self._is_known(peer, account)
        if (net is not None and self._by_network.is_spent(net)) or (not known and self._by_account.is_spent(account)):
            raise TooManyGuesses("too many wrong passwords; try again later")
        if net is not None:
            self._by_network.add(net)
        if not known:
            self._by_account.add(account)

    def in_vain(self, peer: Peer, account: str) -> None:
        """It could not have been right, whatever it was: this account keeps nothing that it could be held against."""
        self._vain.add(_pair(account, network(peer.address)))

    def right(self, peer: Peer, account: str) -> None:
        """It was no guess: take the charge back, and know this network from now on."""
        self.withdraw(peer, account)
        self.forgive(peer, account)
        net = self._network(peer)
        if net is not None:
            self._known.add(_pair(account, net))

    def forgive(self, peer: Peer, account: str) -> None:
        """He has proven who he is: take back what he tried in vain."""
        pair = _pair(account, network(peer.address))
        tries = self._vain.used(pair)
        if tries > 0.0:
            self.withdraw(peer, account, tries)
            self._vain.forget(pair)

    def withdraw(self, peer: Peer, account: str, guesses: float = 1.0) -> None:
        """It could not be verified at all."""
        net = self._network(peer)
        if net is not None:
            self._by_network.add(net, -guesses)
        if not self._is_known(peer, account):
            self._by_account.add(account, -guesses)

    def delay_s(self, peer: Peer, account: str) -> float:
        """How long to hold back the answer to a wrong guess."""
        net = self._network(peer)
        guesses = self._by_network.used(net) if net is not None else 0.0
        if not self._is_known(peer, account):
            guesses = max(guesses, self._by_account.used(account))
        beyond = guesses - limit.GUESSES_FREE
        return 0.0 if beyond <= 0 else min(limit.GUESS_DELAY_MAX_S, _FIRST_DELAY_S * 2.0**beyond)

    def _network(self, peer: Peer) -> str | None:
        """None for those who speak for others: loopback (a webmail beside us) and our own proxies."""
        if peer.is_loopback or self._is_trusted(peer.address):
            return None
        return network(peer.address)

    def _is_known(self, peer: Peer, account: str) -> bool:
        net = self._network(peer)
        return net is not None and self._known.used(_pair(account, net)) > 0.0


def _pair(account: str, net: str) -> str:
    return f"{account} {net}"
