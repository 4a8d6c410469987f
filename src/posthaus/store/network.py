"""What clients in trusted networks send to other domains: counted by address, for all workers of all nodes.

There is no password that somebody could have got hold of, but a printer or a program may be taken over as well. Slots
are those of store/sending.py. A client is an IPv4 address, or the /64 of an IPv6 address.

Standards: none.
Faults:    SendingLimit, SendingHeld.
"""

from posthaus.base import limit
from posthaus.store import postmaster
from posthaus.store.error import SendingHeld, SendingLimit
from posthaus.store.postmaster import Act, Which
from posthaus.store.sending import Used, day_of
from posthaus.store.tx import Tx


async def used(tx: Tx, client: str, now: int) -> Used:
    hour, (day, last) = now // limit.SEND_SLOT_S - 3_600 // limit.SEND_SLOT_S, day_of(now)
    row = await tx.one(
        "SELECT coalesce(sum(CASE WHEN slot>$2 THEN recipients ELSE 0 END), 0), coalesce(sum(recipients), 0)"
        " FROM sent_from WHERE client=$1 AND slot>$3 AND slot<=$4",
        client, hour, day, last,
    )  # fmt: skip
    return Used() if row is None else Used(int(row[0]), int(row[1]))


async def is_stopped(tx: Tx, client: str) -> bool:
    return await tx.one("SELECT 1 FROM stopped WHERE client=$1", client) is not None


async def count(tx: Tx, client: str, recipients: int, per_hour: int, per_day: int, now: int) -> None:
    """In the commit that sends: whatever other workers have counted since RCPT is seen here."""
    slot = now // limit.SEND_SLOT_S
    # The row that all writers of a client meet: under PostgreSQL the second waits here for the first.
    row = await tx.one(
        "INSERT INTO sent_from (client, slot, recipients) VALUES ($1, $2, $3) ON CONFLICT (client, slot) DO UPDATE"
        " SET recipients=sent_from.recipients+excluded.recipients RETURNING recipients",
        client, slot, recipients,
    )  # fmt: skip
    if row is None or row[0] == recipients:  # the first of this slot
        await tx.run("DELETE FROM sent_from WHERE client=$1 AND (slot<=$2 OR slot>$3)", client, *day_of(now))
    if await is_stopped(tx, client):
        raise SendingHeld
    found = await used(tx, client, now)
    if found.hour > per_hour or found.day > per_day:
        raise SendingLimit


async def stopped(tx: Tx) -> list[tuple[str, int]]:
    """Clients that may send nothing, and since when."""
    return [(row[0], row[1]) for row in await tx.all("SELECT client, since FROM stopped ORDER BY client")]


async def stop(tx: Tx, client: str, now: int) -> bool:
    """Nothing leaves from now on, what is in the queue neither; False where that was so already."""
    if not await tx.run("INSERT INTO stopped (client, since) VALUES ($1, $2) ON CONFLICT DO NOTHING", client, now):
        return False
    await postmaster.act_on_all(tx, Act.HOLD, Which(client=client), now)
    return True


async def release(tx: Tx, client: str, now: int) -> bool:
    """It may send again, and what was counted is forgotten, or it would be stopped again at once."""
    if not await tx.run("DELETE FROM stopped WHERE client=$1", client):
        return False
    await tx.run("DELETE FROM sent_from WHERE client=$1", client)
    await postmaster.act_on_all(tx, Act.RELEASE, Which(client=client), now)
    return True
