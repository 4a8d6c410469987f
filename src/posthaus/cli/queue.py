"""`posthaus queue`: what is on its way out, and what a person can do about it.

Standards: none.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace
from collections.abc import Iterable

from posthaus.base.error import Refusal
from posthaus.base.rate import network
from posthaus.cli.opening import print_rows, read_address, with_store
from posthaus.mail.date import render_utc
from posthaus.mail.outcome import Outcome
from posthaus.store import account, postmaster
from posthaus.store.error import NoSuchAccount
from posthaus.store.postmaster import Act, Count, Waiting, Which
from posthaus.store.queue import NEVER, NUMBER_BITS, State
from posthaus.store.store import Store

_PIECE = 500  # errands in one read or write
_HEAD = ("id", "state", "from", "to", "destination", "age", "attempts", "next", "reason")
_COUNT_HEAD = ("destination", "errands", "held", "on_its_way", "oldest", "next", "connections", "reason")


def listing(options: Namespace) -> int:
    async def act(store: Store) -> list[Waiting]:
        which = await _which(store, options)
        found: list[Waiting] = []
        after = 0
        while piece := await store.read(postmaster.listing, which, after, min(_PIECE, options.most - len(found))):
            found += piece
            after = piece[-1].errand.id
            if len(found) >= options.most:
                break
        return found

    found = with_store(options, act)
    if options.json:
        print_rows(("id", "tid", "message_id", *_HEAD[1:], "expires"), _for_programs(found), as_json=True)
    else:
        print_rows(_HEAD, _for_people(found), as_json=False)
    return 0


def _for_programs(found: Iterable[Waiting]) -> Iterable[tuple[object, ...]]:
    for one in found:
        parcel, errand = one.parcel, one.errand
        yield (
            _name(one), parcel.tid, parcel.message_id, _state(one), str(parcel.envelope.reverse_path or ""),
            str(errand.recipient.address), errand.destination, int(time.time()) - parcel.created, errand.attempts,
            None if errand.due >= NEVER else errand.due, _said(errand.reason), parcel.expires,
        )  # fmt: skip


def _for_people(found: Iterable[Waiting]) -> Iterable[tuple[object, ...]]:
    now = int(time.time())
    for one in found:
        parcel, errand = one.parcel, one.errand
        yield (
            _name(one), _state(one), f"<{parcel.envelope.reverse_path or ''}>", f"<{errand.recipient.address}>",
            errand.destination, _span(now - parcel.created), errand.attempts, _when(errand.due, now),
            _said(errand.reason),
        )  # fmt: skip


def _name(one: Waiting) -> str:
    return f"{one.parcel.id}.{one.errand.id & (1 << NUMBER_BITS) - 1}"


def _state(one: Waiting) -> str:
    if one.errand.state == State.WAITING and one.is_claimed:
        return "on-its-way"
    return State(one.errand.state).name.lower()


def _said(reason: Outcome | None) -> str:
    if reason is None:
        return ""
    words = (reason.host, str(reason.code or ""), reason.enhanced, " ".join(reason.text.split()))
    return " ".join(word for word in words if word)


def _when(due: int, now: int) -> str:
    return "-" if due >= NEVER else "now" if due <= now else f"in {_span(due - now)}"


def _span(seconds: int) -> str:
    for unit, letter in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= unit:
            return f"{seconds // unit}{letter}"
    return f"{max(seconds, 0)}s"


def count(options: Namespace) -> int:
    async def act(store: Store) -> list[Count]:
        return await store.read(postmaster.counts)

    now = int(time.time())
    rows: list[tuple[object, ...]] = []
    for one in with_store(options, act):
        if options.json:
            due: object = None if one.due >= NEVER else one.due
            oldest: object = one.oldest
        else:
            due, oldest = _when(one.due, now), render_utc(one.oldest)
        rows.append((one.destination, one.errands, one.held, one.claimed, oldest, due, one.allowed, _said(one.reason)))
    print_rows(_COUNT_HEAD, rows, as_json=options.json)
    return 0


def change(options: Namespace) -> int:
    """hold, release, retry, drop and bounce"""

    async def act(store: Store) -> int:
        which = await _which(store, options)
        if which == Which() and not options.all:
            raise Refusal("say which: --id, --tid, --destination, --to, --account, --client, or --all")
        done = after = 0
        while True:
            n, after = await store.write(postmaster.act, Act(options.act), which, after, _PIECE, int(time.time()))
            done += n
            if not after:
                return done

    n = with_store(options, act)
    if options.json:
        print_rows(("done",), [(n,)], as_json=True)
    else:
        print(n)
    return 0


async def _which(store: Store, options: Namespace) -> Which:
    parcel, errand = _read_id(options.id)
    localpart = domain = ""
    if options.to:
        if "@" in options.to.lstrip("@"):
            address = read_address(options.to)
            localpart, domain = address.localpart, address.domain
        else:
            domain = options.to.lstrip("@").lower()
    number = 0
    if options.account:
        who = await store.read(account.find, read_address(options.account).key)
        if who is None:
            raise NoSuchAccount(options.account)
        number = who.id
    state = State[options.state.upper()] if getattr(options, "state", None) else None
    client = options.client or ""
    if client and "/" not in client:
        client = network(client)
    return Which(options.tid or "", parcel, errand, options.destination or "", localpart, domain, number, state, client)


def _read_id(text: str | None) -> tuple[int, int]:
    """ "17" is a parcel, "17.0" an errand of it."""
    if not text:
        return 0, 0
    parcel, dot, number = text.partition(".")
    if not parcel.isdigit() or (dot and not number.isdigit()) or int(parcel) == 0:
        raise Refusal(f"{text!r} is no id as `posthaus queue list` has them")
    return (0, int(parcel) << NUMBER_BITS | int(number)) if dot else (int(parcel), 0)
