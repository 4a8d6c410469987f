"""The client's side of SASL: the choice, and each mechanism against the server's side."""

import pytest

from posthaus.proto.sasl.client import choose, render_nonce
from posthaus.proto.sasl.fault import SaslFault

NONCE = render_nonce(b"\x00" * 18)


def pick(*offered: str) -> str | None:
    chosen = choose(offered, "ann", "pw", NONCE)
    return None if chosen is None else chosen.name


def test_choice() -> None:
    assert pick("PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "CRAM-MD5") == "SCRAM-SHA-256"
    assert pick("PLAIN", "SCRAM-SHA-1") == "SCRAM-SHA-1"
    assert pick("CRAM-MD5", "LOGIN", "PLAIN") == "PLAIN"
    assert pick("CRAM-MD5", "LOGIN") == "LOGIN"
    assert pick("CRAM-MD5") == "CRAM-MD5"
    assert pick("GSSAPI", "XOAUTH2") is None
    assert pick() is None


def test_cram_md5() -> None:
    """RFC 2195 §2: its own example"""
    chosen = choose(["CRAM-MD5"], "tim", "tanstaaftanstaaf", NONCE)
    assert chosen is not None
    assert chosen.initial() is None
    answer = chosen.respond(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"
    with pytest.raises(SaslFault):
        chosen.respond(b"again")
    chosen.finish()


def test_scram() -> None:
    """RFC 7677 §3: its own example"""
    chosen = choose(["SCRAM-SHA-256"], "user", "pencil", b"rOprNGfwEbeRWgbNEkqO")
    assert chosen is not None
    assert chosen.initial() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    with pytest.raises(SaslFault):
        chosen.finish()
    answer = chosen.respond(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    assert answer.endswith(b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert chosen.respond(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    chosen.finish()
    with pytest.raises(SaslFault):
        chosen.respond(b"more")


def test_a_server_that_does_not_know_our_password() -> None:
    chosen = choose(["SCRAM-SHA-256"], "user", "pencil", b"rOprNGfwEbeRWgbNEkqO")
    assert chosen is not None
    chosen.initial()
    chosen.respond(b"r=rOprNGfwEbeRWgbNEkqO%x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    with pytest.raises(SaslFault):
        chosen.respond(b"v=AAAA")


def test_plain_and_login_are_not_asked_more() -> None:
    plain = choose(["PLAIN"], "ann", "pw", NONCE)
    login = choose(["LOGIN"], "ann", "pw", NONCE)
    assert plain is not None and login is not None
    assert plain.initial() == b"\0ann\0pw"
    assert (login.initial(), login.respond(b"User:"), login.respond(b"?")) == (None, b"ann", b"pw")
    for one in (plain, login):
        one.finish()
        with pytest.raises(SaslFault):
            one.respond(b"")
