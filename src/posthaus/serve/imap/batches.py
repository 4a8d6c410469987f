"""UIDBATCHES: ranges of UIDs that divide the mailbox into parts of equally many messages, the newest first.

A part begins below the one before it and the last one ends at 1, whether there are messages with these UIDs or not; so
the n-th part is the same whether it is asked for by itself or with others. What a client was told holds until much has
come or gone, so it is not told again before (RFC 10022 §3.1.1); to work it out is a look-up for each part.

Standards: RFC 10022 §3.1.
Faults:    none.
"""

from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import code, render
from posthaus.proto.imap.command import UidBatches
from posthaus.serve.imap.uidmap import UidMap
from posthaus.serve.imap.view import View

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession


async def uid_batches(session: "ImapSession", command: UidBatches) -> None:
    view, size = session.selected, command.size
    if size < limit.IMAP_BATCH_FEWEST:
        session.no(command.tag, f"Minimum batch size is {limit.IMAP_BATCH_FEWEST}", code.TOOFEW)
        return
    if command.batches is not None:
        first, last = command.batches
        if first > last:
            session.bad(command.tag, "The lower batch comes first", code.CLIENTBUG)
            return
        if (last - first + 1) * size > limit.IMAP_BATCH_MOST:
            session.no(command.tag, "Too many messages", code.TOOMANY)
            return
    if not _may_ask(view, command):
        session.no(command.tag, "It is as you were told", code.LIMIT)
        return
    parts = batches(view.uids, size)
    if command.batches is not None:
        first, last = command.batches
        parts = parts[first - 1 : last]
    session.say(render.uid_batches(command.tag, parts))
    session.ok(command.tag, "UIDBATCHES completed")


def batches(uids: UidMap, size: int) -> Ranges:
    """Falling pairs of UIDs, the higher one first in each."""
    parts: Ranges = []
    high = uids.last_uid
    for number in range(len(uids) - size + 1, 1, -size):
        low = uids.uid(number)
        parts.append((high, low))
        high = low - 1
    return [*parts, (high, 1)] if high else []


def _may_ask(view: View, command: UidBatches) -> bool:
    """RFC 10022 §3.1.1: again only when more than half of a batch has come, or has gone."""
    asked = (command.size, command.batches)
    before = view.batches.get(asked)
    now = (view.came, view.went)
    if before is None:
        if len(view.batches) >= limit.IMAP_BATCHES_ASKED:
            return False
    elif max(now[0] - before[0], now[1] - before[1]) * 2 <= command.size:
        return False
    view.batches[asked] = now
    return True
