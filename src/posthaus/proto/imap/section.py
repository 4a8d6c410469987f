"""Attributes of FETCH: what a client wants to know of each message.

RFC822, RFC822.HEADER and RFC822.TEXT are sections under another label. A label is what goes back in the answer, as the
client wrote it but with the words of the grammar in upper case. Attribute lists are few and come again and again, so
whole lists are kept in a bounded memo; they are hashable, fit to be a key of what is compiled from them.

Standards: RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 3516 §4, RFC 7162 §3.1.4, RFC 8474 §5, RFC 8514 §4.1, RFC 8970 §3,
           RFC 9394 §3.3, RFC 5092 §11.
Faults:    ParseFault.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from posthaus.base.limit import IMAP_MEMO_OCTETS, MIME_DEPTH
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.partial import Partial, take_partial
from posthaus.proto.imap.quirk import Quirk
from posthaus.proto.imap.token import SLOT, Cursor


class Plain(Enum):
    """An attribute without arguments; the value is its label."""

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"
    SAVEDATE = b"SAVEDATE"


class Text(Enum):
    """section-text: which octets of the part."""

    ALL = b""
    HEADER = b"HEADER"
    HEADER_FIELDS = b"HEADER.FIELDS"
    HEADER_FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """BODY[section]<partial>, or one of its old names."""

    label: bytes  # of the answer: BODY[1.HEADER], with <0> where a part was asked for
    path: tuple[int, ...] = ()
    text: Text = Text.ALL
    fields: tuple[bytes, ...] = ()  # names of HEADER.FIELDS, lower case, each once
    partial: tuple[int, int] | None = None  # first octet, count
    peek: bool = False  # do not set \\Seen


@dataclass(frozen=True, slots=True)
class Binary:
    """BINARY[part]<partial>: the content with its transfer encoding taken off."""

    label: bytes
    path: tuple[int, ...] = ()
    partial: tuple[int, int] | None = None
    peek: bool = False


@dataclass(frozen=True, slots=True)
class BinarySize:
    """BINARY.SIZE[part]"""

    label: bytes
    path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """PREVIEW; lazy: only if it costs nothing."""

    lazy: bool = False


Attribute = Plain | Section | Binary | BinarySize | Preview


@dataclass(frozen=True, slots=True)
class FetchList:
    """What stands after the sequence set of FETCH."""

    attributes: tuple[Attribute, ...]
    changed_since: int | None = None  # RFC 7162 §3.1.4.1
    vanished: bool = False  # RFC 7162 §3.2.6
    quirks: tuple[Quirk, ...] = ()  # leniencies that were needed to read it
    partial: Partial | None = None  # RFC 9394 §3.3


_FAST = (Plain.FLAGS, Plain.INTERNALDATE, Plain.SIZE)
_MACROS: dict[bytes, tuple[Attribute, ...]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, Plain.ENVELOPE),
    b"FULL": (*_FAST, Plain.ENVELOPE, Plain.BODY),
}
_PLAIN: dict[bytes, Attribute] = {
    **{plain.value: plain for plain in Plain},
    b"RFC822": Section(b"RFC822"),
    b"RFC822.HEADER": Section(b"RFC822.HEADER", text=Text.HEADER, peek=True),
    b"RFC822.TEXT": Section(b"RFC822.TEXT", text=Text.TEXT),
}
_RFC822_PEEK = Section(b"RFC822", peek=True)  # RFC 1730 §6.4.5, gone since RFC 2060; the answer is RFC822
_WORD = re.compile(rb"[A-Za-z0-9.]+").match
_PATH = re.compile(rb"[1-9]\d{0,9}(?:\.[1-9]\d{0,9})*+").match
_TEXT = re.compile(rb"(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)(?=[\] (])", re.IGNORECASE).match
_PARTIAL = re.compile(rb"<(\d{1,19})\.([1-9]\d{0,18})>").match
_TEXTS = {text.value: text for text in Text}
_FIELD_ATOM = re.compile(rb"[\x21\x23\x24\x26\x27\x2b-\x39\x3b-\x5b\x5d-\x7a|}~]+").fullmatch


def parse_fetch_list(cursor: Cursor) -> FetchList:
    """SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]"""
    rest = cursor.text[cursor.at :]
    if len(rest) > IMAP_MEMO_OCTETS or SLOT in rest:
        return _parse_list(cursor)
    fetch_list = _parse_memo(rest, cursor.quirks)
    for quirk in fetch_list.quirks:
        cursor.quirk(quirk, "")
    cursor.at = len(cursor.text)
    return fetch_list


@lru_cache(maxsize=1024)
def _parse_memo(rest: bytes, quirks: frozenset[Quirk]) -> FetchList:
    # A character before the rest, so that a missing space before its parenthesis is seen as such.
    return _parse_list(Cursor(b"*" + rest, at=1, quirks=quirks))


def _parse_list(cursor: Cursor) -> FetchList:
    known = len(cursor.seen or ())
    cursor.space()
    attributes = take_attributes(cursor)
    changed_since, vanished, partial = None, False, None
    if cursor.more():
        cursor.space()
        changed_since, vanished, partial = _take_modifiers(cursor)
    cursor.end()
    quirks = tuple(cursor.seen[known:]) if cursor.seen else ()
    return FetchList(attributes, changed_since, vanished, quirks, partial)


def take_attributes(cursor: Cursor) -> tuple[Attribute, ...]:
    """A macro, fetch-att, or "(" fetch-att *(SP fetch-att) ")" """
    if not cursor.skip(b"("):
        m = _WORD(cursor.text, cursor.at)
        macro = _MACROS.get(m[0].upper()) if m is not None else None
        if m is not None and macro is not None:
            cursor.at = m.end()
            return macro
        return (_take_attribute(cursor),)
    attributes = [_take_attribute(cursor)]
    while not cursor.skip(b")"):
        cursor.space()
        attributes.append(_take_attribute(cursor))
    return tuple(dict.fromkeys(attributes))


def _take_attribute(cursor: Cursor) -> Attribute:
    """fetch-att"""
    m = _WORD(cursor.text, cursor.at)
    if m is None:
        raise ParseFault("FETCH attribute expected")
    word = m[0].upper()
    cursor.at = m.end()
    if cursor.skip(b"["):
        return _take_section(cursor, word)
    plain = _PLAIN.get(word)
    if plain is not None:
        return plain
    if word == b"RFC822.PEEK":
        cursor.quirk(Quirk.RFC822_PEEK, "RFC822.PEEK is BODY.PEEK[]")
        return _RFC822_PEEK
    if word == b"PREVIEW":
        return Preview(lazy=_skip_lazy(cursor))
    raise ParseFault("no such FETCH attribute")


def _take_section(cursor: Cursor, word: bytes) -> Attribute:
    """What follows "[": the name says which sections and whether a partial may stand here."""
    if word == b"BODY" or word == b"BODY.PEEK":
        return _take_body(cursor, peek=word == b"BODY.PEEK")
    path, spec = _take_path(cursor)
    cursor.expect(b"]")
    if word == b"BINARY.SIZE":
        return BinarySize(b"BINARY.SIZE[" + spec + b"]", path)
    if word == b"BINARY" or word == b"BINARY.PEEK":
        partial, origin = _take_partial(cursor)
        return Binary(b"BINARY[" + spec + b"]" + origin, path, partial, word == b"BINARY.PEEK")
    raise ParseFault("no such FETCH attribute")


def _take_body(cursor: Cursor, *, peek: bool) -> Section:
    """section-spec = section-msgtext / (section-part ["." section-text])"""
    path, spec = _take_path(cursor)
    text = Text.ALL
    fields: tuple[bytes, ...] = ()
    dot = bool(path) and cursor.skip(b".")
    m = _TEXT(cursor.text, cursor.at) if dot or not path else None
    if m is not None:
        word = m[1].upper()
        text = _TEXTS[word]
        cursor.at = m.end()
        spec += b"." + word if dot else word
        if text is Text.MIME and not path:
            raise ParseFault("MIME needs a part number")
        if text is Text.HEADER_FIELDS or text is Text.HEADER_FIELDS_NOT:
            fields, names = _take_fields(cursor)
            spec += names
    elif dot:
        raise ParseFault("section text expected")
    cursor.expect(b"]")
    partial, origin = _take_partial(cursor)
    return Section(b"BODY[" + spec + b"]" + origin, path, text, fields, partial, peek)


def parse_section(octets: bytes) -> Section:
    """section-spec alone, as a URL has it (RFC 5092 §11)."""
    cursor = Cursor(octets + b"]")
    section = _take_body(cursor, peek=True)
    cursor.end()
    return section


def _take_path(cursor: Cursor) -> tuple[tuple[int, ...], bytes]:
    """section-part = nz-number *("." nz-number)"""
    m = _PATH(cursor.text, cursor.at)
    if m is None:
        return (), b""
    cursor.at = m.end()
    path = tuple([int(n) for n in m[0].split(b".")])
    if len(path) > MIME_DEPTH:
        raise ParseFault("the part number is too deep", code=b"LIMIT")
    return path, m[0]


def _take_fields(cursor: Cursor) -> tuple[tuple[bytes, ...], bytes]:
    """SP header-list = SP "(" header-fld-name *(SP header-fld-name) ")": the names, and how they go back."""
    cursor.space()
    cursor.expect(b"(")
    names = [_take_field(cursor)]
    while not cursor.skip(b")"):
        cursor.space()
        names.append(_take_field(cursor))
    rendered = b" ".join([name if _FIELD_ATOM(name) else b'"' + name + b'"' for name in names])
    return tuple(dict.fromkeys([name.lower() for name in names])), b" (" + rendered + b")"


def _take_field(cursor: Cursor) -> bytes:
    name = cursor.take_astring()
    # RFC 5322 §3.6.8: printable ASCII but ":". Anything else names no field and could not go back in quotes.
    if not name or not name.isascii() or any(c < 33 or c > 126 or c in b':"\\' for c in name):
        raise ParseFault("no name of a header field")
    return name


def _take_partial(cursor: Cursor) -> tuple[tuple[int, int] | None, bytes]:
    """partial = "<" number64 "." nz-number64 ">": the range, and the origin octet for the answer."""
    if not cursor.peek(b"<"):
        return None, b""
    m = _PARTIAL(cursor.text, cursor.at)
    if m is None:
        raise ParseFault("a partial is <first.count>")
    cursor.at = m.end()
    first, count = int(m[1]), int(m[2])
    return (first, count), b"<%d>" % first


def _skip_lazy(cursor: Cursor) -> bool:
    """SP "(" preview-mod *(SP preview-mod) ")"; LAZY is the only one."""
    for written in (b" (", b"("):
        start = cursor.at + len(written)
        if cursor.peek(written) and cursor.text[start : start + 5].upper() == b"LAZY)":
            cursor.space()
            cursor.at += 6
            return True
    return False


def _take_modifiers(cursor: Cursor) -> tuple[int | None, bool, Partial | None]:
    """fetch-modifiers = "(" fetch-modifier *(SP fetch-modifier) ")": CHANGEDSINCE, VANISHED and PARTIAL"""
    changed_since, vanished, partial = None, False, None
    cursor.expect(b"(")
    while True:
        word = cursor.take_word()
        if word == b"CHANGEDSINCE" and changed_since is None:
            cursor.space()
            changed_since = cursor.take_number()
        elif word == b"VANISHED" and not vanished:
            vanished = True
        elif word == b"PARTIAL" and partial is None:
            cursor.space()
            partial = take_partial(cursor)
        else:
            raise ParseFault("no such FETCH modifier")
        if cursor.skip(b")"):
            break
        cursor.space()
    if changed_since == 0:
        cursor.quirk(Quirk.CHANGED_SINCE_ZERO, "CHANGEDSINCE is above 0")  # RFC 7162 §7: mod-sequence-value
    if vanished and changed_since is None:
        raise ParseFault("VANISHED needs CHANGEDSINCE")
    return changed_since, vanished, partial
