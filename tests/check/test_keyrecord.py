"""Key records: the RFC's own, odd ones, and what is written for DNS."""

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.check.keys import ED25519_RECORD, RSA_RECORD, ed25519_key, rsa_key

from posthaus.check.keyrecord import (
    KeyFault,
    Revoked,
    parse_key_record,
    render_key_record,
    render_zone_line,
    strings_of,
)


@pytest.mark.parametrize(
    ("record", "key"), [(RSA_RECORD, rsa_key()), (ED25519_RECORD, ed25519_key())], ids=["rsa", "ed25519"]
)
def test_the_examples_of_the_rfc_both_ways(record: bytes, key: object) -> None:
    # RFC 8463 §A.2
    public = key.public  # type: ignore[attr-defined]
    assert render_key_record(public).encode() == record
    assert render_key_record(parse_key_record(record).public).encode() == record


def test_tags() -> None:
    p = RSA_RECORD.partition(b"p=")[2]
    plain = parse_key_record(b"p=" + p)  # RFC 6376 §3.6.1: all else has a default
    assert (plain.type, plain.hashes, plain.is_testing, plain.is_strict, plain.is_for_mail) == (
        "rsa", (), False, False, True,
    )  # fmt: skip
    full = parse_key_record(b"v=DKIM1; h=sha1 : sha256; k=rsa; n=words; s=email; t=y:s; x=unknown; p=" + p)
    assert (full.hashes, full.is_testing, full.is_strict, full.is_for_mail) == (("sha1", "sha256"), True, True, True)
    assert not parse_key_record(b"s=tlsrpt; p=" + p).is_for_mail


def test_a_bare_rsa_key() -> None:
    # RFC 6376 §3.6.1 says RSAPublicKey, everybody writes SubjectPublicKeyInfo
    import base64

    octets = rsa_key().private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert parse_key_record(b"p=" + base64.b64encode(octets)).public == rsa_key().public


def test_a_long_exponent() -> None:
    """Each signature by such a key takes us as long as making one; 110 of them may stand in one message."""
    public = rsa_key().public
    assert isinstance(public, RSAPublicKey)
    for exponent, is_fit in ((3, True), (65_537, True), ((1 << 64) - 1, True), ((1 << 64) + 1, False)):
        record = render_key_record(RSAPublicNumbers(exponent, public.public_numbers().n).public_key()).encode()
        if is_fit:
            assert parse_key_record(record).type == "rsa"
        else:
            with pytest.raises(KeyFault, match="RSA exponent of 65 bits"):
                parse_key_record(record)


SHORT = (
    b"p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAJGxTm0eV4C+LXpcMWyzH3rfJLkyZOAFuDXcI+MDDmn4vYJ55VYpn0IAbQNHSjHTbFzfCVqj1rBw"
    b"wxNvEyIXqAMCAwEAAQ=="
)

BAD = [
    b"v=DKIM2; " + RSA_RECORD.partition(b"; ")[2],
    b"k=rsa; v=DKIM1; p=AAAA",
    b"k=rsa",
    b"k=dsa; p=AAAA",
    b"p=!!",
    b"p=AAAA",
    b"k=ed25519; p=AAAA",
    b"v=spf1 -all",
]


@pytest.mark.parametrize("record", BAD)
def test_bad(record: bytes) -> None:
    with pytest.raises(KeyFault):
        parse_key_record(record)


def test_revoked() -> None:
    with pytest.raises(Revoked):
        parse_key_record(b"v=DKIM1; k=rsa; p=")


def test_short_and_long_keys_say_nothing() -> None:
    # RFC 8301 §3.2
    with pytest.raises(KeyFault, match="512 bits"):
        parse_key_record(SHORT)


def test_what_goes_into_a_zone() -> None:
    record = render_key_record(generate_private_key(65537, 2048).public_key())
    first, second = strings_of(record)
    assert (len(first), first + second) == (255, record)
    assert render_zone_line("s._domainkey.a.test", record) == (f's._domainkey.a.test. IN TXT ( "{first}" "{second}" )')
