"""Tokens of a command line: one regular expression each, and a cursor that walks over them.

The framing has cut the literals out; in the text a NUL octet stands for each (the wire cannot send one there), and the
cursor hands them out in order. `take_*` reads a token at the cursor, `next_*` a space and a token.

Standards: RFC 9051 §9, RFC 3501 §9.
Faults:    ParseFault.
"""

import re
from collections.abc import Sequence

from posthaus.base.value import value
from posthaus.proto.imap import mutf7
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.quirk import LENIENT, Quirk

SLOT = b"\x00"  # stands in the text for a literal

ATOM_CHAR = rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]'
ASTRING_CHAR = rb'[^\x00-\x20\x7f-\xff(){%*"\\]'  # ATOM-CHAR / resp-specials
LIST_CHAR = rb'[^\x00-\x20\x7f-\xff(){"\\]'  # ATOM-CHAR / list-wildcards / resp-specials
_QUOTED = rb'"(?:([^"\\]*+)"|((?:[^"\\]++|\\["\\])*+)")'  # two groups: without and with backslashes
_FLAG = rb"\\?" + ATOM_CHAR + rb"++"

_END = re.compile(rb" *+\Z").match
_ATOM = re.compile(ATOM_CHAR + rb"++").match
_ASTRING = re.compile(rb"(" + ASTRING_CHAR + rb"++)|" + _QUOTED + rb"|(\x00)").match
_SP_ASTRING = re.compile(rb" (?:(" + ASTRING_CHAR + rb"++)|" + _QUOTED + rb"|(\x00))").match
_LIST_MAILBOX = re.compile(rb"(" + LIST_CHAR + rb"++)|" + _QUOTED + rb"|(\x00)").match
_STRING = re.compile(rb"(\x01{0})(?:" + _QUOTED + rb"|(\x00))").match  # the first group only keeps the numbering
_NUMBER = re.compile(rb"\d{1,19}(?!\d)").match
_SET = re.compile(rb"[0-9:*,]+|\$").match
_FLAG_LIST = re.compile(rb"\((?:" + _FLAG + rb"(?: " + _FLAG + rb")*+)?\)").match
_FLAGS = re.compile(_FLAG + rb"(?: " + _FLAG + rb")*+").match
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL).sub

