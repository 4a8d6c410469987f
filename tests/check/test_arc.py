"""ARC chains: dkimpy's and ours, each seen by the other; and what breaks one for ever."""

import re

import dkim as dkimpy
import pytest
from tests.check.keys import MESSAGE, RSA_PEM, Zone, dkimpy_dns, ed25519_key, records, rsa_key

from posthaus.base import limit
from posthaus.check.arc import Chain, validate
from posthaus.check.arcseal import seal
from posthaus.check.dkimsign import sign
from posthaus.check.signingkey import SigningKey
from posthaus.mail.trace import Result

NOW = 1_528_637_909
KEYS = [rsa_key("one.test", "s1"), rsa_key("two.test", "s2"), ed25519_key("three.test", "s3"), rsa_key()]
DNS = records(*KEYS)
RESULTS = [
    Result("dkim", "pass", (("header", "d", "football.example.com"),)),
    Result("spf", "fail", (("smtp", "mailfrom", "joe@football.example.com"),)),
]
SIGNED = sign(MESSAGE, [rsa_key()], NOW) + MESSAGE


async def look(message: bytes, dns: dict[str, list[bytes]] | None = None) -> Chain:
    return await validate(message, Zone.of_txt(DNS if dns is None else dns), NOW)


async def sealed(message: bytes, key: SigningKey) -> bytes:
    chain = await look(message)
    return seal(message, chain, key, "mx." + key.domain, [*RESULTS, chain.result], NOW) + message


def by_dkimpy(message: bytes) -> bytes:
    return dkimpy.arc_verify(message, dnsfunc=dkimpy_dns(DNS))[0]  # type: ignore[no-any-return]


async def test_a_chain_of_ours() -> None:
    message = SIGNED
    assert await look(message) == Chain("none")
    for n, key in enumerate((KEYS[0], KEYS[1], KEYS[0], KEYS[2]), 1):
        message = b"Received: by somebody\r\n" + await sealed(message, key)
        chain = await look(message)
        assert (chain.value, chain.highest, chain.oldest_pass, chain.is_over) == ("pass", n, 0, False)
        if n < 4:  # dkimpy has no Ed25519 for ARC
            assert by_dkimpy(message) == b"pass"
    assert b"ARC-Authentication-Results: i=2; mx.two.test;\r\n\tdkim=pass header.d=" in message
    assert b"arc=pass header.oldest-pass=0\r\n" in message


async def test_dkimpys_chain() -> None:
    message = SIGNED
    for n, (selector, domain, cv) in enumerate(((b"s1", b"one.test", b"none"), (b"s2", b"two.test", b"pass")), 1):
        message = (
            b"Authentication-Results: " + domain + b"; spf=pass smtp.mailfrom=a.test; arc=" + cv + b"\r\n" + message
        )
        fields = dkimpy.arc_sign(message, selector, domain, RSA_PEM, domain, timestamp=NOW)
        message = b"".join(fields) + message
        chain = await look(message)
        assert (chain.value, chain.highest) == ("pass", n)
    message = await sealed(message, KEYS[0])
    assert (await look(message)).value == "pass"
    assert by_dkimpy(message) == b"pass"


async def test_a_list_that_changes_the_message() -> None:
    first = await sealed(SIGNED, KEYS[0])
    changed = await sealed(first.replace(b"Subject: Is", b"Subject: [list] Is"), KEYS[1])
    # The list sealed a chain that was broken by its own change: it ought to seal before. The end of it is told.
    assert b"cv=fail" in changed
    broken = await look(changed)
    assert (broken.value, broken.is_over, broken.reason) == ("fail", True, "sealed as fail")
    assert seal(changed, broken, KEYS[0], "mx.test", RESULTS, NOW) == b""
    # Sealed with what was found before the change: the chain holds, and says from where on it is the same message.
    chain = await look(first)
    late = first.replace(b"Subject: Is", b"Subject: [list] Is")
    message = seal(late, chain, KEYS[1], "mx.two.test", RESULTS, NOW) + late
    found = await look(message)
    assert (found.value, found.oldest_pass) == ("pass", 2)
    assert by_dkimpy(message) == b"pass"


async def test_what_breaks_it() -> None:
    message = await sealed(await sealed(SIGNED, KEYS[0]), KEYS[1])
    arc = message[: message.index(b"\nDKIM-Signature: ") + 1]
    fields = re.split(rb"(?m)^(?=ARC-)", arc)[1:]
    assert (len(fields), b"".join(fields)) == (6, arc)
    assert (await look(message)).value == "pass"
    broken = [
        message + b"more\r\n",
        message.replace(b"Subject: Is", b"Subject: Was"),
        message.replace(b"spf=fail", b"spf=pass", 1),
        message.replace(b"spf=fail", b"spf=pass").replace(b"spf=pass", b"spf=fail", 1),
        message.replace(b"cv=none", b"cv=pass"),
        message.replace(b"cv=pass", b"cv=none", 1),
        message.replace(b"cv=pass", b"cv=pass; h=from", 1),
        message.replace(b"i=2; mx", b"i=3; mx"),
        message.replace(b"i=2; mx", b"mx"),
        message.replace(b"i=2;", b"i=51;"),
        message.replace(b"i=1;", b"i=2;"),
        *(b"".join(fields[:n] + fields[n + 1 :]) + SIGNED for n in range(6)),
        *(fields[n] + message for n in range(6)),
        b"ARC-Seal: i=x\r\n" + message,
        b"ARC-Seal: nothing\r\n" + message,
    ]
    for n, one in enumerate(broken):
        assert (await look(one)).value == "fail", n


async def test_keys() -> None:
    message = await sealed(SIGNED, KEYS[0])
    assert (await look(message, {})).reason == "no key"
    unsure = await validate(message, Zone.of_txt({"s1._domainkey.one.test": None}), NOW)
    assert (unsure.value, unsure.is_unsure) == ("fail", True)
    assert seal(message, unsure, KEYS[1], "mx.test", RESULTS, NOW) == b""  # it may hold: we do not break it


async def test_a_message_signature_that_covers_seals() -> None:
    message = await sealed(SIGNED, KEYS[0])
    for old, new in ((b"h=From", b"h=ARC-Seal:From"), (b"c=relaxed/relaxed", b"l=10; c=relaxed/relaxed")):
        at = message.index(b"ARC-Message-Signature")
        assert (await look(message[:at] + message[at:].replace(old, new, 1))).value == "fail"


async def test_the_longest_chain() -> None:
    message = SIGNED
    for _ in range(limit.ARC_SETS):
        message = await sealed(message, KEYS[2])
    chain = await look(message)
    assert (chain.value, chain.highest) == ("pass", limit.ARC_SETS)
    assert await sealed(message, KEYS[2]) == message


@pytest.mark.parametrize("message", [b"", b"ARC-Seal: i=1; cv=none\r\n\r\n", b"ARC-Authentication-Results: i=\r\n\r\n"])
async def test_odd_messages(message: bytes) -> None:
    assert (await look(message)).value == ("none" if not message else "fail")
