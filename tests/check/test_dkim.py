"""Verifying: the RFCs' own messages, dkimpy's signatures, and every way in which one can be wrong."""

import asyncio
import base64
import re

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.check.keys import (
    ED25519_RECORD,
    ED25519_SEED,
    MESSAGE,
    RSA_PEM,
    RSA_RECORD,
    Zone,
    ed25519_key,
    rsa_key,
)

from posthaus.base import limit
from posthaus.check.dkim import Verification, verify
from posthaus.check.dkimsign import sign
from posthaus.check.keyrecord import record_name, render_key_record
from posthaus.check.signingkey import SigningKey, make_private, read_signing_key
from posthaus.mail.trace import render_arc_results

NOW = 1_528_637_909.0
DOMAIN = "football.example.com"
ED25519_NAME = f"brisbane._domainkey.{DOMAIN}"
RSA_NAME = f"test._domainkey.{DOMAIN}"
DNS: dict[str, list[bytes] | None] = {ED25519_NAME: [ED25519_RECORD], RSA_NAME: [RSA_RECORD]}

# RFC 8463 §A.3
SIGNED = (
    b"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r
 d=football.example.com; i=@football.example.com;\r
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r
 subject : date : message-id : from : subject : date;\r
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r
 d=football.example.com; i=@football.example.com;\r
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r
 date : message-id : from : subject : date;\r
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r
"""
    + MESSAGE
)

# RFC 6376 §A.2, with the key of §A.3
SIMPLE = b"""DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r
      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r
      h=Received : From : To : Subject : Date : Message-ID;\r
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r
        4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r
        KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r
        4bmp/YzhwvcubU4=;\r
Received: from client1.football.example.com  [192.0.2.1]\r
      by submitserver.example.com with SUBMISSION;\r
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r
""" + MESSAGE.replace(b"game.  Are", b"game. Are")
SIMPLE_RECORD = (
    b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4j"
    b"YfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ"
    b"2QIDAQAB"
)


async def look(message: bytes, dns: dict[str, list[bytes] | None] = DNS, now: float = NOW) -> list[Verification]:
    return await verify(message, Zone.of_txt(dns), now)


async def value(message: bytes, dns: dict[str, list[bytes] | None] = DNS, now: float = NOW) -> tuple[str, str]:
    (one,) = await look(message, dns, now)
    return one.value, one.reason


async def test_the_messages_of_the_rfcs() -> None:
    both = await look(SIGNED)
    assert [(one.value, one.domain) for one in both] == [("pass", DOMAIN)] * 2
    assert await value(SIMPLE, {"brisbane._domainkey.example.com": [SIMPLE_RECORD]}) == ("pass", "")
    assert await look(MESSAGE) == []


async def test_what_is_told() -> None:
    results = [one.result for one in await look(SIGNED)]
    assert render_arc_results(1, "mx.test", results).decode() == (
        "ARC-Authentication-Results: i=1; mx.test;\r\n"
        "\tdkim=pass header.d=football.example.com header.i=@football.example.com header.s=brisbane"
        ' header.a=ed25519-sha256 header.b="/gCrinpc";\r\n'
        "\tdkim=pass header.d=football.example.com header.i=@football.example.com header.s=test"
        " header.a=rsa-sha256 header.b=F45dVWDf\r\n"
    )


async def test_our_own() -> None:
    large = MESSAGE + b"another  line \r\n" * 30_000
    for message in (MESSAGE, large):
        signed = sign(message, [rsa_key(), ed25519_key()], int(NOW)) + message
        assert [one.value for one in await look(signed)] == ["pass", "pass"]
        assert [one.value for one in await look(signed + b"x\r\n")] == ["fail", "fail"]
        assert [one.value for one in await look(signed.replace(b"Subject: Is", b"Subject: Was"))] == ["fail", "fail"]


@pytest.mark.parametrize("canonicalize", [(a, b) for a in (b"simple", b"relaxed") for b in (b"simple", b"relaxed")])
@pytest.mark.parametrize("length", [False, True])
async def test_dkimpys_signatures(canonicalize: tuple[bytes, bytes], length: bool) -> None:
    message = MESSAGE + b"  white \t space  \r\n\r\n\r\n"
    for selector, key, algorithm in (
        (b"test", RSA_PEM, b"rsa-sha256"),
        (b"brisbane", base64.b64encode(ED25519_SEED), b"ed25519-sha256"),
    ):
        field = dkimpy.sign(
            message,
            selector,
            DOMAIN.encode(),
            key,
            canonicalize=canonicalize,
            signature_algorithm=algorithm,
            length=length,
        )
        assert await value(field + message) == ("pass", "")
        more = await value(field + message + b"more\r\n")
        assert more == (("pass", "") if length else ("fail", "body changed"))


def tagged(old: bytes, new: bytes) -> bytes:
    """The RSA signature of the RFC with other tags."""
    field = SIGNED[SIGNED.index(b"DKIM-Signature: v=1; a=rsa") :]
    assert old in field
    return field.replace(old, new, 1)


WRONG = [
    (b"v=1", b"v=2", "neutral", "unknown version"),
    (b"v=1; ", b"", "neutral", "unknown version"),
    (b"a=rsa-sha256", b"a=rsa-md5", "neutral", "unknown algorithm"),
    (b"a=rsa-sha256", b"a=rsa-sha1", "policy", "SHA-1"),
    (b"c=relaxed/relaxed", b"c=relaxed/sloppy", "neutral", "unknown canonicalization"),
    (b"q=dns/txt", b"q=http", "neutral", "unknown query method"),
    (b"d=football.example.com", b"d=foot ball", "neutral", "no domain in d="),
    (b"d=football.example.com; ", b"", "neutral", "no domain in d="),
    (b"s=test; ", b"", "neutral", "no domain in s="),
    (b"s=test", b"s=other", "permerror", "no key"),
    (b"i=@football", b"i=@soccer", "permerror", "domain mismatch"),
    (b"i=@football.example.com", b"i=football.example.com", "permerror", "domain mismatch"),
    (b"h=from : to", b"h=to", "permerror", "signature not right"),
    (b"t=1528637909", b"t=now", "neutral", "no number in t="),
    (b"t=1528637909", b"t=1528637909; x=1528637908", "neutral", "expires before it was made"),
    (b"t=1528637909", b"x=1528637908", "policy", "expired"),
    (b"t=1528637909", b"t=1528637909; l=100000", "fail", "body shorter than signed"),
    (b"t=1528637909", b"t=1528637909; l=10", "fail", "body changed"),
    (b"t=1528637909", b"t=1528637910", "fail", "signature not right"),
    (b"bh=2jUS", b"bh=2jU!", "neutral", "no base64 in bh="),
    (b"b=F45d", b"b=F45e", "fail", "signature not right"),
    (b"b=F45d", b"z=F45d", "neutral", "no base64 in b="),
    (b"t=1528637909", b"t=1528637909; t=1", "neutral", "t= twice"),
    (b"t=1528637909", b"words", "neutral", "not a tag list"),
]


@pytest.mark.parametrize(("old", "new", "wanted", "reason"), WRONG)
async def test_wrong_fields(old: bytes, new: bytes, wanted: str, reason: str) -> None:
    if reason == "signature not right" and wanted == "permerror":
        message = tagged(b"h=from : to : subject :\r\n date : message-id : from :", b"h=to : subject :")
        assert await value(message) == ("permerror", "From field not signed")
        return
    assert await value(tagged(old, new)) == (wanted, reason)


P = RSA_RECORD.partition(b"p=")[2]
RECORDS = [
    ([b"v=DKIM1; p="], "permerror", "key revoked"),
    (None, "temperror", "DNS does not answer"),
    ([], "permerror", "no key"),
    ([b"v=DKIM2; p=" + P], "permerror", "another version of key record"),
    ([b"h=sha1; p=" + P], "permerror", "key not for this hash"),
    ([b"s=other; p=" + P], "permerror", "key not for mail"),
    ([ED25519_RECORD], "permerror", "key of another kind"),
    ([b"v=spf1 -all", RSA_RECORD], "pass", ""),
    ([b"t=s; p=" + P], "pass", ""),
    ([b"t=y; p=" + P], "pass", "testing"),
    ([b"s=email:x; h=sha1:sha256; p=" + P], "pass", ""),
]


@pytest.mark.parametrize(("records", "wanted", "reason"), RECORDS)
async def test_key_records(records: list[bytes] | None, wanted: str, reason: str) -> None:
    assert await value(tagged(b"v=1", b"v=1"), {RSA_NAME: records}) == (wanted, reason)


async def test_a_domain_that_is_only_trying() -> None:
    # RFC 6376 §3.6.1: t=y
    (one,) = await look(tagged(b"b=F45d", b"b=F45e"), {RSA_NAME: [b"t=y; p=" + P]})
    assert (one.value, one.is_testing) == ("neutral", True)


async def test_subdomains_in_i() -> None:
    message = MESSAGE
    field = dkimpy.sign(message, b"test", DOMAIN.encode(), RSA_PEM, identity=b"joe@sub." + DOMAIN.encode())
    assert await value(field + message) == ("pass", "")
    assert await value(field + message, {RSA_NAME: [b"t=s; p=" + P]}) == ("permerror", "domain mismatch")


async def test_short_keys_say_nothing() -> None:
    # RFC 8301 §3.2
    from tests.check.test_keyrecord import SHORT

    assert await value(tagged(b"v=1", b"v=1"), {RSA_NAME: [SHORT]}) == ("policy", "RSA key of 512 bits")


async def test_many_signatures() -> None:
    field = SIGNED[: SIGNED.index(b"DKIM-Signature: v=1; a=rsa")]
    zone = Zone.of_txt(DNS)
    found = await verify(field * 50 + MESSAGE, zone, NOW)
    assert len(found) == limit.DKIM_SIGNATURES
    assert {one.value for one in found} == {"pass"}


async def test_a_large_header_keeps_nobody_waiting() -> None:
    """A field of spaces, signed ten times: a tenth of a second in one step, were it not proven aside."""
    key = read_signing_key(DOMAIN, "own", make_private("ed25519"))
    message = MESSAGE.replace(b"Subject: ", b"Subject: " + b" \t" * 400_000)
    signed = sign(message, [key], int(NOW)) * limit.DKIM_SIGNATURES + message
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    zone = Zone.of_txt({record_name("own", DOMAIN): [render_key_record(key.public).encode()]})
    found = await verify(signed, zone, NOW)
    task.cancel()
    assert {one.value for one in found} == {"pass"} and len(found) == limit.DKIM_SIGNATURES
    assert turns > 100


async def test_a_long_key() -> None:
    private = generate_private_key(65537, 3072)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    field = dkimpy.sign(MESSAGE, b"long", DOMAIN.encode(), pem)
    record = render_key_record(SigningKey(DOMAIN, "long", private).public).encode()
    assert await value(field + MESSAGE, {f"long._domainkey.{DOMAIN}": [record]}) == ("pass", "")


async def test_odd_line_ends_and_cut_messages() -> None:
    for message in (b"", b"\r\n", SIGNED[:300], SIGNED.replace(b"\r\n", b"\n"), b"DKIM-Signature:\r\n\r\n"):
        assert all(one.value != "pass" for one in await look(message))
    field = re.sub(rb"\r\n\s", b" ", SIGNED[: SIGNED.index(b"DKIM-Signature: v=1; a=rsa")])
    assert await value(field + MESSAGE) == ("pass", "")  # unfolded on the way: relaxed
