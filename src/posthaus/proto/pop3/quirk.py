"""Peculiarities of POP3 clients, each by name. See proto/imap/quirk.py for what the two kinds are.

Standards: none.
Faults:    none.
"""

from enum import Enum

from posthaus.proto.quirk import Case


class Quirk(Enum):
    """A fault that is tolerated."""

    BARE_AUTH = Case(
        "Outlook, Outlook Express",
        'AUTH without a mechanism, with or without a space behind it, as a draft of 1994 had it: "which are there?"',
        "the mechanisms, one a line",
        "Dovecot, src/pop3-login; Cyrus, imap/pop3d.c",
    )


class Need(Enum):
    """What a client relies upon, and a server could do otherwise."""

    UIDL_FOR_EVER = Case(
        "Outlook",
        "takes a message for one that it has when its UIDL was that of another before",
        "a UIDL never comes again: UIDVALIDITY and UID",
        "Cyrus#374",
    )
    NO_NUL = Case(
        "Outlook",
        "hangs at a NUL in a message",
        "no message has one: a part with NUL is kept in base64",
        "Dovecot: pop3_client_workarounds outlook-no-nuls",
    )
