"""The record: what happened to a message on its way out, in rows of the commit in which it happened.

Rows of one message lie together by day and transaction, so a commit writes to one or two pages for all of its rows. The
only index is of Message-IDs, for reports that come back; whoever asks by address waits while a few days are looked
through. Mail that stays in the house has no rows: its own tell enough.

Standards: none.
Faults:    none of its own.
"""

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import field

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail.address import Address
from posthaus.mail.fate import Action
from posthaus.mail.outcome import Kind as OutcomeKind
from posthaus.mail.outcome import Outcome
from posthaus.store.text import storable
from posthaus.store.tx import Row, Tx

_DAY_S = 86_400
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # json.dumps() makes one for each call


class Kind(enum.IntEnum):
    """In the order in which they happen within one second."""

    SUBMITTED = 0  # words: account, auth, by, peer, name, tls, size, subject
    QUEUED = 1  # to, held
    HELD = 2
    RELEASED = 3
    DEFERRED = 4  # as `of_outcome` has them, these four; and due
    RELAYED = 5
    DELIVERED = 6
    FAILED = 7
    DROPPED = 8
    TOLD = 9  # a DSN was made. address: its recipient; words: of, action
    REPORTED = 10  # a DSN of another server. words: status, action, text, host
    COMPLAINED = 11  # an abuse report. words: feedback, agent


@value
class Entry:
    tid: str
    at: int
    kind: Kind
    address: str = ""
    words: Mapping[str, str | int] = field(default_factory=dict)
    message_id: str = ""


_OUTCOMES = {
    OutcomeKind.DEFERRED: Kind.DEFERRED,
    OutcomeKind.RELAYED: Kind.RELAYED,
    OutcomeKind.DELIVERED: Kind.DELIVERED,
    OutcomeKind.FAILED: Kind.FAILED,
}


def of_outcome(tid: str, at: int, recipient: Address, outcome: Outcome, *, due: int = 0) -> Entry:
    """due: when it is tried again."""
    words: dict[str, str | int] = {
        "code": outcome.code,
        "status": outcome.enhanced,
        "text": outcome.text[: limit.RECORD_TEXT_CHARACTERS],
        "host": outcome.host,
        "address": outcome.address,
        "tls": outcome.tls,
        "due": due,
    }
    return Entry(tid, at, _OUTCOMES[outcome.kind], recipient.key, words)


# -- in ------------------------------------------------------------------------------------------------------------


async def write(tx: Tx, entries: Iterable[Entry]) -> None:
    """Within the commit of what they tell. Of two of one kind in one second for one recipient the later counts."""
    if tx.low_space:
        return  # what happened is worth more than what is told of it
    await tx.many(
        "INSERT INTO record (day, tid, at, kind, address, message_id, words) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (day, tid, at, kind, address) DO UPDATE SET words=excluded.words",
        [
            (e.at // _DAY_S, storable(e.tid), e.at, int(e.kind), storable(e.address), storable(e.message_id), _json(e))
            for e in entries
        ],
    )


def _json(entry: Entry) -> str:
    words = {name: value for name, value in entry.words.items() if value not in ("", 0)}
    return storable(_encode(words))


# -- out -----------------------------------------------------------------------------------------------------------

_COLUMNS = "tid, at, kind, address, words, message_id"


async def of_transaction(tx: Tx, tid: str, since: int, now: int) -> list[Entry]:
    """All that is told of a message that came in at `since` or later, in order."""
    rows: list[Row] = []
    for day in range(since // _DAY_S, now // _DAY_S + 1):
        rows += await tx.all(
            f"SELECT {_COLUMNS} FROM record WHERE day=$1 AND tid=$2 ORDER BY at, kind, address", day, storable(tid)
        )
    return [_entry(row) for row in rows]


async def is_reported(tx: Tx, tid: str, address: Address, since: int, now: int) -> bool:
    """Has another server said that it failed there, after taking it?"""
    told = await of_transaction(tx, tid, since, now)
    return any(
        one.kind is Kind.REPORTED and one.address == address.key and one.words.get("action") == Action.FAILED.value
        for one in told
    )


async def submissions(tx: Tx, message_id: str) -> list[Entry]:
    """Of messages with this id (without <>), the last first."""
    if not message_id:
        return []
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM record WHERE message_id=$1 AND message_id<>'' ORDER BY at DESC LIMIT $2",
        storable(message_id), limit.RECORD_FOUND,
    )  # fmt: skip
    return [_entry(row) for row in rows]


async def with_address(tx: Tx, key: str, since: int, now: int, most: int) -> list[str]:
    """Transactions from or to an address, the last first. Looks through a day after the other."""
    found: dict[str, None] = {}
    for day in range(now // _DAY_S, since // _DAY_S - 1, -1):
        rows = await tx.all(
            "SELECT tid, max(at) FROM record WHERE day=$1 AND address=$2 GROUP BY tid ORDER BY max(at) DESC LIMIT $3",
            day, storable(key), most,
        )  # fmt: skip
        found.update((row[0], None) for row in rows)
        if len(found) >= most:
            break
    return list(found)[:most]


def _entry(row: Row) -> Entry:
    tid, at, kind, address, words, message_id = row
    return Entry(tid, at, Kind(kind), address, json.loads(words), message_id)


async def forget(tx: Tx, before: int, most: int) -> int:
    """Whole days; so many rows at most. How many it were."""
    rows = await tx.all(
        "SELECT day, tid, at, kind, address FROM record WHERE day<$1 ORDER BY day LIMIT $2", before // _DAY_S, most
    )
    await tx.many("DELETE FROM record WHERE day=$1 AND tid=$2 AND at=$3 AND kind=$4 AND address=$5", rows)
    return len(rows)
