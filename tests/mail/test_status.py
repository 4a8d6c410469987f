"""Status codes in words: every code has some, and the nearest that is known decides."""

from hypothesis import given
from hypothesis import strategies as st

from posthaus.mail.status import find_status, words_of


def test_known() -> None:
    assert words_of("5.1.1").what == "There is no mailbox of this name at that domain."
    assert words_of("4.2.2").what == "The mailbox is full."
    assert words_of("5.01.01") == words_of("5.1.1")
    assert words_of("5.7.23").do


def test_the_nearest() -> None:
    assert words_of("5.1.99") == words_of("5.1.0")
    assert words_of("5.0.0", 552) == words_of("5.2.2")
    assert words_of("", 550).what == "The server there does not take mail for this address."
    assert words_of("5.0.0", 599) == words_of("5.9.9") == words_of("nonsense")
    assert words_of("4.0.0").what == "The server there cannot take the message now."
    assert words_of("2.1.5").what == "All is well."


def test_find() -> None:
    assert find_status("550 5.1.1 no such user") == "5.1.1"
    assert find_status("from 192.5.1.1 at 5.1.1.9: no") == ""
    assert find_status("5.7.1 (see 5.1.1)") == "5.7.1"
    assert find_status("") == ""


@given(st.text(max_size=20), st.integers(0, 999))
def test_anything_has_words(status: str, code: int) -> None:
    assert words_of(status, code).what.endswith(".")
