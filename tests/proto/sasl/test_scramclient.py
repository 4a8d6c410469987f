"""The SCRAM client carries what the server side wants; the rest is in test_scram.py, where both sides talk."""

import pytest

from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.saslprep import prepare_password
from posthaus.proto.sasl.scram import ScramServer, make_verifier
from posthaus.proto.sasl.scramclient import ScramClient


@pytest.mark.parametrize("password", ["pencil", "\u2168", "p\u00e4ss w\u00f6rd", "\U0001f98a\u200d"])
@pytest.mark.parametrize("name", ["user", "a,b=c", "j\u00fcrgen@b\u00fccher.example"])
def test_any_name_and_password(name: str, password: str) -> None:
    verifier = make_verifier("sha1", prepare_password(password), b"salt", 4096)
    there = ScramServer("sha1", b"S", plus=False, offered_plus=False, binding=lambda kind: None)
    here = ScramClient("sha1", name, password, b"C")
    assert there.first(here.first()).name == name
    here.check(there.final(here.respond(there.challenge(verifier))))


def test_bad_base64_of_the_salt() -> None:
    with pytest.raises(SaslFault):
        ScramClient("sha1", "u", "p", b"C").respond(b"r=Cx,s=A,i=4096")
