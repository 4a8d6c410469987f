"""What RETURN asks of the results of SEARCH and SORT: what is told, what is saved, and how many are enough.

Results come in the order of the command: rising for SEARCH, by its keys for SORT.

Standards: RFC 4731 §3.1, §3.2; RFC 5182 §2.4; RFC 9394 §3.1, §3.2.
Faults:    none.
"""

from collections.abc import Callable, Mapping, Sequence

from posthaus.mail.uidset import Ranges, from_sorted
from posthaus.proto.imap.key import Return
from posthaus.proto.imap.partial import Partial

Returns = frozenset[Return]
_OF_ALL = frozenset({Return.ALL, Return.COUNT})
_AT_THE_START = frozenset({Return.MIN, Return.PARTIAL, Return.SAVE})
_AT_THE_END = frozenset({Return.MAX, Return.PARTIAL, Return.SAVE})


def enough(returns: Returns | None, partial: Partial | None) -> tuple[int, bool]:
    """So many results are all that matters, and whether the last ones are meant; 0: all of them matter."""
    if returns is None or Return.UPDATE in returns or not returns_anything(returns):
        return 0, False
    returns -= {Return.CONTEXT}
    most = partial.farthest if partial is not None else 1
    if returns <= _AT_THE_START and (partial is None or not partial.from_end):
        return most, False
    if returns <= _AT_THE_END and (partial is None or partial.from_end):
        return most, True
    return 0, False


def returns_anything(returns: Returns | None) -> bool:
    """RFC 5182 §2.1: SAVE alone tells nothing. CONTEXT is a hint that we do not need (RFC 5267 §4.2)."""
    return returns is None or bool(returns - {Return.SAVE, Return.CONTEXT})


def answer_results(
    returns: Returns, partial: Partial | None, numbers: Sequence[int], render_all: Callable[[Sequence[int]], bytes]
) -> list[tuple[bytes, bytes]]:
    """What ESEARCH says of these numbers."""
    results: list[tuple[bytes, bytes]] = []
    if numbers:
        if Return.MIN in returns:
            results.append((b"MIN", b"%d" % numbers[0]))
        if Return.MAX in returns:
            results.append((b"MAX", b"%d" % numbers[-1]))
        if Return.ALL in returns:
            results.append((b"ALL", render_all(numbers)))
    if partial is not None:
        told = numbers[partial.slice(len(numbers))]
        results.append((b"PARTIAL", b"(%b %b)" % (partial.render(), render_all(told) if told else b"NIL")))
    if Return.COUNT in returns:
        results.append((b"COUNT", b"%d" % len(numbers)))
    return results


def relevancy(partial: Partial | None, uids: Sequence[int], scores: Mapping[int, int]) -> tuple[bytes, bytes]:
    """RFC 6203 §4: the scores of what is told, in its order."""
    told = uids if partial is None else uids[partial.slice(len(uids))]
    return b"RELEVANCY", b"(%b)" % b" ".join([b"%d" % scores[uid] for uid in told])


def to_save(returns: Returns, partial: Partial | None, uids: Sequence[int]) -> Ranges:
    """RFC 5182 §2.4, RFC 9394 §3.2: what is told is saved; where nothing is told, or how many, all are."""
    told = _told(returns, partial, uids)
    return from_sorted(sorted(uids if told is None else told))


def highest_told(returns: Returns, partial: Partial | None, uids: Sequence[int], modseqs: Mapping[int, int]) -> int:
    """RFC 4731 §3.2: the highest MODSEQ of what is told; 0 where that is nothing."""
    told = _told(returns, partial, uids)
    return max([modseqs[uid] for uid in (uids if told is None else told)], default=0)


def _told(returns: Returns, partial: Partial | None, uids: Sequence[int]) -> set[int] | None:
    """The ends and the part that are told by themselves; None where it is all."""
    if returns & _OF_ALL or not returns & {Return.MIN, Return.MAX, Return.PARTIAL}:
        return None
    told = set(uids[partial.slice(len(uids))]) if partial is not None else set()
    if uids and Return.MIN in returns:
        told.add(uids[0])
    if uids and Return.MAX in returns:
        told.add(uids[-1])
    return told
