"""The table of mechanisms is whole, and in the order of strength."""

from posthaus.proto.sasl.mechanism import BY_NAME, MECHANISMS
from posthaus.proto.sasl.scram import HASHES


def test_table() -> None:
    assert len(BY_NAME) == len(MECHANISMS)
    assert [m.name for m in MECHANISMS][:2] == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
    assert {m.name for m in MECHANISMS if m.is_clear} == {"PLAIN", "LOGIN"}
    assert {m.kind for m in MECHANISMS} == {"argon2", "cleartext", *HASHES}


def test_plus_has_a_twin() -> None:
    for mechanism in MECHANISMS:
        assert mechanism.has_binding == mechanism.name.endswith("-PLUS")
        assert mechanism.name.removesuffix("-PLUS") in BY_NAME
