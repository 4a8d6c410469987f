"""FETCH attributes: tables of what can be asked for, and of what cannot."""

import pytest

from posthaus.base.limit import IMAP_MEMO_OCTETS
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.partial import Partial
from posthaus.proto.imap.quirk import STRICT, Quirk
from posthaus.proto.imap.section import (
    Attribute,
    Binary,
    BinarySize,
    FetchList,
    Plain,
    Preview,
    Section,
    Text,
    parse_fetch_list,
)
from posthaus.proto.imap.token import Cursor, Literal

_FAST = (Plain.FLAGS, Plain.INTERNALDATE, Plain.SIZE)


def _read(rest: bytes, quirks: frozenset[Quirk] = STRICT) -> FetchList:
    return parse_fetch_list(Cursor(b"*" + rest, at=1, quirks=quirks))


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        (b"FAST", _FAST),
        (b"all", (*_FAST, Plain.ENVELOPE)),
        (b"Full", (*_FAST, Plain.ENVELOPE, Plain.BODY)),
        (b"FLAGS", (Plain.FLAGS,)),
        (b"(flags FLAGS Uid)", (Plain.FLAGS, Plain.UID)),
        (b"(RFC822.SIZE BODYSTRUCTURE BODY)", (Plain.SIZE, Plain.BODYSTRUCTURE, Plain.BODY)),
        (b"(MODSEQ EMAILID THREADID SAVEDATE)", (Plain.MODSEQ, Plain.EMAILID, Plain.THREADID, Plain.SAVEDATE)),
        (b"RFC822", (Section(b"RFC822"),)),
        (b"rfc822.header", (Section(b"RFC822.HEADER", text=Text.HEADER, peek=True),)),
        (b"RFC822.TEXT", (Section(b"RFC822.TEXT", text=Text.TEXT),)),
        (b"(PREVIEW UID)", (Preview(), Plain.UID)),
        (b"(PREVIEW (LAZY) UID)", (Preview(lazy=True), Plain.UID)),
        (b"PREVIEW (lazy)", (Preview(lazy=True),)),
    ],
)
def test_attributes(text: bytes, attributes: tuple[Attribute, ...]) -> None:
    assert _read(b" " + text) == FetchList(attributes)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        (b"BODY[]", Section(b"BODY[]")),
        (b"BODY.PEEK[]", Section(b"BODY[]", peek=True)),
        (b"body[]<0.2048>", Section(b"BODY[]<0>", partial=(0, 2048))),
        (b"BODY[1]", Section(b"BODY[1]", (1,))),
        (b"BODY[4.2.2.1]", Section(b"BODY[4.2.2.1]", (4, 2, 2, 1))),
        (b"BODY[HEADER]", Section(b"BODY[HEADER]", (), Text.HEADER)),
        (b"BODY[text]", Section(b"BODY[TEXT]", (), Text.TEXT)),
        (b"BODY[3.header]", Section(b"BODY[3.HEADER]", (3,), Text.HEADER)),
        (b"BODY.PEEK[4.1.MIME]", Section(b"BODY[4.1.MIME]", (4, 1), Text.MIME, peek=True)),
        (b"BODY[4.2.TEXT]<10.1>", Section(b"BODY[4.2.TEXT]<10>", (4, 2), Text.TEXT, partial=(10, 1))),
        (
            b"BODY[HEADER.FIELDS (DATE FROM)]",
            Section(b"BODY[HEADER.FIELDS (DATE FROM)]", (), Text.HEADER_FIELDS, (b"date", b"from")),
        ),
        (
            b'BODY.PEEK[2.HEADER.FIELDS.NOT ("Date" x-a)]<1.2>',
            Section(
                b"BODY[2.HEADER.FIELDS.NOT (Date x-a)]<1>",
                (2,),
                Text.HEADER_FIELDS_NOT,
                (b"date", b"x-a"),
                (1, 2),
                True,
            ),
        ),
        (
            b'BODY[HEADER.FIELDS ("x(y" X(Y")]'.replace(b" X(Y", b' "X(Y'),
            Section(b'BODY[HEADER.FIELDS ("x(y" "X(Y")]', (), Text.HEADER_FIELDS, (b"x(y",)),
        ),
        (b"BINARY[1.2]", Binary(b"BINARY[1.2]", (1, 2))),
        (b"BINARY.PEEK[1]<5.6>", Binary(b"BINARY[1]<5>", (1,), (5, 6), True)),
        (b"BINARY[]", Binary(b"BINARY[]")),
        (b"BINARY.SIZE[1]", BinarySize(b"BINARY.SIZE[1]", (1,))),
    ],
)
def test_sections(text: bytes, attribute: Attribute) -> None:
    assert _read(b" " + text).attributes == (attribute,)
    assert _read(b" (UID " + text + b" FLAGS)").attributes == (Plain.UID, attribute, Plain.FLAGS)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b" ",
        b" ()",
        b" (FLAGS",
        b" FLAGS)",
        b" FLAGS UID",
        b" (FLAGS  UID)",
        b" ( FLAGS)",
        b" (FAST)",
        b" NOPE",
        b" BODY[",
        b" BODY[0]",
        b" BODY[1.]",
        b" BODY[.1]",
        b" BODY[MIME]",
        b" BODY[1.FOO]",
        b" BODY[TEXT.1]",
        b" BODY[1 ]",
        b" BODY[]<1>",
        b" BODY[]<1.0>",
        b" BODY[]<.1>",
        b" BODY[HEADER.FIELDS]",
        b" BODY[HEADER.FIELDS ()]",
        b" BODY[HEADER.FIELDS (a:b)]",
        b' BODY[HEADER.FIELDS ("a b")]',
        b' BODY[HEADER.FIELDS ("")]',
        b" BODY[TEXT ()]",
        b" BINARY[HEADER]",
        b" BINARY",
        b" BINARY.SIZE[1]<0.1>",
        b" FLAGS[]",
        b" BODY.PEEK",
        b" RFC822[]",
        b" FLAGS (NOPE 1)",
        b" FLAGS (CHANGEDSINCE)",
        b" FLAGS (CHANGEDSINCE 0)",
        b" FLAGS (VANISHED)",
        b" FLAGS (PARTIAL)",
        b" FLAGS (PARTIAL 1:2 PARTIAL 1:2)",
        b" FLAGS ()",
        b" (PREVIEW (EAGER))",
        b" BODY[" + b"1." * 200 + b"1]",
    ],
)
def test_fault(rest: bytes) -> None:
    with pytest.raises(ParseFault):
        _read(rest)


