"""One signature field: what it says of itself, with domains as A-labels."""

import pytest

from posthaus.check.signature import Signature, SignatureFault, parse_dkim, parse_seal, tags_of

FIELD = "DKIM-Signature: v=1; a=rsa-sha256; d={d}; s={s}; h=From : Subject; bh=AAAA; b=AAAA{more}\r\n"


def parse(d: str = "a.test", s: str = "sel", more: str = "") -> Signature:
    return parse_dkim(FIELD.format(d=d, s=s, more=more).encode())


def test_defaults() -> None:
    found = parse()
    assert (found.header_relaxed, found.body_relaxed, found.length, found.identity) == (False, False, None, "@a.test")
    assert (found.names, found.key_name) == ((b"from", b"subject"), "sel._domainkey.a.test")
    half = parse(more="; c=relaxed")
    assert (half.header_relaxed, half.body_relaxed) == (True, False)  # RFC 6376 §3.5: the second is simple then


def test_internationalized() -> None:
    # RFC 8616 §4: U-labels in d=, s= and i=, looked up as A-labels
    found = parse("Bücher.test", "ü", "; i=ä@mail.BÜCHER.test")
    assert found.domain == "xn--bcher-kva.test"
    assert found.key_name == "xn--tda._domainkey.xn--bcher-kva.test"
    assert found.identity == "ä@mail.xn--bcher-kva.test"


@pytest.mark.parametrize(
    ("more", "wanted"),
    [("; c=other", "neutral"), ("; l=x", "neutral"), ("; i=@b.test", "permerror"), ("; i=nobody", "permerror")],
)
def test_faults(more: str, wanted: str) -> None:
    with pytest.raises(SignatureFault) as raised:
        parse(more=more)
    assert raised.value.value == wanted


def test_a_seal_has_no_fields_and_no_body() -> None:
    raw = b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=A.test; s=sel; b=AAAA\r\n"
    found = parse_seal(raw, tags_of(raw))
    assert (found.domain, found.names, found.body_digest) == ("a.test", (), b"")
    with pytest.raises(SignatureFault):
        parse_seal(raw, tags_of(raw.replace(b"s=sel; ", b"")))
