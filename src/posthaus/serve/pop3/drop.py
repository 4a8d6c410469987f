"""The maildrop as one session sees it: INBOX as it stood at log-in, and what is to be deleted at QUIT.

Numbers are fixed for the session, whatever others do to the mailbox meanwhile (RFC 1939 §5). Nothing is touched before
QUIT. A unique id is UIDVALIDITY and UID, so it is the same in every session and never used twice.

Standards: RFC 1939 §5, §7; RFC 9051 §2.3.1.1 (UID and UIDVALIDITY never repeat together).
Faults:    none.
"""

from collections.abc import Sequence

from posthaus.mail.uidset import Ranges, from_sorted
from posthaus.proto.pop3 import reply


class Drop:
    """Messages by number; answers are whole replies."""

    __slots__ = ("_doomed", "_doomed_size", "_list", "_messages", "_size", "_sizes", "_uidl", "_uids", "_uidvalidity")

    def __init__(self, uidvalidity: int, listing: Sequence[tuple[int, int, int]]) -> None:
        """listing: (uid, size in octets, message id), in UID order."""
        self._uidvalidity = uidvalidity
        self._uids = [row[0] for row in listing]
        self._sizes = [row[1] for row in listing]
        self._messages = [row[2] for row in listing]
        self._size = sum(self._sizes)
        self._doomed: set[int] = set()  # numbers
        self._doomed_size = 0
        self._list = b""  # rendered once for clients that ask often
        self._uidl = b""

    def __len__(self) -> int:
        """With those marked as deleted."""
        return len(self._uids)

    def fault(self, number: int) -> bytes | None:
        """The reply for a number that names no message; None where it names one."""
        if not 0 < number <= len(self._uids):
            return reply.NO_SUCH_MESSAGE
        return reply.IS_DELETED if number in self._doomed else None

    def message(self, number: int) -> int:
        """The id in the store; the number was asked of fault() before."""
        return self._messages[number - 1]

    def size_octets(self, number: int) -> int:
        return self._sizes[number - 1]

    def stat(self) -> bytes:
        """STAT: "+OK" SP count SP octets; deleted ones are not counted (RFC 1939 §5)"""
        return b"+OK %d %d\r\n" % (len(self._uids) - len(self._doomed), self._size - self._doomed_size)

    def list_one(self, number: int) -> bytes:
        return self.fault(number) or b"+OK %d %d\r\n" % (number, self._sizes[number - 1])

    def uidl_one(self, number: int) -> bytes:
        return self.fault(number) or b"+OK %d %x.%x\r\n" % (number, self._uidvalidity, self._uids[number - 1])

    def list_all(self) -> bytes:
        """LIST: scan listings of all that is not deleted"""
        if not self._list:
            doomed = self._doomed
            pairs = enumerate(self._sizes, 1)
            lines = [b"%d %d\r\n" % pair for pair in pairs if not doomed or pair[0] not in doomed]
            self._list = b"+OK\r\n%b.\r\n" % b"".join(lines)
        return self._list

    def uidl_all(self) -> bytes:
        """UIDL: unique-id listings; RFC 1939 §7: 1 to 70 characters of 0x21 to 0x7E"""
        if not self._uidl:
            doomed = self._doomed
            pairs = enumerate(self._uids, 1)
            line = b"%%d %x.%%x\r\n" % self._uidvalidity
            self._uidl = b"+OK\r\n%b.\r\n" % b"".join([line % p for p in pairs if not doomed or p[0] not in doomed])
        return self._uidl

    def delete(self, number: int) -> bytes:
        """DELE"""
        fault = self.fault(number)
        if fault is not None:
            return fault
        self._doomed.add(number)
        self._doomed_size += self._sizes[number - 1]
        self._list = self._uidl = b""
        return reply.DONE

    def reset(self) -> bytes:
        """RSET"""
        self._doomed.clear()
        self._doomed_size = 0
        self._list = self._uidl = b""
        return reply.DONE

    def doomed(self) -> Ranges:
        """UIDs to be expunged at QUIT."""
        return from_sorted([self._uids[number - 1] for number in sorted(self._doomed)])
