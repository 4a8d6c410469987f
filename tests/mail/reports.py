"""Reports read as the house reads them when they come in: by the tree that was kept of the message."""

from posthaus.mail.arf import Complaint, complaint_of
from posthaus.mail.dsn import ReadDsn, dsn_of
from posthaus.mail.prepare import prepare
from posthaus.mail.report import MachineReport, read_report
from posthaus.mail.structure import unpack


def report_in(octets: bytes) -> MachineReport | None:
    return read_report(octets, unpack(prepare(octets).structure))


def dsn_in(octets: bytes) -> ReadDsn | None:
    report = report_in(octets)
    return None if report is None else dsn_of(report)


def complaint_in(octets: bytes) -> Complaint | None:
    report = report_in(octets)
    return None if report is None else complaint_of(report)
