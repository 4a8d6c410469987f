"""SORT and THREAD as values, and what is none."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.proto.imap import key
from posthaus.proto.imap.command import CancelUpdate, Sort, SortKey, Thread
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.key import Return

ALL = key.All()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b"a SORT (DATE) UTF-8 ALL", Sort(b"a", False, (SortKey(b"DATE"),), ALL)),
        (
            b"a UID SORT (subject reverse Size) us-ascii 1:3 all",
            Sort(
                b"a",
                True,
                (SortKey(b"SUBJECT"), SortKey(b"SIZE", is_reverse=True)),
                parse_command(b"a SEARCH 1:3 ALL").key,  # type: ignore[union-attr]
            ),
        ),
        (
            b"a SORT RETURN (MIN COUNT) (ARRIVAL) UTF-8 ALL",
            Sort(b"a", False, (SortKey(b"ARRIVAL"),), ALL, frozenset({Return.MIN, Return.COUNT})),
        ),
        (b"a SORT (TO) UTF-8 MODSEQ 5", Sort(b"a", False, (SortKey(b"TO"),), key.ModSeq(5), has_modseq=True)),
        (b'a CANCELUPDATE "b1" "b2"', CancelUpdate(b"a", (b"b1", b"b2"))),  # RFC 5267 §5
        (b"a THREAD references UTF-8 ALL", Thread(b"a", False, b"REFERENCES", ALL)),
        (b"a UID THREAD REFS UTF-8 ALL", Thread(b"a", True, b"REFS", ALL)),
    ],
)
def test_read(text: bytes, command: Sort | Thread | CancelUpdate) -> None:
    assert parse_command(text) == command


@pytest.mark.parametrize(
    "text",
    [
        b"a SORT",
        b"a SORT () UTF-8 ALL",
        b"a SORT DATE UTF-8 ALL",
        b"a SORT (COLOUR) UTF-8 ALL",
        b"a SORT (REVERSE) UTF-8 ALL",
        b"a SORT (DATE SIZE UTF-8 ALL",
        b"a SORT (DATE) ALL",
        b"a SORT (DATE) UTF-8",
        b"a SORT (DATE) X-NONE ALL",
        b"a SORT (" + b" ".join([b"DATE"] * 21) + b") UTF-8 ALL",
        b"a THREAD UTF-8 ALL",
        b"a THREAD MAGIC UTF-8 ALL",
        b"a THREAD REFS ALL",
    ],
)
def test_faults(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text)
