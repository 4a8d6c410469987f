"""Encoded-words: text outside ASCII in a header, in and out.

Decoding takes what senders write: spaces in the encoded text, a character split between two words, 8-bit octets beside
them. Encoding makes words of whole characters, at most 75 octets each, one to a line.

Standards: RFC 2047 §2, §4, §5, §6.2, §8; RFC 2231 §5 (language after the charset).
Faults:    none; a word that cannot be decoded stays as it was written.
"""

import binascii
import re
from typing import Final

from posthaus.mail.decode import clean, codec_name, decode_base64, decode_text

# encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
# The text may hold "?" and "=" alone but no "=?", so a row of beginnings without an end is read in linear time.
_WORD = re.compile(
    rb"=\?([A-Za-z0-9_.:+()-]{1,40})(?:\*[A-Za-z0-9-]*+)?\?([bBqQ])\?((?:[^?=\r\n]++|=(?!\?[^=])|\?(?!=))*+)\?="
)
_WORD_OCTETS: Final = 75  # RFC 2047 §2
# RFC 2047 §5 (3): what may stand for itself in the Q encoding within a phrase, the narrowest of the three places.
_Q_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*").fullmatch


def decode_words(value: bytes) -> str:
    """An unfolded value as text, with its encoded-words decoded."""
    if b"=?" not in value:
        return decode_text(value)
    # Neighbours in one charset are joined before they become text: some senders split a character between two words.
    pieces: list[tuple[bytes, bytes]] = []  # charset (b"" for what is no word), octets
    at = 0
    after_word = False
    for found in _WORD.finditer(value):
        between = value[at : found.start()]
        at = found.end()
        if between and not (after_word and between.isspace()):  # RFC 2047 §6.2
            pieces.append((b"", between))
        charset, text = _read_word(found)
        if pieces and pieces[-1][0] == charset != b"":
            pieces[-1] = (charset, pieces[-1][1] + text)
        else:
            pieces.append((charset, text))
        after_word = charset != b""
    if at < len(value):
        pieces.append((b"", value[at:]))
    return "".join([decode_text(octets, charset) for charset, octets in pieces])


def _read_word(found: re.Match[bytes]) -> tuple[bytes, bytes]:
    charset = found[1].lower()
    if not codec_name(charset) and charset not in (b"us-ascii", b"ascii", b"unknown-8bit", b"x-unknown", b"default"):
        return b"", found[0]  # RFC 2047 §6.2: an unknown charset is shown as it stands
    if found[2] in b"bB":
        return charset, decode_base64(found[3])
    return charset, binascii.a2b_qp(found[3].replace(b"_", b" "))


def encode_words(text: str) -> bytes:
    """Unstructured text for a header: as it is in ASCII, else encoded-words, folded between them."""
    # What looks like an encoded-word already must not be read as one.
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text.encode("ascii")
    return b"\r\n ".join(_encode(clean(text)))


def encode_phrase(text: str) -> bytes:
    """A display name: atoms, a quoted-string, or encoded-words (RFC 5322 §3.2.5)."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        if _ATOMS(text):
            return text.encode("ascii")
        return b'"%b"' % text.replace("\\", "\\\\").replace('"', '\\"').encode("ascii")
    return b"\r\n ".join(_encode(clean(text)))


def _encode(text: str) -> list[bytes]:
    octets = text.encode("utf-8")
    plain = sum(octet in _Q_PLAIN or octet == 32 for octet in octets)
    # Q costs three octets for each that is not plain, B four for three of all.
    base64 = (len(octets) - plain) * 3 + plain > len(octets) * 4 / 3
    room = _WORD_OCTETS - len(b"=?utf-8?b??=")
    words: list[bytes] = []
    chunk = b""
    used = 0
    for character in text:
        piece = character.encode("utf-8")
        cost = len(piece) if base64 else sum(1 if octet in _Q_PLAIN or octet == 32 else 3 for octet in piece)
        if used + cost > (room // 4 * 3 if base64 else room):
            words.append(_word(chunk, base64))
            chunk, used = b"", 0
        chunk += piece
        used += cost
    words.append(_word(chunk, base64))
    return words


def _word(octets: bytes, base64: bool) -> bytes:
    if base64:
        return b"=?utf-8?b?%b?=" % binascii.b2a_base64(octets, newline=False)
    return b"=?utf-8?q?%b?=" % b"".join(
        [b"_" if octet == 32 else b"%c" % octet if octet in _Q_PLAIN else b"=%02X" % octet for octet in octets]
    )
