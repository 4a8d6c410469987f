"""What the POP3 engine tells its session.

Each event is answered before the next is asked for; a Retrieve once for each of its numbers.

Standards: RFC 1939.
Faults:    none.
"""

from dataclasses import dataclass

from posthaus.proto.pop3.command import Apop, Auth, Dele, List, Top, Uidl


@dataclass(frozen=True, slots=True)
class Password:
    """USER and PASS. Answer: accept() or send()."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Response:
    """The client's part of an AUTH exchange. Answer: challenge(), accept() or send()."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Retrieve:
    """RETR as often as it was pipelined without another command between. Answer: one reply for each number."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stls:
    """Answer: send(), outgoing() written, then TLS and after_tls()."""


@dataclass(frozen=True, slots=True)
class Stat:
    pass


@dataclass(frozen=True, slots=True)
class Reset:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    """Answer: close(). After a log-in, deletions are due now."""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will come; no answer. `why` is a word for the log."""

    why: str


Event = Password | Apop | Auth | Response | Stls | Stat | List | Uidl | Retrieve | Dele | Top | Reset | Quit | End
