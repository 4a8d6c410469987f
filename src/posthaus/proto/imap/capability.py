"""The table of capabilities: what is announced, from which RFC, and when.

There is no other place that knows a capability's name. Before log-in only that is announced which a client needs to log
in, because a client asks again after it (RFC 9051 §6.1.1) and the strangers of the net need not know the rest.

Standards: RFC 9051 §6.1.1, RFC 9051 §7.2.2, RFC 3501 §7.2.1.
Faults:    none.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class When(Enum):
    """When a capability is announced."""

    ALWAYS = "always"
    BEFORE = "before log-in"
    AFTER = "after log-in"
    AFTER_UID_ONLY = "after log-in, but for clients that do not keep to it"
    AFTER_MESSAGE_LIMIT = "after log-in, where commands have a limit"
    AFTER_SAVE_LIMIT = "after log-in, where COPY and APPEND have one, and the others have not"
    TLS_TO_COME = "before log-in, while TLS can still be started"
    COMPRESSION_TO_COME = "after log-in, while nothing is compressed"
    CLEAR_REFUSED = "before log-in, while it would send a password in the clear"


@dataclass(frozen=True, slots=True)
class Row:
    name: bytes
    rfc: str
    when: When


@dataclass(frozen=True, slots=True)
class Offer:
    """What this connection has to offer; one object serves all connections alike."""

    tls: bool = False  # is active
    starttls: bool = False  # can be started
    clear_allowed: bool = False  # log-in without TLS (loopback, or an admin's choice)
    mechanisms: tuple[str, ...] = ()  # of SASL, for this state of TLS
    compressed: bool = False  # is so already
    append_limit: int | None = None  # octets of a message
    message_limit: int = 0  # messages of one command; 0: none
    save_limit: int = 0  # the same of COPY and APPEND alone
    uid_only: bool = True  # not to who enables it and does not keep to it: Need.NO_UIDONLY

    @property
    def may_log_in(self) -> bool:
        return self.tls or self.clear_allowed


TABLE = (
    Row(b"IMAP4rev2", "RFC 9051 §7.2.2", When.ALWAYS),
    Row(b"IMAP4rev1", "RFC 3501 §7.2.1", When.ALWAYS),
    Row(b"SASL-IR", "RFC 4959 §4", When.BEFORE),
    Row(b"STARTTLS", "RFC 9051 §6.2.1", When.TLS_TO_COME),
    Row(b"LOGINDISABLED", "RFC 9051 §6.2.3", When.CLEAR_REFUSED),
    Row(b"LITERAL+", "RFC 7888 §5", When.ALWAYS),  # and so LITERAL-, which must not stand beside it (RFC 7888 §6)
    Row(b"ENABLE", "RFC 5161 §3", When.ALWAYS),
    Row(b"ID", "RFC 2971 §3", When.ALWAYS),
    Row(b"IDLE", "RFC 2177 §3", When.ALWAYS),
    Row(b"NOTIFY", "RFC 5465 §3", When.AFTER),
    Row(b"NAMESPACE", "RFC 2342 §4", When.AFTER),
    Row(b"ACL", "RFC 4314 §3", When.AFTER),
    Row(b"RIGHTS=texk", "RFC 4314 §5.1.1", When.AFTER),
    Row(b"LIST-MYRIGHTS", "RFC 8440 §3", When.AFTER),
    Row(b"CHILDREN", "RFC 3348 §3", When.AFTER),
    Row(b"UIDPLUS", "RFC 4315 §1", When.AFTER),
    Row(b"COMPRESS=DEFLATE", "RFC 4978 §3", When.COMPRESSION_TO_COME),
    Row(b"UNAUTHENTICATE", "RFC 8437 §3", When.COMPRESSION_TO_COME),
    Row(b"CATENATE", "RFC 4469 §2", When.AFTER),
    Row(b"URL-PARTIAL", "RFC 5550 §4.5", When.AFTER),
    Row(b"REPLACE", "RFC 8508 §3.1", When.AFTER),
    Row(b"QUOTA", "RFC 9208 §1", When.AFTER),
    Row(b"QUOTASET", "RFC 9208 §4.1.3", When.AFTER),
    Row(b"QUOTA=RES-STORAGE", "RFC 9208 §5.1", When.AFTER),
    Row(b"QUOTA=RES-MESSAGE", "RFC 9208 §5.2", When.AFTER),
    Row(b"QUOTA=RES-MAILBOX", "RFC 9208 §5.3", When.AFTER),
    Row(b"UTF8=ACCEPT", "RFC 9755 §3", When.AFTER),
    Row(b"MULTIAPPEND", "RFC 3502 §6.3.11", When.AFTER),
    Row(b"UIDONLY", "RFC 9586 §3", When.AFTER_UID_ONLY),
    Row(b"INPROGRESS", "RFC 9585 §3", When.AFTER),
    Row(b"UIDBATCHES", "RFC 10022 §3", When.AFTER),
    Row(b"UNSELECT", "RFC 3691 §2", When.AFTER),
    Row(b"MESSAGELIMIT", "RFC 9738 §3", When.AFTER_MESSAGE_LIMIT),
    Row(b"SAVELIMIT", "RFC 9738 §3", When.AFTER_SAVE_LIMIT),
    Row(b"MOVE", "RFC 6851 §3", When.AFTER),
    Row(b"CONDSTORE", "RFC 7162 §3.1", When.AFTER),
    Row(b"QRESYNC", "RFC 7162 §3.2", When.AFTER),
    Row(b"BINARY", "RFC 3516 §3", When.AFTER),
    Row(b"ESEARCH", "RFC 4731 §3", When.AFTER),
    Row(b"SEARCHRES", "RFC 5182 §2", When.AFTER),
    Row(b"SORT", "RFC 5256 §1", When.AFTER),
    Row(b"SORT=DISPLAY", "RFC 5957 §2", When.AFTER),
    Row(b"ESORT", "RFC 5267 §3", When.AFTER),
    Row(b"CONTEXT=SEARCH", "RFC 5267 §4", When.AFTER),
    Row(b"CONTEXT=SORT", "RFC 5267 §4", When.AFTER),
    Row(b"SEARCH=FUZZY", "RFC 6203 §3", When.AFTER),
    Row(b"MULTISEARCH", "RFC 7377 §2", When.AFTER),
    Row(b"PARTIAL", "RFC 9394 §3", When.AFTER),
    Row(b"THREAD=ORDEREDSUBJECT", "RFC 5256 §1", When.AFTER),
    Row(b"THREAD=REFERENCES", "RFC 5256 §1", When.AFTER),
    Row(b"THREAD=REFS", "RFC 5256 §3", When.AFTER),  # by draft-ietf-morg-inthread
    Row(b"I18NLEVEL=1", "RFC 5255 §4.3", When.AFTER),
    Row(b"WITHIN", "RFC 5032 §2", When.AFTER),
    Row(b"LIST-EXTENDED", "RFC 5258 §3", When.AFTER),
    Row(b"LIST-STATUS", "RFC 5819 §2", When.AFTER),
    Row(b"SPECIAL-USE", "RFC 6154 §2", When.AFTER),
    Row(b"CREATE-SPECIAL-USE", "RFC 6154 §3", When.AFTER),
    Row(b"STATUS=SIZE", "RFC 8438 §3", When.AFTER),
    Row(b"METADATA", "RFC 5464 §1", When.AFTER),
    Row(b"LIST-METADATA", "RFC 9590 §2", When.AFTER),
    Row(b"FILTERS", "RFC 5466 §3", When.AFTER),
    Row(b"OBJECTID", "RFC 8474 §2", When.AFTER),
    Row(b"SAVEDATE", "RFC 8514 §2", When.AFTER),
    Row(b"PREVIEW", "RFC 8970 §3", When.AFTER),
    Row(b"APPENDLIMIT", "RFC 7889 §2", When.AFTER),
)


@lru_cache(maxsize=64)
def announced(offer: Offer, *, authenticated: bool) -> tuple[bytes, ...]:
    """The names for CAPABILITY, in the order of the table, AUTH= after them."""
    names = [_write(row.name, offer) for row in TABLE if _is_due(row.when, offer, authenticated=authenticated)]
    if not authenticated:
        names += [b"AUTH=" + mechanism.encode("ascii") for mechanism in offer.mechanisms]
    return tuple(names)


def _is_due(when: When, offer: Offer, *, authenticated: bool) -> bool:
    if when is When.ALWAYS:
        return True
    if when is When.AFTER:
        return authenticated
    if when is When.AFTER_UID_ONLY:
        return authenticated and offer.uid_only
    if when is When.AFTER_MESSAGE_LIMIT:
        return authenticated and offer.message_limit > 0
    if when is When.AFTER_SAVE_LIMIT:  # RFC 9738 §3: instead of the other
        return authenticated and offer.save_limit > 0 and not offer.message_limit
    if when is When.COMPRESSION_TO_COME:
        return authenticated and not offer.compressed
    if authenticated:
        return False
    if when is When.TLS_TO_COME:
        return offer.starttls and not offer.tls
    return when is When.BEFORE or not offer.may_log_in


def _write(name: bytes, offer: Offer) -> bytes:
    if name == b"APPENDLIMIT" and offer.append_limit is not None:
        return b"APPENDLIMIT=%d" % offer.append_limit
    if name == b"MESSAGELIMIT":
        return b"MESSAGELIMIT=%d" % offer.message_limit
    if name == b"SAVELIMIT":
        return b"SAVELIMIT=%d" % offer.save_limit
    return name
