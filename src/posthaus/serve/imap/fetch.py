"""FETCH and UID FETCH.

Rows come in batches and go out as one write each; no transaction is open while a client is slow. A message that another
session has expunged, and of which this client does not know yet, is answered from its tombstone.

Standards: RFC 9051 §6.4.5, §6.4.9, §7.5.2; RFC 7162 §3.1.4, §3.2.6; RFC 9394 §3.3; RFC 9586 §3.3.
Faults:    UnknownEncoding; NO [EXPUNGEISSUED] where octets are gone for good.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from posthaus.base.error import Refusal
from posthaus.flow import guarded
from posthaus.flow.access import NotAllowed
from posthaus.mail import uidset
from posthaus.mail.flag import SEEN
from posthaus.mail.rights import KEEP_SEEN
from posthaus.mail.uidset import Range, Ranges
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import Fetch
from posthaus.proto.imap.partial import Partial
from posthaus.proto.imap.section import Attribute, Binary, Plain, Section
from posthaus.serve.imap import flagline, messagelimit, outside
from posthaus.serve.imap.attribute import Batch, Column, Plan, plan
from posthaus.serve.imap.view import FlagText, View
from posthaus.store import fetch as rows
from posthaus.store import flag, seen, sync
from posthaus.store import mailbox as mailboxes
from posthaus.store.seen import Seen
from posthaus.store.tx import Row, Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_FLAGS_ONLY = ("uid", "flags")
_MARK_SEEN = flag.Edit(flag.Mode.ADD, SEEN)
_FLAG_LINES = (flagline.WITH_UID, flagline.WITHOUT_UID, flagline.UID_ONLY)


async def fetch(session: "ImapSession", command: Fetch) -> None:
    view = session.selected
    uids = session.uids_of(command.numbers, uid=command.uid)
    attributes = command.items.attributes
    since = command.items.changed_since
    if command.items.vanished and not (command.uid and session.has_vanished):
        session.bad(command.tag, "VANISHED is for UID FETCH after ENABLE QRESYNC")  # RFC 7162 §3.2.6
        return
    if since is not None or Plain.MODSEQ in attributes:
        session.want_modseqs()
    if command.uid and Plain.UID not in attributes:
        attributes = (*session.uid_item, *attributes)  # RFC 9051 §6.4.9
    if since is not None:  # RFC 7162 §3.1.4.1: those that changed, and their MODSEQ
        found = await session.site.store.read(_since, view, since, uids)
        if command.items.vanished and found.gone:
            session.say(render.vanished(uidset.render(found.gone).encode("ascii"), earlier=True))
        uids = found.changed
        attributes = tuple(dict.fromkeys((*attributes, Plain.MODSEQ)))
    partial = command.items.partial
    if partial is not None:
        if messagelimit.refused_as_part(session, command.tag, partial.size):
            return
        uids = _part(view, uids, partial)
    uids, lowest = messagelimit.newest(session, [(low, high) for _, low, high in view.uids.pieces(uids)])
    marks = not view.read_only and any(_sets_seen(a) for a in attributes)
    if marks and await _may_mark(session, view) and await _mark_seen(session, view, uids):
        also: tuple[Attribute, ...] = (Plain.FLAGS,)
        if session.has_modseqs:
            also = (*session.uid_item, Plain.FLAGS, Plain.MODSEQ)  # RFC 7162 §3.2.4
        attributes = tuple(dict.fromkeys((*attributes, *also)))  # RFC 9051 §6.4.5: the change is told
    lost = await send(session, uids, attributes)
    if lost:
        if lowest:
            messagelimit.say(session, lowest)
        session.no(command.tag, "Some of the messages are no longer there", code.EXPUNGEISSUED)  # RFC 9051 §7.1
    else:
        messagelimit.say_ok(session, command.tag, "FETCH completed", lowest)


async def _since(tx: Tx, view: View, modseq: int, uids: Ranges) -> sync.Since:
    """Of these UIDs, what has changed and what is gone, whether this client knew of it or not."""
    return await sync.since(tx, await mailboxes.get(tx, view.mailbox), modseq, uids)


def _part(view: View, uids: Ranges, partial: Partial) -> Ranges:
    """RFC 9394 §3.3: of those that are there, and with CHANGEDSINCE of those that changed (§3.4)."""
    there = [(low, high) for _, low, high in view.uids.pieces(uids)]
    which = partial.slice(uidset.count(there))
    return uidset.cut(there, which.start, which.stop)


def _sets_seen(attribute: Attribute) -> bool:
    """BODY[...] and its kind without PEEK; not RFC822.HEADER, which peeks."""
    return isinstance(attribute, Section | Binary) and not attribute.peek


async def _may_mark(session: "ImapSession", view: View) -> bool:
    """RFC 4314 §4: who may not reads as with PEEK. Asked where he could not when he last heard of it."""
    if view.rights & KEEP_SEEN:
        return True
    return await session.site.store.read(guarded.may_keep_seen, view.member, view.mailbox)


async def _mark_seen(session: "ImapSession", view: View, uids: Ranges) -> bool:
    """Sets \\Seen where it is missing; whether it was anywhere."""
    known = [(low, high) for _, low, high in view.uids.pieces(uids)]
    store = session.site.store
    if view.member:
        unseen = uidset.from_sorted(await store.read(seen.among, view.mailbox, view.member, known, wanted=False))
    else:
        unseen = await store.read(rows.ranges_with, view.mailbox, known, SEEN, 0)
    if not unseen:
        return False
    try:
        stored = await session.site.store.write(
            guarded.store, view.member, view.account, view.mailbox, unseen, _MARK_SEEN, session.now()
        )
    except NotAllowed:  # since just now
        return False
    view.own.add(stored.modseq)
    return True


async def send(session: "ImapSession", uids: Ranges, attributes: tuple[Attribute, ...]) -> int:
    """FETCH responses for these UIDs, as far as the view knows them; how many had no octets any more.

    A client that has said UIDONLY hears UIDFETCH, and where others hear a message number it hears the UID.
    """
    view, lost = session.selected, 0
    how = plan(attributes, b"UIDFETCH") if session.is_uid_only else plan(attributes)
    for number, low, high in view.uids.pieces(uids):
        if session.is_uid_only:
            number = low
        while low <= high:
            last = min(high, low + how.rows - 1)
            if how.columns == _FLAGS_ONLY and await _send_dense(session, how, low, last, number):
                number += last - low + 1
                low = last + 1
                continue
            found, own = await _placements(session, view, low, last, how)
            if len(found) == last - low + 1:
                numbers: Sequence[int] = range(number, number + len(found))
            else:
                found, numbers = await _with_tombstones(session, view, found, low, last, number, how)
                lost += last - low + 1 - len(found)
            await _send_batch(session, how, found, numbers, own)
            number += last - low + 1
            low = last + 1
    return lost


async def _placements(
    session: "ImapSession", view: View, low: int, last: int, how: Plan
) -> tuple[Sequence[Row], Seen | None]:
    """Rows, and for a member what he has seen of them."""
    store = session.site.store
    if view.member:
        return await store.scan(seen.placements, view.mailbox, view.member, low, last, how.columns, how.rows)
    return await store.scan(rows.placements, view.mailbox, low, last, how.columns, how.rows), None


async def _send_dense(session: "ImapSession", how: Plan, low: int, last: int, number: int) -> bool:
    """FLAGS of UIDs that are all there, which is nearly always so; false where one is missing."""
    view = session.selected
    store = session.site.store
    if view.member:
        flags = await store.scan(seen.dense_flags, view.mailbox, view.member, low, last)
    else:
        flags = await store.scan(rows.dense_flags, view.mailbox, low, last)
    if flags is None:
        return False
    numbers, uids, recent_from = range(number, number + len(flags)), range(low, last + 1), session.recent_from

    def lines(flag_text: FlagText) -> bytes:
        if how.form not in _FLAG_LINES:
            return how.lines(numbers, Batch({"uid": uids, "flags": flags}, flag_text, recent_from))
        inner = flagline.texts(flag_text, flags, uids, recent_from)
        with_uids = uids if how.form == flagline.WITH_UID else None
        return flagline.lines(numbers, with_uids, inner, uid_only=session.is_uid_only)

    await session.send(await named(session, lines))
    return True


async def named(session: "ImapSession", write: Callable[[FlagText], bytes]) -> bytes:
    """What is written with the names of all keywords: another session may have made one just now (RFC 9051 §7.3.5)."""
    flag_text = session.selected.flag_text
    octets = write(flag_text)
    if flag_text.is_behind:
        flag_text.is_behind = False
        await session.read_keywords((), force=True)
        octets = write(session.selected.flag_text)
    return octets


async def _with_tombstones(
    session: "ImapSession", view: View, found: Sequence[Row], low: int, last: int, number: int, how: Plan
) -> tuple[list[Row], list[int]]:
    """Fills the gaps that unannounced expunges have left."""
    there = {row[0]: row for row in found}
    merged: list[Row] = []
    numbers: list[int] = []
    for uid in range(low, last + 1):
        row = there.get(uid) or await session.site.store.scan(rows.tombstone, view.mailbox, uid, how.columns)
        if row is not None:
            merged.append(row)
            numbers.append(number + uid - low)
    return merged, numbers


async def _send_batch(
    session: "ImapSession", how: Plan, found: Sequence[Row], numbers: Sequence[int], own: Seen | None
) -> None:
    if not found:
        return
    columns, recent_from = _columns(how, found, own), session.recent_from
    if not how.has_body or not any(columns["place"]):
        octets = await named(session, lambda flag_text: how.lines(numbers, Batch(columns, flag_text, recent_from)))
        await session.send(octets)
        return
    for flags in columns.get("flags", ()):
        await named(session, itemgetter(flags))  # before the first octet of an answer goes out
    for row, number, place in zip(found, numbers, columns["place"], strict=True):
        one = Batch(_columns(how, (row,), own), session.selected.flag_text, recent_from)
        if place:
            await outside.send_line(session, how, number, one)
        else:
            await session.send(how.lines((number,), one))


def _columns(how: Plan, found: Sequence[Row], own: Seen | None) -> dict[str, Column]:
    columns: dict[str, Column] = dict(zip(how.columns, zip(*found, strict=True), strict=True))
    if own is not None and "flags" in columns:
        columns["flags"] = seen.put_in(own, columns["uid"], columns["flags"])
    return columns


async def send_news(session: "ImapSession", uids: Ranges, attributes: tuple[Attribute, ...]) -> None:
    """What a client wanted to hear of new messages (RFC 5465 §5.2), as far as there is an answer."""
    try:
        await send(session, uids, attributes)
    except Refusal as e:  # an encoding that cannot be taken off; the client knows of the message
        session.site.log.warn("imap.news", cid=session.stream.cid, why=type(e).__name__)


async def send_flags(session: "ImapSession", uids: Sequence[Range], *, with_uid: bool) -> None:
    """Unasked-for FETCH responses: flags that others have changed."""
    attributes: tuple[Attribute, ...] = (*session.uid_item, Plain.FLAGS) if with_uid else (Plain.FLAGS,)
    if session.has_modseqs:
        attributes += (Plain.MODSEQ,)  # RFC 7162 §3.1
    await send(session, list(uids), attributes)
