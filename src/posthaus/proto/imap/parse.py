"""From the text of a command, its literals cut out, to its value: the table of all commands.

One row per command: how its arguments are read, in which states it is allowed, whether UID may stand before it. A
command that is not in its state is read all the same, so that the answer does not depend on which fault is seen first:
unknown, wrong state, grammar.

Standards: RFC 9051 §6, RFC 9051 §9, RFC 3501 §6.
Faults:    ParseFault.
"""

import re
from collections.abc import Callable
from enum import Enum

from posthaus.base.value import value
from posthaus.proto.imap.command import (
    Capability,
    Check,
    Close,
    Command,
    Delete,
    Idle,
    Logout,
    Namespace,
    Noop,
    StartTls,
    Subscribe,
    Unauthenticate,
    Unselect,
    Unsubscribe,
)
from posthaus.proto.imap.command_acl import GetAcl, MyRights
from posthaus.proto.imap.command_quota import GetQuotaRoot
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.parse_access import (
    bare,
    parse_authenticate,
    parse_compress,
    parse_enable,
    parse_id,
    parse_login,
)
from posthaus.proto.imap.parse_acl import parse_deleteacl, parse_listrights, parse_setacl
from posthaus.proto.imap.parse_mailbox import (
    named,
    parse_create,
    parse_examine,
    parse_list,
    parse_lsub,
    parse_rename,
    parse_select,
    parse_status,
)
from posthaus.proto.imap.parse_message import (
    parse_append,
    parse_copy,
    parse_expunge,
    parse_fetch,
    parse_move,
    parse_replace,
    parse_store,
    parse_uid_batches,
)
from posthaus.proto.imap.parse_metadata import parse_getmetadata, parse_setmetadata
from posthaus.proto.imap.parse_notify import parse_notify
from posthaus.proto.imap.parse_quota import parse_get_quota, parse_set_quota
from posthaus.proto.imap.parse_search import parse_esearch, parse_search
from posthaus.proto.imap.parse_sort import parse_cancel_update, parse_sort, parse_thread
from posthaus.proto.imap.token import Cursor

_TAG_CHAR = rb'[^\x00-\x20\x7f-\xff(){%*"\\+]'
_TAG = re.compile(rb"(" + _TAG_CHAR + rb"++)(?: |$)").match
_HEAD = re.compile(rb"(" + _TAG_CHAR + rb"++) (UID )?([A-Z]++)(?= |$)", re.IGNORECASE).match


class State(Enum):
    """RFC 9051 §3"""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


@value
class Rule:
    """One row of the table."""

    parse: Callable[[Cursor, bytes, bool], Command]
    states: tuple[State, ...]
    uid: bool = False  # UID may stand before it
    numbers: bool = False  # without UID it is about message numbers


@value
class Head:
    """The beginning of a command: enough to say which it is."""

    tag: bytes
    name: bytes  # upper case
    uid: bool
    rule: Rule
    end: int  # where its arguments begin


_ANY = (State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED)
_BEFORE = (State.NOT_AUTHENTICATED,)
_AFTER = (State.AUTHENTICATED, State.SELECTED)
_SELECTED = (State.SELECTED,)

RULES: dict[bytes, Rule] = {
    b"CAPABILITY": Rule(bare(Capability), _ANY),
    b"NOOP": Rule(bare(Noop), _ANY),
    b"LOGOUT": Rule(bare(Logout), _ANY),
    b"ID": Rule(parse_id, _ANY),
    b"STARTTLS": Rule(bare(StartTls), _BEFORE),
    b"AUTHENTICATE": Rule(parse_authenticate, _BEFORE),
    b"LOGIN": Rule(parse_login, _BEFORE),
    b"ENABLE": Rule(parse_enable, _AFTER),
    b"SELECT": Rule(parse_select, _AFTER),
    b"EXAMINE": Rule(parse_examine, _AFTER),
    b"CREATE": Rule(parse_create, _AFTER),
    b"DELETE": Rule(named(Delete), _AFTER),
    b"RENAME": Rule(parse_rename, _AFTER),
    b"SUBSCRIBE": Rule(named(Subscribe), _AFTER),
    b"UNSUBSCRIBE": Rule(named(Unsubscribe), _AFTER),
    b"LIST": Rule(parse_list, _AFTER),
    b"LSUB": Rule(parse_lsub, _AFTER),
    b"NAMESPACE": Rule(bare(Namespace), _AFTER),
    b"STATUS": Rule(parse_status, _AFTER),
    b"GETMETADATA": Rule(parse_getmetadata, _AFTER),
    b"SETMETADATA": Rule(parse_setmetadata, _AFTER),
    b"APPEND": Rule(parse_append, _AFTER),
    b"GETQUOTA": Rule(parse_get_quota, _AFTER),
    b"GETQUOTAROOT": Rule(named(GetQuotaRoot), _AFTER),
    b"SETQUOTA": Rule(parse_set_quota, _AFTER),
    b"SETACL": Rule(parse_setacl, _AFTER),
    b"DELETEACL": Rule(parse_deleteacl, _AFTER),
    b"GETACL": Rule(named(GetAcl), _AFTER),
    b"LISTRIGHTS": Rule(parse_listrights, _AFTER),
    b"MYRIGHTS": Rule(named(MyRights), _AFTER),
    b"COMPRESS": Rule(parse_compress, _AFTER),
    b"UNAUTHENTICATE": Rule(bare(Unauthenticate), _AFTER),
    b"IDLE": Rule(bare(Idle), _AFTER),
    b"NOTIFY": Rule(parse_notify, _AFTER),
    b"CHECK": Rule(bare(Check), _SELECTED),
    b"CLOSE": Rule(bare(Close), _SELECTED),
    b"UNSELECT": Rule(bare(Unselect), _SELECTED),
    b"EXPUNGE": Rule(parse_expunge, _SELECTED, uid=True),
    b"SEARCH": Rule(parse_search, _SELECTED, uid=True, numbers=True),
    b"ESEARCH": Rule(parse_esearch, _AFTER),
    b"SORT": Rule(parse_sort, _SELECTED, uid=True, numbers=True),
    b"CANCELUPDATE": Rule(parse_cancel_update, _SELECTED),
    b"UIDBATCHES": Rule(parse_uid_batches, _SELECTED),
    b"THREAD": Rule(parse_thread, _SELECTED, uid=True, numbers=True),
    b"FETCH": Rule(parse_fetch, _SELECTED, uid=True, numbers=True),
    b"STORE": Rule(parse_store, _SELECTED, uid=True, numbers=True),
    b"COPY": Rule(parse_copy, _SELECTED, uid=True, numbers=True),
    b"MOVE": Rule(parse_move, _SELECTED, uid=True, numbers=True),
    b"REPLACE": Rule(parse_replace, _SELECTED, uid=True, numbers=True),
}


def find_tag(text: bytes) -> bytes | None:
    """The tag of a line that need not be a command, for the answer to it."""
    m = _TAG(text)
    return m[1] if m is not None else None


def parse_head(text: bytes) -> Head:
    """tag SP ["UID" SP] name"""
    m = _HEAD(text)
    if m is None:
        raise ParseFault("a tag and a command expected")
    tag, uid, name = m.groups()
    name = name.upper()
    rule = RULES.get(name)
    if rule is None or (uid is not None and not rule.uid):
        raise ParseFault("no such command")
    return Head(tag, name, uid is not None, rule, m.end())
