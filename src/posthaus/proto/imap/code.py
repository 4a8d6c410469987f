"""Response codes: the machine's half of OK, NO, BAD, BYE and PREAUTH.

A code is octets without its brackets. Those without arguments are constants; the others are functions.

Standards: RFC 9051 §7.1, RFC 5530 §3, RFC 4315 §3, RFC 7162 §7, RFC 7889 §4, RFC 8474 §4.1, RFC 6154 §6,
           RFC 5464 §5, RFC 5466 §4.
Faults:    none.
"""

import re
from collections.abc import Iterable, Sequence

from posthaus.proto.imap.render import flag_list, quoted, render_uids

_URL_OCTETS = 1_000  # of one that is told back
_NOT_IN_CODE = re.compile(rb'[^\x20-\x7e]|["\\\]]').sub

ALREADYEXISTS = b"ALREADYEXISTS"
AUTHENTICATIONFAILED = b"AUTHENTICATIONFAILED"
AUTHORIZATIONFAILED = b"AUTHORIZATIONFAILED"
CANNOT = b"CANNOT"
CLIENTBUG = b"CLIENTBUG"
CLOSED = b"CLOSED"
COMPRESSIONACTIVE = b"COMPRESSIONACTIVE"  # RFC 4978 §3
EXPUNGEISSUED = b"EXPUNGEISSUED"
HASCHILDREN = b"HASCHILDREN"
INUSE = b"INUSE"
LIMIT = b"LIMIT"
METADATA_TOOMANY = b"METADATA TOOMANY"
NONEXISTENT = b"NONEXISTENT"
NOPERM = b"NOPERM"
NOTIFICATIONOVERFLOW = b"NOTIFICATIONOVERFLOW"  # RFC 5465 §5.8
OVERQUOTA = b"OVERQUOTA"
PRIVACYREQUIRED = b"PRIVACYREQUIRED"
READ_ONLY = b"READ-ONLY"
READ_WRITE = b"READ-WRITE"
SERVERBUG = b"SERVERBUG"
TOOBIG = b"TOOBIG"
TOOFEW = b"TOOFEW"  # RFC 10022 §3.1.3.2
TOOMANY = b"TOOMANY"  # RFC 10022 §3.1.5
TRYCREATE = b"TRYCREATE"
UIDREQUIRED = b"UIDREQUIRED"  # RFC 9586 §3
UNAVAILABLE = b"UNAVAILABLE"
UNKNOWN_CTE = b"UNKNOWN-CTE"
USEATTR = b"USEATTR"


def append_uid(uidvalidity: int, uids: Sequence[int]) -> bytes:
    """RFC 9051 §7.1, of one message or of several in the order they were appended."""
    return b"APPENDUID %d %b" % (uidvalidity, render_uids(uids))


def bad_url(url: bytes) -> bytes:
    """RFC 4469 §4.1; what cannot stand in a code becomes "?"."""
    return b'BADURL "%b"' % _NOT_IN_CODE(b"?", url[:_URL_OCTETS])


def copy_uid(uidvalidity: int, source: Sequence[int], to: Sequence[int]) -> bytes:
    """RFC 9051 §7.1; both rising, the n-th of the one became the n-th of the other."""
    return b"COPYUID %d %b %b" % (uidvalidity, render_uids(source), render_uids(to))


def capability(names: Iterable[bytes]) -> bytes:
    return b"CAPABILITY " + b" ".join(names)


def permanent_flags(flags: Iterable[bytes]) -> bytes:
    """`flags` with \\* where keywords can be made."""
    return b"PERMANENTFLAGS " + flag_list(flags)


def uid_next(uid: int) -> bytes:
    return b"UIDNEXT %d" % uid


def uid_validity(uidvalidity: int) -> bytes:
    return b"UIDVALIDITY %d" % uidvalidity


def unseen(number: int) -> bytes:
    """RFC 3501 §7.1; number of the first message without \\Seen."""
    return b"UNSEEN %d" % number


def highest_modseq(modseq: int) -> bytes:
    return b"HIGHESTMODSEQ %d" % modseq


def modified(numbers: Sequence[int]) -> bytes:
    """RFC 7162 §3.1.3: what STORE UNCHANGEDSINCE has left alone."""
    return b"MODIFIED " + render_uids(numbers)


def mailbox_id(identity: bytes) -> bytes:
    """RFC 8474 §4.1"""
    return b"MAILBOXID (" + identity + b")"


def in_progress(tag: bytes, done: int, goal: int) -> bytes:
    """RFC 9585 §4: of so many items that the command is about, 0: that is not known; a tag with "]" cannot stand in a
    code."""
    which = b"NIL" if b"]" in tag else quoted(tag)
    return b"INPROGRESS (%b %d %d)" % (which, done, goal) if goal else b"INPROGRESS (%b NIL NIL)" % which


def message_limit(most: int, lowest: int = 0) -> bytes:
    """RFC 9738 §3.1: so many messages at a time, and the lowest UID that was done, where that is known."""
    return b"MESSAGELIMIT %d %d" % (most, lowest) if lowest else b"MESSAGELIMIT %d" % most


def no_update(tag: bytes) -> bytes:
    """RFC 5267 §4.3.1: the results of this search are not kept up."""
    return b"NOUPDATE " + quoted(tag)


def bad_event(names: Iterable[bytes]) -> bytes:
    """RFC 5465 §3.1: the events that there are."""
    return b"BADEVENT (" + b" ".join(names) + b")"


def long_entries(octets: int) -> bytes:
    """RFC 5464 §4.2.1: the size of the largest value that was left out."""
    return b"METADATA LONGENTRIES %d" % octets


def max_size(octets: int) -> bytes:
    """RFC 5464 §4.3: how much a value may have."""
    return b"METADATA MAXSIZE %d" % octets


def undefined_filter(name: str) -> bytes:
    """RFC 5466 §3.1"""
    return b"UNDEFINED-FILTER " + name.encode("ascii")


def bad_charset(names: Iterable[str]) -> bytes:
    return b"BADCHARSET (" + b" ".join([name.encode("ascii") for name in names]) + b")"
