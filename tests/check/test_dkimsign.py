"""Signing: dkimpy finds our signatures good, and their text is what we say it is."""

import re

import dkim
import pytest
from tests.check.keys import MESSAGE, dkimpy_dns, ed25519_key, records, rsa_key

from posthaus.check.canonical import split_message
from posthaus.check.dkimsign import fold, sign, signed_names
from posthaus.check.signingkey import SigningKey, make_private, read_signing_key

AT = 1_528_637_909

ODD = [
    MESSAGE,
    b"From: a@football.example.com\r\n\r\n",
    b"From: a@football.example.com\r\nSubject:\r\n\tfolded \r\n  twice\t\r\nTO: b@x.test\r\n\r\n  \r\n\t\r\n",
    b"Received: x\r\nFrom: a@football.example.com\r\nSender: b@x.test\r\nList-Id: <l.x.test>\r\nSubject: 1\r\n"
    b"Subject: 2\r\n\r\nno line end",
    "From: ü <a@football.example.com>\r\nSubject: ä\r\n\r\nü\r\n\r\n\r\n".encode(),
    b"From: a@football.example.com\r\nContent-Type: text/plain\r\n\r\n"
    + b"a line  of\ttext \r\n" * 20_000
    + b"\r\n\r\n",
]


@pytest.mark.parametrize("message", ODD)
@pytest.mark.parametrize("key", [rsa_key(), ed25519_key()], ids=["rsa", "ed25519"])
def test_dkimpy_verifies(message: bytes, key: SigningKey) -> None:
    signed = sign(message, [key], AT) + message
    dns = dkimpy_dns(records(key))
    assert dkim.verify(signed, dnsfunc=dns)
    # What was signed cannot be changed, and nothing that a reader would see can be added.
    assert not dkim.verify(signed + b"more\r\n", dnsfunc=dns)
    for added in (
        b"From: other@x.test\r\n",
        b"Subject: other\r\n",
        b"Content-Type: text/html\r\n",
        b"Cc: c@x.test\r\n",
    ):
        assert not dkim.verify(added + signed, dnsfunc=dns), added
    assert dkim.verify(b"Received: later\r\nList-Id: <l.x.test>\r\n" + signed, dnsfunc=dns)


def test_both_signatures_hold_beside_each_other() -> None:
    keys = [rsa_key(), ed25519_key()]
    signed = sign(MESSAGE, keys, AT) + MESSAGE
    for index in (0, 1):
        assert dkim.DKIM(signed).verify(idx=index, dnsfunc=dkimpy_dns(records(*keys)))


def test_text() -> None:
    field = sign(MESSAGE, [ed25519_key()], AT).decode()
    assert field == sign(MESSAGE, [ed25519_key()], AT).decode()  # RFC 8463 §3: deterministic, as PKCS #1 v1.5 is
    assert field.startswith(
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        "\td=football.example.com; s=brisbane; t=1528637909; h=From:From:Reply-To:\r\n"
        "\tSubject:Subject:Date:Date:Message-ID:Message-ID:To:To:Cc:In-Reply-To:\r\n"
    )
    assert "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;" in field  # RFC 8463 §A.3
    assert all(len(line) <= 77 for line in field.split("\r\n"))
    assert re.fullmatch(r"(?:[^\r\n]+\r\n\t)*[^\r\n]+\r\n", field)


def test_names() -> None:
    header, _ = split_message(b"From: a\r\nList-Id: l\r\nSubject: 1\r\nsubject: 2\r\nX-Other: 3\r\n\r\n")
    names = signed_names(header)
    # RFC 6376 §5.4.2: once more than they occur, but fields of lists only as often as they do
    assert (names.count("From"), names.count("Subject"), names.count("Cc"), names.count("List-Id")) == (2, 3, 1, 1)
    assert "X-Other" not in names
    assert "List-Post" not in names


def test_a_list_is_folded_at_its_colons() -> None:
    text = fold("X: ", ["v=1", "h=" + ":".join(["Content-Transfer-Encoding"] * 6), "x=2"])
    assert text.replace("\r\n\t", "").count("Content-Transfer-Encoding:") == 5
    assert max(len(line) for line in text.split("\r\n")) <= 76


def test_a_key_of_ours() -> None:
    key = read_signing_key("a.test", "s", make_private("rsa"))
    signed = sign(MESSAGE, [key], AT) + MESSAGE
    assert dkim.verify(signed, dnsfunc=dkimpy_dns(records(key)))
