"""ENABLE UIDONLY: what is refused, and what is not."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.parse import parse_head
from posthaus.proto.imap.uidonly import check_command, check_head

ASKED = [
    # command, is it refused?
    (b"FETCH 1 FLAGS", True),
    (b"UID FETCH 1 FLAGS", False),
    (b"STORE 1 FLAGS ()", True),
    (b"COPY 1 INBOX", True),
    (b"MOVE * INBOX", True),
    (b"UID MOVE * INBOX", False),
    (b"SEARCH ALL", True),
    (b"UID SEARCH ALL", False),
    (b"UID SEARCH UID 1:*", False),
    (b"UID SEARCH $", False),
    (b"UID SEARCH NOT (OR SEEN (DELETED 1:5))", True),
    (b"SORT (DATE) UTF-8 ALL", True),
    (b"UID SORT (DATE) UTF-8 2", True),
    (b"UID THREAD REFERENCES UTF-8 ALL", False),
    (b"ESEARCH IN (personal) SEEN", False),
    (b"ESEARCH IN (selected) 1", True),
    (b"EXPUNGE", False),
    (b"UID EXPUNGE 1", False),
    (b"SELECT INBOX (QRESYNC (1 1 1:5))", False),
    (b"SELECT INBOX (QRESYNC (1 1 1:5 (1 1)))", True),
]


@pytest.mark.parametrize(("command", "is_refused"), ASKED)
def test_what_is_refused(command: bytes, is_refused: bool) -> None:
    try:
        check_head(parse_head(b"a " + command))
        check_command(parse_command(b"a " + command))
    except ParseFault as fault:
        assert is_refused and fault.bad and fault.code == b"UIDREQUIRED"
    else:
        assert not is_refused
