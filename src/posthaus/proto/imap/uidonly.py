"""What a client that has said ENABLE UIDONLY may not ask: anything that calls a message by its number.

Standards: RFC 9586 §3, §3.2, §3.5, §3.7, §3.8.
Faults:    ParseFault: BAD [UIDREQUIRED].
"""

from posthaus.proto.imap.code import UIDREQUIRED
from posthaus.proto.imap.command import Command, MultiSearch, Search, Select, Sort, Thread
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.key import has_numbers
from posthaus.proto.imap.parse import Head


def check_head(head: Head) -> None:
    """Before the arguments are read, and before a message is announced that would come in vain."""
    if head.rule.numbers and not head.uid:
        raise ParseFault("no message numbers after ENABLE UIDONLY", code=UIDREQUIRED)


def check_command(command: Command) -> None:
    """Message numbers in what is a matter of UIDs."""
    if isinstance(command, Search | Sort | Thread | MultiSearch):
        found = has_numbers(command.key)
    else:
        found = isinstance(command, Select) and command.qresync is not None and command.qresync.match is not None
    if found:
        raise ParseFault("no message numbers after ENABLE UIDONLY", code=UIDREQUIRED)
