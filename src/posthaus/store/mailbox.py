"""Mailboxes: hierarchy, special use, subscriptions, keywords, and the counters that every write keeps true.

Names are full names, levels divided by "/". INBOX is one name whatever its case. A mailbox that is removed while it has
inferiors stays as a name only (\\Noselect, RFC 9051 §6.3.5); its messages become tombstones. A mailbox in state VIEW
is the account's view of deleted messages (store/lost.py): it is opened and listed, and nobody makes, fills, renames or
removes it.

Standards: RFC 9051 §5.1, §6.3; RFC 6154.
Faults:    NoSuchMailbox, MailboxExists, MailboxHasChildren, InvalidName, NotPermitted, UseTaken, LimitReached.
"""

from collections.abc import Iterable, Sequence

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.mail.flag import FIRST_KEYWORD_BIT, LAST_KEYWORD_BIT
from posthaus.store import account as accounts
from posthaus.store import acl, change
from posthaus.store.error import (
    InvalidName,
    LimitReached,
    MailboxExists,
    MailboxHasChildren,
    NoSuchMailbox,
    NotPermitted,
    UseTaken,
)
from posthaus.store.text import storable
from posthaus.store.tx import Tx, number

SEPARATOR = "/"
OTHERS, TEAMS = "Other users", "Shared"  # above what is another's (flow/access.py), in whosever tree
OPEN, NAME_ONLY, REMOVING, VIEW = 0, 1, 2, 3
VIEW_NAME = "Deleted messages"  # of the view; where a mailbox of the account has this name already, see view_name
_REMOVED = "\x01"  # begins the name of a removed mailbox, and divides its id from the name that it had


@value
class Mailbox:
    """A row of `mailbox`."""

    id: int
    account: int
    name: str
    uidvalidity: int
    uidnext: int
    modseq: int
    total: int
    unseen: int
    deleted: int
    size: int
    recent_from: int
    unseen_from: int
    special_use: str
    state: int


COLUMNS = (
    "id, account, name, uidvalidity, uidnext, modseq, total, unseen, deleted, size, recent_from, unseen_from,"
    " special_use, state"
)


def checked_name(name: str) -> str:
    """The canonical form of a name that may be made; InvalidName otherwise.

    Path-like levels are refused because real clients (mbsync) give up an account that has one.
    """
    levels = name.split(SEPARATOR)
    if levels[0].upper() == "INBOX":
        levels[0] = "INBOX"
    if len(levels) > limit.MAILBOX_DEPTH or len(name.encode("utf-8", "replace")) > limit.MAILBOX_NAME_OCTETS:
        raise InvalidName("too long or too deep")
    for level in levels:
        if not level or level in (".", ".."):
            raise InvalidName("a level of the name is empty or like a path")
    if any(
        ord(c) < 32 or 127 <= ord(c) < 160 or c in "%*\ufffd\u2028\u2029" or 0xD800 <= ord(c) < 0xE000 for c in name
    ):
        raise InvalidName("a character that no name may have")  # RFC 9051 §5.1, RFC 5198 §2
    return SEPARATOR.join(levels)


def canonical(name: str) -> str:
    """As checked_name, for looking up: nothing is refused."""
    name = storable(name)
    head, slash, rest = name.partition(SEPARATOR)
    return f"INBOX{slash}{rest}" if head.upper() == "INBOX" else name


def view_name(taken: Iterable[str]) -> str:
    """The name for the view of an account that has these names. Case does not tell names apart here: clients keep
    mailboxes in folders, and Apple's call their \\Trash "Deleted Messages"."""
    folded = {name.casefold() for name in taken}
    names = (VIEW_NAME, *(f"{VIEW_NAME} ({i})" for i in range(2, len(folded) + 3)))
    return next(name for name in names if name.casefold() not in folded)


def name_before(name: str) -> str:
    """The name that a mailbox had when it was removed; any other name as it is."""
    return name.split(_REMOVED, 2)[2] if name.count(_REMOVED) >= 2 else name


