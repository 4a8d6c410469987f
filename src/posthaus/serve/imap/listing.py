"""LIST and LSUB.

All names of the account are read at once, with their counters, so LIST with STATUS costs no more than LIST. A name that
is subscribed need not exist, and a name above a subscribed one need not either.

Standards: RFC 9051 §6.3.9, §7.3.1; RFC 3501 §6.3.8, §6.3.9; RFC 5258; RFC 5819; RFC 6154 §2; RFC 3348;
           RFC 9590; RFC 4314 §4; RFC 8440 §3.
Faults:    none.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from posthaus.flow import access
from posthaus.flow.access import Access
from posthaus.mail.rights import READ, render_rights
from posthaus.proto.imap import render
from posthaus.proto.imap.command import List, Lsub
from posthaus.serve.imap import metadata, status
from posthaus.serve.imap.deleted import look
from posthaus.serve.imap.metadata import Value
from posthaus.serve.imap.pattern import Matcher, compile_pattern
from posthaus.store import mailbox as mailboxes
from posthaus.store.mailbox import OPEN, SEPARATOR, VIEW, Mailbox
from posthaus.store.tx import Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_DELIMITER = render.list_line((b"\\Noselect",), SEPARATOR, "")


@dataclass(slots=True)
class _Name:
    """A name, and what is known of it."""

    access: Access | None = None  # None: there is none of this name
    subscribed: bool = False
    has_children: bool = False
    below: list[str] = field(default_factory=list)  # names below that are subscribed or have a special use
    shared: list[str] = field(default_factory=list)  # names below that are others'

    @property
    def box(self) -> Mailbox | None:
        return self.access.box if self.access is not None else None

    @property
    def special_use(self) -> str:
        """Where a client puts its own mail: never into another's mailbox."""
        return self.access.box.special_use if self.access is not None and not self.access.member else ""

    @property
    def is_selectable(self) -> bool:
        return self.access is not None and self.access.box.state in (OPEN, VIEW)


_Names = dict[str, _Name]


@dataclass(frozen=True, slots=True)
class _Read:
    """Mailboxes, subscriptions, and what was asked for of each mailbox, by name, from one snapshot."""

    boxes: list[Access]
    subscriptions: list[str]
    counts: dict[str, dict[bytes, bytes | int | None]]
    values: dict[str, list[Value]]


async def _read(tx: Tx, account: int, items: tuple[bytes, ...], limit: int, entries: tuple[str, ...]) -> _Read:
    boxes = await access.everything(tx, account)
    readable = [one for one in boxes if one.box.id and one.box.state in (OPEN, VIEW) and one.rights & READ]
    counts = {one.name: await status.values(tx, one.box, items, limit, member=one.member) for one in readable if items}
    values = await metadata.of_all(tx, account, [one for one in boxes if one.box.state == OPEN], entries)
    return _Read(boxes, await mailboxes.subscriptions(tx, account), counts, values)


def _above(name: str) -> Iterable[str]:
    """The names above, from the nearest one on."""
    while (end := name.rfind(SEPARATOR)) > 0:
        name = name[:end]
        yield name


def _names(boxes: Iterable[Access], subscriptions: Iterable[str]) -> _Names:
    names = {one.name: _Name(one) for one in boxes}
    for one in boxes:
        for superior in _above(one.name):
            above = names.setdefault(superior, _Name())
            above.has_children = True
            if one.member:
                above.shared.append(one.name)
    for name in subscriptions:
        names.setdefault(name, _Name()).subscribed = True
    for name in [name for name, one in names.items() if one.subscribed or one.special_use]:
        for superior in _above(name):
            names.setdefault(superior, _Name()).below.append(name)
    return dict(sorted(names.items()))


# -- LIST ----------------------------------------------------------------------------------------------------------


async def list_(session: "ImapSession", command: List) -> None:
    if command.patterns == ("",) and not command.extended:
        session.say(_DELIMITER)  # RFC 9051 §6.3.9: an empty pattern asks for the separator
        session.ok(command.tag, "LIST completed")
        return
    if command.status:
        await look(session)
    read = await session.site.store.read(
        _read, session.account, command.status, session.site.message_octets, command.metadata
    )
    matches = _any_of([compile_pattern(command.reference + pattern) for pattern in command.patterns if pattern])
    names, utf8 = _names(read.boxes, read.subscriptions), session.engine.utf8
    matches = await _found(session, names, matches)
    modern = command.extended or session.is_rev2
    tells_subscribed = b"SUBSCRIBED" in command.selects or b"SUBSCRIBED" in command.returns
    for name, childinfo in _selected(names, command, matches):
        one = names[name]
        attributes = _attributes(one, modern=modern)
        if one.subscribed and tells_subscribed:
            attributes.append(b"\\Subscribed")
        line = render.list_line(attributes, SEPARATOR, name, utf8=utf8, childinfo=childinfo)
        if name in read.counts:
            line += render.status(name, read.counts[name], utf8=utf8)
        if name in read.values:
            line += render.metadata(name, read.values[name], utf8=utf8)
        if b"MYRIGHTS" in command.returns and one.access is not None and one.is_selectable and _criteria(command)(one):
            line += render.my_rights(name, render_rights(one.access.rights), utf8=utf8)
        await session.send(line)
    session.ok(command.tag, "LIST completed")


