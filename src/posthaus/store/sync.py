"""What has changed in a mailbox since a MODSEQ: read from the book of changes, so it costs what changed.

From before the book's beginning (its horizon is limit.KEEP_TOMBSTONES_S) every UID that is no more is told as gone, and
every placement is asked for its MODSEQ: more is said than had to be, and nothing is left out.

Standards: RFC 7162 §3.1.4, §3.2.5, §3.2.6, §3.2.10.
Faults:    NoSuchAccount.
"""

from dataclasses import dataclass

from posthaus.mail import uidset
from posthaus.mail.uidset import Ranges
from posthaus.store import change, fetch, gone
from posthaus.store import mailbox as mailboxes
from posthaus.store.change import Kind
from posthaus.store.mailbox import Mailbox
from posthaus.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Since:
    """UIDs, of those that were asked about."""

    changed: Ranges  # new, or with another MODSEQ
    gone: Ranges


async def since(tx: Tx, box: Mailbox, modseq: int, known: Ranges) -> Since:
    """`known`: the UIDs that are asked about."""
    if modseq >= box.modseq:
        return Since([], [])
    if not await change.reaches(tx, box.account, modseq):
        there = gone.present(box.uidnext, await mailboxes.gone(tx, box.id))
        changed = await fetch.ranges_since(tx, box.id, uidset.intersect(known, there), modseq)
        return Since(changed, uidset.subtract(known, there))
    lost: Ranges = []
    changed = []
    for one in await change.of_mailbox(tx, box.account, box.id, modseq):
        if one.kind == Kind.GONE:
            lost += uidset.parse(one.uids)
        elif one.kind in (Kind.ADDED, Kind.FLAGS):
            changed += uidset.parse(one.uids)
        elif one.kind == Kind.SEEN:  # whosever it is: the MODSEQ is another one for all
            changed += one.seen[1]
    lost = uidset.intersect(uidset.normalise(lost), known)
    return Since(uidset.subtract(uidset.intersect(uidset.normalise(changed), known), lost), lost)
