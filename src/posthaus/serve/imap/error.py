"""The store's and the house's names for what went wrong, as IMAP says them: one table.

Standards: RFC 9051 §7.1; RFC 5530 §3.
Faults:    none.
"""

from posthaus.base.error import Refusal, Trouble
from posthaus.flow import access, identity, spool
from posthaus.proto.imap import code
from posthaus.serve.imap.attribute import UnknownEncoding
from posthaus.serve.imap.stored import UndefinedFilter
from posthaus.store import error as store

ANSWERS: dict[type[Exception], tuple[str, bytes | None]] = {
    identity.BadCredentials: ("Name or password is wrong", code.AUTHENTICATIONFAILED),
    identity.TooManyGuesses: ("Too many wrong passwords; try again later", code.LIMIT),
    identity.ClearTextRefused: ("Use TLS first", code.PRIVACYREQUIRED),
    identity.NoSuchMechanism: ("No such mechanism here", code.CANNOT),
    identity.BadExchange: ("Not a response of this mechanism", code.CLIENTBUG),
    identity.PasswordUnfit: ("Not a password", code.AUTHENTICATIONFAILED),
    identity.LoginBusy: ("Too many log-ins at once; try again", code.UNAVAILABLE),
    access.NoSuchMember: ("That is no address of this house", code.NONEXISTENT),
    access.OwnersUse: ("A special use is for a mailbox of one's own", code.USEATTR),
    access.NotAllowed: ("You have no right to that", code.NOPERM),
    store.NoSuchDomain: ("No such domain", code.NONEXISTENT),
    store.DomainExists: ("There is such a domain", code.ALREADYEXISTS),
    store.DomainInUse: ("The domain has accounts", code.INUSE),
    store.NoSuchAccount: ("The account is closed", code.AUTHORIZATIONFAILED),
    store.AccountExists: ("There is such an account", code.ALREADYEXISTS),
    store.NoSuchAlias: ("No such alias", code.NONEXISTENT),
    store.AliasExists: ("There is such an alias", code.ALREADYEXISTS),
    store.NoSuchKey: ("No such key", code.NONEXISTENT),
    store.KeyExists: ("There is such a key", code.ALREADYEXISTS),
    store.NoSuchSmarthost: ("No such smart host", code.NONEXISTENT),
    store.SmarthostExists: ("There is such a smart host", code.ALREADYEXISTS),
    store.ScopeTaken: ("Another smart host has this mail", code.ALREADYEXISTS),
    store.NoSuchSender: ("No such sender", code.NONEXISTENT),
    store.SendingLimit: ("Too many recipients; try again later", code.LIMIT),
    store.SendingHeld: ("Sending is stopped for this account", code.NOPERM),
    store.NoSuchMailbox: ("No such mailbox", code.NONEXISTENT),
    store.MailboxExists: ("There is such a mailbox", code.ALREADYEXISTS),
    store.MailboxHasChildren: ("The mailbox has inferiors", code.HASCHILDREN),
    store.InvalidName: ("Not a name for a mailbox", code.CANNOT),
    store.NotPermitted: ("Not possible with this mailbox", code.CANNOT),
    store.UseTaken: ("There is a mailbox for that use", code.USEATTR),
    store.NotGiven: ("Only an administrator gives rights to anyone here", code.NOPERM),
    store.NoSuchMessage: ("No such message", code.NONEXISTENT),
    store.OverQuota: ("The account is full", code.OVERQUOTA),
    store.LimitReached: ("Too many of these", code.LIMIT),
    store.Locked: ("Somebody else is at it", code.INUSE),
    UnknownEncoding: ("The encoding of that part is not known here", code.UNKNOWN_CTE),  # RFC 9051 §6.4.5.1
    spool.SpoolFull: ("No space left at the server", code.UNAVAILABLE),
    spool.SpoolDown: ("The server cannot take it in now; try again later", code.UNAVAILABLE),
    store.StoreBusy: ("Busy; try again", code.UNAVAILABLE),
    store.StoreFull: ("No space left at the server", code.UNAVAILABLE),
    store.StoreDown: ("The store cannot be reached; try again later", code.UNAVAILABLE),
}


def answer_of(error: Refusal | Trouble) -> tuple[str, bytes | None]:
    """Words and code of a NO."""
    if isinstance(error, UndefinedFilter):
        return "No such filter", code.undefined_filter(error.name)
    for kind in type(error).__mro__:
        found = ANSWERS.get(kind)
        if found is not None:
            return found
    return ("Try again later", code.UNAVAILABLE) if isinstance(error, Trouble) else ("Refused", code.CANNOT)
