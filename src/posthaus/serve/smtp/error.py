"""From the names of the store and of log-in to SMTP replies; the one table.

Standards: RFC 3463, RFC 5248, RFC 4954 §6.
Faults:    none.
"""

from posthaus.base.error import Refusal, Trouble
from posthaus.flow import identity
from posthaus.flow.spool import SpoolFull
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.store import error as store

REPLIES: dict[type[Exception], Reply] = {
    store.NoSuchDomain: reply.RELAYING_DENIED,
    store.DomainExists: reply.CANNOT_NOW,
    store.DomainInUse: reply.CANNOT_NOW,
    store.NoSuchAccount: reply.CANNOT_NOW,  # gone between RCPT and the dot: the next try is told 550 at RCPT
    store.AccountExists: reply.CANNOT_NOW,
    store.NoSuchAlias: reply.CANNOT_NOW,
    store.AliasExists: reply.CANNOT_NOW,
    store.NoSuchSender: reply.CANNOT_NOW,
    store.NoSuchSuppression: reply.CANNOT_NOW,
    store.NoSuchKey: reply.CANNOT_NOW,
    store.KeyExists: reply.CANNOT_NOW,
    store.NoSuchSmarthost: reply.CANNOT_NOW,
    store.SmarthostExists: reply.CANNOT_NOW,
    store.ScopeTaken: reply.CANNOT_NOW,
    store.SendingLimit: reply.SENDING_LIMIT,
    store.SendingHeld: reply.SENDING_HELD,
    store.NoSuchMailbox: reply.CANNOT_NOW,
    store.MailboxExists: reply.CANNOT_NOW,
    store.MailboxHasChildren: reply.CANNOT_NOW,
    store.InvalidName: reply.CANNOT_NOW,
    store.NotPermitted: reply.CANNOT_NOW,
    store.UseTaken: reply.CANNOT_NOW,
    store.NotGiven: reply.CANNOT_NOW,
    store.NoSuchMessage: reply.CANNOT_NOW,
    store.OverQuota: reply.OVER_QUOTA,
    store.LimitReached: reply.CANNOT_NOW,
    store.Locked: reply.CANNOT_NOW,
    store.NoBackup: reply.CANNOT_NOW,
    store.NotEmpty: reply.CANNOT_NOW,
    store.StoreBusy: reply.CANNOT_NOW,
    store.StoreFull: reply.NO_SPACE,
    store.StoreDown: reply.CANNOT_NOW,
    SpoolFull: reply.NO_SPACE,
}

AUTH_REPLIES: dict[type[Exception], Reply] = {
    identity.BadCredentials: reply.BAD_CREDENTIALS,
    identity.TooManyGuesses: reply.TOO_MANY_GUESSES,
    identity.BadExchange: reply.AUTH_BAD_RESPONSE,
    identity.NoSuchMechanism: reply.MECHANISM_UNKNOWN,
    identity.ClearTextRefused: reply.AUTH_NEEDS_TLS,
    identity.LoginBusy: reply.AUTH_TROUBLE,
}


def reply_of(fault: Refusal | Trouble) -> Reply:
    """A refusal or trouble on a message's way; names that nobody entered here are our fault, so the peer may retry."""
    return REPLIES.get(type(fault), reply.CANNOT_NOW)


def auth_reply_of(fault: Refusal | Trouble) -> Reply:
    known = AUTH_REPLIES.get(type(fault))
    return known or (reply.BAD_CREDENTIALS if isinstance(fault, Refusal) else reply.AUTH_TROUBLE)
