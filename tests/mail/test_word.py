import re

import pytest

from posthaus.mail.word import decode_words, encode_phrase, encode_words

# RFC 2047 §8, and what senders do to it.
WORDS = [
    (b"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
    (b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
    (b"=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
    (b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
     "If you can read this you understand the example."),
    (b"=?ISO-8859-1?Q?Olle_J=E4rnefors?=", "Olle Järnefors"),
    (b"=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=", "Patrik Fältström"),
    (b"=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=", "םולש ןב ילטפנ"),
    (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
    (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
    (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
    (b"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
    (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
    (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
    (b"plain", "plain"),
    (b"", ""),
    (b"=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),  # RFC 2231 §5
    (b"=?utf-8?q?spaces in it=20?=", "spaces in it "),
    (b"=?utf-8?q?what??= x", "what? x"),
    (b"=?utf-8?B?w7w?=", "ü"),  # no padding
    (b"=?utf-8?B?w7w=?=glued", "üglued"),
    (b"=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"),  # a character in two words
    (b"=?utf-8?Q?=C3?= x =?utf-8?Q?=BC?=", "Ã x ¼"),
    (b"=?no-such?Q?a?= b", "=?no-such?Q?a?= b"),
    (b"=?no-such?Q?a?= =?utf-8?Q?b?=", "=?no-such?Q?a?= b"),
    (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
    (b"=?utf-8?Q?no end", "=?utf-8?Q?no end"),
    (b"=?utf-8?Q??=", ""),
    (b"=?us-ascii?Q?=FC?=", "ü"),
    ("raw ü =?utf-8?q?=C3=BC?=".encode(), "raw ü ü"),
    (b"raw \xfc", "raw ü"),
    (b"=?utf-8?q?=00?=", "\ufffd"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "wanted"), WORDS)
def test_decode_words(value: bytes, wanted: str) -> None:
    assert decode_words(value) == wanted


def test_many_beginnings_take_linear_time() -> None:
    value = b"=?a?q?" * 100_000
    assert decode_words(value) == value.decode()


TEXTS = [
    "",
    "plain",
    "Grüße",
    "日本語のとても長い件名" * 20,
    "ü" * 300,
    "a =?x b",
    "tab\tin it",
    "mixed ascii with one ü in a long row " * 5,
]


@pytest.mark.parametrize("text", TEXTS)
def test_encode_words(text: str) -> None:
    octets = encode_words(text)
    assert decode_words(octets.replace(b"\r\n", b"")) == text
    assert octets.isascii()
    for line in octets.split(b"\r\n "):
        if line.startswith(b"=?"):
            assert len(line) <= 75
            assert re.fullmatch(rb"=\?utf-8\?[bq]\?[!-~]*\?=", line)
            decode_words(line).encode()  # whole characters


PHRASES = [
    ("Joe Doe", b"Joe Doe"),
    ("Joe Q. Public", b'"Joe Q. Public"'),
    ('The "one"', b'"The \\"one\\""'),
    ("Jörg Langer", b"=?utf-8?q?J=C3=B6rg_Langer?="),
    ("日本", b"=?utf-8?b?5pel5pys?="),
    ("", b'""'),
]


@pytest.mark.parametrize(("text", "wanted"), PHRASES)
def test_encode_phrase(text: str, wanted: bytes) -> None:
    assert encode_phrase(text) == wanted
