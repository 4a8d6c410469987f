import pytest

from posthaus.mail import rights
from posthaus.mail.flag import ANSWERED, DELETED, FIRST_KEYWORD_BIT, LAST_KEYWORD_BIT, SEEN
from posthaus.mail.rights import UnknownRight, parse_rights, render_rights, settable


@pytest.mark.parametrize(
    ("letters", "shown"),
    [
        ("", ""),
        ("lr", "lr"),
        ("rl", "lr"),
        ("lrlr", "lr"),
        ("k", "kc"),
        ("x", "xc"),
        ("c", "kxc"),
        ("t", "td"),
        ("e", "ed"),
        ("d", "ted"),
        ("lrswida", "lrswiteda"),
        ("lrswipkxtea", "lrswipkxtecda"),
    ],
)
def test_letters_are_read_and_shown(letters: str, shown: str) -> None:
    assert render_rights(parse_rights(letters)) == shown
    assert parse_rights(shown) | parse_rights(letters) == parse_rights(shown)


def test_all_of_them() -> None:
    assert parse_rights(rights.LETTERS) == rights.ALL


@pytest.mark.parametrize("letters", ["q", "lrQ", "L", "0", "+l", "l r", "é"])
def test_what_is_no_right(letters: str) -> None:
    with pytest.raises(UnknownRight):
        parse_rights(letters)


@pytest.mark.parametrize(
    ("letters", "seen", "deleted", "others"),
    [("", 0, 0, 0), ("lriepkxa", 0, 0, 0), ("s", 1, 0, 0), ("t", 0, 1, 0), ("w", 0, 0, 1), ("swt", 1, 1, 1)],
)
def test_which_flags_may_be_set(letters: str, seen: bool, deleted: bool, others: bool) -> None:
    flags = settable(parse_rights(letters))
    assert bool(flags & SEEN) == bool(seen)
    assert bool(flags & DELETED) == bool(deleted)
    for flag in (ANSWERED, 1 << FIRST_KEYWORD_BIT, 1 << LAST_KEYWORD_BIT):
        assert bool(flags & flag) == bool(others)
