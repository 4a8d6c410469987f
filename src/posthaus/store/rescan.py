"""Messages that another version of the scan has prepared: found by their ids, and given what this one says.

What is kept with a message is worked out once, at its arrival. A release whose answers differ raises VERSION in
mail/structure.py, and flow/sweep.py goes through the older messages; octets, UIDs and flags stay as they are.

Standards: none.
Faults:    none of its own.
"""

from posthaus.mail.prepared import Prepared
from posthaus.store.text import storable
from posthaus.store.tx import Tx


async def last(tx: Tx) -> int:
    """The highest id that a message has."""
    row = await tx.one("SELECT max(id) FROM message")
    return row[0] or 0 if row is not None else 0


async def outdated(tx: Tx, version: int, first: int, end: int) -> list[int]:
    """Ids, first to end, of messages that another version has prepared; rising."""
    rows = await tx.all("SELECT id FROM message WHERE id BETWEEN $1 AND $2 AND version<>$3 ORDER BY id",
                        first, end, version)  # fmt: skip
    return [row[0] for row in rows]


async def renew(tx: Tx, message: int, p: Prepared) -> int:
    """What this version says of its octets; 0 where the message has gone meanwhile."""
    return await tx.run(
        "UPDATE message SET version=$2, fields=$3, field_index=$4, envelope=$5, bodystructure=$6, structure=$7,"
        " subject=$8, base_subject=$9, sender=$10, recipients=$11, message_id=$12, refs=$13, sent_at=$14,"
        " has_attachment=$15, preview=$16 WHERE id=$1",
        message, p.version, p.fields, p.field_index, p.envelope, p.bodystructure, p.structure,
        *map(storable, [p.subject, p.base_subject, p.sender, p.recipients, p.message_id, " ".join(p.references)]),
        p.sent_at, int(p.has_attachment), storable(p.preview),
    )  # fmt: skip
