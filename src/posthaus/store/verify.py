"""All invariants of the store, in words: what `posthaus verify` asks, and every test at its end.

Each check is one question to the database whose right answer is no row; each broken one is named with its rows.
"""

from posthaus.base import limit
from posthaus.mail.uidset import from_sorted, render
from posthaus.store.gone import present
from posthaus.store.tx import Tx

_PLACED = (
    "(SELECT {sum} FROM placement p WHERE p.id BETWEEN m.id * 4294967296 AND m.id * 4294967296 + 4294967295{and_})"
)


def _counted(sum_: str, and_: str = "") -> str:
    return _PLACED.replace("{sum}", sum_).replace("{and_}", and_)


CHECKS: tuple[tuple[str, str], ...] = (
    (
        "a mailbox counts other messages than it has",
        f"SELECT m.id, m.name, m.total FROM mailbox m WHERE m.total <> {_counted('count(*)')}",
    ),
    (
        "a mailbox counts other unseen messages than it has",
        f"SELECT m.id, m.name, m.unseen FROM mailbox m WHERE m.unseen <> {_counted('count(*)', ' AND p.flags & 1 = 0')}",
    ),
    (
        "a mailbox counts other deleted messages than it has",
        f"SELECT m.id, m.name, m.deleted FROM mailbox m WHERE m.deleted <>"
        f" {_counted('count(*)', ' AND p.flags & 8 <> 0')}",
    ),
    (
        "a mailbox counts other octets than it has",
        f"SELECT m.id, m.name, m.size FROM mailbox m WHERE m.size <> {_counted('coalesce(sum(p.size), 0)')}",
    ),
    (
        "a UID is not below UIDNEXT",
        "SELECT m.id, m.name, p.id & 4294967295 FROM mailbox m JOIN placement p"
        " ON p.id BETWEEN m.id * 4294967296 + m.uidnext AND m.id * 4294967296 + 4294967295",
    ),
    (
        "an unseen message lies below the mark of the first",
        "SELECT m.id, m.name, p.id & 4294967295 FROM mailbox m JOIN placement p"
        " ON p.id BETWEEN m.id * 4294967296 AND m.id * 4294967296 + m.unseen_from - 1 WHERE p.flags & 1 = 0",
    ),
    (
        "a placement is later than its mailbox",
        "SELECT m.id, m.name, p.id & 4294967295 FROM mailbox m JOIN placement p"
        " ON p.id BETWEEN m.id * 4294967296 AND m.id * 4294967296 + 4294967295 WHERE p.modseq > m.modseq",
    ),
    (
        "a mailbox is later than its account",
        "SELECT m.id, m.name FROM mailbox m JOIN account a ON a.id=m.account WHERE m.modseq > a.modseq",
    ),
    (
        "a UIDVALIDITY is later than the account's last",
        "SELECT m.id, m.name FROM mailbox m JOIN account a ON a.id=m.account WHERE m.uidvalidity > a.uidvalidity",
    ),
    (
        "a placement is in no mailbox",
        "SELECT p.id FROM placement p WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.id = p.id / 4294967296)",
    ),
    (
        "a placement names no message",
        "SELECT p.id FROM placement p WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id=p.message)",
    ),
    (
        "a placement has another size than its message",
        "SELECT p.id, p.size, m.size FROM placement p JOIN message m ON m.id=p.message WHERE p.size <> m.size",
    ),
    (
        "a placement and a tombstone have the same UID",
        "SELECT p.id FROM placement p JOIN tombstone t ON t.id=p.id",
    ),
    (
        "an account holds a message another number of times than its mailboxes do",
        "SELECT e.account, e.message, e.live, count(p.id) FROM email e LEFT JOIN placement p ON p.message=e.message"
        " AND p.id / 4294967296 IN (SELECT m.id FROM mailbox m WHERE m.account=e.account)"
        " GROUP BY e.account, e.message, e.live HAVING count(p.id) <> e.live",
    ),
    (
        "a mailbox has a message that its account does not hold",
        "SELECT p.id FROM placement p JOIN mailbox m ON m.id = p.id / 4294967296"
        " WHERE NOT EXISTS (SELECT 1 FROM email e WHERE e.account=m.account AND e.message=p.message)",
    ),
    (
        "an account's quota counts other octets than it holds",
        "SELECT a.id, a.key, a.used_octets, a.used_messages FROM account a WHERE a.used_octets <>"
        " (SELECT coalesce(sum(g.size), 0) FROM email e JOIN message g ON g.id=e.message"
        " WHERE e.account=a.id AND e.live>0)"
        " OR a.used_messages <> (SELECT count(*) FROM email e WHERE e.account=a.id AND e.live>0)",
    ),
    (
        "a message's size is not that of its prefix and blob",
        "SELECT m.id FROM message m JOIN blob b ON b.id=m.blob WHERE m.size <> b.size + length(m.prefix)",
    ),
    (
        "a message's header has another size than its blob says",
        "SELECT m.id FROM message m JOIN blob b ON b.id=m.blob JOIN octets o ON o.blob=b.id"
        " WHERE length(o.head) <> b.head_size",
    ),
    (
        "an unpacked body has another size than its blob says",
        "SELECT b.id FROM blob b JOIN octets o ON o.blob=b.id"
        " WHERE b.place='' AND b.packing<>1 AND length(o.body) <> b.size - b.head_size",
    ),
    (
        "a message's octets are missing",
        "SELECT m.id FROM message m WHERE NOT EXISTS"
        " (SELECT 1 FROM blob b JOIN octets o ON o.blob=b.id WHERE b.id=m.blob AND b.state=0)",
    ),
    (
        "an account has no INBOX",
        "SELECT a.id, a.key FROM account a WHERE a.state=0 AND NOT EXISTS"
        " (SELECT 1 FROM mailbox m WHERE m.id=a.inbox AND m.account=a.id AND m.name='INBOX' AND m.state=0)",
    ),
)


async def verify(tx: Tx) -> list[str]:
    """Every broken invariant in words; an empty list is a sound store."""
    broken = []
    for words, sql in CHECKS:
        rows = await tx.all(sql)
        if rows:
            shown = "; ".join(", ".join(map(str, row)) for row in rows[: limit.VERIFY_ROWS_SHOWN])
            more = f" and {len(rows) - limit.VERIFY_ROWS_SHOWN} more" if len(rows) > limit.VERIFY_ROWS_SHOWN else ""
            broken.append(f"{words}: {shown}{more}")
    broken += await _gone_wrong(tx)
    return broken


async def _gone_wrong(tx: Tx) -> list[str]:
    """The bitmaps must say just what the placements say."""
    broken = []
    for mailbox, name, uidnext in await tx.all("SELECT id, name, uidnext FROM mailbox ORDER BY id"):
        chunks = await tx.all("SELECT chunk, bits FROM gone WHERE mailbox=$1 ORDER BY chunk", mailbox)
        rows = await tx.all(
            "SELECT id & 4294967295 FROM placement WHERE id BETWEEN $1 AND $2 ORDER BY id",
            mailbox << 32, mailbox << 32 | 0xFFFFFFFF,
        )  # fmt: skip
        said, there = present(uidnext, [(r[0], r[1]) for r in chunks]), from_sorted([r[0] for r in rows])
        if said != there:
            broken.append(f"a mailbox's bitmaps say {render(said)}, there is {render(there)}: {mailbox}, {name}")
    return broken
