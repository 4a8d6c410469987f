"""What an account can reach of others' mailboxes.

Standards: RFC 4314 §2.
Faults:    none.
"""

from dataclasses import dataclass

from posthaus.store import acl
from posthaus.store.mailbox import COLUMNS, Mailbox
from posthaus.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Reached:
    """A mailbox of another account, and what may be done with it."""

    owner: str  # the key of his address
    is_shared: bool  # the owner is a team
    box: Mailbox
    rights: int


async def by_others(tx: Tx, account: int) -> list[Reached]:
    """All on which the account has any right, by owner and name; none, once it is being removed."""
    columns = ", ".join([f"m.{column}" for column in COLUMNS.split(", ")])
    rows = await tx.all(
        f"SELECT a.key, a.shared, c.given, c.denied, {columns} FROM acl c JOIN mailbox m ON m.id=c.mailbox"
        " JOIN account a ON a.id=m.account WHERE c.member IN ($1, $2) AND m.account<>$2 AND m.state=0 AND a.state=0"
        " AND EXISTS (SELECT 1 FROM account WHERE id=$2 AND state=0) ORDER BY a.key, m.name",
        acl.ANYONE, account,
    )  # fmt: skip
    entries: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        entries.setdefault(row[4], []).append(row[2:4])
    found: dict[int, Reached] = {}
    for key, shared, _, _, *box in rows:
        rights = acl.combined(entries[box[0]])
        if rights:
            found.setdefault(box[0], Reached(key, bool(shared), Mailbox(*box), rights))
    return list(found.values())
