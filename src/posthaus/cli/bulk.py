"""`posthaus account import`: many accounts from lines `address,password`.

All lines that can be carried out are; the others are told by number, and the exit code is 1. Passwords of one batch are
hashed on all cores while the batch before is written, in one write. The verifiers are quick ones: the first log-in of
each account makes better ones (flow/upgrade.py). What was written before an interruption stays; --skip-existing goes
on from there.

Standards: none.
Faults:    Refusal where the file cannot be read; Trouble of the store.
"""

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from posthaus.base.chance import SystemChance
from posthaus.base.error import Refusal
from posthaus.cli.opening import messages_of, quota_of, read_address, with_store
from posthaus.cli.words import words_of
from posthaus.flow.credential import make_quick_credentials
from posthaus.mail.address import Address
from posthaus.store import account
from posthaus.store.error import AccountExists
from posthaus.store.store import Store
from posthaus.store.tx import Tx

T = TypeVar("T")

_BATCH = 200  # accounts in one write: a tenth of a second, then others may write
_PIECE = 25  # passwords that a thread hashes before it takes more

Line = tuple[int, str]
"""Its number in the file, and its text."""

Faults = dict[int, Refusal]
"""By number of the line."""


@dataclass(frozen=True, slots=True)
class Person:
    """A line that makes sense so far."""

    number: int
    address: Address
    secret: str


@dataclass(frozen=True, slots=True)
class Hashed:
    person: Person
    credentials: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Way:
    """How this import is to be done."""

    quota_octets: int
    quota_messages: int
    skip_existing: bool


def run(options: Namespace) -> int:
    lines = _read_lines(options.file)
    way = Way(quota_of(options), messages_of(options), options.skip_existing)

    async def act(store: Store) -> Faults:
        return await _import(store, lines, way)

    faults = with_store(options, act)
    for number, fault in sorted(faults.items()):
        print(f"posthaus: line {number}: {words_of(fault)}", file=sys.stderr)
    return 1 if faults else 0


def _read_lines(name: str) -> list[Line]:
    try:
        octets = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        lines = octets.decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise Refusal(f"{name}: cannot be read: {fault}") from None
    return [(number, line.removesuffix("\r")) for number, line in enumerate(lines, 1) if line.strip()]


async def _import(store: Store, lines: Sequence[Line], way: Way) -> Faults:
    faults: Faults = {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        writing: asyncio.Task[Faults] | None = None
        for batch in _pieces(iter(lines), _BATCH):
            people = _understood(batch, faults)
            if way.skip_existing:
                people = await store.read(_missing, people)
            hashed = await _hash(pool, people, faults)
            if writing is not None:
                faults |= await writing
            writing = asyncio.create_task(store.write(_create_all, hashed, way))
        if writing is not None:
            faults |= await writing
    return faults


def _understood(batch: Sequence[Line], faults: Faults) -> list[Person]:
    people = []
    for number, line in batch:
        text, comma, secret = line.partition(",")
        try:
            if not comma:
                raise Refusal("is not `address,password`")
            people.append(Person(number, read_address(text.strip()), secret))
        except Refusal as fault:
            faults[number] = fault
    return people


async def _missing(tx: Tx, people: Sequence[Person]) -> list[Person]:
    """Those without an account so far: nobody's password is hashed for nothing."""
    return [person for person in people if await account.find(tx, person.address.key) is None]


async def _hash(pool: Executor, people: Sequence[Person], faults: Faults) -> list[Hashed]:
    loop = asyncio.get_running_loop()
    pieces = [loop.run_in_executor(pool, _hash_piece, piece) for piece in _pieces(iter(people), _PIECE)]
    hashed = []
    for done, refused in await asyncio.gather(*pieces):
        hashed += done
        faults |= refused
    return hashed


def _hash_piece(people: Sequence[Person]) -> tuple[list[Hashed], Faults]:
    chance = SystemChance()
    hashed, faults = [], Faults()
    for person in people:
        try:
            hashed.append(Hashed(person, make_quick_credentials(person.secret, chance)))
        except Refusal as fault:
            faults[person.number] = fault
    return hashed, faults


async def _create_all(tx: Tx, batch: Sequence[Hashed], way: Way) -> Faults:
    """One whole batch; who is refused has changed nothing, so the others stand."""
    now, faults = int(time.time()), Faults()
    for one in batch:
        address = one.person.address
        try:
            await account.create(
                tx, str(address), address.key, address.domain, one.credentials, way.quota_octets, now,
                way.quota_messages,
            )  # fmt: skip
        except AccountExists as fault:
            if not way.skip_existing:
                faults[one.person.number] = fault
        except Refusal as fault:
            faults[one.person.number] = fault
    return faults


def _pieces(things: Iterator[T], size: int) -> Iterator[list[T]]:
    while piece := list(islice(things, size)):
        yield piece
