"""Threads: the RFC's examples, what is missing or goes in circles, and trees as deep as a mailbox."""

import random

import pytest

from posthaus.mail.thread import base_subject
from posthaus.mail.threadtree import Algorithm, Fact, Node, ordered_subject, references, refs, render_threads


def fact(number: int, name: str = "", answers: str = "", subject: str = "", date: int | None = None) -> Fact:
    when = number if date is None else date
    return Fact(number, name, tuple(answers.split()), base_subject(subject).lower(), subject, when)


CASES: list[tuple[Algorithm, list[Fact], bytes]] = [
    (references, [], b""),
    (references, [fact(1), fact(2)], b"(1)(2)"),
    (references, [fact(1, "a"), fact(2, "b", "a"), fact(3, "c", "a b")], b"(1 2 3)"),
    (references, [fact(1, "a"), fact(2, "b", "a"), fact(3, "c", "a")], b"(1 (2)(3))"),
    # answers before what they answer; siblings by date
    (references, [fact(1, "c", "a", date=9), fact(2, "b", "a", date=5), fact(3, "a", date=1)], b"(3 (2)(1))"),
    # a message that is not there: one child takes its place, two need it
    (references, [fact(1, "b", "x")], b"(1)"),
    (references, [fact(1, "b", "x"), fact(2, "c", "x")], b"((1)(2))"),
    (references, [fact(1, "a"), fact(2, "b", "a x"), fact(3, "c", "a x")], b"(1 (2)(3))"),
    # circles, and who answers himself
    (references, [fact(1, "a", "b"), fact(2, "b", "a")], b"(2 1)"),
    (references, [fact(1, "a", "a")], b"(1)"),
    (references, [fact(1, "a", "x y"), fact(2, "b", "y x")], b"((1)(2))"),
    # the same id twice
    (references, [fact(1, "a"), fact(2, "a"), fact(3, "b", "a")], b"(1 3)(2)"),
    # what a message says of itself counts
    (references, [fact(1, "c", "a b"), fact(2, "b"), fact(3, "a")], b"(2 1)(3)"),
    # by subject: an original takes its answers, an answer what else answers, two originals get a place
    (references, [fact(1, "a", subject="Dinner"), fact(2, "b", subject="Re: dinner")], b"(1 2)"),
    (references, [fact(1, "b", subject="Re: dinner"), fact(2, "a", subject="Dinner")], b"(2 1)"),
    (references, [fact(1, "a", subject="Dinner"), fact(2, "b", subject="Dinner")], b"((1)(2))"),
    (references, [fact(1, subject="x"), fact(2, subject="x"), fact(3, subject="x")], b"((1)(2)(3))"),
    (references, [fact(1, "b", "x", "Re: s"), fact(2, "c", "x", "Re: s"), fact(3, subject="s")], b"((1)(2)(3))"),
    (references, [fact(1, subject=""), fact(2, subject="")], b"(1)(2)"),
    (references, [fact(1, "a", subject="Re: s"), fact(2, "b", subject="Re: s")], b"((1)(2))"),
    # RFC 5256 §3: ordered by subject, then by date
    (ordered_subject, [fact(1, subject="b"), fact(2, subject="a"), fact(3, subject="Re: b")], b"(1 3)(2)"),
    (ordered_subject, [fact(1, subject="a"), fact(2, subject="re: a"), fact(3, subject="fwd: a")], b"(1 (2)(3))"),
    (ordered_subject, [fact(1, subject="a", date=9), fact(2, subject="A", date=1)], b"(2 1)"),
    # REFS: no subjects; the newest message decides
    (refs, [fact(1, "a", subject="s"), fact(2, "b", subject="Re: s")], b"(1)(2)"),
    (refs, [fact(1, "a", date=1), fact(2, "b", date=5), fact(3, "c", "a", date=9)], b"(2)(1 3)"),
]


@pytest.mark.parametrize(("algorithm", "facts", "tree"), CASES)
def test_trees(algorithm: Algorithm, facts: list[Fact], tree: bytes) -> None:
    assert render_threads(algorithm(facts)) == tree


@pytest.mark.parametrize("algorithm", [references, refs, ordered_subject])
def test_a_chain_as_long_as_a_mailbox(algorithm: Algorithm) -> None:
    facts = [fact(n, f"m{n}", f"m{n - 1}" if n else "", "Re: s") for n in range(20_000)]
    wanted = b"(" + b" ".join(b"%d" % n for n in range(20_000)) + b")"
    if algorithm is not ordered_subject:
        assert render_threads(algorithm(facts)) == wanted
        assert render_threads(algorithm(facts[::-1])) == wanted
    else:
        assert render_threads(algorithm(facts)).count(b"(") == 20_000


@pytest.mark.parametrize("algorithm", [references, refs, ordered_subject])
def test_every_message_is_in_one_place(algorithm: Algorithm) -> None:
    chance = random.Random(5_256)
    for _ in range(300):
        names = [f"m{n}" for n in range(chance.randint(1, 12))]
        facts = [
            fact(
                n,
                chance.choice(("", *names)),
                " ".join(chance.sample(names, chance.randint(0, min(4, len(names))))),
                chance.choice(("", "s", "Re: s", "t", "[x] Re: t")),
                chance.randint(0, 5),
            )
            for n in range(1, 15)
        ]
        found: list[int] = []
        waiting: list[Node] = list(algorithm(facts))
        while waiting:
            node = waiting.pop()
            assert node.fact is not None or len(node.children) > 1 or algorithm is refs
            found += [] if node.fact is None else [node.fact.number]
            waiting += node.children
        assert sorted(found) == list(range(1, 15))