# -- reading -------------------------------------------------------------------------------------------------------


async def get(tx: Tx, mailbox: int) -> Mailbox:
    row = await tx.one(f"SELECT {COLUMNS} FROM mailbox WHERE id=$1 AND state<>2", mailbox)
    if row is None:
        raise NoSuchMailbox
    return Mailbox(*row)


async def find(tx: Tx, account: int, name: str) -> Mailbox:
    """By name, to be written to; NoSuchMailbox also where it is a name only, NotPermitted where it is the view."""
    name = canonical(name)
    row = await tx.one(f"SELECT {COLUMNS} FROM mailbox WHERE account=$1 AND name=$2", account, name)
    if row is None or row[-1] != OPEN:
        if name == VIEW_NAME if row is None else row[-1] == VIEW:
            raise NotPermitted("nothing is put into the view of deleted messages")
        raise NoSuchMailbox
    return Mailbox(*row)


async def find_at(tx: Tx, account: int, name: str) -> tuple[Mailbox, int]:
    """By name, to be read; with the account's MODSEQ: where the book of changes stands. One statement, for every
    SELECT asks it."""
    row = await tx.one(
        f"SELECT (SELECT a.modseq FROM account a WHERE a.id=$1), {COLUMNS} FROM mailbox WHERE account=$1 AND name=$2",
        account,
        canonical(name),
    )
    if row is None or row[-1] not in (OPEN, VIEW):
        raise NoSuchMailbox
    return Mailbox(*row[1:]), row[0]


async def has_any(tx: Tx, account: int, name: str) -> bool:
    """Is there anything of this name?"""
    return await tx.one("SELECT 1 FROM mailbox WHERE account=$1 AND name=$2", account, name) is not None


async def listing(tx: Tx, account: int) -> list[Mailbox]:
    """All of an account, names only ones too, by name."""
    rows = await tx.all(f"SELECT {COLUMNS} FROM mailbox WHERE account=$1 AND state<>2 ORDER BY name", account)
    return [Mailbox(*row) for row in rows]


async def with_view(tx: Tx, account: int) -> list[Mailbox]:
    """As listing, and the view of deleted messages is among them also where nobody has looked at it yet; id 0."""
    boxes = await listing(tx, account)
    if all(box.state != VIEW for box in boxes):
        name = view_name([box.name for box in boxes])
        boxes.append(Mailbox(0, account, name, 0, 1, 0, 0, 0, 0, 0, 1, 1, "", VIEW))
    return boxes


async def subscriptions(tx: Tx, account: int) -> list[str]:
    return [r[0] for r in await tx.all("SELECT name FROM subscription WHERE account=$1 ORDER BY name", account)]


async def gone(tx: Tx, mailbox: int) -> Sequence[tuple[int, bytes]]:
    """UIDs that are no more: (chunk, bitmap) in order; see store/gone.py."""
    rows = await tx.all("SELECT chunk, bits FROM gone WHERE mailbox=$1 ORDER BY chunk", mailbox)
    return rows


async def keywords(tx: Tx, mailbox: int) -> dict[int, str]:
    """bit -> name, of those that are not everybody's."""
    rows = await tx.all("SELECT bit, name FROM keyword WHERE mailbox=$1 ORDER BY bit", mailbox)
    return dict(rows)


async def first_unseen(tx: Tx, box: Mailbox) -> int | None:
    """The UID of the first message without \\Seen."""
    if not box.unseen:
        return None
    row = await tx.one(
        "SELECT id FROM placement WHERE id BETWEEN $1 AND $2 AND flags & 1 = 0 ORDER BY id LIMIT 1",
        box.id << 32 | box.unseen_from,
        box.id << 32 | 0xFFFFFFFF,
    )
    return None if row is None else row[0] & 0xFFFFFFFF


