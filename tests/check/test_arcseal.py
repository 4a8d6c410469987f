"""The text of a seal; that it holds is shown in test_arc.py."""

from tests.check.keys import MESSAGE, rsa_key

from posthaus.check.arc import Chain
from posthaus.check.arcseal import seal


def test_text() -> None:
    fields = seal(b"DKIM-Signature: v=1\r\n" + MESSAGE, Chain("none"), rsa_key("a.test", "s"), "mx.a.test", [], 1000)
    text = fields.decode()
    # RFC 8617 §4.1: the seal first, so that sets read from the top
    assert text.startswith("ARC-Seal: i=1; a=rsa-sha256; t=1000; cv=none; d=a.test; s=s; b=\r\n\t")
    assert (
        "\r\nARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=a.test; s=s;\r\n\tt=1000; h=From:" in text
    )
    assert ":DKIM-Signature;" in text.replace("\r\n\t", "")
    assert text.endswith("\r\nARC-Authentication-Results: i=1; mx.a.test;\r\n\tnone\r\n")
    assert all(len(line) <= 78 for line in text.split("\r\n"))
    assert fields == seal(
        b"DKIM-Signature: v=1\r\n" + MESSAGE, Chain("none"), rsa_key("a.test", "s"), "mx.a.test", [], 1000
    )


def test_a_broken_chain_is_ended() -> None:
    # RFC 8617 §5.1.2
    fields = seal(MESSAGE, Chain("fail", highest=3), rsa_key("a.test", "s"), "mx.a.test", [], 1000)
    assert b"ARC-Seal: i=4; a=rsa-sha256; t=1000; cv=fail;" in fields
    assert seal(MESSAGE, Chain("fail", highest=4, is_over=True), rsa_key(), "mx", [], 1000) == b""
    assert seal(MESSAGE, Chain("pass", highest=50), rsa_key(), "mx", [], 1000) == b""
