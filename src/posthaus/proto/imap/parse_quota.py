"""Reading the commands about quotas: GETQUOTA, GETQUOTAROOT, SETQUOTA.

Standards: RFC 9208 §4.1, §7.
Faults:    ParseFault.
"""

from posthaus.proto.imap.command_quota import GetQuota, SetQuota
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.token import Cursor

_RESOURCES = 20  # in one SETQUOTA; RFC 9208 §5 has four


def parse_get_quota(cursor: Cursor, tag: bytes, uid: bool) -> GetQuota:
    """getquota = "GETQUOTA" SP quota-root-name"""
    root = cursor.next_astring()
    cursor.end()
    return GetQuota(tag, root)


def parse_set_quota(cursor: Cursor, tag: bytes, uid: bool) -> SetQuota:
    """setquota = "SETQUOTA" SP quota-root-name SP setquota-list"""
    root = cursor.next_astring()
    cursor.space()
    cursor.expect(b"(")
    limits: list[tuple[bytes, int]] = []
    while not cursor.skip(b")"):
        if limits:
            cursor.space()
        resource = cursor.take_word()
        cursor.space()
        limits.append((resource, cursor.take_number()))
        if len(limits) > _RESOURCES:
            raise ParseFault("too many resources", code=b"LIMIT")
    cursor.end()
    return SetQuota(tag, root, tuple(limits))
