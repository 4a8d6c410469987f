import pytest

from posthaus.mail.parameter import Parameters, parse_parameters, percent_encode

VALUES: list[tuple[bytes, Parameters]] = [
    (b"", ()),
    (b"; charset=utf-8", ((b"charset", b"utf-8"),)),
    (b'; Charset="utf-8"; format = flowed', ((b"charset", b"utf-8"), (b"format", b"flowed"))),
    (b"; charset=us-ascii (Plain text)", ((b"charset", b"us-ascii"),)),  # RFC 2045 §5.1
    (b'; name="a \\"b\\" \\\\c; d"', ((b"name", b'a "b" \\c; d'),)),
    (b"; name=my file (1).doc; x=y", ((b"name", b"my file (1).doc"), (b"x", b"y"))),
    (b"; charset=utf-8 format=flowed", ((b"charset", b"utf-8"), (b"format", b"flowed"))),
    (b'; name="never ends', ((b"name", b"never ends"),)),
    (b'; name="never ends\\', ((b"name", b"never ends"),)),
    (b"; name=", ((b"name", b""),)),
    (b"; name=; x=y", ((b"name", b""), (b"x", b"y"))),
    (b"; a=1; A=2", ((b"a", b"1"),)),
    (b";;; a=1;;b=2;", ((b"a", b"1"), (b"b", b"2"))),
    (b"; junk; a=1", ((b"a", b"1"),)),
    # RFC 2231 §3, §4, §4.1
    (b'; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub/x.tar"',
     ((b"access-type", b"URL"), (b"url", b"ftp://cs.utk.edu/pub/x.tar"))),
    (b"; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
     ((b"title*", b"us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"),)),
    (b"; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
     ((b"title*", b"us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it%21"),)),
    (b'; a*1="two"; a*0="one"', ((b"a", b"onetwo"),)),
    (b'; a*0="one"; a*2="three"', ((b"a", b"one"),)),
    (b'; a*1="no beginning"', ((b"a", b""),)),
    (b'; a=whole; a*0="piece"', ((b"a", b"whole"),)),
]  # fmt: skip


@pytest.mark.parametrize(("value", "wanted"), VALUES)
def test_parse_parameters(value: bytes, wanted: Parameters) -> None:
    assert parse_parameters(value) == wanted


def test_many_are_cut() -> None:
    assert len(parse_parameters(b"".join(b"; p%d=x" % n for n in range(1_000)))) == 100


def test_long_rows_take_linear_time() -> None:
    assert parse_parameters(b"a" * 1_000_000) == ()
    assert parse_parameters(b"; a=" + b"( " * 300_000)[0][0] == b"a"


def test_percent_encode() -> None:
    assert percent_encode(b"a b%\xff") == b"a%20b%25%FF"
