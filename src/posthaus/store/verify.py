"""All invariants of the store, in words: what `posthaus verify` asks, and every test at its end.

Each check is one question to the database whose right answer is no row; each broken one is named with its rows.
"""

from posthaus.base import limit
from posthaus.mail.flag import FIRST_KEYWORD_BIT
from posthaus.mail.rights import ALL
from posthaus.mail.uidset import from_sorted, parse, render, subtract
from posthaus.store import sortfact
from posthaus.store.gone import CHUNK, present
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
        f"SELECT m.id, m.name, m.unseen FROM mailbox m WHERE m.unseen <>"
        f" {_counted('count(*)', ' AND p.flags & 1 = 0')}",
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
        " AND p.id / 4294967296 IN (SELECT m.id FROM mailbox m WHERE m.account=e.account AND m.state<>3)"
        " GROUP BY e.account, e.message, e.live HAVING count(p.id) <> e.live",
    ),
    (
        "a mailbox has a message that its account does not hold",
        "SELECT p.id FROM placement p JOIN mailbox m ON m.id = p.id / 4294967296"
        " WHERE NOT EXISTS (SELECT 1 FROM email e WHERE e.account=m.account AND e.message=p.message)",
    ),
    (
        "a view of deleted messages shows one that its account holds, or cannot have back",
        "SELECT l.account, l.message FROM lost l WHERE NOT EXISTS"
        " (SELECT 1 FROM email e WHERE e.account=l.account AND e.message=l.message AND e.live=0)",
    ),
    (
        "a lost message is not in the view of deleted messages",
        "SELECT l.account, l.message FROM lost l WHERE NOT EXISTS (SELECT 1 FROM mailbox m JOIN placement p"
        " ON p.id = m.id * 4294967296 + l.uid WHERE m.account=l.account AND m.state=3 AND p.message=l.message)",
    ),
    (
        "a view of deleted messages has one of which nobody knows where it was",
        "SELECT p.id FROM mailbox m JOIN placement p"
        " ON p.id BETWEEN m.id * 4294967296 AND m.id * 4294967296 + 4294967295 WHERE m.state=3 AND NOT EXISTS"
        " (SELECT 1 FROM lost l WHERE l.account=m.account AND l.message=p.message AND l.uid=p.id & 4294967295)",
    ),
    (
        "an account has two views of deleted messages",
        "SELECT account, count(*) FROM mailbox WHERE state=3 GROUP BY account HAVING count(*) > 1",
    ),
    (
        "an account holds a message that is not there",
        "SELECT e.account, e.message FROM email e WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id=e.message)",
    ),
    (
        "a message is held by no account",
        "SELECT m.id FROM message m WHERE NOT EXISTS (SELECT 1 FROM email e WHERE e.message=m.id)",
    ),
    (
        "a blob counts other messages and parcels than name it",
        "SELECT b.id, b.names, n.found FROM blob b LEFT JOIN (SELECT blob, count(*) AS found FROM"
        " (SELECT blob FROM message UNION ALL SELECT blob FROM parcel) AS named GROUP BY blob) AS n ON n.blob=b.id"
        " WHERE b.names <> coalesce(n.found, 0)",
    ),
    (
        "a blob is named by no message and no parcel",
        "SELECT id FROM blob WHERE state=0 AND names=0",
    ),
    (
        "a tombstone is of a UID that was never given out",
        "SELECT m.id, m.name, t.id & 4294967295 FROM mailbox m JOIN tombstone t"
        " ON t.id BETWEEN m.id * 4294967296 + m.uidnext AND m.id * 4294967296 + 4294967295",
    ),
    (
        "two mailboxes of an account have the same special use",
        "SELECT account, special_use FROM mailbox WHERE special_use<>'' AND state=0"
        " GROUP BY account, special_use HAVING count(*) > 1",
    ),
    (
        "two mailboxes of an account have the same UIDVALIDITY",
        "SELECT account, uidvalidity FROM mailbox WHERE state=0 GROUP BY account, uidvalidity HAVING count(*) > 1",
    ),
    (
        "a change is later than its account",
        "SELECT c.account, c.modseq FROM change c WHERE NOT EXISTS"
        " (SELECT 1 FROM account a WHERE a.id=c.account AND a.modseq>=c.modseq)",
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
        "SELECT m.id FROM message m JOIN blob b ON b.id=m.blob WHERE length(b.head) <> b.head_size",
    ),
    (
        "an unpacked body has another size than its blob says",
        "SELECT id FROM blob WHERE place='' AND packing<>1 AND length(body) <> size - head_size",
    ),
    (
        "a message's octets are missing",
        "SELECT m.id FROM message m WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.id=m.blob AND b.state=0)",
    ),
    (
        "a parcel counts other errands than it has",
        "SELECT p.id, p.tid, p.errands FROM parcel p WHERE p.errands=0 OR p.errands <>"
        " (SELECT count(*) FROM errand e WHERE e.id BETWEEN p.id * 65536 AND p.id * 65536 + 65535)",
    ),
    (
        "an errand is of no parcel",
        "SELECT e.id FROM errand e WHERE NOT EXISTS (SELECT 1 FROM parcel p WHERE p.id = e.id / 65536)",
    ),
    (
        "a parcel's size is not that of its prefix and blob",
        "SELECT p.id FROM parcel p JOIN blob b ON b.id=p.blob WHERE p.size <> b.size + length(p.prefix)",
    ),
    (
        "a parcel's octets are missing",
        "SELECT p.id FROM parcel p WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.id=p.blob AND b.state=0)",
    ),
    (
        "a parcel's clock does not ring any more",
        "SELECT p.id, p.tid FROM parcel p WHERE p.clock >= 9007199254740992 AND EXISTS"
        " (SELECT 1 FROM errand e WHERE e.id BETWEEN p.id * 65536 AND p.id * 65536 + 65535"
        " AND e.load=0 AND e.state<>1)",
    ),
    (
        "a destination counts other errands than it has",
        "SELECT d.name, d.errands FROM destination d LEFT JOIN"
        " (SELECT e.destination, count(*) AS n FROM errand e GROUP BY e.destination) AS c ON c.destination=d.name"
        " WHERE d.errands <> coalesce(c.n, 0)",
    ),
    (
        "a destination counts other loads than it has",
        "SELECT d.name, d.busy FROM destination d WHERE d.busy <>"
        " (SELECT count(*) FROM load l WHERE l.destination=d.name)",
    ),
    (
        "a destination is looked at later than its first errand is due",
        "SELECT d.name, d.due FROM destination d JOIN (SELECT e.destination, min(e.due) AS first FROM errand e"
        " WHERE e.load=0 GROUP BY e.destination) AS w ON w.destination=d.name WHERE d.due > w.first AND d.due > d.rest"
        " AND d.due > d.used",
    ),
    (
        "an errand goes to no destination",
        "SELECT e.id, e.destination FROM errand e WHERE NOT EXISTS"
        " (SELECT 1 FROM destination d WHERE d.name=e.destination)",
    ),
    (
        "an errand is claimed by nobody",
        "SELECT e.id, e.load FROM errand e WHERE e.load<>0 AND NOT EXISTS (SELECT 1 FROM load l WHERE l.id=e.load)",
    ),
    (
        "a held errand has a time at which it is due",
        "SELECT e.id, e.due FROM errand e WHERE e.state=1 AND e.due < 9007199254740992",
    ),
    (
        "an annotation is of no mailbox",
        "SELECT n.account, n.mailbox, n.entry FROM annotation n WHERE n.mailbox<>0 AND NOT EXISTS"
        " (SELECT 1 FROM mailbox m WHERE m.id=n.mailbox AND m.account=n.account)",
    ),
    (
        "somebody's annotation is of no account",
        "SELECT n.account, n.mailbox, n.member, n.entry FROM annotation n WHERE n.member<>0 AND NOT EXISTS"
        " (SELECT 1 FROM account a WHERE a.id=n.member)",
    ),
    (
        "an access control list is of no mailbox",
        "SELECT c.mailbox, c.member FROM acl c WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.id=c.mailbox)",
    ),
    (
        "an access control list awaits somebody who is there, or is of no mailbox",
        "SELECT w.mailbox, w.key FROM acl_awaiting w WHERE EXISTS (SELECT 1 FROM account a WHERE a.key=w.key)"
        " OR NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.id=w.mailbox)",
    ),
    (
        "an access control list names its owner, or nobody",
        "SELECT c.mailbox, c.member FROM acl c LEFT JOIN account a ON a.id=c.member JOIN mailbox m ON m.id=c.mailbox"
        " WHERE c.member<>0 AND (a.id IS NULL OR c.member=m.account)",
    ),
    (
        "an access control list has an entry that says nothing, or no right that there is",
        f"SELECT mailbox, given, denied FROM acl WHERE given | denied NOT BETWEEN 1 AND {ALL} UNION ALL"
        f" SELECT mailbox, given, denied FROM acl_awaiting WHERE given | denied NOT BETWEEN 1 AND {ALL}",
    ),
    (
        "\\Seen of a member is of no mailbox, or the owner's",
        "SELECT s.mailbox, s.member FROM seen s WHERE NOT EXISTS"
        " (SELECT 1 FROM mailbox m WHERE m.id=s.mailbox AND m.account<>s.member) GROUP BY s.mailbox, s.member",
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
    broken += await _nameless_bits(tx)
    broken += await _seen_of_nothing(tx)
    broken += await _sorted_without(tx)
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


async def _nameless_bits(tx: Tx) -> list[str]:
    """Every keyword bit that a placement has must be a keyword of its mailbox."""
    named: dict[int, int] = {}
    for mailbox, bit in await tx.all("SELECT mailbox, bit FROM keyword"):
        named[mailbox] = named.get(mailbox, 0) | 1 << bit
    used = await tx.all(
        "SELECT DISTINCT id / 4294967296, flags FROM placement WHERE flags >= $1", 1 << FIRST_KEYWORD_BIT
    )
    return [
        f"a placement has a keyword that its mailbox does not know: {mailbox}, {flags}"
        for mailbox, flags in used
        if flags >> FIRST_KEYWORD_BIT << FIRST_KEYWORD_BIT & ~named.get(mailbox, 0)
    ]


async def _seen_of_nothing(tx: Tx) -> list[str]:
    """Nobody has seen a UID that was never given out: so nothing new is seen before it is looked at."""
    rows = await tx.all(
        "SELECT s.mailbox, s.member, s.chunk, s.bits, m.uidnext FROM seen s JOIN mailbox m ON m.id=s.mailbox"
        " ORDER BY s.mailbox, s.member, s.chunk"
    )
    return [
        f"a member has seen a UID that was never given out: {mailbox}, {member}"
        for mailbox, member, chunk, bits, uidnext in rows
        if chunk * CHUNK + int.from_bytes(bits, "little").bit_length() > uidnext
    ]


async def _sorted_without(tx: Tx) -> list[str]:
    """A piece of a mailbox is kept for SORT when nothing can come to it any more."""
    broken = []
    rows = await tx.all(
        "SELECT s.mailbox, s.piece, s.uids, m.uidnext FROM sortfact s LEFT JOIN mailbox m ON m.id=s.mailbox"
        " ORDER BY s.mailbox, s.piece"
    )
    for mailbox, piece, uids, uidnext in rows:
        first, end = piece * sortfact.SIZE, (piece + 1) * sortfact.SIZE
        there = await tx.all(
            "SELECT id & 4294967295 FROM placement WHERE id BETWEEN $1 AND $2 ORDER BY id",
            mailbox << 32 | first, mailbox << 32 | end - 1,
        )  # fmt: skip
        kept = parse(uids) if uids else []
        if uidnext is None or uidnext < end or (kept and subtract(from_sorted([r[0] for r in there]), kept)):
            broken.append(f"what is kept for SORT lacks messages, or its mailbox: {mailbox}, {piece}")
    return broken
