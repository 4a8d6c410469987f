"""The commands of access control lists as values; the others are in command.py.

An identifier is what it stands for: the address, or "anyone", with the dash of a negative one taken off.

Standards: RFC 4314 §3.
Faults:    none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identifier:
    """`octets` as the client wrote it, for answers must repeat it so (RFC 4314 §3.4)."""

    name: str
    is_negative: bool
    octets: bytes


@dataclass(frozen=True, slots=True)
class SetAcl:
    """`sign` is "" (replace), "+" or "-"; `rights` are bits (mail/rights.py)."""

    tag: bytes
    mailbox: str
    identifier: Identifier
    sign: str
    rights: int


@dataclass(frozen=True, slots=True)
class DeleteAcl:
    tag: bytes
    mailbox: str
    identifier: Identifier


@dataclass(frozen=True, slots=True)
class GetAcl:
    tag: bytes
    mailbox: str


@dataclass(frozen=True, slots=True)
class ListRights:
    tag: bytes
    mailbox: str
    identifier: Identifier


@dataclass(frozen=True, slots=True)
class MyRights:
    tag: bytes
    mailbox: str


AclCommand = SetAcl | DeleteAcl | GetAcl | ListRights | MyRights
