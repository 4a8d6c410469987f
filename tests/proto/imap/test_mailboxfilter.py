"""Filters of mailboxes: NOTIFY's and ESEARCH's."""

import pytest

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.mailboxfilter import MailboxFilter, Which, take_filter
from posthaus.proto.imap.token import Cursor

ALL = frozenset(Which)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [  # RFC 5465 §8
        (b"selected-delayed", MailboxFilter(Which.SELECTED_DELAYED)),
        (b"Personal", MailboxFilter(Which.PERSONAL)),
        (b"subtree a/b", MailboxFilter(Which.SUBTREE, ("a/b",))),
        (b'MAILBOXES (inbox "b c")', MailboxFilter(Which.MAILBOXES, ("INBOX", "b c"))),
    ],
)
def test_filter(text: bytes, wanted: MailboxFilter) -> None:
    assert take_filter(Cursor(text), ALL) == wanted


@pytest.mark.parametrize("text", [b"", b"all", b"subtree", b"mailboxes ()", b"mailboxes (a", b"mailboxes (a  b c"])
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        take_filter(Cursor(text), ALL)


def test_not_here() -> None:
    with pytest.raises(ParseFault):
        take_filter(Cursor(b"selected-delayed"), ALL - {Which.SELECTED_DELAYED})


def test_limit() -> None:
    with pytest.raises(ParseFault) as caught:
        take_filter(Cursor(b"mailboxes (" + b" ".join([b"a"] * 2_000) + b")"), ALL)
    assert caught.value.code == b"LIMIT"