_SYSTEM_FLAGS = {
    flag.lower(): flag for flag in (b"\\Seen", b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Draft", b"\\Recent")
}


@value
class Literal:
    """A literal where it stood: its octets, or None where they were spooled (or are still to come)."""

    octets: bytes | None
    size: int
    binary: bool = False  # literal8 = "~{" number64 "}"


class NoMessage(ParseFault):
    """The literal whose octets are still to come is no message, but a name or its like."""


class Cursor:
    """Where we are in the text of one command."""

    __slots__ = ("at", "literals", "quirks", "seen", "so_far", "text", "used", "utf8")

    def __init__(
        self,
        text: bytes,
        literals: Sequence[Literal] = (),
        *,
        utf8: bool = False,
        quirks: frozenset[Quirk] = LENIENT,
        at: int = 0,
        so_far: bool = False,
    ) -> None:
        self.text = text
        self.at = at
        self.literals = literals
        self.used = 0  # literals handed out
        self.utf8 = utf8  # names of mailboxes are UTF-8 (IMAP4rev2 is enabled), not modified UTF-7
        self.quirks = quirks
        self.seen: list[Quirk] | None = None  # leniencies that were needed
        self.so_far = so_far  # the command is not whole: it goes on behind its last literal

    # -- one character --------------------------------------------------------------------------------------------

    def quirk(self, quirk: Quirk, text: str) -> None:
        """Tolerate a fault, or not."""
        if quirk not in self.quirks:
            raise ParseFault(text)
        if self.seen is None:
            self.seen = []
        self.seen.append(quirk)

    def peek(self, octets: bytes) -> bool:
        return self.text.startswith(octets, self.at)

    def skip(self, octets: bytes) -> bool:
        """Step over the octets if they stand here."""
        if self.text.startswith(octets, self.at):
            self.at += len(octets)
            return True
        return False

    def expect(self, octets: bytes) -> None:
        if not self.skip(octets):
            raise ParseFault(f"{octets.decode('ascii')} expected")

    def space(self) -> None:
        """One SP."""
        text, at = self.text, self.at
        if not text.startswith(b" ", at):
            if at and text.startswith(b"(", at):
                self.quirk(Quirk.SPACE_MISSING, "space expected")
                return
            raise ParseFault("an argument is missing" if at >= len(text) else "space expected")
        at += 1
        if text.startswith(b" ", at):
            self.quirk(Quirk.DOUBLE_SPACE, "one space is enough")
            while text.startswith(b" ", at):
                at += 1
        self.at = at

    def more(self) -> bool:
        """Is there anything but trailing space?"""
        return _END(self.text, self.at) is None

    def end(self) -> None:
        """Nothing may stand here but the end of the line."""
        if self.at == len(self.text):
            return
        if _END(self.text, self.at) is None:
            raise ParseFault("too much after the command")
        self.quirk(Quirk.TRAILING_SPACE, "space after the command")
        self.at = len(self.text)

    # -- words ----------------------------------------------------------------------------------------------------

    def take_atom(self) -> bytes:
        m = _ATOM(self.text, self.at)
        if m is None:
            raise ParseFault("atom expected")
        self.at = m.end()
        return m[0]

    def take_word(self) -> bytes:
        """An atom that is a word of the grammar: in upper case."""
        return self.take_atom().upper()

    def next_atom(self) -> bytes:
        self.space()
        return self.take_atom()

    def take_number(self) -> int:
        """number64: 63 bits, and then a fault."""
        m = _NUMBER(self.text, self.at)
        if m is None:
            raise ParseFault("number expected")
        self.at = m.end()
        number = int(m[0])
        if number > 9_223_372_036_854_775_807:
            raise ParseFault("a number has 63 bits")
        return number

    def take_set(self) -> bytes:
        """The octets of a sequence set, not yet looked into."""
        m = _SET(self.text, self.at)
        if m is None:
            raise ParseFault("sequence set expected")
        self.at = m.end()
        return m[0]

    # -- strings --------------------------------------------------------------------------------------------------

    def take_astring(self) -> bytes:
        return self._string(_ASTRING(self.text, self.at))

    def next_astring(self) -> bytes:
        """SP astring, in one step where it is well written."""
        m = _SP_ASTRING(self.text, self.at)
        if m is None:
            self.space()
            m = _ASTRING(self.text, self.at)
        return self._string(m)

    def take_string(self) -> bytes:
        return self._string(_STRING(self.text, self.at))

    def take_nstring(self) -> bytes | None:
        if self.text[self.at : self.at + 3].upper() == b"NIL":
            self.at += 3
            return None
        return self.take_string()

    def _string(self, m: re.Match[bytes] | None) -> bytes:
        if m is None:
            raise ParseFault("string expected")
        self.at = m.end()
        kind = m.lastindex
        if kind == 1:
            return m[1]
        if kind == 4:
            return self._literal_octets()
        octets = m[2] if kind == 2 else _ESCAPED(rb"\1", m[3])
        if not self.utf8 and not octets.isascii():
            self.quirk(Quirk.EIGHT_BIT_QUOTED, "a quoted string is ASCII; send a literal")
        return octets

    def _literal_octets(self) -> bytes:
        literal = self.take_literal()
        if literal.binary:
            raise ParseFault("a literal8 may not stand here")
        if literal.octets is None:
            raise NoMessage("no message may stand here")
        return literal.octets

    def take_literal(self) -> Literal:
        """The literal whose slot has just been stepped over."""
        if self.used >= len(self.literals):
            raise ParseFault("literal expected")
        self.used += 1
        return self.literals[self.used - 1]

    # -- mailboxes ------------------------------------------------------------------------------------------------

    def next_mailbox(self) -> str:
        """SP mailbox. INBOX in any case is "INBOX" (RFC 9051 §5.1)."""
        name = self._name(self.next_astring())
        if name.endswith("/") and name != "/":
            self.quirk(Quirk.EXTRA_SEPARATOR, "a mailbox name does not end with the separator")
            name = name[:-1]
        return name

    def next_name(self) -> str:
        """As next_mailbox, but a separator at the end means something: CREATE (RFC 9051 §6.3.4), reference of LIST."""
        return self._name(self.next_astring())

    def take_mailbox(self) -> str:
        return self._name(self.take_astring())

    def take_list_mailbox(self) -> str:
        """list-mailbox = 1*list-char / string: a pattern."""
        return self._name(self._string(_LIST_MAILBOX(self.text, self.at)))

    def _name(self, octets: bytes) -> str:
        if octets.isascii() and (self.utf8 or b"&" not in octets):
            name = octets.decode("ascii")
            return "INBOX" if len(name) == 5 and name.upper() == "INBOX" else name
        try:
            if self.utf8:
                return octets.decode("utf-8")
            if not octets.isascii():
                self.quirk(Quirk.UTF8_NAME, "a mailbox name is in modified UTF-7")
                return octets.decode("utf-8")
            return mutf7.decode(octets)
        except ValueError as e:
            # The grammar is kept, so this is no BAD; and the name will never do (RFC 5530 §3).
            text = "no mailbox name: not UTF-8" if self.utf8 else "no mailbox name: not modified UTF-7"
            raise ParseFault(text, code=b"CANNOT", bad=False) from e

    # -- flags ----------------------------------------------------------------------------------------------------

    def take_flag_list(self) -> tuple[bytes, ...]:
        """flag-list = "(" [flag *(SP flag)] ")" """
        m = _FLAG_LIST(self.text, self.at)
        if m is None:
            raise ParseFault("flag list expected")
        self.at = m.end()
        return self._flags(m[0][1:-1].split(b" ")) if len(m[0]) > 2 else ()

    def take_flags(self) -> tuple[bytes, ...]:
        """flag-list / (flag *(SP flag))"""
        if self.peek(b"("):
            return self.take_flag_list()
        m = _FLAGS(self.text, self.at)
        if m is None:
            raise ParseFault("flags expected")
        self.at = m.end()
        return self._flags(m[0].split(b" "))

    def _flags(self, flags: list[bytes]) -> tuple[bytes, ...]:
        """System flags in their usual spelling, each flag once."""
        once = dict.fromkeys([_SYSTEM_FLAGS.get(f.lower(), f) if f.startswith(b"\\") else f for f in flags])
        if b"\\Recent" in once:
            self.quirk(Quirk.RECENT_FLAG, "\\Recent cannot be set")
            del once[b"\\Recent"]
        return tuple(once)
