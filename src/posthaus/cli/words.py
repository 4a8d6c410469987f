"""Refusals in one line for people.

Standards: none.
Faults:    none.
"""

_WORDS = {
    "NoSuchDomain": "there is no domain {}; `posthaus domain add` makes one",
    "DomainExists": "the domain {} is there already",
    "DomainInUse": "the domain {} still has accounts",
    "NoSuchAccount": "there is no account {}",
    "AccountExists": "the account {} is there already",
    "NoSuchMember": "there is no account {}",
    "NoSuchMailbox": "there is no mailbox {}",
    "NoSuchAlias": "there is no alias {}",
    "AliasExists": "the alias {} is there already",
    "OverQuota": "the account would be over its quota: {}; nothing was changed",
    "NoSuchSuppression": "mail to {} is not suppressed",
    "NoSuchSender": "the account was not given {}",
    "NoSuchKey": "there is no key {}; `posthaus dkim list` shows all",
    "KeyExists": "the key {} is there already",
    "NoSuchSmarthost": "there is no smart host {}",
    "SmarthostExists": "the smart host {} is there already",
    "PasswordUnfit": "this password cannot be used: {}",
    "NotEmpty": "{}: is not empty; nothing was changed",
    "StoreBusy": "the store is busy, try again: {}",
    "StoreFull": "the disk is full, or nearly: {}",
    "StoreDown": "the store cannot be read or written: {}",
}


def words_of(fault: Exception) -> str:
    pattern = _WORDS.get(type(fault).__name__, "{}")
    text = " ".join(str(fault).split())
    return pattern.format(text or type(fault).__name__).rstrip(": ")
