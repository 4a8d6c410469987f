"""DNS questions and answers as values, and what a resolver promises; who asks needs no network to be tested.

"There is nothing" (no such name, or nothing of this type) is an answer: an empty Answer. "I cannot tell" (SERVFAIL, a
time-out, an answer that makes no sense) is DnsTrouble, and whoever asked must try again later rather than take it for
nothing. `is_secure` is the AD bit, and is set only where the way to the resolver can be trusted.

Standards: RFC 1035, RFC 4035 §3.2.3, RFC 6698 §2.1, RFC 8020.
Faults:    DnsTrouble.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from posthaus.base.error import Trouble

R_co = TypeVar("R_co", covariant=True)


class DnsTrouble(Trouble):
    """No answer that can be relied on."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[R_co]):
    """What a name has of one type, CNAMEs followed. `records` is in the order in which it came."""

    records: Sequence[R_co]
    is_secure: bool = False
    exists: bool = True  # False: the name does not exist at all
    ttl_s: int = 0  # for how long this may be remembered
    name: str = ""  # where the chain of CNAMEs ended; "" where there was none


@dataclass(frozen=True, slots=True)
class Mx:
    preference: int
    host: str  # A-label, lower case, without the last dot; "" is the null MX (RFC 7505)


@dataclass(frozen=True, slots=True)
class Tlsa:
    """RFC 6698 §2.1."""

    usage: int
    selector: int
    matching: int
    data: bytes


class Resolver(Protocol):
    """Names are A-labels without the last dot."""

    async def mx(self, name: str) -> Answer[Mx]: ...

    async def a(self, name: str) -> Answer[str]: ...

    async def aaaa(self, name: str) -> Answer[str]: ...

    async def txt(self, name: str) -> Answer[bytes]:
        """The strings of each record, joined."""
        ...

    async def tlsa(self, name: str) -> Answer[Tlsa]: ...

    async def ptr(self, address: str) -> Answer[str]:
        """Host names of an IP address."""
        ...