async def note_opened(tx: Tx, mailbox: int, recent_from: int, unseen_from: int) -> None:
    """What a session that opened it has seen: later ones need not. Changes no MODSEQ."""
    await tx.run(  # also where nothing changes: this locks the row, so what is read next stays true
        "UPDATE mailbox SET recent_from=CASE WHEN recent_from<$2 THEN $2 ELSE recent_from END WHERE id=$1",
        mailbox, recent_from,
    )  # fmt: skip
    if unseen_from and await first_unseen(tx, await get(tx, mailbox)) == unseen_from:
        await tx.run("UPDATE mailbox SET unseen_from=$2 WHERE id=$1", mailbox, unseen_from)


async def count(tx: Tx, account: int) -> int:
    """How many it has, of which there may be MAILBOXES_PER_ACCOUNT; neither removed ones nor the view."""
    row = await tx.one("SELECT count(*) FROM mailbox WHERE account=$1 AND state<2", account)
    return 0 if row is None else row[0]


# -- making and removing -------------------------------------------------------------------------------------------


async def create(tx: Tx, account: int, name: str, special_use: str, now: int) -> int:
    """Makes it and whatever superiors it lacks (RFC 9051 §6.3.4); the id."""
    name = checked_name(name)
    modseq = await accounts.advance(tx, account)
    await _not_taken(tx, account, name)
    if await count(tx, account) >= limit.MAILBOXES_PER_ACCOUNT:
        raise LimitReached("mailboxes")
    if special_use:
        taken = "SELECT 1 FROM mailbox WHERE account=$1 AND special_use=$2 AND state=0"
        if await tx.one(taken, account, special_use) is not None:
            raise UseTaken  # RFC 6154 §3
    levels = name.split(SEPARATOR)
    for i in range(1, len(levels)):
        superior = SEPARATOR.join(levels[:i])
        if await tx.one("SELECT 1 FROM mailbox WHERE account=$1 AND name=$2", account, superior) is None:
            await _insert(tx, account, superior, "", modseq, now)
    found = await tx.one("SELECT id, state FROM mailbox WHERE account=$1 AND name=$2", account, name)
    if found is None:
        return await _insert(tx, account, name, special_use, modseq, now)
    if found[1] != NAME_ONLY:
        raise MailboxExists(name)
    mailbox = number(found)
    uidvalidity = await accounts.next_uidvalidity(tx, account, now)
    await tx.run(
        "UPDATE mailbox SET state=0, uidvalidity=$2, uidnext=1, modseq=$3, recent_from=1, unseen_from=1, special_use=$4"
        " WHERE id=$1",
        mailbox, uidvalidity, modseq, special_use,
    )  # fmt: skip
    await acl.inherit(tx, account, mailbox, name, modseq, now)
    await change.write(tx, account, modseq, mailbox, change.Kind.MAILBOX, [], now)
    return mailbox


async def _not_taken(tx: Tx, account: int, name: str) -> None:
    """The name of the view is taken, also before there is one, and nothing can be below it; and so are those above what
    is another's, but where the account has had such a mailbox before they were."""
    first, below, _ = name.partition(SEPARATOR)
    if first in (OTHERS, TEAMS) and not await has_any(tx, account, first):
        raise NotPermitted("what is below that name is not the account's own")
    if not first.startswith(VIEW_NAME):
        return
    row = await tx.one("SELECT state FROM mailbox WHERE account=$1 AND name=$2", account, first)
    if row[0] == VIEW if row is not None else first == VIEW_NAME:
        if below:
            raise InvalidName("nothing can be below the view of deleted messages")
        raise MailboxExists(name)


async def for_use(tx: Tx, account: int, special_use: str, name: str, now: int) -> int:
    """The mailbox of a special use; else the one of this name, which is made where there is none."""
    found = await tx.one(
        "SELECT id FROM mailbox WHERE account=$1 AND special_use=$2 AND state=0 ORDER BY id LIMIT 1",
        account, special_use,
    ) or await tx.one("SELECT id FROM mailbox WHERE account=$1 AND name=$2 AND state=0", account, name)  # fmt: skip
    if found is not None:
        return number(found)
    made = await create(tx, account, name, special_use, now)
    await subscribe(tx, account, name, True, now)
    return made


