"""What is judged of a literal before it is read."""

import pytest

from posthaus.base.limit import IMAP_LITERALS
from posthaus.proto.imap.command import Append, NewMessage, Replace, Url
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.framing import Header
from posthaus.proto.imap.literal import Limits, append_so_far, check_size
from posthaus.proto.imap.parse import parse_head
from posthaus.proto.imap.quirk import STRICT
from posthaus.proto.imap.token import Literal

_LIMITS = Limits(literal_octets=10, early_literal_octets=5, command_octets=20, literals=2)


def _header(text: bytes, size: int, *literals: Literal, binary: bool = False) -> Header:
    return Header(text, list(literals), size, non_sync=False, binary=binary)


def _append(text: bytes, size: int, *literals: Literal, binary: bool = False) -> Append | Replace | None:
    header = _header(text, size, *literals, binary=binary)
    return append_so_far(parse_head(text), header, utf8=False, quirks=STRICT)


def _command(mailbox: str, *messages: NewMessage) -> Append:
    return Append(b"a", mailbox, messages)


def test_size() -> None:
    kept = Literal(b"12345", 5)
    check_size(_header(b"a LOGIN ", 5), _LIMITS, early=True)
    check_size(_header(b"a LOGIN \0 ", 5, kept), _LIMITS, early=True)
    check_size(_header(b"a x ", 10), _LIMITS, early=False)
    for header, early in (
        (_header(b"a LOGIN ", 6), True),
        (_header(b"a x ", 11), False),
        (_header(b"a long \0 ", 7, kept), False),
        (_header(b"a \0 \0 ", 0, kept, kept), False),
    ):
        with pytest.raises(ParseFault) as caught:
            check_size(header, _LIMITS, early=early)
        assert caught.value.code == b"TOOBIG"


def test_append() -> None:
    assert _append(b"a APPEND ", 5) is None
    assert _append(b"a LOGIN ", 5) is None
    assert _append(b"a APPEND x ", 5) == _command("x", NewMessage((), None, (Literal(None, 5),)))
    named = _append(b"a APPEND \0 (\\Seen) ~", 5, Literal(b"inbox", 5), binary=True)
    assert named == _command("INBOX", NewMessage((b"\\Seen",), None, (Literal(None, 5, True),)))
    utf8 = _append(b"a APPEND x UTF8 (~", 5, binary=True)
    assert utf8 == _command("x", NewMessage((), None, (Literal(None, 5, True),), True))


def test_catenate_and_replace() -> None:
    """A URL may be a literal, and is kept; what is TEXT is part of a message."""
    assert _append(b"a APPEND x CATENATE (URL ", 5) is None
    assert _append(b"a REPLACE 1 ", 5) is None
    url = Literal(b"/x/;UID=1", 9)
    found = _append(b"a APPEND x CATENATE (URL \0 TEXT ", 5, url)
    assert found == _command("x", NewMessage((), None, (Url(b"/x/;UID=1"), Literal(None, 5))))
    replaced = _append(b"a UID REPLACE 7 x ", 5)
    assert isinstance(replaced, Replace) and replaced.messages == (NewMessage((), None, (Literal(None, 5),)),)


def test_append_of_several() -> None:
    one = Literal(b"1", 1)
    again = _append(b"a APPEND x \0 (\\Seen) ", 5, one)
    assert again == _command("x", NewMessage((), None, (one,)), NewMessage((b"\\Seen",), None, (Literal(None, 5),)))
    with pytest.raises(ParseFault) as caught:
        _append(b"a APPEND x" + b" \0" * IMAP_LITERALS + b" ", 5, *[one] * IMAP_LITERALS)
    assert caught.value.code == b"LIMIT"


@pytest.mark.parametrize("text", [b"a APPEND x (\\Seen", b"a APPEND x y ", b"a APPEND x", b'a APPEND x "no date" '])
def test_append_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        _append(text, 5)
