"""Rights on a mailbox, as bits of one number, and as the letters that clients and people write.

"c" and "d" are of before there were "k", "x", "t" and "e": they are read as these, and written beside them.

Standards: RFC 4314 §2.1, §2.1.1, §4.
Faults:    UnknownRight.
"""

from typing import Final

from posthaus.mail.flag import DELETED, EVERYTHING, SEEN

LOOKUP: Final = 1 << 0  # to be told that there is such a mailbox
READ: Final = 1 << 1
KEEP_SEEN: Final = 1 << 2
WRITE: Final = 1 << 3  # flags other than \\Seen and \\Deleted
INSERT: Final = 1 << 4
POST: Final = 1 << 5
CREATE: Final = 1 << 6  # mailboxes below
DELETE: Final = 1 << 7  # the mailbox
DELETE_MESSAGES: Final = 1 << 8  # to set \\Deleted
EXPUNGE: Final = 1 << 9
ADMINISTER: Final = 1 << 10
ALL: Final = (1 << 11) - 1

LETTERS: Final = "lrswipkxtea"
_OLD: Final = {"c": CREATE | DELETE, "d": DELETE_MESSAGES | EXPUNGE}
_BITS: Final = {letter: 1 << bit for bit, letter in enumerate(LETTERS)} | _OLD
GRANTABLE: Final = (*LETTERS, *_OLD)  # each by itself: none brings another with it


class UnknownRight(ValueError):
    """A letter that is no right."""


def parse_rights(letters: str) -> int:
    unknown = [letter for letter in letters if letter not in _BITS]
    if unknown:
        raise UnknownRight(unknown[0])
    rights = 0
    for letter in letters:
        rights |= _BITS[letter]
    return rights


def render_rights(rights: int) -> str:
    """RFC 4314 §2.1.1: an old letter is there as soon as one of those is that it stands for."""
    return "".join([letter for letter in (*LETTERS[:-1], *_OLD, LETTERS[-1]) if rights & _BITS[letter]])


def settable(rights: int) -> int:
    """The flags that may be set and taken away, as bits (RFC 4314 §4)."""
    flags = EVERYTHING & ~(SEEN | DELETED) if rights & WRITE else 0
    return flags | (SEEN if rights & KEEP_SEEN else 0) | (DELETED if rights & DELETE_MESSAGES else 0)
