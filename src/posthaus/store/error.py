"""What the store raises; each protocol has one table from these names to its codes.

Refusals name what the peer must change; troubles may pass. Nothing else leaves the store but defects.
"""

from posthaus.base.error import Refusal, Trouble


class NoSuchDomain(Refusal):
    pass


class DomainExists(Refusal):
    pass


class DomainInUse(Refusal):
    """It still has accounts."""


class NoSuchAccount(Refusal):
    pass


class AccountExists(Refusal):
    pass


class NoSuchAlias(Refusal):
    pass


class AliasExists(Refusal):
    pass


class NoSuchSender(Refusal):
    """The account was not given this one."""


class NoSuchKey(Refusal):
    """No key of this domain has that selector."""


class KeyExists(Refusal):
    pass


class NoSuchSuppression(Refusal):
    pass


class NoSuchSmarthost(Refusal):
    pass


class SmarthostExists(Refusal):
    pass


class ScopeTaken(Refusal):
    """Mail goes by one smart host, not by two. The text says by which."""


class SendingLimit(Refusal):
    """The account has sent to so many recipients that it must wait."""


class SendingHeld(Refusal):
    """The account may send nothing until an admin says so."""


class NoSuchMailbox(Refusal):
    pass


class MailboxExists(Refusal):
    pass


class MailboxHasChildren(Refusal):
    """It is \\Noselect and has inferiors (RFC 9051 §6.3.5)."""


class InvalidName(Refusal):
    """A mailbox name that cannot be: empty levels, path-like, control characters, too long or too deep."""


class NotPermitted(Refusal):
    """INBOX cannot be removed, and its like."""


class UseTaken(NotPermitted):
    """Another mailbox of the account has that special use."""


class NotGiven(Refusal):
    """Rights that are an administrator's to give."""


class NoSuchMessage(Refusal):
    pass


class OverQuota(Refusal):
    pass


class LimitReached(Refusal):
    """Too many of something: mailboxes, keywords. The text names it."""


class Locked(Refusal):
    """Somebody else has it to himself: a maildrop."""


class NotEmpty(Refusal):
    """Something is there already where a backup or a restore was to go."""


class NoBackup(Refusal):
    """Not a backup, or not one that can be used here."""


class StoreBusy(Trouble):
    """The database was locked for too long."""


class StoreFull(Trouble):
    """The disk is full, or so nearly that only deleting is allowed."""


class StoreDown(Trouble):
    """The database cannot be reached, read or written."""
