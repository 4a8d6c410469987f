"""Leniencies: faults of clients that are tolerated, each by name.

A member is off in strict mode: then the same octets are answered with BAD. The engine tells each one that it meets,
so that a metric counts them and a leniency that nobody needs any more can be taken away.

Standards: RFC 1122 §1.2.2 (be liberal in what you accept), RFC 9051 §9.
Faults:    none.
"""

from enum import Enum


class Quirk(Enum):
    """The fault that is tolerated, and who commits it."""

    BARE_LF = "a line ends with LF alone: a session typed into nc or openssl s_client"
    EMPTY_LINE = "an empty line between commands: clients that send CRLF once more after a literal"
    TRAILING_SPACE = "a space before CRLF, most often after SEARCH keys or a bare command"
    DOUBLE_SPACE = "more than one space between arguments: commands put together from empty options"
    SPACE_MISSING = 'no space before a parenthesis, as in "STATUS INBOX(MESSAGES)" or "+FLAGS(\\Seen)"'
    RECENT_FLAG = "\\Recent among the flags of STORE or APPEND: copying tools that give back all they have read"
    EIGHT_BIT_QUOTED = "octets above 127 in a quoted string before ENABLE: passwords and SEARCH words in UTF-8"
    UTF8_NAME = "a mailbox name in raw UTF-8 before ENABLE: clients that know no modified UTF-7"
    SHORT_DAY = 'a day of one digit in a date-time, "1-Jan-2026 ..." in place of " 1-Jan-2026 ..."'


LENIENT: frozenset[Quirk] = frozenset(Quirk)
STRICT: frozenset[Quirk] = frozenset()
