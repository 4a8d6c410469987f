"""SCRAM against the examples of its RFCs, and against every way of cheating that they name."""

from base64 import b64decode, b64encode

import pytest

from posthaus.proto.misuse import Misuse
from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.scram import (
    HASHES,
    ScramFirst,
    ScramServer,
    Verifier,
    make_verifier,
    parse_saslname,
    parse_verifier,
    render_saslname,
    render_verifier,
)
from posthaus.proto.sasl.scramclient import ScramClient

# RFC 5802 §5 and RFC 7677 §3: hash, client's nonce, server's nonce, salt, the four messages
EXAMPLES = [
    (
        "sha1",
        b"fyko+d2lbbFgONRv9qkxdawL",
        b"3rfcNHYJY1ZVvWVs7j",
        "QSXCR+Q6sek8bf92",
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    (
        "sha256",
        b"rOprNGfwEbeRWgbNEkqO",
        b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
]
VERIFIER = make_verifier("sha256", "pencil", b"salt of sixteen.", 4096)
ENDPOINT = b"hash of the certificate"


def no_binding(kind: str) -> bytes | None:
    return None


def endpoint(kind: str) -> bytes | None:
    return ENDPOINT if kind == "tls-server-end-point" else None


def server(*, plus: bool = False, offered_plus: bool = False) -> ScramServer:
    return ScramServer("sha256", b"SERVER", plus=plus, offered_plus=offered_plus, binding=endpoint)


@pytest.mark.parametrize(("hash_name", "ours", "theirs", "salt", "first", "challenge", "final", "proof"), EXAMPLES)
def test_examples(
    hash_name: str, ours: bytes, theirs: bytes, salt: str, first: bytes, challenge: bytes, final: bytes, proof: bytes
) -> None:
    verifier = make_verifier(hash_name, "pencil", b64decode(salt), 4096)
    there = ScramServer(hash_name, theirs, plus=False, offered_plus=False, binding=no_binding)
    here = ScramClient(hash_name, "user", "pencil", ours)
    assert here.first() == first
    assert there.first(first) == ScramFirst("user", "")
    assert there.challenge(verifier) == challenge
    assert here.respond(challenge) == final
    assert there.final(final) == proof
    here.check(proof)


def dialogue(here: ScramClient, there: ScramServer) -> None:
    there.first(here.first())
    here.check(there.final(here.respond(there.challenge(VERIFIER))))


def test_plus_binds() -> None:
    here = ScramClient("sha256", "user", "pencil", b"CLIENT", binding=("tls-server-end-point", ENDPOINT))
    assert here.first().startswith(b"p=tls-server-end-point,,n=user")
    dialogue(here, server(plus=True, offered_plus=True))


def test_plus_sees_another_channel() -> None:
    here = ScramClient("sha256", "user", "pencil", b"CLIENT", binding=("tls-server-end-point", b"a thief's"))
    with pytest.raises(SaslFault, match="channel-bindings-dont-match"):
        dialogue(here, server(plus=True, offered_plus=True))


FIRST_FAULTS = [
    (b"y,,n=user,r=abc", False, True, "server-does-support-channel-binding"),  # the downgrade
    (b"p=tls-unique,,n=user,r=abc", True, True, "unsupported-channel-binding-type"),
    (b"p=tls-exporter,,n=user,r=abc", True, True, "unsupported-channel-binding-type"),  # this stream has none
    (b"p=tls-server-end-point,,n=user,r=abc", False, True, "channel-binding-not-supported"),
    (b"n,,n=user,r=abc", True, True, "channel-bindings-dont-match"),
    (b"n,,m=1,n=user,r=abc", False, False, "invalid-encoding"),  # mandatory extension
    (b"n,,n=us=er,r=abc", False, False, "invalid-username-encoding"),
    (b"n,,n=us\x07er,r=abc", False, False, "invalid-username-encoding"),
    (b"n,,n=\xff,r=abc", False, False, "invalid-encoding"),
    (b"n,,n=,r=abc", False, False, "invalid-encoding"),
    (b"n,,n=user,r=", False, False, "invalid-encoding"),
    (b"n,,n=user,r=a b", False, False, "invalid-encoding"),
    (b"n,n=user,r=abc", False, False, "invalid-encoding"),
    (b"", False, False, "invalid-encoding"),
]


@pytest.mark.parametrize(("message", "plus", "offered", "reason"), FIRST_FAULTS)
def test_first_faults(message: bytes, plus: bool, offered: bool, reason: str) -> None:
    with pytest.raises(SaslFault) as caught:
        server(plus=plus, offered_plus=offered).first(message)
    assert caught.value.reason == reason


def test_y_is_fine_where_no_plus_was_offered() -> None:
    assert server().first(b"y,,n=user,r=abc").name == "user"


def test_names() -> None:
    assert server().first(b"n,a=bo=3Dss,n=a=2Cb,r=abc,x=later") == ScramFirst("a,b", "bo=ss")
    assert parse_saslname(render_saslname("a=,b")) == "a=,b"
    assert parse_saslname("I\u00adX") == "IX"


FINAL_FAULTS = [
    (b"c=biws,r=abcSERVER,p=" + b64encode(bytes(32)), "invalid-proof"),
    (b"c=biws,r=abcSERVER,p=" + b64encode(bytes(31)), "invalid-encoding"),
    (b"c=biws,r=abcOTHER,p=" + b64encode(bytes(32)), "other-error"),
    (b"c=eSws,r=abcSERVER,p=" + b64encode(bytes(32)), "channel-bindings-dont-match"),  # "y,," after "n,,"
    (b"c=b,r=abcSERVER,p=" + b64encode(bytes(32)), "invalid-encoding"),
    (b"c=biws,r=abcSERVER", "invalid-encoding"),
    (b"", "invalid-encoding"),
]


@pytest.mark.parametrize(("message", "reason"), FINAL_FAULTS)
def test_final_faults(message: bytes, reason: str) -> None:
    there = server()
    there.first(b"n,,n=user,r=abc")
    there.challenge(VERIFIER)
    with pytest.raises(SaslFault) as caught:
        there.final(message)
    assert caught.value.reason == reason


def test_order() -> None:
    with pytest.raises(Misuse):
        server().final(b"")


@pytest.mark.parametrize("hash_name", HASHES.values())
def test_verifier_round_trip(hash_name: str) -> None:
    verifier = make_verifier(hash_name, "pencil", b"0123456789abcdef", 4096)
    assert parse_verifier(render_verifier(hash_name, verifier)) == verifier


@pytest.mark.parametrize(
    "value", [b"", b"SCRAM-SHA-256$x:y$z:w", b"SCRAM-MD5$1:YQ==$YQ==:YQ==", b"SCRAM-SHA-1$1:!$a:b"]
)
def test_verifier_faults(value: bytes) -> None:
    with pytest.raises(ValueError):
        parse_verifier(value)


CHALLENGES = [
    b"r=CLIENT,s=c2FsdA==,i=4096",  # the server added nothing
    b"r=OTHERx,s=c2FsdA==,i=4096",
    b"r=CLIENTx,s=c2FsdA==,i=100",  # too cheap
    b"r=CLIENTx,s=c2FsdA==,i=99999999",  # too dear
    b"r=CLIENTx,s=c2F,i=4096",
    b"m=1,r=CLIENTx,s=c2FsdA==,i=4096",
    b"e=other-error",
]


@pytest.mark.parametrize("challenge", CHALLENGES)
def test_client_refuses(challenge: bytes) -> None:
    with pytest.raises(SaslFault):
        ScramClient("sha256", "user", "pencil", b"CLIENT").respond(challenge)


def test_client_wants_the_server_proven() -> None:
    here = ScramClient("sha256", "user", "pencil", b"CLIENT", flag="y", authzid="user")
    assert here.first() == b"y,a=user,n=user,r=CLIENT"
    with pytest.raises(SaslFault):
        here.check(b"v=")
    here.respond(b"r=CLIENTx,s=c2FsdA==,i=4096")
    for said in (b"v=AAAA", b"e=invalid-proof", b""):
        with pytest.raises(SaslFault):
            here.check(said)


def test_wrong_password() -> None:
    with pytest.raises(SaslFault) as caught:
        dialogue(ScramClient("sha256", "user", "pen", b"CLIENT"), server())
    assert not caught.value.malformed


def test_verifier_is_a_value() -> None:
    assert Verifier(b"s", 1, b"a", b"b") == Verifier(b"s", 1, b"a", b"b")
