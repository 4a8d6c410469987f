"""Command lines -> values: verb, names, paths, chunk sizes, SASL responses.

Grammar only; what is allowed when is the engine's table. Tolerated faults are named in Quirk, counted by the engine,
and refused in strict mode. A path is read after the parameters, because SMTPUTF8 decides what it may hold.

Standards: RFC 5321 §4.1.1 and §4.1.2, RFC 3030 §2, RFC 4954 §4, RFC 6531 §3.5.
Faults:    CommandFault, which carries the reply.
"""

import base64
import binascii
import re
from typing import Protocol

from posthaus.mail.address import Address, AddressFault, NeedsSmtputf8, parse_address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.proto.smtp import param, reply
from posthaus.proto.smtp.event import Quirk
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.param import CommandFault

_PATH = rb'( *)(?:<(@[^<>:"\s]+:)?((?:"(?:[^"\\]|\\.)*"|[^<>"\s])*)>|([^<>"\s]+))((?: .*)?)'
_FROM = re.compile(rb"FROM:" + _PATH, re.IGNORECASE | re.DOTALL)
_TO = re.compile(rb"TO:" + _PATH, re.IGNORECASE | re.DOTALL)
_NAME = re.compile(rb"[\x21-\x7e\x80-\xff]{1,255}")
_GOOD_NAME = re.compile(rb"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[A-Za-z0-9.:-]+\]")
_CHUNK = re.compile(rb"([0-9]{1,20})(?: +(LAST))? *", re.IGNORECASE)
_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")

HTTP = frozenset(b"GET POST HEAD PUT DELETE OPTIONS CONNECT TRACE PATCH PRI".split())
"""First words of another protocol: a browser was led here to speak for somebody else."""


class Note(Protocol):
    """Told of each quirk; raises CommandFault in strict mode."""

    def __call__(self, quirk: Quirk, /) -> None: ...


def split_command(line: bytes) -> tuple[bytes, bytes]:
    """command = verb [SP argument]; the verb in upper case"""
    verb, _, argument = line.partition(b" ")
    return verb.upper(), argument


def parse_name(argument: bytes, note: Note) -> str:
    """ehlo = "EHLO" SP ( Domain / address-literal ) CRLF"""
    name = argument.strip(b" ")
    if not name:
        raise CommandFault(reply.NAME_NEEDED)
    if _GOOD_NAME.fullmatch(name) is None:
        if _NAME.fullmatch(name) is None:
            raise CommandFault(reply.SYNTAX)
        # RFC 5321 §4.1.4: a name that does not verify is no reason to refuse; one that is odd should be none either.
        note(Quirk.ODD_NAME)
    return name.decode("utf-8", "replace")


def parse_mail(argument: bytes, note: Note, offer: Offer) -> Envelope:
    """mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF"""
    match = _FROM.fullmatch(argument)
    if match is None:
        raise CommandFault(reply.BAD_REVERSE_PATH)
    path = _path(match, note)
    try:
        return param.parse_mail_parameters(match[5], lambda utf8: _address(path, utf8, note) if path else None, offer)
    except NeedsSmtputf8 as fault:
        raise CommandFault(reply.REVERSE_PATH_NEEDS_SMTPUTF8) from fault
    except AddressFault as fault:
        raise CommandFault(reply.BAD_REVERSE_PATH) from fault


def parse_rcpt(argument: bytes, note: Note, *, smtputf8: bool) -> Recipient:
    """rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF"""
    match = _TO.fullmatch(argument)
    if match is None:
        raise CommandFault(reply.BAD_FORWARD_PATH)
    path = _path(match, note)
    if path.lower() == b"postmaster":
        return param.parse_rcpt_parameters(match[5], Address("postmaster", ""), smtputf8=smtputf8)
    try:
        address = _address(path, smtputf8, note)
    except NeedsSmtputf8 as fault:
        raise CommandFault(reply.FORWARD_PATH_NEEDS_SMTPUTF8) from fault
    except AddressFault as fault:
        raise CommandFault(reply.BAD_FORWARD_PATH) from fault
    return param.parse_rcpt_parameters(match[5], address, smtputf8=smtputf8)


def parse_chunk(argument: bytes) -> tuple[int, bool]:
    """bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF"""
    match = _CHUNK.fullmatch(argument)
    if match is None:
        raise CommandFault(reply.CHUNK_SYNTAX)
    return int(match[1]), match[2] is not None


def parse_auth(argument: bytes) -> tuple[str, bytes | None]:
    """auth-command = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response] CRLF"""
    mechanism, space, initial = argument.rstrip(b" ").partition(b" ")
    if _MECHANISM.fullmatch(mechanism) is None:
        raise CommandFault(reply.SYNTAX)
    name = mechanism.decode("ascii").upper()
    if not space:
        return name, None
    # RFC 4954 §4: an initial response of no octets is written "=".
    return name, b"" if initial == b"=" else parse_base64(initial)


def parse_base64(line: bytes) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error as fault:
        raise CommandFault(reply.AUTH_NOT_BASE64) from fault


def _path(match: re.Match[bytes], note: Note) -> bytes:
    spaces, route, path, bare, rest = match.groups()
    if spaces:
        note(Quirk.SPACE_AFTER_COLON)
    if route:
        note(Quirk.SOURCE_ROUTE)
    if bare is not None:
        note(Quirk.NO_BRACKETS)
        path = bare
    if rest and not rest.strip(b" "):
        note(Quirk.TRAILING_SPACE)
    return path


def _address(path: bytes, smtputf8: bool, note: Note) -> Address:
    try:
        return parse_address(path, smtputf8=smtputf8)
    except NeedsSmtputf8:
        raise
    except AddressFault:
        address = parse_address(path, smtputf8=smtputf8, odd_dots=True)
        note(Quirk.ODD_DOTS)
        return address
