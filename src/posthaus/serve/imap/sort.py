"""SORT and THREAD, with and without UID.

What to order by is read in batches of those messages that the search has found; ordering many takes a while, so it
happens in a thread.

Standards: RFC 5256 §2.2, §3; RFC 5957 §3; RFC 5267 §3; RFC 7162 §3.1.6; RFC 5051 in spirit (mail/text.py fold);
           RFC 5466 §3.1.
Faults:    StoreDown, StoreBusy; UndefinedFilter, LimitReached.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from posthaus.mail import fieldcache, threadtree
from posthaus.mail.addresslist import HeaderAddress, parse_address_list
from posthaus.mail.decode import decode_text
from posthaus.mail.header import read_header
from posthaus.mail.text import fold
from posthaus.mail.threadtree import Algorithm, Fact
from posthaus.mail.uidset import from_sorted
from posthaus.mail.word import decode_words
from posthaus.proto.imap import render
from posthaus.proto.imap.command import Sort, SortKey, Thread
from posthaus.proto.imap.key import Return
from posthaus.serve.imap import stored
from posthaus.serve.imap.search import find
from posthaus.serve.imap.searchresult import answer_results, highest_told, to_save
from posthaus.store import search as rows
from posthaus.store.tx import Row

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_BATCH = 500  # messages read at once
_IN_THREAD = 2_000  # messages; fewer are put in order at once

_ALGORITHMS: dict[bytes, Algorithm] = {
    b"ORDEREDSUBJECT": threadtree.ordered_subject,
    b"REFERENCES": threadtree.references,
    b"REFS": threadtree.refs,
}


async def sort(session: "ImapSession", command: Sort) -> None:
    search_key, filter_has_modseq = await stored.resolve(session, command.key)
    has_modseq = command.has_modseq or filter_has_modseq
    uids, modseqs = await find(session, search_key, with_modseq=has_modseq)
    columns = tuple(dict.fromkeys(c for key in command.keys for c in _COLUMNS[key.name]))
    found = await _read(session, uids, columns)
    ordered = await _apart(len(found), lambda: _in_order(command.keys, columns, found))
    numbers = ordered if command.uid else [session.selected.uids.number(uid) for uid in ordered]
    returns, partial = command.returns, command.partial
    if returns is None:
        modseq = max((modseqs[uid] for uid in ordered), default=0) if has_modseq else 0
        await session.send(render.sort(numbers, modseq or None))
    else:
        if Return.SAVE in returns:
            session.selected.saved = to_save(returns, partial, ordered)
        results = answer_results(returns, partial, numbers, render.render_numbers)
        if has_modseq and (modseq := highest_told(returns, partial, ordered, modseqs)):
            results.append((b"MODSEQ", b"%d" % modseq))
        await session.send(render.esearch(command.tag, uid=command.uid, results=results))
    session.ok(command.tag, "SORT completed")


async def thread(session: "ImapSession", command: Thread) -> None:
    search_key, _ = await stored.resolve(session, command.key)
    uids, _ = await find(session, search_key, with_modseq=False)
    found = await _read(session, uids, _FACTS)
    number = session.selected.uids.number
    facts = [_fact(row[0] if command.uid else number(row[0]), row) for row in found]
    algorithm = _ALGORITHMS[command.algorithm]
    tree = await _apart(len(facts), lambda: threadtree.render_threads(algorithm(facts)))
    await session.send(b"* THREAD %b\r\n" % tree if tree else b"* THREAD\r\n")
    session.ok(command.tag, "THREAD completed")


async def _apart(n: int, work: Callable[[], Any]) -> Any:
    return work() if n < _IN_THREAD else await asyncio.to_thread(work)


async def _read(session: "ImapSession", uids: Sequence[int], columns: tuple[str, ...]) -> list[Row]:
    found: list[Row] = []
    for at in range(0, len(uids), _BATCH):
        ranges = from_sorted(uids[at : at + _BATCH])
        found += await session.site.store.read(rows.wide, session.selected.mailbox, ranges, ("uid", *columns))
        await asyncio.sleep(0)
    return found


# -- SORT ----------------------------------------------------------------------------------------------------------

_COLUMNS: dict[bytes, tuple[str, ...]] = {
    b"ARRIVAL": ("received",),
    b"CC": ("fields", "field_index"),
    b"DATE": ("sent_at", "received"),
    b"FROM": ("fields", "field_index"),
    b"SIZE": ("size",),
    b"SUBJECT": ("base_subject",),
    b"TO": ("fields", "field_index"),
    b"DISPLAYFROM": ("fields", "field_index"),
    b"DISPLAYTO": ("fields", "field_index"),
}
_FIELDS = {b"CC": b"cc", b"FROM": b"from", b"TO": b"to", b"DISPLAYFROM": b"from", b"DISPLAYTO": b"to"}


def _in_order(keys: Sequence[SortKey], columns: tuple[str, ...], found: Sequence[Row]) -> list[int]:
    """UIDs; what the keys say the same of stays in the order of the mailbox (RFC 5256 §3)."""
    if not found:
        return []
    order: Sequence[int] = range(len(found))
    values = dict(zip(columns, list(zip(*found, strict=True))[1:], strict=True))
    for key in reversed(keys):
        by = [_value(key.name, *row) for row in zip(*[values[c] for c in _COLUMNS[key.name]], strict=True)]
        order = sorted(order, key=by.__getitem__, reverse=key.is_reverse)
    return [found[at][0] for at in order]


def _value(name: bytes, *row: Any) -> Any:
    if name == b"DATE":
        sent_at, received = row
        return received if sent_at is None else sent_at
    if name == b"SUBJECT":
        return fold(row[0])
    field = _FIELDS.get(name)
    return row[0] if field is None else _address(field, *row, display=name.startswith(b"DISPLAY"))


def _address(field: bytes, fields: bytes, index: bytes, *, display: bool) -> str:
    """RFC 5256 §3: the mailbox of the first address; RFC 5957 §3: its display name, or else its address."""
    pick = fieldcache.compile((field,))
    value = read_header(pick(fields, index)).value(field) if pick is not None else None
    for one in parse_address_list(value) if value else ():
        if one.domain is not None and one.localpart is not None:
            return fold(_display(one) if display else decode_text(one.localpart))
    return ""


def _display(one: HeaderAddress) -> str:
    name = decode_words(one.display).strip() if one.display else ""
    return name or f"{decode_text(one.localpart or b'')}@{decode_text(one.domain or b'')}"


# -- THREAD --------------------------------------------------------------------------------------------------------

_FACTS = ("message_id", "refs", "base_subject", "subject", "sent_at", "received")


def _fact(number: int, row: Row) -> Fact:
    _, message_id, refs, base_subject, subject, sent_at, received = row
    return Fact(number, message_id, refs.split(), fold(base_subject), subject, received if sent_at is None else sent_at)
