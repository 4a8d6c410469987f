"""Modified UTF-7: the examples of the RFC, one spelling for each name."""

import pytest

from posthaus.proto.imap.mutf7 import NotModifiedUtf7, decode, encode


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("", b""),
        ("INBOX", b"INBOX"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 §5.1.3, its example
        ("台北日本語", b"&U,BTF2XlZyyKng-"),  # the example of a superfluous shift, well written
        ("Entwürfe", b"Entw&APw-rfe"),
        ("a&b", b"a&-b"),
        ("&", b"&-"),
        ("&&", b"&-&-"),
        ("ü&ü", b"&APw-&-&APw-"),
        ("\U0001f4ec", b"&2D3c7A-"),
        ("tab\t", b"tab&AAk-"),
    ],
)
def test_both_ways(name: str, octets: bytes) -> None:
    assert encode(name) == octets
    assert decode(octets) == name


@pytest.mark.parametrize(
    "octets",
    [
        b"&U,BTFw-&ZeVnLIqe-",  # RFC 3501 §5.1.3: a superfluous shift
        b"&AGE-",  # "a" stands for itself
        b"&ACY-",  # "&" is &-
        b"&",
        b"&AP",
        b"&APw",  # not shifted back
        b"&A-",  # no base64
        b"&APx-",  # bits left over
        b"&APw=-",
        b"&AP/8-",  # "/" is "," here
        b"&2D0-",  # half a pair
        b"Entw\xc3\xbcrfe",
        b"\x7f",
        b"a\nb",
    ],
)
def test_fault(octets: bytes) -> None:
    with pytest.raises(NotModifiedUtf7):
        decode(octets)


def test_lone_surrogate() -> None:
    with pytest.raises(NotModifiedUtf7):
        encode("\ud83d")
