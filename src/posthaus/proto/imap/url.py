"""imap: URLs of messages and their parts, as CATENATE has them.

Only what names a message: `imap://user@host/mailbox;UIDVALIDITY=n/;UID=n/;SECTION=s/;PARTIAL=a.n`, the same from the
path on, and from ";UID" on for the mailbox that is selected. Whose server and account are named the session judges.

Standards: RFC 5092 §2, §7, §11; RFC 4469 §3; RFC 5550 §4.5 (PARTIAL).
Faults:    ParseFault.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.section import Section, parse_section

_URL = re.compile(
    rb"(?:imap://(?:([^@/;]*)(?:;AUTH=[^@/]*)?@)?([^@/:]+)(?::(\d{1,5}))?(?=/))?"  # iserver
    rb"(?:/((?:[^;/]++|/(?!;))++)(?:;UIDVALIDITY=([1-9]\d{0,9}))?)?"  # imailbox-ref
    rb"/?;UID=([1-9]\d{0,9})"
    rb"(?:/;SECTION=([^;/]++))?"
    rb"(?:/;PARTIAL=(\d{1,19})(?:\.([1-9]\d{0,18}))?)?",
    re.IGNORECASE,
).fullmatch
_ALL_OCTETS = 1 << 63


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """What a URL names. `mailbox` is None for the one that is selected; host and user where they were named."""

    mailbox: str | None
    uidvalidity: int | None
    uid: int
    section: Section
    host: str | None = None
    user: str | None = None


def parse_url(octets: bytes) -> MessageUrl:
    m = _URL(octets)
    if m is None:
        raise ParseFault("no URL of a message")
    user, host, _, mailbox, uidvalidity, uid, section, first, count = m.groups()
    what = parse_section(unquote_to_bytes(section) if section is not None else b"")
    if first is not None:
        what = replace(what, partial=(int(first), int(count) if count is not None else _ALL_OCTETS))
    return MessageUrl(
        None if mailbox is None else _text(mailbox),
        None if uidvalidity is None else int(uidvalidity),
        int(uid),
        what,
        None if host is None else _text(host).lower(),
        _text(user) if user else None,
    )


def _text(octets: bytes) -> str:
    try:
        return unquote_to_bytes(octets).decode("utf-8")
    except ValueError as e:
        raise ParseFault("not UTF-8") from e
