"""Parameters of Content-Type and Content-Disposition: read, and joined where they come in pieces.

`join_pieces` does what Dovecot does: `name*0="a"; name*1="b"` becomes `name="ab"`, and pieces of which one is
percent-encoded become one `name*=charset'language'text`; IMAP clients know that form, few know pieces.

Standards: RFC 2045 §5.1; RFC 2231 §3, §4, §4.1, §7.
Faults:    none; what is no parameter is passed over.
"""

import re
from collections.abc import Iterable
from typing import Final

from posthaus.base.limit import MIME_PARAMETERS

Parameters = tuple[tuple[bytes, bytes], ...]

_TOKEN = rb"[!#$%&'*+.^_`{|}~0-9A-Za-z-]"
# attribute "=" value. Lenient: a quoted value without its end; an unquoted one may hold spaces ("name=my file.txt") as
# long as no comment or next parameter begins (RFC 2045 §5.1: `charset=us-ascii (Plain text)`).
# The look-behind keeps a long row of letters without "=" from being tried from each of them.
_PARAMETER = re.compile(
    rb"(?<!" + _TOKEN + rb")(" + _TOKEN + rb'++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)(?:"|\\?\Z)|'
    rb"([^;\s\"][^;\s]*+(?:[ \t]++(?!\([^()]*+\)[ \t]*+(?:;|\Z)|" + _TOKEN + rb"++[ \t]*+=)[^;\s]++)*+)|)",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_PIECE = re.compile(rb"([^*]+)\*(\d{1,3})(\*?)").fullmatch
_PERCENT: Final = [
    b"%c" % octet
    if octet in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    else b"%%%02X" % octet
    for octet in range(256)
]


def parse_parameters(value: bytes) -> Parameters:
    """*(";" parameter) of an unfolded value, with names in lower case; of two with one name the first counts."""
    pairs: dict[bytes, bytes] = {}
    for found in _PARAMETER.finditer(value):
        name, quoted, plain = found.groups()
        if quoted is not None:
            plain = _ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        pairs.setdefault(name.lower(), plain or b"")
        if len(pairs) >= MIME_PARAMETERS:
            break
    for name in pairs:
        if b"*" in name:
            return join_pieces(pairs.items())
    return tuple(pairs.items())


def join_pieces(pairs: Iterable[tuple[bytes, bytes]]) -> Parameters:
    """RFC 2231 §3: the pieces of one parameter as one; they may come in any order, and end at the first gap."""
    out: dict[bytes, bytes | None] = {}
    pieces: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    for name, value in pairs:
        found = _PIECE(name)
        if found:
            pieces.setdefault(found[1], {})[int(found[2])] = (value, found[3] != b"")
            out.setdefault(found[1], None)
        else:
            out[name] = value
    joined: list[tuple[bytes, bytes]] = []
    for name, plain in out.items():
        if plain is not None:
            joined.append((name, plain))
        elif name + b"*" not in out:
            joined.append(_join(name, pieces[name]))
    return tuple(joined)


def _join(name: bytes, pieces: dict[int, tuple[bytes, bool]]) -> tuple[bytes, bytes]:
    row: list[tuple[bytes, bool]] = []
    while len(row) in pieces:
        row.append(pieces[len(row)])
    if not any(encoded for _, encoded in row):
        return name, b"".join([value for value, _ in row])
    # A plain piece beside an encoded one is text: it must not be percent-decoded with the whole.
    text = b"".join([value if encoded else percent_encode(value) for value, encoded in row])
    return name + b"*", text if row[0][1] else b"''" + text


def percent_encode(octets: bytes) -> bytes:
    """attribute-char stays, all else is "%" and two digits (RFC 2231 §7)."""
    return b"".join([_PERCENT[octet] for octet in octets])
