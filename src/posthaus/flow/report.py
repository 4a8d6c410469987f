"""Reports that come in: what other servers say later of mail that we sent, entered beside the delivery it speaks of.

A server that took a message may still give up, and then sends a notification from the null reverse-path; and people
complain of mail, by way of their provider. Both are mail like any other and go to whom they are addressed to. Besides,
what they say is read, and written into the record in the commit that keeps them.

A report about TLS with our hosts (TLSRPT) is a row of its own for each domain of ours that it speaks of.

Anybody can write such a report. So it counts only for a message that is in the record, by its Message-ID, and for
recipients whom that one had; and it suppresses an address for a short time only.

Standards: RFC 3464 §2, RFC 3461 §6.1, RFC 5965 §3, RFC 8460 §5.3.
Faults:    none of its own; what cannot be read says nothing.
"""

from dataclasses import dataclass

from posthaus.base import limit
from posthaus.mail.address import Address, AddressFault, parse_address
from posthaus.mail.arf import Complaint, complaint_of
from posthaus.mail.dsn import ReadDsn, dsn_of
from posthaus.mail.envelope import Envelope
from posthaus.mail.fate import Action, Fate
from posthaus.mail.prepared import Prepared
from posthaus.mail.report import read_report
from posthaus.mail.structure import unpack
from posthaus.mail.tlsrpt import Report as TlsReport
from posthaus.mail.tlsrpt import ReportFault
from posthaus.mail.tlsrptmail import find_report
from posthaus.store import record, suppression
from posthaus.store.record import Entry, Kind
from posthaus.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says of another one."""

    message_id: str  # of that other one
    dsn: ReadDsn | None = None
    complaint: Complaint | None = None


def may_speak(octets: bytes | memoryview) -> bool:
    """False for nearly all mail, after a look at its octets: hear() and hear_tls() would find nothing."""
    if len(octets) > limit.REPORT_MESSAGE_OCTETS:
        return False
    lower = bytes(octets).lower()
    return b"report" in lower or b"tlsrpt" in lower


def hear(octets: bytes | memoryview, prepared: Prepared, envelope: Envelope) -> Heard | None:
    """None for nearly all mail, after a look at what is prepared already."""
    if b'"report" (' not in prepared.bodystructure or len(octets) > limit.REPORT_MESSAGE_OCTETS:
        return None
    report = read_report(bytes(octets), unpack(prepared.structure))
    if report is None:
        return None
    dsn = dsn_of(report)
    if dsn is not None and dsn.message_id and envelope.reverse_path is None:  # RFC 3461 §6.1
        return Heard(dsn.message_id, dsn=dsn)
    complaint = complaint_of(report)
    if complaint is not None and complaint.message_id:
        return Heard(complaint.message_id, complaint=complaint)
    return None


def hear_tls(octets: bytes | memoryview, prepared: Prepared) -> TlsReport | None:
    """The same for a report about TLS."""
    if b'"tlsrpt+' not in prepared.bodystructure or len(octets) > limit.REPORT_MESSAGE_OCTETS:
        return None
    try:
        return find_report(bytes(octets), unpack(prepared.structure))
    except ReportFault:
        return None


async def note(tx: Tx, heard: Heard, now: int) -> int:
    """Beside the delivery it speaks of; how many rows."""
    entries: list[Entry] = []
    for sent in (await record.submissions(tx, heard.message_id))[:1]:
        told = await record.of_transaction(tx, sent.tid, sent.at, max(sent.at, now))  # the clock may have gone back
        to = {one.address for one in told if one.kind in (Kind.QUEUED, Kind.RELAYED)}
        if heard.dsn is not None:
            account = int(sent.words.get("account", 0))
            for fate in heard.dsn.dsn.fates:
                entries += await _fate(tx, sent.tid, account, to, heard.dsn.dsn.reporting, fate, now)
        elif heard.complaint is not None:
            entries.append(_complaint(sent.tid, to, heard.complaint, now))
    await record.write(tx, entries)
    return len(entries)


async def _fate(tx: Tx, tid: str, account: int, to: set[str], host: str, fate: Fate, now: int) -> list[Entry]:
    """One recipient of the report, if we sent to it."""
    known = [one for one in map(_address, (fate.original.partition(";")[2], fate.address)) if one and one.key in to]
    if not known:
        return []
    address = known[0]
    text = (fate.said or fate.reason)[: limit.RECORD_TEXT_CHARACTERS]
    if fate.action is Action.FAILED:
        reason = f"{host} reported later: {text or fate.status}"
        lasts = limit.SUPPRESSION_REPORTED_S
        await suppression.failed(tx, account, address, fate.status, reason, now, for_s=lasts)
    words = {"action": fate.action.value, "status": fate.status, "text": text, "host": host}
    return [Entry(tid, now, Kind.REPORTED, address.key, words)]


def _complaint(tid: str, to: set[str], complaint: Complaint, now: int) -> Entry:
    named = [one.key for one in map(_address, complaint.recipients) if one is not None and one.key in to]
    return Entry(
        tid, now, Kind.COMPLAINED, named[0] if named else "", {"feedback": complaint.kind, "agent": complaint.agent}
    )


def _address(text: str) -> Address | None:
    try:
        return parse_address(text.encode("utf-8", "replace"), smtputf8=True)
    except AddressFault:
        return None
