"""The view of deleted messages, brought up to date before somebody looks at it.

EXPUNGE pays nothing for the view, so the one who looks does: a read finds what was expunged since the last look, and
what there is goes into the view in pieces. Nothing is written where nothing was expunged.

Standards: none.
Faults:    those of store/lost.py.
"""

from posthaus.base import limit
from posthaus.store import lost
from posthaus.store.store import Store


async def catch_up(store: Store, account: int, now: int) -> None:
    while await store.read(lost.has_removed, account):
        await store.write(lost.emptied, account, now, limit.UNDELETE_PIECE)
    missing = await store.read(lost.missing, account)
    if missing is None:
        return
    ids = missing.tombstones
    for start in range(0, max(len(ids), 1), limit.UNDELETE_PIECE):
        piece = ids[start : start + limit.UNDELETE_PIECE]
        is_last = start + limit.UNDELETE_PIECE >= len(ids)
        await store.write(lost.show, account, piece, missing.upto if is_last else 0, now)
