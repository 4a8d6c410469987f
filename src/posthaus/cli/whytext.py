"""What happened to a message, in sentences: rows of the record, lines of the log, fields of the trace.

Standards: RFC 3463 (by mail/status.py), RFC 3848.
Faults:    none; what has no sentence is told as it stands.
"""

import re
import time
from collections.abc import Mapping

from posthaus.base.log import Line
from posthaus.base.unit import render_size
from posthaus.mail.date import parse_date
from posthaus.mail.decode import decode_text
from posthaus.mail.flag import ANSWERED, DELETED, FLAGGED, SEEN
from posthaus.mail.header import read_header
from posthaus.mail.status import words_of
from posthaus.store.queue import Errand, Parcel, State
from posthaus.store.record import Entry, Kind
from posthaus.store.trail import Place

Words = Mapping[str, str | int]

_FROM = re.compile(r"from (\S+) \((?:(\S+) )?\[([^\]]+)\]\)").search
_ID = re.compile(r"\sid (\w+)").search
_WITH = re.compile(r" with (\S+)(?: \(([^)]*)\))?").search


def local(at: float) -> str:
    """For people: in the time of this host."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


# -- the record ----------------------------------------------------------------------------------------------------


def of_entry(entry: Entry, accounts: Mapping[int, str]) -> str:
    words, who = entry.words, entry.address or "<>"
    match entry.kind:
        case Kind.SUBMITTED:
            return _submitted(words, who, accounts)
        case Kind.QUEUED:
            held = ", held there by the settings until it is released" if words.get("held") else ""
            return f"{who}: put into the queue, on its way to {_destination(str(words.get('to', '')))}{held}."
        case Kind.HELD:
            return f"{who}: held back by hand."
        case Kind.RELEASED:
            return f"{who}: let go by hand."
        case Kind.DROPPED:
            return f"{who}: taken out of the queue by hand; nobody was told."
        case Kind.DEFERRED:
            due = int(words.get("due", 0))
            return f"{who}: not possible just then. {_reply(words)}" + (f" Next try: {local(due)}." if due else "")
        case Kind.RELAYED:
            tls = f", in {words['tls']}" if words.get("tls") else ", in the clear"
            return f"{who}: handed over to {_host(words)}{tls}. {_reply(words)}"
        case Kind.DELIVERED:
            return f"{who}: put into a mailbox here."
        case Kind.FAILED:
            what = words_of(str(words.get("status", "")), int(words.get("code", 0))).what
            return f"{who}: failed for good. {what} {_reply(words)}"
        case Kind.TOLD:
            return f"{who} was told ({words.get('action', '')}): {_WHERE.get(str(words.get('where', '')), '')}" + (
                f" as {words['as']}." if words.get("as") else "."
            )
        case Kind.REPORTED:
            said = f": {words['text']}" if words.get("text") else ""
            host, action = words.get("host", "another server"), words.get("action", "")
            return f"{who}: {host} reported later that it was {action}{said}"
        case Kind.COMPLAINED:
            return f"{who}: a complaint came ({words.get('feedback', '')}), from {words.get('agent', 'somebody')}."


_WHERE = {
    "inbox": "the notification is in the INBOX",
    "queue": "the notification went into the queue",
    "nowhere": "the notification could go nowhere, for the sender is no longer there",
}


def _submitted(words: Words, who: str, accounts: Mapping[int, str]) -> str:
    account = int(words.get("account", 0))
    peer = f"{words.get('name') or 'a host'} ({words.get('peer', '?')})"
    tls = f" in {words['tls']}" if words.get("tls") else ""
    if not account:
        return f"It came from {peer}{tls}, as mail from {who}."
    name = accounts.get(account, f"account {account}, which is gone")
    by = f" by {words['auth']}" if words.get("auth") else ""
    return f"{name} logged in{by} from {peer}{tls} and handed it in by {words.get('by', '?')}, as mail from {who}."


def _destination(text: str) -> str:
    kind, _, rest = text.partition("/")
    if kind == "mx":
        domain, _, smarthost = rest.partition("/")
        return f"the servers of {domain}" + (f" or the smart host {smarthost}" if smarthost else "")
    return f"the smart host {rest}" if kind == "smarthost" else "a mailbox here" if kind == "local" else text


def _host(words: Words) -> str:
    host, address = words.get("host", ""), words.get("address", "")
    return f"{host} ({address})" if host and address and host != address else str(host or address or "the other server")


def _reply(words: Words) -> str:
    text = str(words.get("text", ""))
    if not words.get("code"):
        return f"{text[:1].upper()}{text[1:]}." if text else ""
    status = str(words.get("status", ""))
    status = "" if text.startswith(status) else f"{status} "
    return f"{_host(words)} said: {words['code']} {status}{' / '.join(text.splitlines())}"


# -- the queue -----------------------------------------------------------------------------------------------------


def of_errand(parcel: Parcel, errand: Errand, now: int) -> str:
    who = f"{errand.recipient.address}: "
    if errand.state == State.HELD:
        return who + "in the queue, held back until it is released."
    tries = "not tried yet" if not errand.attempts else f"tried {errand.attempts} times"
    when = "due now" if errand.due <= now else f"next try {local(errand.due)}"
    way = f"in the queue, on its way to {_destination(errand.destination)}"
    return f"{who}{way}; {tries}, {when}, given up {local(parcel.expires)}."


# -- mailboxes -----------------------------------------------------------------------------------------------------


_FLAGS = ((SEEN, "read"), (ANSWERED, "answered"), (FLAGGED, "flagged"), (DELETED, "marked as deleted"))


def of_place(place: Place) -> str:
    if place.expunged:
        return f"It was deleted from {place.mailbox} of {place.address}, where it was number {place.uid}."
    flags = [word for bit, word in _FLAGS if place.flags & bit]
    return f"It is in {place.mailbox} of {place.address} as number {place.uid}: {', '.join(flags) or 'not read yet'}."


def of_prefix(prefix: bytes) -> tuple[int, str, str]:
    """(when, tid, from where): what the lines in front of a message say of its coming in."""
    header = read_header(prefix)
    received = decode_text(header.value(b"received") or b"")
    date = parse_date(received.rpartition(";")[2].encode("utf-8", "replace"))
    found, how, tid = _FROM(received), _WITH(received), _ID(received)
    peer = f"{found[1]} ({found[3]})" if found else "one of our own people"
    keyword = how[1] if how else ""
    tls = f" in TLS ({how[2]})" if how and how[2] else ""
    login = " after log-in" if keyword.endswith("A") else ""
    path = decode_text(header.value(b"return-path") or b"")
    to = header.value(b"delivered-to")
    whom = f" for {decode_text(to)}" if to else ""
    told = f"It came from {peer}{tls}{login}, as mail from {path or '?'}{whom}."
    return (date.seconds if date else 0), (tid[1] if tid else ""), told


# -- the log -------------------------------------------------------------------------------------------------------

_WHY = {
    "no-mailbox": "there is no such mailbox here",
    "relaying": "the address is not ours, and this client may not send",
    "no-domain": "no domain of the house is left for it",
    "over-quota": "the mailbox is full",
    "over-quota-with-size": "the mailbox has no room for this message",
    "account-closed": "the account is closed",
    "alias-leads-out": "the alias leads to other domains only",
    "alias-leads-nowhere": "the alias leads to nobody",
    "alias-too-deep": "aliases lead to one another without end",
    "alias-too-wide": "the alias leads to too many",
    "suppressed": "another server said that there is nobody (`posthaus suppression list`)",
    "reverse-path": "the sender's address does not belong to the account",
    "author": "the author's address does not belong to the account",
    "no-author": "there is no author's address that can be read",
}


def of_line(line: Line) -> str:
    fields = line.fields
    why = _WHY.get(fields.get("why", ""), fields.get("why", ""))
    match line.name:
        case "smtp.rcpt":
            return f"The recipient {fields.get('rcpt', '?')} was refused with {fields.get('code', '?')}: {why}."
        case "smtp.submission-refused":
            named = fields.get("address", "-")
            return f"The message was refused: {why}{'' if named == '-' else f' ({named})'}."
        case "smtp.message":
            size = fields.get("size", "0")
            told = f"from {fields.get('reverse_path', '?')} for {fields.get('recipients', '?')} recipients"
            octets = render_size(int(size)) if size.isdigit() else size
            done = fields.get("code", "").startswith("2")
            return f"The message {told}, {octets}, was {'taken' if done else 'refused'}: {fields.get('code')} {why}"
        case "smtp.connected":
            return f"A client connected from {fields.get('peer', '?')} ({fields.get('service', '')})."
        case "smtp.closed":
            return f"The session ended: {why or 'QUIT'}."
    rest = " ".join(f"{name}={value}" for name, value in fields.items() if name not in ("cid", "tid"))
    return f"{line.name} {rest}".rstrip()
