"""MESSAGELIMIT and SAVELIMIT: one command is about so many messages at most, where an admin has said how many.

Of more than that FETCH, STORE, MOVE, SEARCH and UID EXPUNGE do the newest, say which was the last of them, and the
client asks again; COPY and APPEND, which are of all or none, do nothing, nor do SORT and THREAD: the order of a part
says nothing of the whole. EXPUNGE, CLOSE, STATUS and what a client hears without asking have no limit, nor has ESEARCH
of several mailboxes, whose answer has no place to say where it ended.

Standards: RFC 9738 §3, §3.1, §3.3, §3.4; RFC 5182 §2.1. Answers come in the order of the mailbox, the newest messages'
           as well.
Faults:    none.
"""

from typing import TYPE_CHECKING

from posthaus.mail import uidset
from posthaus.mail.uidset import Ranges
from posthaus.proto.imap import code

if TYPE_CHECKING:
    from posthaus.serve.imap.session import ImapSession


def newest(session: "ImapSession", uids: Ranges) -> tuple[Ranges, int]:
    """Of UIDs that are there those that one command may be about, and the lowest of them; 0: that is all."""
    return _newest(uids, session.site.message_limit)


def looked_at(session: "ImapSession", within: Ranges | None) -> Ranges:
    """What a search that is confined to these UIDs, or to none, looks at: it is these that count, not those found."""
    uids = session.selected.uids
    return uids.ranges() if within is None else [(low, high) for _, low, high in uids.pieces(within)]


def refused_in_order(session: "ImapSession", tag: bytes, within: Ranges | None) -> bool:
    """SORT or THREAD of so many: if that is too many it is answered here (RFC 9738 §3.3)."""
    most = session.site.message_limit
    if 0 < most < uidset.count(looked_at(session, within)):
        session.no(tag, "Too many messages; search among fewer", code.message_limit(most))
        return True
    return False


def refused_to_save(session: "ImapSession", tag: bytes, uids: Ranges) -> bool:
    """COPY of so many: if that is too many it is answered here."""
    most = _to_save(session)
    _, lowest = _newest(uids, most)
    if lowest:
        session.no(tag, "Too many messages; try a part of them", code.message_limit(most, lowest))
    return bool(lowest)


def too_many_to_save(session: "ImapSession", messages: int) -> bytes | None:
    """The code that refuses an APPEND of so many; None: it may come."""
    most = _to_save(session)
    return code.message_limit(most) if 0 < most < messages else None


def refused_as_part(session: "ImapSession", tag: bytes, messages: int) -> bool:
    """FETCH PARTIAL of so many, likewise."""
    most = session.site.message_limit
    if 0 < most < messages:
        session.no(tag, "Too many messages; try a smaller part", code.message_limit(most))
        return True
    return False


def say_ok(session: "ImapSession", tag: bytes, text: str, lowest: int, what: bytes | None = None) -> None:
    """OK, and how far it went; where there is another code, that one stands in the answer."""
    if not lowest:
        session.ok(tag, text, what)
    elif what is None:
        session.ok(tag, f"{text} for the newest", code.message_limit(session.site.message_limit, lowest))
    else:
        say(session, lowest)
        session.ok(tag, text, what)


def say(session: "ImapSession", lowest: int) -> None:
    """How far it went, before an answer that has another code."""
    session.say(b"* NO [%b] Only the newest\r\n" % code.message_limit(session.site.message_limit, lowest))


def _to_save(session: "ImapSession") -> int:
    return session.site.message_limit or session.site.save_limit


def _newest(uids: Ranges, most: int) -> tuple[Ranges, int]:
    total = uidset.count(uids) if most else 0
    if total <= most:
        return uids, 0
    some = uidset.cut(uids, total - most, total)
    return some, some[0][0]
