"""Threads: messages put together by what they answer, or by their subjects.

Three algorithms over the same facts. A node without a message stands for one that is named but not there, or for a
subject that several messages share. Trees may be as deep as a mailbox has messages, so nothing here recurses.

Standards: RFC 5256 §3 (ORDEREDSUBJECT, REFERENCES); draft-ietf-morg-inthread-01 §4 (REFS).
Faults:    none.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from posthaus.mail.thread import split_subject


@dataclass(frozen=True, slots=True)
class Fact:
    """What is asked of one message. `number` is what the tree names it by."""

    number: int
    message_id: str  # without brackets, "" if there is none
    references: Sequence[str]  # the last one is what it answers
    base_subject: str  # folded
    subject: str
    date: int  # when it was sent, or came where that is not known


@dataclass(slots=True, eq=False)
class Node:
    """A message, or a place without one, and what answers it."""

    fact: Fact | None = None
    parent: "Node | None" = None
    children: "list[Node]" = field(default_factory=list)

    def leave(self) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent = None

    def adopt(self, child: "Node") -> None:
        child.leave()
        child.parent = self
        self.children.append(child)

    @property
    def first(self) -> Fact:
        """The message itself, or that of the first child: a place without a message has children, in order."""
        node = self
        while node.fact is None:
            node = node.children[0]
        return node.fact


Algorithm = Callable[[Sequence[Fact]], list[Node]]


def ordered_subject(facts: Sequence[Fact]) -> list[Node]:
    """By base subject alone: the oldest is the root, and all others answer it."""
    threads: dict[str, Node] = {}
    for fact in sorted(facts, key=_when):
        root = threads.get(fact.base_subject)
        if root is None:
            threads[fact.base_subject] = Node(fact)
        else:
            root.adopt(Node(fact))
    return list(threads.values())


def references(facts: Sequence[Fact]) -> list[Node]:
    """By References and In-Reply-To, then by subject what these leave apart."""
    roots = _prune(_link(facts))
    _sort_children(roots)
    roots.sort(key=_first_when)
    roots = _gather(roots)
    _sort_children(roots)
    roots.sort(key=_first_when)
    return roots


def refs(facts: Sequence[Fact]) -> list[Node]:
    """By References and In-Reply-To alone; the thread with the newest message is last."""
    roots = _prune(_link(facts))
    _sort_children(roots)
    newest = {id(root): max(_when(node.fact) for node in _walk(root) if node.fact is not None) for root in roots}
    return sorted(roots, key=lambda root: newest[id(root)])


def _when(fact: Fact) -> tuple[int, int]:
    return fact.date, fact.number


def _first_when(node: Node) -> tuple[int, int]:
    return _when(node.first)


# -- by references -------------------------------------------------------------------------------------------------


def _link(facts: Sequence[Fact]) -> list[Node]:
    """Steps (1) and (2): the roots, places without a message among them."""
    by_id: dict[str, Node] = {}
    nodes: list[Node] = []
    for fact in facts:
        node = by_id.get(fact.message_id) if fact.message_id else None
        if node is None or node.fact is not None:  # a second message with the same id is another one
            node = Node()
            nodes.append(node)
            if fact.message_id:
                by_id.setdefault(fact.message_id, node)
        node.fact = fact
        before: Node | None = None
        for name in fact.references:
            one = by_id.get(name)
            if one is None:
                one = by_id[name] = Node()
                nodes.append(one)
            if before is not None and one.parent is None and not (one is before or _is_above(one, before)):
                before.adopt(one)
            before = one
        # what the message itself says it answers counts more than what another said of it
        if before is None:
            node.leave()
        elif before is not node and not _is_above(node, before):
            before.adopt(node)
    return [node for node in nodes if node.parent is None]


def _is_above(node: Node, other: Node) -> bool:
    """Is `other` below the node?"""
    at: Node | None = other if node.children else None
    while at is not None:
        if at is node:
            return True
        at = at.parent
    return False


def _prune(roots: list[Node]) -> list[Node]:
    """Step (3): places without a message go, their children take their place; a root that holds several stays."""
    order = [node for root in roots for node in _walk(root)]
    for node in reversed(order):  # children before their parents
        node.children = [kept for child in node.children for kept in _left_of(child)]
        for child in node.children:
            child.parent = node
    kept: list[Node] = []
    for root in roots:
        if root.fact is not None or len(root.children) > 1:
            kept.append(root)
        else:
            kept += root.children
            for child in root.children:
                child.parent = None
    return kept


def _left_of(node: Node) -> list[Node]:
    return [node] if node.fact is not None else node.children


# -- by subject ----------------------------------------------------------------------------------------------------


def _gather(roots: list[Node]) -> list[Node]:
    """Step (5): roots with the same base subject become one thread."""
    table: dict[str, Node] = {}
    for root in roots:
        subject = root.first.base_subject
        held = table.get(subject)
        if not subject:
            continue
        if (
            held is None
            or (held.fact is not None and root.fact is None)
            or (held.fact is not None and _is_reply(held) and not _is_reply(root))
        ):
            table[subject] = root
    kept: list[Node] = []
    made: dict[int, Node] = {}  # places that were made for two, by the node whose place it is
    for root in roots:
        subject = root.first.base_subject
        held = table.get(subject, root)
        held = made.get(id(held), held)
        if root.parent is not None:
            continue  # a place was made for it before its turn came
        if not subject or held is root:
            kept.append(root)
        elif held.fact is None and root.fact is None:
            for child in list(root.children):
                held.adopt(child)
        elif held.fact is None or (_is_reply(root) and not _is_reply(held)):
            held.adopt(root)
        else:
            place = made[id(held)] = Node()
            place.adopt(root)
            place.adopt(held)
            kept.append(place)
    return [node for node in kept if node.parent is None]


def _is_reply(node: Node) -> bool:
    return node.fact is not None and split_subject(node.fact.subject)[1]


# -- trees ---------------------------------------------------------------------------------------------------------


def _walk(root: Node) -> Iterator[Node]:
    """Each before what is below it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _sort_children(roots: Iterable[Node]) -> None:
    """Step (6); from below, because a place without a message is sorted by its first child."""
    order = [node for root in roots for node in _walk(root)]
    for node in reversed(order):
        if len(node.children) > 1:
            node.children.sort(key=_first_when)


def render_threads(roots: Iterable[Node]) -> bytes:
    """1*thread-list: thread-list = "(" (thread-members / thread-nested) ")" """
    out: list[bytes] = []
    waiting: list[Node | bytes] = [*reversed([one for root in roots for one in (b"(", root, b")")])]
    while waiting:
        one = waiting.pop()
        if isinstance(one, bytes):
            out.append(one)
            continue
        if one.fact is not None:
            out.append(b"%d" % one.fact.number)
            if one.children:
                out.append(b" ")
        if len(one.children) == 1:
            waiting.append(one.children[0])
        else:
            waiting += reversed([piece for child in one.children for piece in (b"(", child, b")")])
    return b"".join(out)
