"""Reading the commands of access control lists: SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS.

Standards: RFC 4314 §3, §7.
Faults:    ParseFault, also for a right that there is not (RFC 4314 §3.1) and an identifier that no name can be.
"""

from posthaus.mail.rights import UnknownRight, parse_rights
from posthaus.proto.imap.command_acl import DeleteAcl, Identifier, ListRights, SetAcl
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.token import Cursor
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.saslprep import prepare


def parse_setacl(cursor: Cursor, tag: bytes, uid: bool) -> SetAcl:
    """setacl = "SETACL" SP mailbox SP identifier SP mod-rights"""
    mailbox = cursor.next_mailbox()
    identifier = _next_identifier(cursor)
    try:
        letters = cursor.next_astring().decode("ascii")
        sign = letters[:1] if letters.startswith(("+", "-")) else ""
        rights = parse_rights(letters.removeprefix(sign))
    except (UnicodeDecodeError, UnknownRight) as e:
        raise ParseFault("no such right") from e
    cursor.end()
    return SetAcl(tag, mailbox, identifier, sign, rights)


def parse_deleteacl(cursor: Cursor, tag: bytes, uid: bool) -> DeleteAcl:
    """deleteacl = "DELETEACL" SP mailbox SP identifier"""
    mailbox = cursor.next_mailbox()
    identifier = _next_identifier(cursor)
    cursor.end()
    return DeleteAcl(tag, mailbox, identifier)


def parse_listrights(cursor: Cursor, tag: bytes, uid: bool) -> ListRights:
    """listrights = "LISTRIGHTS" SP mailbox SP identifier"""
    mailbox = cursor.next_mailbox()
    identifier = _next_identifier(cursor)
    cursor.end()
    return ListRights(tag, mailbox, identifier)


def _next_identifier(cursor: Cursor) -> Identifier:
    """SP identifier"""
    octets = cursor.next_astring()
    try:
        text = prepare(octets.decode("utf-8"))
    except (UnicodeDecodeError, SaslFault) as e:
        raise ParseFault("an identifier that no name can be") from e
    name = text.removeprefix("-")
    if not name:
        raise ParseFault("an identifier expected")
    return Identifier(name, name != text, octets)