async def make_view(tx: Tx, account: int, modseq: int, now: int) -> Mailbox:
    """The account's view of deleted messages, made where there is none."""
    row = await tx.one("SELECT id FROM mailbox WHERE account=$1 AND state=3", account)
    if row is None:
        taken = await tx.all("SELECT name FROM mailbox WHERE account=$1 AND state<>2", account)
        row = (await _insert(tx, account, view_name([name for (name,) in taken]), "", modseq, now, VIEW),)
    return await get(tx, row[0])


async def _insert(tx: Tx, account: int, name: str, special_use: str, modseq: int, now: int, state: int = OPEN) -> int:
    uidvalidity = await accounts.next_uidvalidity(tx, account, now)
    row = await tx.one(
        "INSERT INTO mailbox (account, name, uidvalidity, uidnext, modseq, total, unseen, deleted, size, recent_from,"
        " unseen_from, special_use, state) VALUES ($1, $2, $3, 1, $4, 0, 0, 0, 0, 1, 1, $5, $6) RETURNING id",
        account, name, uidvalidity, modseq, special_use, state,
    )  # fmt: skip
    mailbox = number(row)
    if state == OPEN:
        await acl.inherit(tx, account, mailbox, name, modseq, now)
    await change.write(tx, account, modseq, mailbox, change.Kind.MAILBOX, [], now)
    return mailbox


async def remove(tx: Tx, account: int, name: str, now: int) -> int:
    """Takes the mailbox away, with its messages; the id. With inferiors, the name stays (\\Noselect).

    Its id moves to a row that nobody reaches, and the sweep makes tombstones of its placements in pieces. The row stays
    as long as they do, for the sake of its name and its keywords: its messages can be brought back.
    """
    name = canonical(name)
    if name == "INBOX":
        raise NotPermitted("INBOX cannot be removed")
    modseq = await accounts.advance(tx, account)
    row = await tx.one("SELECT id, state, uidvalidity FROM mailbox WHERE account=$1 AND name=$2", account, name)
    if row[1] == VIEW if row is not None else name == VIEW_NAME:
        raise NotPermitted("the view of deleted messages stays")
    if row is None:
        raise NoSuchMailbox(name)
    mailbox: int
    mailbox, state, uidvalidity = row
    inferiors = await _inferiors(tx, account, name)
    if inferiors and state == NAME_ONLY:
        raise MailboxHasChildren(name)
    await tx.run(
        "UPDATE mailbox SET state=2, modseq=$2, special_use='', name=$3 WHERE id=$1",
        mailbox, modseq, f"{_REMOVED}{mailbox}{_REMOVED}{name}",  # a name that nobody can ask for
    )  # fmt: skip
    await tx.run("DELETE FROM annotation WHERE account=$1 AND mailbox=$2", account, mailbox)
    await acl.forget_mailbox(tx, mailbox)
    await change.write(tx, account, modseq, mailbox, change.Kind.MAILBOX, [], now)
    if inferiors:
        left = await tx.one(
            "INSERT INTO mailbox (account, name, uidvalidity, uidnext, modseq, total, unseen, deleted, size,"
            " recent_from, unseen_from, special_use, state)"
            " VALUES ($1, $2, $3, 1, $4, 0, 0, 0, 0, 1, 1, '', 1) RETURNING id",
            account, name, uidvalidity, modseq,
        )  # fmt: skip
        await change.write(tx, account, modseq, number(left), change.Kind.MAILBOX, [], now)
    return mailbox


async def give_use(tx: Tx, account: int, mailbox: int, special_use: str, modseq: int, now: int) -> None:
    """Gives it a special use, takes it away where that is ''. RFC 6154 §4."""
    if special_use:
        taken = "SELECT 1 FROM mailbox WHERE account=$1 AND special_use=$2 AND state=0 AND id<>$3"
        if await tx.one(taken, account, special_use, mailbox) is not None:
            raise UseTaken
    await tx.run("UPDATE mailbox SET special_use=$2, modseq=$3 WHERE id=$1", mailbox, special_use, modseq)
    await change.write(tx, account, modseq, mailbox, change.Kind.MAILBOX, [], now)


