"""Flags and keywords: bits of one 64-bit integer per placement.

Bits 0 to 9 mean the same in every mailbox; 10 to 62 are the mailbox's own keywords, whose names its rows keep. Names
are compared without regard to case and shown as first written.

Standards: RFC 9051 §2.3.2, §9 (flag, flag-keyword, atom); RFC 5788; the IANA registry of IMAP keywords.
Faults:    none.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from posthaus.base.limit import KEYWORD_OCTETS, KEYWORDS_PER_MAILBOX

SEEN: Final = 1 << 0
ANSWERED: Final = 1 << 1
FLAGGED: Final = 1 << 2
DELETED: Final = 1 << 3
DRAFT: Final = 1 << 4
FORWARDED: Final = 1 << 5
MDN_SENT: Final = 1 << 6
JUNK: Final = 1 << 7
NOT_JUNK: Final = 1 << 8
PHISHING: Final = 1 << 9
FIRST_KEYWORD_BIT: Final = 10
LAST_KEYWORD_BIT: Final = FIRST_KEYWORD_BIT + KEYWORDS_PER_MAILBOX - 1  # 62: bit 63 is the sign in the databases
EVERYTHING: Final = (1 << 63) - 1

NAMES: Final = (
    b"\\Seen", b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Draft",
    b"$Forwarded", b"$MDNSent", b"$Junk", b"$NotJunk", b"$Phishing",
)  # fmt: skip
_BITS: Final = {name.lower(): bit for bit, name in enumerate(NAMES)} | {
    # RFC 9051 §2.3.2 has $Junk and $NotJunk; older clients (Thunderbird before 115, KMail, Evolution) write these.
    b"junk": 7, b"nonjunk": 8, b"notjunk": 8, b"$nonjunk": 8, b"forwarded": 5,
}  # fmt: skip

# flag-keyword = "$MDNSent" / ... / atom; atom = 1*ATOM-CHAR: no CTL, SP, parentheses, "{", "%", "*", quotes, "\\", "]"
_KEYWORD = re.compile(rb"[!#$&'+,./0-9:;<=>?@A-Z[^_`a-z|}~-]+").fullmatch


def bit_of(name: bytes) -> int | None:
    """The bit that a flag or keyword has in every mailbox; None if it has none there."""
    return _BITS.get(name.lower())


def is_keyword(name: bytes) -> bool:
    """May this be a keyword of a mailbox?"""
    return len(name) <= KEYWORD_OCTETS and _KEYWORD(name) is not None


def parse_flags(names: Iterable[bytes]) -> tuple[int, tuple[str, ...]]:
    """flag-list as the bits that all mailboxes share, and the keywords that are the mailbox's own, each once.

    \\Recent, flags that nobody knows and what can be no keyword are passed over.
    """
    bits = 0
    keywords: dict[bytes, str] = {}
    for name in names:
        bit = _BITS.get(name.lower())
        if bit is not None:
            bits |= 1 << bit
        elif is_keyword(name):
            keywords.setdefault(name.lower(), name.decode("ascii"))
    return bits, tuple(keywords.values())


def render_flags(flags: int, keywords: Mapping[int, str], *, recent: bool = False) -> bytes:
    """`\\Seen $Forwarded foo`, without parentheses. `keywords` are the mailbox's own: bit -> name."""
    names = [name for bit, name in enumerate(NAMES) if flags >> bit & 1]
    if flags >> FIRST_KEYWORD_BIT:
        names += [name.encode("ascii", "replace") for bit, name in keywords.items() if flags >> bit & 1]
    if recent:
        names.append(b"\\Recent")
    return b" ".join(names)
