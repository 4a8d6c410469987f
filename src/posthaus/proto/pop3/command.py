"""POP3 commands: one line in, one value out.

Grammar only; whether a command is allowed now, the engine knows.

Standards: RFC 1939 §3 to §7, RFC 2449 §3, RFC 5034 §4, RFC 2595 §4, RFC 6856 §2 and §3.
Faults:    CommandFault as a value.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

_NUMBER = re.compile(rb"\d{1,9}")
_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")  # RFC 4422 §3.1
_LANGUAGE = re.compile(rb"\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")  # RFC 5646 §2.1


class CommandFault(Enum):
    """What is wrong with a line."""

    UNKNOWN = "unknown command"
    ARGUMENTS = "wrong arguments"
    HTTP = "http"


class Bare(Enum):
    """Commands without arguments."""

    CAPA = "CAPA"
    NOOP = "NOOP"
    QUIT = "QUIT"
    RSET = "RSET"
    STAT = "STAT"
    STLS = "STLS"
    UTF8 = "UTF8"


@dataclass(frozen=True, slots=True)
class User:
    name: str


@dataclass(frozen=True, slots=True)
class Pass:
    password: str


@dataclass(frozen=True, slots=True)
class Apop:
    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Auth:
    """`initial` is None without an initial response, b"" where it was "="; a mechanism of "" asks for the list."""

    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class List:
    number: int | None


@dataclass(frozen=True, slots=True)
class Uidl:
    number: int | None


@dataclass(frozen=True, slots=True)
class Retr:
    number: int


@dataclass(frozen=True, slots=True)
class Dele:
    number: int


@dataclass(frozen=True, slots=True)
class Top:
    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Lang:
    tag: str | None


Command = Bare | User | Pass | Apop | Auth | List | Uidl | Retr | Dele | Top | Lang


def parse_command(line: bytes) -> Command | CommandFault:
    """command = keyword [SP arguments]; the line comes without CR LF"""
    keyword, _, rest = line.partition(b" ")
    parse = _PARSERS.get(keyword) or _PARSERS.get(keyword.upper())
    if parse is not None:
        return parse(rest)
    # A browser was made to post a form to us: whatever follows may be commands of an attacker.
    return CommandFault.HTTP if keyword in _HTTP else CommandFault.UNKNOWN


def parse_response(line: bytes) -> bytes | None:
    """base64 of an AUTH exchange; None for what is none"""
    try:
        return b64decode(line, validate=True)
    except Base64Error:
        return None


def _bare(command: Bare) -> Callable[[bytes], Bare | CommandFault]:
    return lambda rest: CommandFault.ARGUMENTS if rest.strip(b" ") else command


def _user(rest: bytes) -> User | CommandFault:
    name = rest.strip(b" ")
    return User(name.decode("utf-8", "replace")) if name else CommandFault.ARGUMENTS


def _pass(rest: bytes) -> Pass | CommandFault:
    # RFC 1939 §7: there is one argument only, so spaces may be part of it. Octets that are no UTF-8 match no password.
    return Pass(rest.decode("utf-8", "replace")) if rest else CommandFault.ARGUMENTS


def _apop(rest: bytes) -> Apop | CommandFault:
    name, _, digest = rest.strip(b" ").rpartition(b" ")
    if not name.strip(b" ") or len(digest) != 32:
        return CommandFault.ARGUMENTS
    return Apop(name.strip(b" ").decode("utf-8", "replace"), digest)


def _auth(rest: bytes) -> Auth | CommandFault:
    """ "AUTH" SP mechanism [SP (initial-response / "=")]"""
    mechanism, _, initial = rest.strip(b" ").partition(b" ")
    if not mechanism:
        return Auth("", None)  # Quirk.BARE_AUTH
    if not _MECHANISM.fullmatch(mechanism):
        return CommandFault.ARGUMENTS
    if not initial:
        return Auth(mechanism.decode().upper(), None)
    octets = b"" if initial == b"=" else parse_response(initial)
    return CommandFault.ARGUMENTS if octets is None else Auth(mechanism.decode().upper(), octets)


def _number(rest: bytes) -> int | None:
    rest = rest.strip(b" ")
    return int(rest) if _NUMBER.fullmatch(rest) else None


def _list(rest: bytes) -> List | CommandFault:
    if not rest:
        return List(None)
    number = _number(rest)
    return CommandFault.ARGUMENTS if number is None else List(number)


def _uidl(rest: bytes) -> Uidl | CommandFault:
    if not rest:
        return Uidl(None)
    number = _number(rest)
    return CommandFault.ARGUMENTS if number is None else Uidl(number)


def _retr(rest: bytes) -> Retr | CommandFault:
    number = _number(rest)
    return CommandFault.ARGUMENTS if number is None else Retr(number)


def _dele(rest: bytes) -> Dele | CommandFault:
    number = _number(rest)
    return CommandFault.ARGUMENTS if number is None else Dele(number)


def _top(rest: bytes) -> Top | CommandFault:
    first, _, second = rest.strip(b" ").partition(b" ")
    number, lines = _number(first), _number(second)
    return CommandFault.ARGUMENTS if number is None or lines is None else Top(number, lines)


def _lang(rest: bytes) -> Lang | CommandFault:
    tag = rest.strip(b" ")
    if not tag:
        return Lang(None)
    return Lang(tag.decode().lower()) if _LANGUAGE.fullmatch(tag) else CommandFault.ARGUMENTS


_PARSERS: dict[bytes, Callable[[bytes], Command | CommandFault]] = {
    b"RETR": _retr,
    b"DELE": _dele,
    b"LIST": _list,
    b"UIDL": _uidl,
    b"TOP": _top,
    b"USER": _user,
    b"PASS": _pass,
    b"APOP": _apop,
    b"AUTH": _auth,
    b"LANG": _lang,
    **{command.value.encode(): _bare(command) for command in Bare},
}
_HTTP = frozenset((b"GET", b"POST", b"PUT", b"HEAD", b"PATCH", b"TRACE", b"DELETE", b"OPTIONS", b"CONNECT"))
