"""Address lists of a header: From, To, Cc and their kind, with groups, comments and all that is obsolete.

The usual shapes are read by one regular expression; what it does not know goes to a reader that takes any octets and
finds the addresses that a person would find. A group is what it is in an ENVELOPE: a row of addresses between a start
(domain None, the name as localpart) and an end (both None).

  - A comment behind an address without display name is its name ("pete@a (Pete)"), as Dovecot and Cyrus have it.
  - ";" outside a group separates, as Outlook writes.
  - Words before a bare address are its display name ("Joe Doe joe@a").
  - A missing localpart or domain is MISSING_MAILBOX, MISSING_DOMAIN: Dovecot's words, because NIL would say "group".

Standards: RFC 5322 §3.4, §3.4.1, §4.4, §3.2; RFC 9051 §7.5.2 (addr-adl, groups).
Faults:    none.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from posthaus.base.limit import ADDRESS_LIST_OCTETS, HEADER_ADDRESSES
from posthaus.mail.word import decode_words

MISSING_LOCALPART: Final = b"MISSING_MAILBOX"
MISSING_DOMAIN: Final = b"MISSING_DOMAIN"


class HeaderAddress(NamedTuple):
    """One mailbox of an address list, or the start or end of a group; octets as written, without their quoting."""

    display: bytes | None
    route: bytes | None  # obs-route "@a,@b"
    localpart: bytes | None
    domain: bytes | None


GROUP_END: Final = HeaderAddress(None, None, None, None)

_ATOM = rb"A-Za-z0-9!#$%&'*+/=?^_`{|}~.-"
# [display-name] "<" addr-spec ">" / addr-spec, in ASCII, words one space apart; then "," or the end
_USUAL = re.compile(
    rb'[ \t]*+(?:(?:"([^"\\\r\n\0\x80-\xff]*+)" ?|((?:[' + _ATOM + rb"]++ ?)*+))"
    rb"<([" + _ATOM + rb"]++)@([A-Za-z0-9.-]++)>|([" + _ATOM + rb"]++)@([A-Za-z0-9.-]++))[ \t]*+(?:,|\Z)"
).match
# An encoded-word is one token, whatever stands in it: senders leave commas and parentheses in the Q encoding.
_TOKEN = re.compile(
    rb"([ \t\r\n]+)|(=\?[!->@-~]{1,60}\?[bBqQ]\?[^? \t\r\n]*+\?=)|\"((?:[^\"\\]++|\\.)*+)(?:\"|\\?\Z)"
    rb"|(\[[^\[\]<>]*+\])|([()<>@,;:])|([^\s\"()<>@,;:\[\]]++|.)",
    re.DOTALL,
)
_COMMENT_PART = re.compile(rb"[^()\\]++|\\.|[()]|\\", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)

_Token = tuple[bytes, bytes]  # kind: " " "c"omment "q"uoted "a"tom "[" or the special itself; and its octets

# The same few objects for a list that is nothing but separators
_SPACE: Final[_Token] = (b" ", b" ")
_COLON: Final[_Token] = (b"a", b":")  # no separator where it stands
_SPECIAL: Final[dict[bytes, _Token]] = {octet: (octet, octet) for octet in (b"<", b">", b"@", b",", b";", b":")} | {
    b")": _SPACE
}


def parse_address_list(value: bytes) -> list[HeaderAddress]:
    """address-list = (address *("," address)) / obs-addr-list, of an unfolded value"""
    out: list[HeaderAddress] = []
    value = value[:ADDRESS_LIST_OCTETS]
    at, size = 0, len(value)
    while at < size and len(out) < HEADER_ADDRESSES:
        found = _USUAL(value, at)
        if not found:
            return out + _Reader(value[at:]).read()[: HEADER_ADDRESSES - len(out)] if value[at:].strip() else out
        out.append(_usual(found))
        at = found.end()
    return out


def _usual(found: re.Match[bytes]) -> HeaderAddress:
    quoted, words, localpart, domain, bare_localpart, bare_domain = found.groups()
    if bare_domain:
        return HeaderAddress(None, None, bare_localpart, bare_domain)
    return HeaderAddress((words.strip() if quoted is None else quoted) or None, None, localpart, domain)


def first_address(value: bytes) -> HeaderAddress | None:
    """The first of parse_address_list(value), which may be the start of a group, without reading the others."""
    found = _USUAL(value) if len(value) <= ADDRESS_LIST_OCTETS else None
    if not found:
        return next(iter(parse_address_list(value)), None)
    return _usual(found)


def display_list(addresses: Iterable[HeaderAddress]) -> str:
    """A list for people: `Name <a@b>, c@d`, decoded; of groups their names and members."""
    out = []
    for address in addresses:
        if address.localpart is None:
            continue
        if address.domain is None:
            out.append(decode_words(address.localpart) + ":")
            continue
        mail = decode_words(b"%b@%b" % (address.localpart, address.domain))
        out.append(f"{decode_words(address.display)} <{mail}>" if address.display else mail)
    return ", ".join(out)


def _tokens(value: bytes) -> list[_Token]:
    out: list[_Token] = []
    at = 0
    while at < len(value):
        found = _TOKEN.match(value, at)
        if found is None:  # cannot be: the last branch takes any octet
            break
        at = found.end()
        space, word, quoted, literal, special, atom = found.groups()
        if space is not None:
            out.append(_SPACE)
        elif quoted is not None:
            out.append((b"q", _ESCAPED.sub(rb"\1", quoted)))
        elif special == b"(":
            comment, at = _comment(value, at)
            out.append((b"c", comment))
        elif special is not None:
            out.append(_SPECIAL[special])
        else:
            out.append((b"[", literal) if literal is not None else (b"a", word or atom))
    return out


def _comment(value: bytes, at: int) -> tuple[bytes, int]:
    """ccontent up to the ")" that ends it; comments nest (RFC 5322 §3.2.2)."""
    depth, pieces = 1, []
    while depth and (found := _COMMENT_PART.match(value, at)):
        at = found.end()
        piece = found[0]
        depth += (piece == b"(") - (piece == b")")
        if depth:
            pieces.append(piece[1:] if len(piece) == 2 and piece[:1] == b"\\" else piece)
    return b"".join(pieces), at


class _Reader:
    """Reads any octets as an address list. Words gather until a separator says what they were."""

    def __init__(self, value: bytes) -> None:
        self.tokens = _tokens(value)
        self.out: list[HeaderAddress] = []
        self.words: list[_Token] = []  # " ", "q", "a", "[" since the last separator, and "@" of a bare addr-spec
        self.comments: list[bytes] = []
        self.angle: HeaderAddress | None = None
        self.in_group = False
        self.has_at = False  # among the words

    def read(self) -> list[HeaderAddress]:
        at = 0
        while at < len(self.tokens) and len(self.out) < HEADER_ADDRESSES:
            token = self.tokens[at]
            kind, octets = token
            at += 1
            if kind == b"c":
                self.comments.append(octets)
                self.words.append(_SPACE)
            elif kind == b"<":
                at = self.read_angle(at)
            elif kind == b":" and not self.in_group and self.angle is None and not self.has_at:
                self.out.append(HeaderAddress(None, None, self.phrase(self.words) or b"", None))
                self.in_group = True
                self.clear()
            elif kind == b"," or kind == b";":
                self.flush()
                if kind == b";" and self.in_group:
                    self.out.append(GROUP_END)
                    self.in_group = False
            elif kind != b">":
                self.has_at = self.has_at or kind == b"@"
                self.words.append(token if kind != b":" else _COLON)
        self.flush()
        if self.in_group:
            self.out.append(GROUP_END)
        return self.out

    def clear(self) -> None:
        self.words, self.comments, self.angle, self.has_at = [], [], None, False

    def read_angle(self, at: int) -> int:
        """angle-addr = "<" [obs-route] addr-spec ">"; without ">" it ends with the list."""
        tokens = self.tokens
        while at < len(tokens) and tokens[at][0] in (b"<", b" "):  # "<<a@b>>"
            at += 1
        start = at
        while at < len(tokens) and tokens[at][0] not in (b">", b"<"):
            at += 1
        if at == len(tokens) or tokens[at][0] == b"<":  # no ">": the address ends where the next would begin
            at = next((index for index in range(start, at) if tokens[index][0] == b","), at)
        inside = [token for token in tokens[start:at] if token[0] not in (b" ", b"c")]
        route = None
        if inside and inside[0][0] == b"@" and (b":", b":") in inside:
            colon = inside.index((b":", b":"))
            route = b"".join([octets for _, octets in inside[:colon]])
            inside = inside[colon + 1 :]
        localpart, domain = _spec(inside)
        if self.angle is None:  # of "<a@b> <c@d>" the first counts
            self.angle = HeaderAddress(None, route, localpart, domain)
        return at + (at < len(tokens) and tokens[at][0] == b">")

    def flush(self) -> None:
        """What has gathered is an address, or nothing."""
        name = self.comments[-1].strip() or None if self.comments else None
        if self.angle is not None:
            self.out.append(self.angle._replace(display=self.phrase(self.words) or name))
        elif self.has_at:
            before: list[bytes] = []
            for run in _glued(self.words):
                if (b"@", b"@") in run:
                    self.out.append(HeaderAddress(b" ".join(before) or name, None, *_spec(run)))
                    before.clear()
                else:
                    before.append(b"".join([octets for _, octets in run]))
        elif localpart := self.phrase(self.words):
            self.out.append(HeaderAddress(name, None, localpart, MISSING_DOMAIN))
        self.clear()

    @staticmethod
    def phrase(words: list[_Token]) -> bytes | None:
        """Words with their quoting gone, one space where white space or comments stood."""
        return b" ".join(b"".join([octets for _, octets in words]).split(b" ")).strip() if words else None


def _spec(tokens: list[_Token]) -> tuple[bytes, bytes]:
    """addr-spec = local-part "@" domain; the last "@" divides"""
    kinds = [kind for kind, _ in tokens]
    if b"@" in kinds:
        at = len(kinds) - 1 - kinds[::-1].index(b"@")
        localpart = b"".join([octets for _, octets in tokens[:at]])
        domain = b"".join([octets for _, octets in tokens[at + 1 :]])
    else:
        localpart, domain = b"".join([octets for _, octets in tokens]), b""
    return localpart or MISSING_LOCALPART, domain or MISSING_DOMAIN


def _glued(words: list[_Token]) -> list[list[_Token]]:
    """Words in runs, divided by white space; around "." and "@" it does not divide (RFC 5322 §4.4)."""
    runs: list[list[_Token]] = []
    space = True
    for kind, octets in words:
        if kind == b" ":
            space = True
            continue
        if space and runs and (octets[:1] in (b".", b"@") or runs[-1][-1][1][-1:] in (b".", b"@")):
            space = False
        if space:
            runs.append([])
        runs[-1].append((kind, octets))
        space = False
    return runs
