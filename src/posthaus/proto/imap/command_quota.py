"""The commands of quotas as values; the others are in command.py.

Standards: RFC 9208 §4.1.
Faults:    none.
"""

from posthaus.base.value import value


@value
class GetQuota:
    """RFC 9208 §4.1.1"""

    tag: bytes
    root: bytes


@value
class GetQuotaRoot:
    """RFC 9208 §4.1.2"""

    tag: bytes
    mailbox: str


@value
class SetQuota:
    """RFC 9208 §4.1.3; names of resources in upper case."""

    tag: bytes
    root: bytes
    limits: tuple[tuple[bytes, int], ...]


QuotaCommand = GetQuota | GetQuotaRoot | SetQuota
