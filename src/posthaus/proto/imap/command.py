"""The commands of IMAP as values.

Each has its tag first. Names of mailboxes are text (modified UTF-7 or UTF-8 taken off), everything else is octets as
they came, with the words of the grammar in upper case. EXAMINE is a read-only Select, UID FETCH a Fetch with uid.
No secret is shown by repr, so none gets into a log that way.

Standards: RFC 9051 §6, RFC 3501 §6, and the RFC named at each that comes from an extension.
Faults:    none.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from posthaus.base.value import value
from posthaus.proto.imap.command_acl import AclCommand
from posthaus.proto.imap.command_quota import QuotaCommand
from posthaus.proto.imap.key import Key, Return
from posthaus.proto.imap.mailboxfilter import MailboxFilter
from posthaus.proto.imap.number import SequenceSet
from posthaus.proto.imap.partial import Partial
from posthaus.proto.imap.section import Attribute, FetchList
from posthaus.proto.imap.token import Literal

# -- in any state --------------------------------------------------------------------------------------------------


@value
class Capability:
    tag: bytes


@value
class Noop:
    tag: bytes


@value
class Logout:
    tag: bytes


@value
class Id:
    """RFC 2971 §3.1; None is NIL."""

    tag: bytes
    pairs: tuple[tuple[bytes, bytes | None], ...] | None


# -- not authenticated ---------------------------------------------------------------------------------------------


@value
class StartTls:
    tag: bytes


@value
class Authenticate:
    """`initial` is the decoded initial response (RFC 4959 §3), b"" for "=", None where there was none."""

    tag: bytes
    mechanism: str
    initial: bytes | None = field(repr=False)


@value
class Login:
    tag: bytes
    name: bytes
    password: bytes = field(repr=False)


# -- authenticated -------------------------------------------------------------------------------------------------


@value
class Enable:
    """RFC 5161; names in upper case, known or not."""

    tag: bytes
    names: tuple[bytes, ...]


@value
class QResync:
    """RFC 7162 §3.2.5: what the client knows of the mailbox."""

    uidvalidity: int
    modseq: int
    known: SequenceSet | None = None
    match: tuple[SequenceSet, SequenceSet] | None = None  # message numbers and their UIDs


@value
class Select:
    """SELECT and EXAMINE"""

    tag: bytes
    mailbox: str
    read_only: bool = False
    condstore: bool = False
    qresync: QResync | None = None


@value
class Create:
    """`special_use`: RFC 6154 §3, as written, such as \\Sent."""

    tag: bytes
    mailbox: str
    special_use: tuple[bytes, ...] = ()


@value
class Delete:
    tag: bytes
    mailbox: str


@value
class Rename:
    tag: bytes
    mailbox: str
    to: str


@value
class Subscribe:
    tag: bytes
    mailbox: str


@value
class Unsubscribe:
    tag: bytes
    mailbox: str


@value
class List:
    """LIST. `selects` and `returns` are words of RFC 5258 §3, RFC 6154 §2; `status` is RFC 5819, `metadata` RFC 9590.

    `extended` where the form of RFC 5258 was used: then an empty pattern is no question for the delimiter.
    """

    tag: bytes
    reference: str
    patterns: tuple[str, ...]
    selects: frozenset[bytes] = frozenset()
    returns: frozenset[bytes] = frozenset()
    status: tuple[bytes, ...] = ()
    extended: bool = False
    metadata: tuple[str, ...] = ()


@value
class Lsub:
    """RFC 3501 §6.3.9"""

    tag: bytes
    reference: str
    pattern: str


@value
class Namespace:
    tag: bytes


@value
class Status:
    """`items` in upper case, each once."""

    tag: bytes
    mailbox: str
    items: tuple[bytes, ...]


class Depth(Enum):
    """RFC 5464 §4.2.2: which entries below a named one."""

    ENTRY = 0
    CHILDREN = 1
    ALL = 2


@value
class GetMetadata:
    """RFC 5464 §4.2; the mailbox "" is the server. Entries as they were written."""

    tag: bytes
    mailbox: str
    entries: tuple[str, ...]
    max_size: int | None = None
    depth: Depth = Depth.ENTRY


@value
class SetMetadata:
    """RFC 5464 §4.3; entries in lower case, None for NIL."""

    tag: bytes
    mailbox: str
    values: Mapping[str, bytes | None]


@value
class Url:
    """A part of a message that is here already (RFC 4469 §3), as it was written."""

    octets: bytes


@value
class NewMessage:
    """A message that comes in: one literal, or the parts of a CATENATE in their order.

    `at` is Unix seconds; a literal's octets are None where the session has spooled them.
    """

    flags: tuple[bytes, ...]
    at: int | None
    parts: tuple[Literal | Url, ...]
    utf8: bool = False  # RFC 6855 §4: the header may hold UTF-8


@value
class Append:
    """One message, or several (RFC 3502)."""

    tag: bytes
    mailbox: str
    messages: tuple[NewMessage, ...]


@value
class Compress:
    """RFC 4978 §3; the name in upper case."""

    tag: bytes
    mechanism: bytes


@value
class Unauthenticate:
    """RFC 8437 §3"""

    tag: bytes


@value
class Idle:
    tag: bytes


class NotifyEvent(Enum):
    """Events of RFC 5465 §5 that we have."""

    MESSAGE_NEW = b"MessageNew"
    MESSAGE_EXPUNGE = b"MessageExpunge"
    FLAG_CHANGE = b"FlagChange"
    MAILBOX_NAME = b"MailboxName"
    SUBSCRIPTION_CHANGE = b"SubscriptionChange"
    MAILBOX_METADATA_CHANGE = b"MailboxMetadataChange"
    SERVER_METADATA_CHANGE = b"ServerMetadataChange"


@value
class EventGroup:
    """`attributes` of new messages in the selected mailbox."""

    filter: MailboxFilter
    events: frozenset[NotifyEvent]
    attributes: tuple[Attribute, ...] = ()


@value
class Notify:
    """RFC 5465 §3.1; without groups it is NOTIFY NONE."""

    tag: bytes
    groups: tuple[EventGroup, ...]
    status: bool = False


# -- selected ------------------------------------------------------------------------------------------------------


@value
class Check:
    """RFC 3501 §6.4.1"""

    tag: bytes


@value
class Close:
    tag: bytes


@value
class Unselect:
    tag: bytes


@value
class Expunge:
    """EXPUNGE, and UID EXPUNGE (RFC 4315 §2.1) where `uids` is set."""

    tag: bytes
    uids: SequenceSet | None = None


@value
class Search:
    """`returns` is None without RETURN; RETURN () is ALL. `partial` stands beside Return.PARTIAL, `attributes`
    beside Return.UPDATE: what is wanted of messages that come to the results (RFC 5465 §7).
    """

    tag: bytes
    uid: bool
    key: Key
    returns: frozenset[Return] | None = None
    has_modseq: bool = False  # a MODSEQ key: the answer carries the highest MODSEQ (RFC 7162 §3.1.5)
    partial: Partial | None = None
    attributes: tuple[Attribute, ...] = ()


@value
class SortKey:
    name: bytes  # upper case
    is_reverse: bool = False


@value
class Sort:
    """RFC 5256 §3; with RETURN, RFC 5267 §3."""

    tag: bytes
    uid: bool
    keys: tuple[SortKey, ...]
    key: Key
    returns: frozenset[Return] | None = None
    has_modseq: bool = False
    partial: Partial | None = None
    attributes: tuple[Attribute, ...] = ()


@value
class MultiSearch:
    """ESEARCH (RFC 7377 §2); without filters it is the selected mailbox alone."""

    tag: bytes
    filters: tuple[MailboxFilter, ...]
    key: Key
    returns: frozenset[Return]
    has_modseq: bool = False
    partial: Partial | None = None


@value
class CancelUpdate:
    """RFC 5267 §4.3.5; tags of the searches."""

    tag: bytes
    tags: tuple[bytes, ...]


@value
class Thread:
    """RFC 5256 §3"""

    tag: bytes
    uid: bool
    algorithm: bytes  # upper case
    key: Key


@value
class UidBatches:
    """RFC 10022 §3.1: messages in a batch, and which batches, the newest is the first; as they were written."""

    tag: bytes
    size: int
    batches: tuple[int, int] | None = None


@value
class Fetch:
    tag: bytes
    uid: bool
    numbers: SequenceSet
    items: FetchList


@value
class Store:
    """`sign` is b"" (replace), b"+" or b"-". `unchanged_since`: RFC 7162 §3.1.3."""

    tag: bytes
    uid: bool
    numbers: SequenceSet
    sign: bytes
    silent: bool
    flags: tuple[bytes, ...]
    unchanged_since: int | None = None


@value
class Copy:
    tag: bytes
    uid: bool
    numbers: SequenceSet
    mailbox: str


@value
class Move:
    """RFC 6851"""

    tag: bytes
    uid: bool
    numbers: SequenceSet
    mailbox: str


@value
class Replace:
    """RFC 8508; `numbers` is of one message, `messages` is one."""

    tag: bytes
    uid: bool
    numbers: SequenceSet
    mailbox: str
    messages: tuple[NewMessage, ...]


Command = (
    Capability
    | Noop
    | Logout
    | Id
    | StartTls
    | Authenticate
    | Login
    | Enable
    | Select
    | Create
    | Delete
    | Rename
    | Subscribe
    | Unsubscribe
    | List
    | Lsub
    | Namespace
    | Status
    | GetMetadata
    | SetMetadata
    | Append
    | Compress
    | Unauthenticate
    | QuotaCommand
    | AclCommand
    | Idle
    | Notify
    | Check
    | Close
    | Unselect
    | Expunge
    | Search
    | Sort
    | MultiSearch
    | CancelUpdate
    | Thread
    | UidBatches
    | Fetch
    | Store
    | Copy
    | Move
    | Replace
)
