"""CATENATE: a part of a message that is here already, named by a URL.

Only this server, and what the account that is logged in may read. The parts are read before the write; what was
expunged by then is no part any more.

Standards: RFC 4469 §3, §4; RFC 5092 §7.
Faults:    BadUrl; StoreDown.
"""

from typing import TYPE_CHECKING

from posthaus.base.error import Refusal
from posthaus.flow import access
from posthaus.flow.access import NotAllowed
from posthaus.mail import structure
from posthaus.mail.rights import READ
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.section import Section, Text
from posthaus.proto.imap.url import MessageUrl, parse_url
from posthaus.serve.imap.attribute import picked, span_text
from posthaus.store import fetch as rows
from posthaus.store.blob import unpack
from posthaus.store.error import NoSuchMailbox
from posthaus.store.tx import Row, Tx

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession

_PICKED = (Text.HEADER_FIELDS, Text.HEADER_FIELDS_NOT)
_COLUMNS = ("structure", "prefix", "head", "body", "packing", "place", "size")


class BadUrl(Refusal):
    """It names nothing that this client could have."""

    def __init__(self, url: bytes) -> None:
        super().__init__("a URL names nothing here")
        self.url = url


async def octets_of(session: "ImapSession", octets: bytes) -> bytes:
    """The octets that a URL names."""
    try:
        url = parse_url(octets)
    except ParseFault as e:
        raise BadUrl(octets) from e
    row = (
        await session.site.store.read(_find, session.account, _mailbox(session, url), url)
        if _is_ours(session, url)
        else None
    )
    found = None if row is None else await _section(session, url.section, row)
    if found is None:
        raise BadUrl(octets)
    return found


def _is_ours(session: "ImapSession", url: MessageUrl) -> bool:
    assert session.identity is not None
    return (url.host is None or url.host == session.site.hostname.lower()) and (
        url.user is None or url.user.lower() == session.identity.address.lower()
    )


def _mailbox(session: "ImapSession", url: MessageUrl) -> str | None:
    """Its name; None where there is none, or it is gone."""
    if url.mailbox is None:
        return None if session.view is None else session.view.name
    return "INBOX" if url.mailbox.upper() == "INBOX" else url.mailbox


async def _find(tx: Tx, account: int, name: str | None, url: MessageUrl) -> Row | None:
    if name is None:
        return None
    try:
        box = (await access.find(tx, account, name, READ)).box
    except (NoSuchMailbox, NotAllowed):
        return None
    if url.uidvalidity is not None and url.uidvalidity != box.uidvalidity:
        return None
    return await rows.one(tx, box.id, url.uid, _COLUMNS)


async def _section(session: "ImapSession", section: Section, row: Row) -> bytes | None:
    """The octets of a section; None where there is no such part."""
    packed, prefix, head, _, _, _, size = row
    before, start, end = b"", 0, size - len(prefix)
    if section.path:
        found = structure.span(structure.unpack(packed), section.path, span_text(section))
        if found is None:
            return None
        start, end = found
    elif section.text is Text.TEXT:
        start = len(head)
    elif section.text is Text.ALL:
        before = prefix
    else:
        return _cut(picked(section, prefix + head), section.partial)
    if section.partial is None or section.text in _PICKED:
        return _cut(picked(section, await _span(session, row, start, end)), section.partial)
    # Nothing is read of a large message but what is wanted of it: many URLs may name the same one.
    first, count = section.partial
    end = min(end, start + max(first + count - len(before), 0))
    start = min(start + max(first - len(before), 0), end)
    return before[first : first + count] + await _span(session, row, start, end)


async def _span(session: "ImapSession", row: Row, start: int, end: int) -> bytes:
    """Octets start to end, without the prefix."""
    _, _, head, body, packing, place, _ = row
    n = len(head)
    inside: bytes = head[start:end]
    if end > max(n, start):
        first = max(start, n) - n
        if place:
            inside += await session.site.blobs.read(place, first, end - n)
        else:
            inside += unpack(body, packing)[first : end - n]
    return inside


def _cut(octets: bytes, partial: tuple[int, int] | None) -> bytes:
    return octets if partial is None else octets[partial[0] : partial[0] + partial[1]]
