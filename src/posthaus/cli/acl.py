"""`posthaus acl`: who may do what with whose mailbox, as an administrator says it.

Standards: RFC 4314 §2.
Faults:    Refusal with one line for people.
"""

import sys
import time
from argparse import Namespace

from posthaus.base.error import Refusal
from posthaus.cli.account import find
from posthaus.cli.opening import print_rows, read_address, with_store
from posthaus.flow import access
from posthaus.mail.rights import LETTERS, UnknownRight, parse_rights, render_rights
from posthaus.store import acl
from posthaus.store import mailbox as mailboxes
from posthaus.store.acl import Awaited, Granted, Mode
from posthaus.store.error import NoSuchMailbox
from posthaus.store.mailbox import OPEN, OTHERS, SEPARATOR, TEAMS, Mailbox
from posthaus.store.store import Store
from posthaus.store.tx import Tx


def listing(options: Namespace) -> int:
    async def look(tx: Tx) -> list[Granted]:
        owner = None if options.address is None else (await find(tx, read_address(options.address))).id
        return await acl.listing(tx, owner)

    async def act(store: Store) -> list[Granted]:
        return await store.read(look)

    rows = [
        (one.owner, one.mailbox, dash + (one.entry.address or access.ANYONE_NAME), render_rights(rights))
        for one in with_store(options, act)
        for dash, rights in (("", one.entry.given), ("-", one.entry.denied))
        if rights
    ]
    print_rows(("address", "mailbox", "who", "rights"), rows, as_json=options.json)
    return 0


def put(options: Namespace) -> int:
    mode = Mode.ADD if options.rights.startswith("+") else Mode.REPLACE
    return _change(options, mode, _rights(options.rights.removeprefix("+")))


def remove(options: Namespace) -> int:
    if options.rights is None:
        return _change(options, Mode.REPLACE, 0)
    return _change(options, Mode.REMOVE, _rights(options.rights))


def _rights(letters: str) -> int:
    try:
        return parse_rights(letters)
    except UnknownRight as fault:
        raise Refusal(f"{str(fault)!r} is no right; there are {LETTERS}, and c for kx, d for te") from None


def _change(options: Namespace, mode: Mode, rights: int) -> int:
    async def change(tx: Tx) -> str:
        owner = await find(tx, read_address(options.address))
        gives = mode is not Mode.REMOVE and rights != 0  # else it may be of an address that nobody has yet
        member = await (access.member_of if gives else access.named_by)(tx, options.who)
        for box in await _boxes(tx, owner.id, options.mailbox, below=options.below):
            now = int(time.time())
            await acl.change_rights(tx, owner.id, box.id, member, mode, rights, now, negative=options.deny)
        if isinstance(member, Awaited) or member == acl.ANYONE:
            return ""
        top = TEAMS if owner.shared else OTHERS
        return top if await mailboxes.has_any(tx, member, top) else ""

    async def act(store: Store) -> str:
        return await store.write(change)

    hidden = with_store(options, act)
    if hidden:
        print(f"{options.who} has a mailbox {hidden!r} of his own, which hides this", file=sys.stderr)
    return 0


async def _boxes(tx: Tx, owner: int, name: str, *, below: bool) -> list[Mailbox]:
    name = mailboxes.canonical(name)
    found = [
        box
        for box in await mailboxes.listing(tx, owner)
        if box.state == OPEN and (box.name == name or (below and box.name.startswith(name + SEPARATOR)))
    ]
    if not found:
        raise NoSuchMailbox(name)
    return found
