"""What is told, saved and enough for each set of RETURN options."""

import pytest

from posthaus.mail.uidset import render
from posthaus.proto.imap.key import Return
from posthaus.proto.imap.partial import Partial
from posthaus.proto.imap.render import render_uids
from posthaus.serve.imap.searchresult import answer_results, enough, highest_told, to_save

FOUND = [3, 4, 5, 9, 12]
MODSEQS = {3: 30, 4: 20, 5: 50, 9: 90, 12: 10}
FIRST, LAST = Partial(2, 3), Partial(1, 2, from_end=True)


def options(words: str) -> frozenset[Return]:
    return frozenset(Return(word.encode()) for word in words.split())


@pytest.mark.parametrize(
    ("words", "partial", "saved", "highest"),
    [  # RFC 9394 §3.2, RFC 5182 §2.4
        ("SAVE", None, "3:5,9,12", 90),
        ("SAVE ALL", None, "3:5,9,12", 90),
        ("SAVE MIN", None, "3", 30),
        ("SAVE MIN MAX", None, "3,12", 30),
        ("SAVE MIN COUNT", None, "3:5,9,12", 90),
        ("SAVE PARTIAL", FIRST, "4:5", 50),
        ("SAVE PARTIAL", LAST, "9,12", 90),
        ("SAVE PARTIAL MIN", FIRST, "3:5", 50),
        ("SAVE PARTIAL MIN MAX", FIRST, "3:5,12", 50),
        ("SAVE PARTIAL COUNT", FIRST, "3:5,9,12", 90),
        ("SAVE PARTIAL", Partial(6, 9), "", 0),
    ],
)
def test_saved_and_highest(words: str, partial: Partial | None, saved: str, highest: int) -> None:
    assert render(to_save(options(words), partial, FOUND)) == saved
    assert highest_told(options(words), partial, FOUND, MODSEQS) == highest


def test_saved_is_rising_where_results_are_not() -> None:
    assert to_save(options("SAVE PARTIAL"), Partial(1, 2), [9, 3, 4]) == [(3, 3), (9, 9)]


@pytest.mark.parametrize(
    ("words", "partial", "wanted"),
    [
        ("MIN", None, (1, False)),
        ("MAX SAVE", None, (1, True)),
        ("MIN MAX", None, (0, False)),
        ("COUNT", None, (0, False)),
        ("SAVE", None, (0, False)),
        ("PARTIAL", FIRST, (3, False)),
        ("PARTIAL MIN", FIRST, (3, False)),
        ("PARTIAL MAX", FIRST, (0, False)),
        ("PARTIAL MAX SAVE", LAST, (2, True)),
        ("PARTIAL MIN", LAST, (0, False)),
        ("PARTIAL COUNT", FIRST, (0, False)),
    ],
)
def test_enough(words: str, partial: Partial | None, wanted: tuple[int, bool]) -> None:
    assert enough(options(words), partial) == wanted


def test_answer() -> None:
    assert answer_results(options("PARTIAL COUNT"), LAST, FOUND, render_uids) == [
        (b"PARTIAL", b"(-1:-2 9,12)"),
        (b"COUNT", b"5"),
    ]
    assert answer_results(options("PARTIAL"), FIRST, [], render_uids) == [(b"PARTIAL", b"(2:3 NIL)")]
