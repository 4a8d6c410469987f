"""CRAM-MD5 and APOP against the examples of their RFCs."""

import pytest

from posthaus.proto.sasl.crammd5 import apop_digest, cram_digest, is_same, parse_cram, render_stamp
from posthaus.proto.sasl.fault import SaslFault


def test_rfc_2195() -> None:
    """RFC 2195 §2"""
    name, digest = parse_cram(b"tim b913a602c7eda7a495b4e6e7334d3890")
    assert name == "tim"
    wanted = cram_digest(b"tanstaaftanstaaf", b"<1896.697170952@postoffice.reston.mci.net>")
    assert is_same(digest, wanted)
    assert is_same(digest.upper(), wanted)
    assert not is_same(digest[:-1] + b"f", wanted)


def test_rfc_1939() -> None:
    """RFC 1939 §7"""
    assert apop_digest(b"tanstaaf", b"<1896.697170952@dbc.mtview.ca.us>") == b"c4c9334bac560ecc979e58001b3e22fb"


def test_name_with_spaces() -> None:
    assert parse_cram(b"joe average " + b"0" * 32) == ("joe average", b"0" * 32)


@pytest.mark.parametrize(
    "response", [b"", b"tim", b"tim xyz", b" " + b"0" * 32, b"\xff " + b"0" * 32, b"tim " + b"0" * 31]
)
def test_faults(response: bytes) -> None:
    with pytest.raises(SaslFault):
        parse_cram(response)


def test_stamp() -> None:
    assert render_stamp("x7", 1_700_000_000, "mail.example") == b"<x7.1700000000@mail.example>"
