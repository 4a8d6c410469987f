"""`posthaus undelete`: deleted messages of an account, listed and brought back. Works while the house runs.

Standards: none.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace
from collections.abc import Iterable
from datetime import datetime

from posthaus.base import limit
from posthaus.base.error import Refusal
from posthaus.base.unit import parse_duration
from posthaus.cli.opening import print_rows, read_address, with_store
from posthaus.flow.undelete import catch_up
from posthaus.mail import uidset
from posthaus.mail.date import render_utc
from posthaus.store import account as accounts
from posthaus.store import mailbox as mailboxes
from posthaus.store import undelete
from posthaus.store.error import NoSuchAccount
from posthaus.store.store import Store
from posthaus.store.undelete import Lost

_HEAD = ("id", "mailbox", "uid", "deleted", "size", "from", "subject")


def run(options: Namespace) -> int:
    if not options.list and not (options.mailbox or options.since or options.id or options.all):
        raise Refusal("say which: --mailbox, --since, --id, or --all; --list shows what there is")
    since = 0 if options.since is None else _read_time(options.since, int(time.time()))

    async def act(store: Store) -> list[Lost]:
        owner = await store.read(accounts.find, read_address(options.address).key)
        if owner is None or owner.state != accounts.OPEN:
            raise NoSuchAccount(options.address)
        await catch_up(store, owner.id, int(time.time()))
        found = _chosen(await store.read(undelete.listing, owner.id), options, since)
        if not options.list:
            await store.read(undelete.check_room, owner.id, sum([one.size for one in found]), len(found))
            uids = uidset.from_sorted(sorted(one.uid for one in found))
            for piece in uidset.slices(uids, limit.UNDELETE_PIECE):
                await store.write(undelete.bring_back, owner.id, piece, int(time.time()))
        return found

    _print(with_store(options, act), as_json=options.json)
    return 0


def _chosen(found: Iterable[Lost], options: Namespace, since: int) -> list[Lost]:
    """What all of the options name."""
    ids = frozenset(options.id or ())
    name = None if options.mailbox is None else mailboxes.canonical(options.mailbox)
    chosen = [
        one
        for one in found
        if (not ids or one.id in ids) and (name is None or one.mailbox == name) and one.expunged >= since
    ]
    unknown = ids - {one.id for one in chosen}
    if unknown:
        raise Refusal(f"there is no deleted message {min(unknown)} among these; nothing was changed")
    return chosen


def _read_time(text: str, now: int) -> int:
    """ "2 hours" ago, or a day or moment as ISO 8601 has it, in local time where it names no other."""
    try:
        return int(now - parse_duration(text))
    except ValueError:
        pass
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        raise Refusal(f'{text!r} is no time: say "2 hours", 2026-11-25 or 2026-11-25T14:30') from None


def _print(found: Iterable[Lost], *, as_json: bool) -> None:
    rows = [
        (
            one.id, one.mailbox or "INBOX", one.was_uid, one.expunged if as_json else render_utc(one.expunged),
            one.size, one.sender, one.subject,
        )
        for one in found
    ]  # fmt: skip
    print_rows(_HEAD, rows, as_json=as_json)
