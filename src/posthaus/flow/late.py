"""Mail for accounts of ours that could not be kept in the reply to DATA: their mailbox was full, say.

It waits in the queue under a destination of its own, and is kept as soon as there is room; its octets are shared with
the parcel's.

Standards: RFC 3463 §3.3, RFC 5321 §4.4.
Faults:    Trouble of the store and of what lies outside.
"""

from posthaus.flow import ingest
from posthaus.flow.site import Site
from posthaus.mail import trace
from posthaus.mail.outcome import Kind, Outcome
from posthaus.store import account as accounts
from posthaus.store import blob, queue
from posthaus.store.account import Account
from posthaus.store.error import NoSuchAccount
from posthaus.store.message import Content, Placing
from posthaus.store.queue import Errand, Parcel
from posthaus.store.tx import Tx

_KEPT = Outcome(Kind.DELIVERED, 250, "2.0.0")
_FULL = Outcome(Kind.DEFERRED, 452, "4.2.2", "mailbox full")
_GONE = Outcome(Kind.FAILED, 550, "5.1.1", "no such mailbox any more")
WENT_AWAY = Outcome(Kind.DEFERRED, 451, "4.2.1", "the mailbox went away just then")


async def keep(site: Site, parcel: Parcel, errand: Errand) -> tuple[Outcome, tuple[tuple[Content, Placing], ...]]:
    """What becomes of it, and what has to be kept in the commit that says so."""
    account = await site.store.read(_account, errand.account)
    if account is None:
        return _GONE, ()
    room = account.room_octets
    if room is not None and room < parcel.size:
        return _FULL, ()
    content = await _content(site, parcel, errand)
    return _KEPT, ((content, Placing(account.id, account.inbox, 0)),)


async def _account(tx: Tx, account: int) -> Account | None:
    try:
        found = await accounts.get(tx, account)
    except NoSuchAccount:
        return None
    return found if found.state == accounts.OPEN else None


async def _content(site: Site, parcel: Parcel, errand: Errand) -> Content:
    octets = await site.store.read(queue.octets, parcel.id)
    async with ingest.turn(site, octets.size):
        body = blob.unpack(octets.body, octets.packing)
        if octets.place:
            body = await site.blobs.read(octets.place, 0, octets.size - len(octets.prefix) - len(octets.head))
        prepared = await ingest.prepare(octets.head + body)
    prefix = trace.render_return_path(parcel.envelope.reverse_path)
    prefix += trace.render_delivered_to(errand.recipient.address) + octets.prefix
    there = await site.store.read(queue.blob_of, parcel.id)
    return Content(prepared, prefix, octets.head, octets.body, octets.packing, there)
