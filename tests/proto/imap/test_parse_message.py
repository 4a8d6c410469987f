"""APPEND, FETCH, STORE, COPY, MOVE, EXPUNGE: the examples of the RFCs, and what is no command."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.proto.imap import command as c
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.number import SAVED, SequenceSet, parse_set
from posthaus.proto.imap.quirk import STRICT, Quirk
from posthaus.proto.imap.section import FetchList, Plain, Section, Text
from posthaus.proto.imap.token import Literal

_FLAGS_AND_DATE = FetchList(
    (Plain.FLAGS, Section(b"BODY[HEADER.FIELDS (DATE FROM)]", (), Text.HEADER_FIELDS, (b"date", b"from")))
)
_DELETED = (b"\\Deleted",)


def _set(low: int, high: int) -> SequenceSet:
    return SequenceSet(((low, high),))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (
            b"A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
            c.Fetch(b"A654", False, _set(2, 4), _FLAGS_AND_DATE),
        ),
        (
            b"A999 UID FETCH 4827313:4828442 FLAGS",
            c.Fetch(b"A999", True, _set(4827313, 4828442), FetchList((Plain.FLAGS,))),
        ),
        (b"a uid fetch $ flags", c.Fetch(b"a", True, SAVED, FetchList((Plain.FLAGS,)))),
        (
            b"s100 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)",  # RFC 7162 §3.2.6
            c.Fetch(b"s100", True, _set(300, 500), FetchList((Plain.FLAGS,), 12345, True)),
        ),
        (b"A003 STORE 2:4 +FLAGS (\\Deleted)", c.Store(b"A003", False, _set(2, 4), b"+", False, _DELETED)),
        (b"a STORE 1 -FLAGS.SILENT \\Deleted", c.Store(b"a", False, _set(1, 1), b"-", True, _DELETED)),
        (b"a UID STORE 1 flags ()", c.Store(b"a", True, _set(1, 1), b"", False, ())),
        (
            b"a STORE 1 FLAGS \\deleted $Junk",
            c.Store(b"a", False, _set(1, 1), b"", False, (b"\\Deleted", b"$Junk")),
        ),
        (
            b"a103 UID STORE 6 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)",  # RFC 7162 §3.1.3
            c.Store(b"a103", True, _set(6, 6), b"+", True, _DELETED, 12121230045),
        ),
        (b"a STORE 1 (UNCHANGEDSINCE 0) FLAGS (x)", c.Store(b"a", False, _set(1, 1), b"", False, (b"x",), 0)),
        (b"A003 COPY 2:4 MEETING", c.Copy(b"A003", False, _set(2, 4), "MEETING")),
        (b'a UID COPY 1 "a b"', c.Copy(b"a", True, _set(1, 1), "a b")),
        (b"a UID MOVE 42:69 foo", c.Move(b"a", True, _set(42, 69), "foo")),
        (b"a MOVE $ foo", c.Move(b"a", False, SAVED, "foo")),
        (b"A202 EXPUNGE", c.Expunge(b"A202")),
        (b"A003 UID EXPUNGE 3000:3002", c.Expunge(b"A003", _set(3000, 3002))),
    ],
)
def test_valid(text: bytes, command: c.Command) -> None:
    assert parse_command(text, quirks=STRICT) == command


@pytest.mark.parametrize(
    "text",
    [
        b"a FETCH",
        b"a FETCH 1",
        b"a FETCH FLAGS",
        b"a FETCH 0 FLAGS",
        b"a FETCH 1, FLAGS",
        b"a FETCH 1 FLAGS UID",
        b"a FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)",
        b"a FETCH 1 2 FLAGS",
        b"a FETCH  1 FLAGS",
        b"a STORE 1 FLAGS",
        b"a STORE 1 *FLAGS (x)",
        b"a STORE 1 + FLAGS (x)",
        b"a STORE 1 FLAGS.LOUD (x)",
        b"a STORE 1 FLAGS (\\Recent)",
        b"a STORE 1 FLAGS (\\*)",
        b"a STORE 1 (CHANGEDSINCE 1) FLAGS (x)",
        b"a STORE 1",
        b"a STORE 1 (UNCHANGEDSINCE) FLAGS (x)",
        b"a STORE 1 FLAGS (x) y",
        b"a STORE 1 FLAGS(x)",
        b'a STORE 1 FLAGS "x"',
        b"a COPY 1",
        b"a COPY x",
        b"a COPY 1 x y",
        b"a MOVE 1:2:3 x",
        b"a EXPUNGE 1",
        b"a UID EXPUNGE",
        b"a UID EXPUNGE x",
        b"a APPEND",
        b"a APPEND x",
        b"a APPEND x (",
        b'a APPEND x "17-Jul-1996 02:44:25 -0700"',
        b'a APPEND x "y"',
        b"a APPEND x (\\Seen) text",
        b"a APPEND x \x00",
    ],
)
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text, quirks=STRICT)


@pytest.mark.parametrize(
    ("text", "flags", "at", "utf8"),
    [
        (b"A003 APPEND saved-messages (\\Seen) \x00", (b"\\Seen",), None, False),
        (b"A003 APPEND saved-messages \x00", (), None, False),
        (b'A003 APPEND "saved-messages" () "17-Jul-1996 02:44:25 -0700" \x00', (), 837596665, False),
        (b'A003 append saved-messages " 1-Jan-1970 00:00:01 +0000" \x00', (), 1, False),
        (b"A003 APPEND saved-messages UTF8 (~\x00)", (), None, True),
    ],
)
def test_append(text: bytes, flags: tuple[bytes, ...], at: int | None, utf8: bool) -> None:
    message = Literal(b"From: x", 7)
    command = parse_command(text, [message], quirks=STRICT)
    assert command == c.Append(b"A003", "saved-messages", (c.NewMessage(flags, at, (message,), utf8),))


def test_append_binary_and_spooled() -> None:
    message = Literal(None, 2_000_000_000, binary=True)
    command = parse_command(b"a APPEND \x00 ~\x00", [Literal(b"INBOX", 5), message])
    assert command == c.Append(b"a", "INBOX", (c.NewMessage((), None, (message,)),))


def test_multiappend() -> None:
    one, two, three = Literal(b"x", 1), Literal(None, 9, binary=True), Literal(b"z", 1, binary=True)
    text = b'a APPEND x \0 (\\Seen) "17-Jul-1996 02:44:25 -0700" ~\0 () UTF8 (~\0)'
    assert parse_command(text, [one, two, three], quirks=STRICT) == c.Append(
        b"a",
        "x",
        (
            c.NewMessage((), None, (one,)),
            c.NewMessage((b"\\Seen",), 837596665, (two,)),
            c.NewMessage((), None, (three,), True),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        b"a APPEND x \x00\x00",
        b"a APPEND x \x00 (\\Seen)",
        b"a APPEND x UTF8 (\x00)",
        b"a APPEND x UTF8 (~\x00",
        b"a APPEND x \x00y",
    ],
)
def test_append_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text, [Literal(b"x", 1), Literal(b"y", 1)])


def test_catenate() -> None:
    one, two = Literal(b"x", 1), Literal(b"y", 1, binary=True)
    text = b'A003 APPEND Drafts (\\Draft) CATENATE (URL "/x/;uid=20" TEXT \0 URL u UTF8 (~\0))'
    parts = (c.Url(b"/x/;uid=20"), one, c.Url(b"u"), two)
    command = parse_command(text, [one, two], quirks=STRICT)
    assert command == c.Append(b"A003", "Drafts", (c.NewMessage((b"\\Draft",), None, parts),))
    two_messages = parse_command(b"a APPEND x catenate (URL a) \0", [one], quirks=STRICT)
    assert two_messages == c.Append(b"a", "x", (c.NewMessage((), None, (c.Url(b"a"),)), c.NewMessage((), None, (one,))))


def test_replace() -> None:
    one = Literal(b"x", 1)
    new = (c.NewMessage((b"\\Seen",), None, (one,)),)
    command = parse_command(b"a UID REPLACE 4 Drafts (\\Seen) \0", [one], quirks=STRICT)
    assert command == c.Replace(b"a", True, SequenceSet(((4, 4),)), "Drafts", new)
    last = parse_command(b"a replace * Drafts (\\Seen) \0", [one], quirks=STRICT)
    assert isinstance(last, c.Replace) and last.numbers.resolve(9) == [(9, 9)]


@pytest.mark.parametrize(
    "text",
    [
        b"a REPLACE 1:2 x \0",
        b"a REPLACE x \0",
        b"a REPLACE 1 x \0 \0",
        b"a APPEND x CATENATE ()",
        b"a APPEND x CATENATE (URL)",
        b"a APPEND x CATENATE (URL a",
        b"a APPEND x CATENATE (TEXT a)",
        b"a APPEND x CATENATE (PART \0)",
        b"a APPEND x CATENATE (TEXT \0TEXT \0)",
    ],
)
def test_catenate_and_replace_fault(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text, [Literal(b"x", 1), Literal(b"y", 1)], quirks=STRICT)


def test_short_day() -> None:
    text = b'a APPEND x "1-Jan-1970 00:00:01 +0000" \x00'
    command = parse_command(text, [Literal(b"", 0)], quirks=frozenset({Quirk.SHORT_DAY}))
    assert isinstance(command, c.Append)
    assert command.messages[0].at == 1
    with pytest.raises(ParseFault):
        parse_command(text, [Literal(b"", 0)], quirks=STRICT)


def test_sets_are_kept_as_written() -> None:
    command = parse_command(b"a COPY 9,*:3,1 x")
    assert isinstance(command, c.Copy)
    assert command.numbers == parse_set(b"9,*:3,1")
