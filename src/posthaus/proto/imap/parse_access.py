"""Reading the commands about the session itself: ID, AUTHENTICATE, LOGIN, ENABLE and those without arguments.

Standards: RFC 9051 §6.1, §6.2, §6.3.1; RFC 2971 §3.1; RFC 4959 §3; RFC 5161 §3.1; RFC 4978 §5.
Faults:    ParseFault.
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable
from typing import TypeVar

from posthaus.base.limit import IMAP_ID_PAIRS
from posthaus.proto.imap.command import Authenticate, Command, Compress, Enable, Id, Login
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.token import Cursor

_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}").fullmatch  # RFC 4422 §3.1
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}").fullmatch
_Bare = TypeVar("_Bare", bound=Command)


def bare(build: Callable[[bytes], _Bare]) -> Callable[[Cursor, bytes, bool], _Bare]:
    """A parser for a command that has no arguments."""

    def parse(cursor: Cursor, tag: bytes, uid: bool) -> _Bare:
        cursor.end()
        return build(tag)

    return parse


def parse_id(cursor: Cursor, tag: bytes, uid: bool) -> Id:
    """id = "ID" SP ("(" [string SP nstring *(SP string SP nstring)] ")" / nil)"""
    cursor.space()
    if not cursor.skip(b"("):
        if cursor.take_word() != b"NIL":
            raise ParseFault("a list or NIL expected")
        cursor.end()
        return Id(tag, None)
    pairs: list[tuple[bytes, bytes | None]] = []
    while not cursor.skip(b")"):
        if pairs:
            cursor.space()
        field = cursor.take_string()
        cursor.space()
        pairs.append((field, cursor.take_nstring()))
        if len(pairs) > IMAP_ID_PAIRS:
            raise ParseFault("too many fields", code=b"LIMIT")
    cursor.end()
    return Id(tag, tuple(pairs))


def parse_compress(cursor: Cursor, tag: bytes, uid: bool) -> Compress:
    """compress = "COMPRESS" SP algorithm"""
    mechanism = cursor.next_atom().upper()
    cursor.end()
    return Compress(tag, mechanism)


def parse_authenticate(cursor: Cursor, tag: bytes, uid: bool) -> Authenticate:
    """authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]"""
    mechanism = cursor.next_atom().decode("ascii").upper()
    if _MECHANISM(mechanism) is None:
        raise ParseFault("no name of a mechanism")
    if not cursor.more():
        cursor.end()
        return Authenticate(tag, mechanism, None)
    cursor.space()
    response = cursor.text[cursor.at :]
    return Authenticate(tag, mechanism, b"" if response == b"=" else decode_base64(response))


def decode_base64(octets: bytes) -> bytes:
    """The octets behind strict base64, or ParseFault."""
    if _BASE64(octets) is None:
        raise ParseFault("not base64")
    try:
        return a2b_base64(octets, strict_mode=True)
    except Error as e:
        raise ParseFault("not base64") from e


def parse_login(cursor: Cursor, tag: bytes, uid: bool) -> Login:
    """login = "LOGIN" SP userid SP password, both astring"""
    name = cursor.next_astring()
    password = cursor.next_astring()
    cursor.end()
    return Login(tag, name, password)


def parse_enable(cursor: Cursor, tag: bytes, uid: bool) -> Enable:
    """enable = "ENABLE" 1*(SP capability)"""
    names = [cursor.next_atom().upper()]
    while cursor.more():
        names.append(cursor.next_atom().upper())
    cursor.end()
    return Enable(tag, tuple(dict.fromkeys(names)))