async def rename(tx: Tx, account: int, old: str, new: str, now: int) -> None:
    """With all inferiors. INBOX: its messages move to the new name and INBOX stays (RFC 9051 §6.3.6)."""
    old, new = canonical(old), checked_name(new)
    if new == "INBOX" or new.startswith(old + SEPARATOR):
        raise NotPermitted("not under itself, and not INBOX")
    modseq = await accounts.advance(tx, account)
    found = await tx.one("SELECT id, state FROM mailbox WHERE account=$1 AND name=$2", account, old)
    if found[1] == VIEW if found is not None else old == VIEW_NAME:
        raise NotPermitted("the view of deleted messages keeps its name")
    if found is None:
        raise NoSuchMailbox(old)
    await _not_taken(tx, account, new)
    if await tx.one("SELECT 1 FROM mailbox WHERE account=$1 AND name=$2", account, new) is not None:
        raise MailboxExists(new)
    levels = new.split(SEPARATOR)
    for i in range(1, len(levels)):
        superior = SEPARATOR.join(levels[:i])
        if await tx.one("SELECT 1 FROM mailbox WHERE account=$1 AND name=$2", account, superior) is None:
            await _insert(tx, account, superior, "", modseq, now)
    if old == "INBOX":
        await _insert(tx, account, new, "", modseq, now)
        return  # the caller moves the messages, in pieces
    for mailbox, name in [(found[0], old), *await _inferiors(tx, account, old)]:
        moved = new + name[len(old) :]
        if len(moved.encode()) > limit.MAILBOX_NAME_OCTETS:
            raise InvalidName("too long")
        await tx.run("UPDATE mailbox SET name=$2, modseq=$3 WHERE id=$1", mailbox, moved, modseq)
        await change.write(tx, account, modseq, mailbox, change.Kind.MAILBOX, [], now)


async def _inferiors(tx: Tx, account: int, name: str) -> Sequence[tuple[int, str]]:
    """Names below a name: from "a/" to before "a0", in the order of code points."""
    return await tx.all(
        "SELECT id, name FROM mailbox WHERE account=$1 AND name>$2 AND name<$3 AND state<>2",
        account,
        name + SEPARATOR,
        name + chr(ord(SEPARATOR) + 1),
    )


async def subscribe(tx: Tx, account: int, name: str, wanted: bool, now: int) -> None:
    name = canonical(name)
    modseq = await accounts.advance(tx, account)
    if wanted:
        await tx.run(
            "INSERT INTO subscription (account, name) VALUES ($1, $2) ON CONFLICT (account, name) DO NOTHING",
            account,
            checked_name(name),
        )
    else:
        await tx.run("DELETE FROM subscription WHERE account=$1 AND name=$2", account, name)
    await change.write(tx, account, modseq, 0, change.Kind.SUBSCRIPTION, [], now)


async def keyword_bits(tx: Tx, account: int, mailbox: int, names: Sequence[str], modseq: int, now: int) -> int:
    """The bits of these keywords in this mailbox, made where they are new."""
    known = {name.lower(): bit for bit, name in (await keywords(tx, mailbox)).items()}
    bits = 0
    made = False
    for name in names:
        bit = known.get(name.lower())
        if bit is None:
            free = set(range(FIRST_KEYWORD_BIT, LAST_KEYWORD_BIT + 1)) - set(known.values())
            if not free:
                raise LimitReached("keywords")
            bit = known[name.lower()] = min(free)
            await tx.run("INSERT INTO keyword (mailbox, bit, name) VALUES ($1, $2, $3)", mailbox, bit, name)
            made = True
        bits |= 1 << bit
    if made:
        await change.write(tx, account, modseq, mailbox, change.Kind.KEYWORDS, [], now)
    return bits
