"""The octets of a body without its transfer encoding, and octets as text.

Whatever the encoding and charset say, the answer is something: what does not decode is skipped or replaced. Text has no
NUL and no lone surrogate, so every store and every JSON writer takes it.

Standards: RFC 2045 §6.7, §6.8; charsets as the WHATWG Encoding Standard maps them, where mail in the wild agrees.
Faults:    none.
"""

import binascii
import codecs
import re
from functools import lru_cache
from typing import Final

ENCODINGS: Final = frozenset(
    {b"7bit", b"8bit", b"binary", b"base64", b"quoted-printable", b"x-uuencode", b"uuencode", b"x-uue"}
)  # all that decode_body() knows

_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64: Final = bytes(octet for octet in range(256) if octet not in _BASE64 + b"=")
_SPACE_AT_END = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_UU_BEGIN = re.compile(rb"(?m)^begin(?:-base64)? [0-7]{3,4} [^\n]*\n").search
_UNFIT = re.compile("[\0\ud800-\udfff]").sub

# What a label means in mail, where Python's own codec of that name is narrower than what senders write.
_SUPERSETS: Final = {
    "us-ascii": "", "ascii": "", "ansi_x3.4-1968": "", "unknown-8bit": "", "x-unknown": "", "unknown": "",
    "default": "",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "latin-1": "cp1252",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949",
    "euc-kr": "cp949", "shift_jis": "cp932", "x-sjis": "cp932", "shift-jis": "cp932", "sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext", "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8",
    "iso-8859-9": "cp1254", "windows-874": "cp874", "tis-620": "cp874", "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8", "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "x-euc-jp": "euc-jp",
}  # fmt: skip
_CHARSET_OCTETS: Final = 40  # no name of a charset is longer; the memo keeps no longer ones
_ASCII_SUPERSETS: Final = frozenset({"", "utf-8", "cp1252", "cp1250", "cp1251", "iso8859-2", "iso8859-15", "koi8-r"})
# Codecs that are not charsets of mail; "idna" and "punycode" are quadratic besides.
_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "charmap"}
)


def decode_body(octets: bytes, encoding: bytes) -> bytes:
    """Octets of a body without their transfer encoding (a lower-case token); an unknown one leaves them as they are."""
    if encoding == b"base64":
        return decode_base64(octets)
    if encoding == b"quoted-printable":
        return decode_quoted_printable(octets)
    if encoding in (b"x-uuencode", b"uuencode", b"x-uue"):
        return decode_uu(octets)
    return octets


def decode_base64(octets: bytes) -> bytes:
    """RFC 2045 §6.8: other octets are skipped; the first padding ends it; a rest that is no octet is dropped."""
    octets = octets.translate(None, _NOT_BASE64)
    padding = octets.find(b"=")
    if padding >= 0:
        octets = octets[:padding]
    odd = len(octets) % 4
    if odd == 1:
        octets = octets[:-1]
    elif odd:
        octets += b"=" * (4 - odd)
    return binascii.a2b_base64(octets)


def decode_quoted_printable(octets: bytes) -> bytes:
    """RFC 2045 §6.7: white space at the end of a line was added on the way; a broken "=" stands for itself."""
    if b" \r\n" in octets or b"\t\r\n" in octets or b" \n" in octets or b"\t\n" in octets:
        octets = _SPACE_AT_END.sub(b"", octets)
    return binascii.a2b_qp(octets)


def decode_uu(octets: bytes) -> bytes:
    """What stands between "begin" and "end"; a line that cannot be read is skipped. Without "begin": all."""
    begin = _UU_BEGIN(octets)
    if not begin:
        return octets
    out = []
    for line in octets[begin.end() :].split(b"\n"):
        line = line.rstrip(b"\r")
        if line in (b"end", b"`", b""):
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders leave rubbish after the count that is due (as the standard library's own reader knows).
            size = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:size]))
            except binascii.Error:
                continue
    return b"".join(out)


def decode_text(octets: bytes, charset: bytes = b"", *, cut: bool = False) -> str:
    """Octets as text: the declared charset, else UTF-8, else windows-1252. `cut`: the last character may be in part."""
    if not charset and octets.isascii():
        return clean(octets.decode("ascii"))
    name = codec_name(charset)
    if name in _ASCII_SUPERSETS and octets.isascii():
        return clean(octets.decode("ascii"))
    if name:
        text = _strict(octets, name, cut)
        if text is not None:
            return clean(text)
    if name != "utf-8":
        text = _strict(octets, "utf-8", cut)
        if text is not None:
            return clean(text)
    return clean(octets.decode("cp1252", "replace"))


def clean(text: str) -> str:
    """NUL and lone surrogates replaced by U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return _UNFIT("\ufffd", text)


def codec_name(charset: bytes) -> str:
    """Python's codec for a declared charset; "" where none is declared, known or fit to believe."""
    return _codec_name(charset) if 0 < len(charset) <= _CHARSET_OCTETS else ""


@lru_cache(maxsize=512)
def _codec_name(charset: bytes) -> str:
    label = charset.strip().decode("ascii", "replace").lower()
    label = _SUPERSETS.get(label, label)
    if not label or "\0" in label:
        return ""
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):
        return ""
    if codec.name.replace("-", "_") in _NOT_CHARSETS or not _is_text(codec.name):
        return ""
    return codec.name


def _is_text(name: str) -> bool:
    # bytes.decode() refuses codecs that are not text, as "hex" and "zlib"; asking is the only public way to know.
    try:
        b"a".decode(name)
    except LookupError:
        return False
    except ValueError:
        return True
    return True


def _strict(octets: bytes, name: str, cut: bool) -> str | None:
    try:
        if cut:
            return codecs.getincrementaldecoder(name)("strict").decode(octets, False)
        return octets.decode(name)
    except (LookupError, ValueError):
        return None
