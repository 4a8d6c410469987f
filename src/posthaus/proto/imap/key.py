"""SEARCH keys as a tree of values.

Every key of the RFCs comes down to few leaves: UNSEEN is Not of a flag, FROM is Header("from", ...). OR OR OR of many
becomes one Or; a NOT of a NOT is nothing. The tree is built without recursion, its depth and its count of keys are
bounded, so whoever walks it may recurse.

Standards: RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 5032 (WITHIN), RFC 7162 §3.1.5, RFC 8474 §5, RFC 8514 §4.3,
           RFC 5466 §3.1, RFC 6203 §3.
Faults:    none here; reading is in parse_search.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from posthaus.proto.imap.number import SequenceSet


class Clock(Enum):
    """Which date of a message a key looks at."""

    INTERNAL = "internal date"
    SENT = "Date field"
    SAVED = "save date"


class Order(Enum):
    """How it is compared, time and zone disregarded."""

    BEFORE = "before"
    ON = "on"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class All:
    """ALL"""


@dataclass(frozen=True, slots=True)
class And:
    keys: "tuple[Key, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    keys: "tuple[Key, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    key: "Key"


@dataclass(frozen=True, slots=True)
class Numbers:
    """sequence-set: message numbers; "$" is the saved result."""

    numbers: SequenceSet


@dataclass(frozen=True, slots=True)
class Uids:
    """UID"""

    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class Flagged:
    """A system flag, \\Recent or a keyword."""

    flag: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """HEADER, FROM, TO, CC, BCC, SUBJECT: the field, in lower case, holds the text; "" asks whether it is there."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """BODY: the text, header of the message left out."""

    text: str


@dataclass(frozen=True, slots=True)
class Anywhere:
    """TEXT: header or body."""

    text: str


@dataclass(frozen=True, slots=True)
class Dated:
    """BEFORE, ON, SINCE, SENTBEFORE ... SAVEDSINCE"""

    clock: Clock
    order: Order
    day: date


@dataclass(frozen=True, slots=True)
class Younger:
    """YOUNGER; OLDER is its Not, for RFC 5032 §3 leaves no moment between the two."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Larger:
    """LARGER: more octets than these."""

    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """SMALLER: fewer octets than these."""

    octets: int


@dataclass(frozen=True, slots=True)
class ModSeq:
    """MODSEQ: changed at this MODSEQ or later. The entry name of RFC 7162 §3.1.5 is read and makes no difference."""

    modseq: int


@dataclass(frozen=True, slots=True)
class EmailId:
    identity: bytes


@dataclass(frozen=True, slots=True)
class ThreadId:
    identity: bytes


@dataclass(frozen=True, slots=True)
class SaveDateSupported:
    """SAVEDATESUPPORTED: all messages, if the mailbox keeps save dates."""


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """FUZZY before a key that looks for text: words in any form and order (RFC 6203 §3)."""

    key: Header | Body | Anywhere


@dataclass(frozen=True, slots=True)
class Filter:
    """FILTER: the search that is kept under this name, in lower case (RFC 5466 §3.1). Replaced before it is matched."""

    name: str


Leaf = (
    All
    | Filter
    | Fuzzy
    | Numbers
    | Uids
    | Flagged
    | Header
    | Body
    | Anywhere
    | Dated
    | Younger
    | Larger
    | Smaller
    | ModSeq
    | EmailId
    | ThreadId
    | SaveDateSupported
)
Key = Leaf | And | Or | Not


class Return(Enum):
    """Options of SEARCH RETURN."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"
    PARTIAL = b"PARTIAL"  # RFC 9394 §3.1
    UPDATE = b"UPDATE"  # RFC 5267 §4.3
    CONTEXT = b"CONTEXT"  # RFC 5267 §4.2
    RELEVANCY = b"RELEVANCY"  # RFC 6203 §4


def negate(key: Key) -> Key:
    """Not(key), a double one taken away."""
    return key.key if isinstance(key, Not) else Not(key)


def fuzzy(key: Key) -> Key:
    """Fuzzy of every text that is looked for in the key; for other keys it makes no difference (RFC 6203 §3)."""
    if isinstance(key, And | Or):
        return type(key)(tuple([fuzzy(one) for one in key.keys]))
    if isinstance(key, Not):
        return Not(fuzzy(key.key))
    return Fuzzy(key) if isinstance(key, Header | Body | Anywhere) else key


def leaves(key: Key) -> Iterator[Leaf]:
    """All that stands in And, Or and Not, the last first."""
    waiting = [key]
    while waiting:
        one = waiting.pop()
        if isinstance(one, And | Or):
            waiting.extend(one.keys)
        elif isinstance(one, Not):
            waiting.append(one.key)
        else:
            yield one


def count_fuzzy(key: Key) -> int:
    """How many of the keys are."""
    return sum(isinstance(one, Fuzzy) for one in leaves(key))


def has_numbers(key: Key) -> bool:
    """Is a message named by its number? What "$" stands for is not."""
    return any(isinstance(one, Numbers) and not one.numbers.saved for one in leaves(key))


def either(first: Key, second: Key) -> Key:
    """Or(first, second), made flat."""
    left = first.keys if isinstance(first, Or) else (first,)
    right = second.keys if isinstance(second, Or) else (second,)
    return Or(left + right)


def every(keys: list[Key]) -> Key:
    """And(keys), which for one key is the key."""
    return keys[0] if len(keys) == 1 else And(tuple(keys))
