"""The table of capabilities: what is announced when."""

import re

from posthaus.proto.imap.capability import TABLE, Offer, announced

_CLEAR = Offer(starttls=True, mechanisms=("SCRAM-SHA-256",), append_limit=1000)
_TLS = Offer(tls=True, mechanisms=("SCRAM-SHA-256", "PLAIN"), append_limit=1000)


def test_in_the_clear() -> None:
    names = announced(_CLEAR, authenticated=False)
    assert {b"IMAP4rev1", b"IMAP4rev2", b"STARTTLS", b"LOGINDISABLED", b"SASL-IR", b"AUTH=SCRAM-SHA-256"} <= set(names)
    assert b"MOVE" not in names


def test_over_tls() -> None:
    names = announced(_TLS, authenticated=False)
    assert {b"AUTH=PLAIN", b"AUTH=SCRAM-SHA-256"} <= set(names)
    assert not {b"STARTTLS", b"LOGINDISABLED"} & set(names)


def test_on_loopback() -> None:
    names = announced(Offer(starttls=True, clear_allowed=True), authenticated=False)
    assert b"STARTTLS" in names
    assert b"LOGINDISABLED" not in names


def test_after_log_in() -> None:
    names = announced(_TLS, authenticated=True)
    assert {b"IMAP4rev2", b"MOVE", b"UIDPLUS", b"SPECIAL-USE", b"STATUS=SIZE", b"APPENDLIMIT=1000"} <= set(names)
    assert not [name for name in names if name.startswith(b"AUTH=") or name in (b"STARTTLS", b"LOGINDISABLED")]
    assert b"APPENDLIMIT" in announced(Offer(), authenticated=True)


def test_the_table() -> None:
    names = [row.name for row in TABLE]
    assert len(set(names)) == len(names)
    assert not {b"LITERAL+", b"LITERAL-"} <= set(names)  # RFC 7888 §6
    assert all(re.fullmatch(r"RFC \d+ §[\d.]+", row.rfc) for row in TABLE)
