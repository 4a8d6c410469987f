"""Contexts: results of SEARCH and SORT that a client is kept informed of.

What a context holds is the UIDs that its client believes to be the results. When the book tells of messages that came,
or whose flags changed, these alone are held against the search again, and the difference is told; expunges are told
before the EXPUNGE, for as long as their numbers hold. Message numbers in the search itself would mean others after an
expunge, so such a search is answered and not kept up.

Standards: RFC 5267 §4; RFC 5465 §5.1, §5.2, §7 (a FETCH comes before the ESEARCH). YOUNGER and OLDER are
           looked at again when the message changes, not when time passes.
Faults:    StoreDown, StoreBusy.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from posthaus.base import limit
from posthaus.mail import uidset
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import code, key, render
from posthaus.proto.imap.command import CancelUpdate, Search, Sort, SortKey
from posthaus.proto.imap.key import Key, Return
from posthaus.proto.imap.number import SequenceSet
from posthaus.proto.imap.section import Attribute
from posthaus.serve.imap import fetch, sortorder
from posthaus.serve.imap.searchfind import find

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_Pair = tuple[int, Sequence[int]]  # a position, and the UIDs from there on


@dataclass(slots=True)
class Context:
    """One search that is kept up."""

    tag: bytes
    uid: bool
    key: Key
    order: tuple[SortKey, ...]  # () is the mailbox's
    results: "array[int]"  # UIDs, in that order
    attributes: tuple[Attribute, ...]  # wanted of messages that come in


# -- beginning and ending ------------------------------------------------------------------------------------------


def may_begin(session: "ImapSession", command: Search | Sort) -> bool:
    """RFC 5267 §4.3: a tag stands for one context. Where it stands for one already, that is answered here."""
    returns = command.returns
    if returns is None or Return.UPDATE not in returns or command.tag not in session.selected.contexts:
        return True
    session.bad(command.tag, "The tag is in use for another search")
    return False


def begin(
    session: "ImapSession",
    command: Search | Sort,
    uids: Sequence[int],
    order: tuple[SortKey, ...] = (),
    *,
    is_whole: bool = True,
) -> None:
    """Keeps the results up from here on, if the client asked for it and there is room."""
    if command.returns is None or Return.UPDATE not in command.returns:
        return
    contexts = session.selected.contexts
    held = sum(len(one.results) for one in contexts.values())
    why = ""
    if has_numbers(command.key):
        why = "Message numbers change; search by UID"
    elif any(one.name == b"RELEVANCY" for one in order):
        why = "Relevancy changes with the others"
    elif not is_whole:
        why = "Not all messages were looked at"
    elif len(contexts) >= limit.IMAP_CONTEXTS:
        why = "Too many contexts"
    elif held + len(uids) > limit.IMAP_CONTEXT_RESULTS:
        why = "Too many results"
    if why:
        session.say(b"* NO [%b] %b\r\n" % (code.no_update(command.tag), why.encode("ascii")))  # RFC 5267 §4.3.1
        return
    results = array("I", uids)
    contexts[command.tag] = Context(command.tag, command.uid, command.key, order, results, command.attributes)


def has_numbers(search: Key) -> bool:
    """Message numbers, or what was saved of the selected mailbox."""
    return any(
        isinstance(one, key.Numbers) or (isinstance(one, key.Uids) and one.uids.saved) for one in key.leaves(search)
    )


def end_those_by_number(session: "ImapSession") -> None:
    """The client does not want to hear of message numbers any more (RFC 9586 §3)."""
    contexts = session.view.contexts if session.view is not None else {}
    for tag in [one.tag for one in contexts.values() if not one.uid]:
        del contexts[tag]
        session.say(b"* NO [%b] It is told by number\r\n" % code.no_update(tag))


async def cancel(session: "ImapSession", command: CancelUpdate) -> None:
    """RFC 5267 §4.3.5"""
    contexts = session.selected.contexts
    if any(tag not in contexts for tag in command.tags):
        session.bad(command.tag, "No search with that tag is kept up")
        return
    for tag in command.tags:
        contexts.pop(tag, None)
    session.ok(command.tag, "CANCELUPDATE completed")


# -- telling -------------------------------------------------------------------------------------------------------


def tell_gone(session: "ImapSession") -> None:
    """Before the expunges are told: the numbers are still those of before (RFC 5267 §4.3.4)."""
    view = session.selected
    for context in view.contexts.values():
        _remove(session, context, view.gone)


async def tell_changed(session: "ImapSession", known: int) -> None:
    """After EXISTS and the flags are told; UIDs above `known` are new to the client."""
    view = session.selected
    touched, view.touched = uidset.subtract(view.touched, view.gone), []
    if not touched:
        return
    among = key.Uids(SequenceSet(tuple(touched)))
    try:
        for context in tuple(view.contexts.values()):
            uids, _ = await find(session, view, key.And((among, context.key)))
            matching = uidset.from_sorted(uids)
            _remove(session, context, uidset.subtract(touched, matching))
            here = set(context.results)
            came = [uid for uid in uids if uid not in here and view.uids.number(uid)]
            if came and context.attributes and came[-1] > known:
                new = uidset.from_sorted([uid for uid in came if uid > known])
                await fetch.send_news(session, new, tuple(dict.fromkeys((*session.uid_item, *context.attributes))))
            await _add(session, context, came)
    except BaseException:
        view.touched = uidset.normalise(view.touched + touched)
        raise
    _end_those_too_large(session)


def _end_those_too_large(session: "ImapSession") -> None:
    contexts = session.selected.contexts
    while sum(len(one.results) for one in contexts.values()) > limit.IMAP_CONTEXT_RESULTS:
        tag = max(contexts, key=lambda tag: len(contexts[tag].results))
        del contexts[tag]
        session.say(b"* NO [%b] Too many results\r\n" % code.no_update(tag))


def _remove(session: "ImapSession", context: Context, uids: Ranges) -> None:
    """REMOVEFROM of what these UIDs have in common with the results."""
    out = set(uidset.iterate(uidset.intersect(uidset.from_sorted(sorted(context.results)), uids))) if uids else ()
    if not out:
        return
    gone = [(at, uid) for at, uid in enumerate(context.results) if uid in out]
    if not context.order:
        pairs: list[_Pair] = [(0, [uid for _, uid in gone])]
    else:
        pairs = list(reversed(_runs([(at + 1, uid) for at, uid in gone])))  # from behind, so that positions hold
    _say(session, context, b"REMOVEFROM", pairs)
    context.results = array("I", [uid for uid in context.results if uid not in out])


async def _add(session: "ImapSession", context: Context, uids: Sequence[int]) -> None:
    """ADDTO of UIDs that are not there yet, rising."""
    if not uids:
        return
    results = context.results
    if not context.order:
        _say(session, context, b"ADDTO", [(0, uids)])
        context.results = array("I", sorted([*results, *uids]))
        return
    for uid in uids:
        at = await sortorder.place(session, context.order, results, uid)
        if at is not None:
            results.insert(at, uid)
    came = set(uids)
    placed = [(at, uid) for at, uid in enumerate(results, 1) if uid in came]
    if placed:
        _say(session, context, b"ADDTO", _runs(placed))


def _runs(placed: Sequence[tuple[int, int]]) -> list[_Pair]:
    """Neighbours in the results as one: (position, UIDs)."""
    runs: list[tuple[int, list[int]]] = [(placed[0][0], [placed[0][1]])]
    for (before, _), (at, uid) in pairwise(placed):
        if at == before + 1:
            runs[-1][1].append(uid)
        else:
            runs.append((at, [uid]))
    return list(runs)


def _say(session: "ImapSession", context: Context, word: bytes, pairs: Sequence[_Pair]) -> None:
    number = session.selected.uids.number
    write: Callable[[Sequence[int]], bytes] = render.render_numbers if context.order else render.render_uids
    sets = [(at, uids if context.uid else [number(uid) for uid in uids]) for at, uids in pairs]
    told = b"(%b)" % b" ".join([b"%d %b" % (at, write(numbers)) for at, numbers in sets])
    session.say(render.esearch(context.tag, uid=context.uid, results=[(word, told)]))
