"""Tokens: one by one, at the cursor."""

import pytest

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.quirk import STRICT, Quirk
from posthaus.proto.imap.token import Cursor, Literal


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        (b"abc", b"abc"),
        (b"a]b rest", b"a]b"),
        (b"+1", b"+1"),
        (b'""', b""),
        (b'"a b"', b"a b"),
        (b'"a\\"b\\\\c" x', b'a"b\\c'),
        (b'"\\\\" "x"', b"\\"),
        (b'"\\\\\\""', b'\\"'),
        (b'"\xc3\xbc"', b"\xc3\xbc"),
    ],
)
def test_astring(text: bytes, octets: bytes) -> None:
    assert Cursor(text).take_astring() == octets
    assert Cursor(b"x " + text, at=1).next_astring() == octets


@pytest.mark.parametrize(
    "text", [b"", b"(", b'"abc', b'"a\\b"', b'"\\"', b"{5}", b"*", b"%", b"\\", b"\xc3\xbc", b"\x00"]
)
def test_no_astring(text: bytes) -> None:
    with pytest.raises(ParseFault):
        Cursor(text).take_astring()


def test_unfinished_string_is_quick() -> None:
    with pytest.raises(ParseFault):  # a regular expression that tries all ways would never end
        Cursor(b'"' + b'a\\"' * 30_000).take_astring()


def test_literals_in_order() -> None:
    cursor = Cursor(b"\x00 \x00", [Literal(b"one", 3), Literal(b"", 0)])
    assert cursor.take_astring() == b"one"
    assert cursor.next_astring() == b""


@pytest.mark.parametrize("literal", [Literal(None, 3), Literal(b"abc", 3, binary=True)])
def test_no_place_for_a_message(literal: Literal) -> None:
    with pytest.raises(ParseFault):
        Cursor(b"\x00", [literal]).take_astring()


def test_string_is_no_atom() -> None:
    with pytest.raises(ParseFault):
        Cursor(b"abc").take_string()
    assert Cursor(b'"abc"').take_string() == b"abc"
    assert Cursor(b"nil)").take_nstring() is None
    assert Cursor(b'"nil"').take_nstring() == b"nil"


def test_number() -> None:
    assert Cursor(b"9223372036854775807").take_number() == 2**63 - 1
    for text in (b"9223372036854775808", b"99999999999999999999999", b"-1", b"", b"x"):
        with pytest.raises(ParseFault):
            Cursor(text).take_number()


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (b"()", ()),
        (b"(\\Seen)", (b"\\Seen",)),
        (b"(\\seen \\DELETED $Forwarded Junk)", (b"\\Seen", b"\\Deleted", b"$Forwarded", b"Junk")),
        (b"\\Seen \\Seen", (b"\\Seen",)),
        (b"\\Foo bar", (b"\\Foo", b"bar")),
        (b"(\\Recent \\Seen)", (b"\\Seen",)),
    ],
)
def test_flags(text: bytes, flags: tuple[bytes, ...]) -> None:
    assert Cursor(text).take_flags() == flags


@pytest.mark.parametrize("text", [b"", b"(", b"(\\*)", b"( \\Seen)", b"(\\Seen", b"\\", b'("x")', b"(\\Seen  \\Draft)"])
def test_no_flags(text: bytes) -> None:
    with pytest.raises(ParseFault):
        Cursor(text).take_flags()


@pytest.mark.parametrize(
    ("text", "utf8", "name"),
    [
        (b" inbox", False, "INBOX"),
        (b' "InBoX"', True, "INBOX"),
        (b" inbox/x", False, "inbox/x"),
        (b" Entw&APw-rfe", False, "Entwürfe"),
        (b" Entw&APw-rfe", True, "Entw&APw-rfe"),
        (b' "Entw\xc3\xbcrfe"', True, "Entwürfe"),
        (b' "Entw\xc3\xbcrfe"', False, "Entwürfe"),  # Quirk.UTF8_NAME
        (b" NIL", False, "NIL"),
    ],
)
def test_mailbox(text: bytes, utf8: bool, name: str) -> None:
    assert Cursor(text, utf8=utf8).next_mailbox() == name


@pytest.mark.parametrize(("text", "utf8"), [(b" &x", False), (b' "\xff"', False), (b' "\xff"', True)])
def test_no_mailbox(text: bytes, utf8: bool) -> None:
    with pytest.raises(ParseFault) as caught:
        Cursor(text, utf8=utf8).next_mailbox()
    assert (caught.value.bad, caught.value.code) == (False, b"CANNOT")


def test_utf8_needs_no_leniency_when_enabled() -> None:
    cursor = Cursor(b' "\xc3\xbc"', utf8=True, quirks=STRICT)
    assert cursor.next_mailbox() == "ü"
    assert cursor.seen is None


def test_leniencies_are_seen() -> None:
    cursor = Cursor(b'x  "\xc3\xbc"(  ', at=1)
    cursor.next_mailbox()
    cursor.space()
    cursor.expect(b"(")
    cursor.end()
    assert cursor.seen == [
        Quirk.DOUBLE_SPACE,
        Quirk.EIGHT_BIT_QUOTED,
        Quirk.UTF8_NAME,
        Quirk.SPACE_MISSING,
        Quirk.TRAILING_SPACE,
    ]


def test_end_and_more() -> None:
    assert not Cursor(b"a", at=1).more()
    assert not Cursor(b"a   ", at=1).more()
    assert Cursor(b"a  b", at=1).more()
    with pytest.raises(ParseFault):
        Cursor(b"a b", at=1).end()
