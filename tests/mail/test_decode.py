import pytest

from posthaus.mail.decode import ENCODINGS, clean, codec_name, decode_body, decode_text

BODIES = [
    (b"base64", b"aGVsbG8=", b"hello"),
    (b"base64", b"aGVs\r\nbG8=\r\n", b"hello"),
    (b"base64", b"aGVsbG8", b"hello"),
    (b"base64", b"aGVsbG", b"hell"),
    (b"base64", b"aGVsb", b"hel"),
    (b"base64", b"a!G*V\xffs\0bG8=", b"hello"),
    (b"base64", b"aGVsbG8=--footer of a list", b"hello"),
    (b"base64", b"", b""),
    (b"base64", b"====", b""),
    (b"base64", b"a", b""),
    (b"quoted-printable", b"a=3Db=\r\nc", b"a=bc"),
    (b"quoted-printable", b"soft=\nline", b"softline"),
    (b"quoted-printable", b"trailing  \t\r\nspace=20\r\n", b"trailing\r\nspace \r\n"),
    (b"quoted-printable", b"broken=ZZ =", b"broken=ZZ "),
    (b"quoted-printable", b"lower=c3=bc", b"lower\xc3\xbc"),
    (b"x-uuencode", b"begin 644 a.txt\n%:&5L;&\\\n`\nend\n", b"hello"),
    (b"x-uuencode", b"preface\r\nbegin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n", b"hello"),
    (b"x-uuencode", b"no beginning", b"no beginning"),
    (b"x-uuencode", b"begin 644 a\n\xff\xff\xff\nend\n", b""),
    (b"7bit", b"as \0 is\xff", b"as \0 is\xff"),
    (b"no-such", b"as is", b"as is"),
]


@pytest.mark.parametrize(("encoding", "octets", "wanted"), BODIES)
def test_decode_body(encoding: bytes, octets: bytes, wanted: bytes) -> None:
    assert decode_body(octets, encoding) == wanted


def test_encodings_are_those_that_decode() -> None:
    assert b"base64" in ENCODINGS
    assert b"no-such" not in ENCODINGS


TEXTS = [
    (b"", b"plain", "plain"),
    (b"utf-8", b"\xc3\xbc", "ü"),
    (b"", b"\xc3\xbc", "ü"),
    (b"", b"\xfc", "ü"),
    (b"us-ascii", b"\xfc", "ü"),
    (b"iso-8859-1", b"\x93quoted\x94", "“quoted”"),  # windows-1252 by another name
    (b"utf-8", b"caf\xe9", "café"),
    (b"UTF-8", b"\xf0\x9f\x8c\x8d", "🌍"),
    (b"gb2312", b"\xc4\xe3\xba\xc3", "你好"),
    (b"shift_jis", b"\x93\xfa\x96{", "日本"),
    (b"iso-2022-jp", b"\x1b$BF|K\\\x1b(B", "日本"),
    (b"ks_c_5601-1987", b"\xc7\xd1", "한"),
    (b"koi8-r", b"\xd2", "р"),
    (b"utf-16", b"\xff\xfea\x00", "a"),
    (b"utf-7", b"+2AA-", "\ufffd"),  # a lone surrogate
    (b"no-such-charset", b"\xc3\xbc", "ü"),
    (b"hex", b"6161", "6161"),
    (b"idna", b"xn--bcher-kva", "xn--bcher-kva"),
    (b"unicode_escape", b"\\u00fc", "\\u00fc"),
    (b"\xff\0", b"x", "x"),
    (b"x" * 1_000, b"x", "x"),
    (b"utf-8", b"a\0b", "a\ufffdb"),
    (b"", b"\x81", "\ufffd"),
]


@pytest.mark.parametrize(("charset", "octets", "wanted"), TEXTS)
def test_decode_text(charset: bytes, octets: bytes, wanted: str) -> None:
    assert decode_text(octets, charset) == wanted


def test_cut_leaves_the_last_character_out() -> None:
    assert decode_text("aü".encode()[:-1], b"utf-8", cut=True) == "a"
    assert decode_text("aü".encode()[:-1], b"", cut=True) == "a"
    assert decode_text(b"\x93\xfa\x96", b"shift_jis", cut=True) == "日"
    assert decode_text(b"\xe9 is cut \xc3", b"utf-8", cut=True) == "é is cut Ã"


def test_clean() -> None:
    assert clean("a\0b") == "a\ufffdb"
    assert clean("ü\0\udc80") == "ü\ufffd\ufffd"


@pytest.mark.parametrize(("charset", "wanted"), [(b"UTF8", "utf-8"), (b"latin1", "cp1252"), (b"", ""), (b"zlib", "")])
def test_codec_name(charset: bytes, wanted: str) -> None:
    assert codec_name(charset) == wanted
