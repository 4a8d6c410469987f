"""Octets as IMAP strings: quoted where that is legal, else a literal; NIL for what is absent.

The answer is valid grammar for any octets. A literal here is `{n}` CR LF and the octets; it stands in the middle of a
stored ENVELOPE or BODYSTRUCTURE and is sent as it is.

Standards: RFC 9051 §4.3, §9 (string, nstring, CHAR8).
Faults:    none. NUL is not in CHAR8, so it is left out.
"""

import re

# quoted: TEXT-CHAR, specials behind "\". UTF-8 in it would need UTF8=ACCEPT or IMAP4rev2; a literal needs neither.
_PLAIN = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]*").fullmatch
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*").fullmatch


def string(octets: bytes) -> bytes:
    """string = quoted / literal"""
    if _PLAIN(octets):
        return b'"%b"' % octets
    if _QUOTABLE(octets):
        return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    octets = octets.replace(b"\0", b"")
    return b"{%d}\r\n%b" % (len(octets), octets)


def nstring(octets: bytes | None) -> bytes:
    """nstring = string / nil"""
    if octets is None:
        return b"NIL"
    return b'"%b"' % octets if _PLAIN(octets) else string(octets)