async def _found(session: "ImapSession", names: _Names, matches: Matcher) -> Matcher:
    """Does one of these names match? Worked out here, for many names and odd patterns take long."""
    found = set()
    for name in names:
        if matches(name):
            found.add(name)
        if session.stream.has_had_its_turn():
            await asyncio.sleep(0)
    return found.__contains__


def _any_of(matchers: list[Matcher]) -> Matcher:
    if len(matchers) == 1:
        return matchers[0]
    return lambda name: any(matches(name) for matches in matchers)


def _criteria(command: List) -> Callable[[_Name], bool]:
    """What the selection options ask for; several of them all hold."""
    subscribed, special = b"SUBSCRIBED" in command.selects, b"SPECIAL-USE" in command.selects

    def holds(one: _Name) -> bool:
        return (one.subscribed or not subscribed) and (bool(one.special_use) or not special)

    return holds


def _selected(names: _Names, command: List, matches: Matcher) -> Iterable[tuple[str, tuple[bytes, ...]]]:
    """The names to be told, each with its CHILDINFO."""
    bases = tuple([option for option in (b"SUBSCRIBED", b"SPECIAL-USE") if option in command.selects])
    recursive = b"RECURSIVEMATCH" in command.selects
    holds = _criteria(command)
    for name, one in names.items():
        if not matches(name):
            continue
        # A name that is nothing but subscribed is told to those who ask for subscriptions.
        chosen = holds(one) and (one.access is not None or b"SUBSCRIBED" in bases)
        # RFC 4314 §4: what is above others' mailboxes is not there, but a level where "%" may stop (RFC 9051 §6.3.9)
        is_level = one.access is None and holds(one) and any(not matches(inferior) for inferior in one.shared)
        below = [inferior for inferior in one.below if holds(names[inferior])] if recursive else []
        # RFC 5258 §3.5: for the sake of a name below only where that is not told itself
        if chosen or is_level or any(not matches(inferior) for inferior in below):
            yield name, bases if below else ()


def _attributes(one: _Name, *, modern: bool) -> list[bytes]:
    """modern: to a client that knows RFC 5258, whose \\NonExistent says more than \\Noselect."""
    attributes = []
    if not one.is_selectable:
        attributes += [b"\\NonExistent", b"\\Noselect"] if modern else [b"\\Noselect"]
    # RFC 9051 §7.3.1: in every answer, whether it was asked for or not; it costs nothing
    attributes.append(b"\\HasChildren" if one.has_children else b"\\HasNoChildren")
    if one.box is not None and one.box.state == VIEW:
        attributes.append(b"\\Noinferiors")
    if one.special_use:
        attributes.append(
            one.special_use.encode("ascii")
        )  # RFC 6154 §2 leaves it open; clients look for it in any LIST
    return attributes


def current_lines(
    boxes: Iterable[Access], subscriptions: Iterable[str], wanted: Mapping[str, str | None], *, utf8: bool
) -> Iterable[bytes]:
    """LIST of names as they stand now, each with the name that it had before; for a client that is told of changes."""
    names = _names(boxes, subscriptions)
    for name, old_name in wanted.items():
        one = names.get(name, _Name())
        attributes = _attributes(one, modern=True)
        if one.subscribed:
            attributes.append(b"\\Subscribed")
        yield render.list_line(attributes, SEPARATOR, name, utf8=utf8, old_name=old_name)


# -- LSUB ----------------------------------------------------------------------------------------------------------


async def lsub(session: "ImapSession", command: Lsub) -> None:
    read = await session.site.store.read(_read, session.account, (), 0, ())
    if not command.pattern:
        session.ok(command.tag, "LSUB completed")
        return
    matches = compile_pattern(command.reference + command.pattern)
    names, utf8 = _names(read.boxes, read.subscriptions), session.engine.utf8
    matches = await _found(session, names, matches)
    for name, one in names.items():
        if not matches(name):
            continue
        if one.subscribed:
            attributes = [] if one.is_selectable else [b"\\Noselect"]  # Need.LSUB_NOSELECT
            if one.special_use:  # Need.LSUB_SPECIAL_USE
                attributes.append(one.special_use.encode("ascii"))
        elif any(names[inferior].subscribed and not matches(inferior) for inferior in one.below):
            attributes = [b"\\Noselect"]  # RFC 3501 §6.3.9: "%" names what is above a subscribed name
        else:
            continue
        await session.send(render.list_line(attributes, SEPARATOR, name, utf8=utf8, word=b"LSUB"))
    session.ok(command.tag, "LSUB completed")