def test_modifiers() -> None:
    assert _read(b" (FLAGS) (CHANGEDSINCE 12345)") == FetchList((Plain.FLAGS,), 12345)
    assert _read(b" FLAGS (changedsince 9 vanished)") == FetchList((Plain.FLAGS,), 9, True)
    partial = _read(b" FLAGS (PARTIAL -1:-30 CHANGEDSINCE 9)")
    assert partial == FetchList((Plain.FLAGS,), 9, partial=Partial(1, 30, from_end=True))
    assert _read(b" PREVIEW (CHANGEDSINCE 5)") == FetchList((Preview(),), 5)


def test_space_missing() -> None:
    once = _read(b"(FLAGS BODY.PEEK[HEADER.FIELDS(DATE)])", frozenset({Quirk.SPACE_MISSING}))
    assert once.quirks == (Quirk.SPACE_MISSING, Quirk.SPACE_MISSING)
    assert once.attributes[1] == Section(b"BODY[HEADER.FIELDS (DATE)]", (), Text.HEADER_FIELDS, (b"date",), peek=True)
    with pytest.raises(ParseFault):
        _read(b"(FLAGS)")


def test_leniency_is_told_from_the_memo_too() -> None:
    for _ in range(2):
        cursor = Cursor(b"*(FLAGS) ", at=1)
        parse_fetch_list(cursor)
        assert cursor.seen == [Quirk.SPACE_MISSING, Quirk.TRAILING_SPACE]


def test_field_name_as_literal() -> None:
    cursor = Cursor(b"* BODY[HEADER.FIELDS (\x00)]", [Literal(b"Date", 4)], at=1)
    assert parse_fetch_list(cursor).attributes == (
        Section(b"BODY[HEADER.FIELDS (Date)]", (), Text.HEADER_FIELDS, (b"date",)),
    )


def test_memo() -> None:
    assert _read(b" (UID FLAGS)") is _read(b" (UID FLAGS)")
    long = b" (" + b" ".join([b"BODY[%d]" % n for n in range(1, IMAP_MEMO_OCTETS)]) + b")"
    assert _read(long) is not _read(long)
