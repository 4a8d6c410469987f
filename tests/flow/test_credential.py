"""Credentials as they are kept."""

import pytest

from posthaus.base import limit
from posthaus.flow.credential import (
    check_fit,
    false_hash,
    false_verifier,
    has_scram,
    hash_password,
    is_outdated,
    is_password,
    make_credentials,
    make_quick_credentials,
    proves,
)
from posthaus.flow.identity import PasswordUnfit
from posthaus.proto.sasl.scram import make_verifier, parse_verifier
from posthaus.testing.chance import SeededChance


def test_kinds() -> None:
    values = make_credentials("s\u00e9cret", SeededChance())
    assert set(values) == {"argon2", "scram-sha-1", "scram-sha-256"}
    assert values["argon2"].startswith(b"$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_password(values["argon2"], "s\u00e9cret")
    assert is_password(values["argon2"], "se\u0301cret")  # typed on another keyboard
    assert not is_password(values["argon2"], "secret")
    for kind, hash_name in (("scram-sha-1", "sha1"), ("scram-sha-256", "sha256")):
        verifier = parse_verifier(values[kind])
        assert verifier.iterations == limit.SCRAM_ITERATIONS >= 4096
        assert make_verifier(hash_name, "s\u00e9cret", verifier.salt, verifier.iterations) == verifier


def test_choices() -> None:
    assert set(make_credentials("x", SeededChance(), scram=False, recoverable=True)) == {"argon2", "cleartext"}
    assert make_credentials("\u2168", SeededChance(), scram=False, recoverable=True)["cleartext"] == b"IX"


def test_as_typed_counts_too() -> None:
    """Hashes from elsewhere were made without SASLprep."""
    raw = "\u2168 pass"
    assert is_password(hash_password(raw, bytes(16)), raw)


def test_false_ones_have_no_password() -> None:
    value = false_hash(SeededChance())
    true = hash_password("x", bytes(16))
    assert [len(part) for part in value.split(b"$")] == [len(part) for part in true.split(b"$")]
    assert not is_password(value, "x")
    assert not is_password(b"not a hash", "x")
    verifier = false_verifier("sha256", bytes(range(32)), 4_096, SeededChance())
    assert verifier.iterations == 4_096
    assert (len(verifier.salt), len(verifier.stored_key)) == (limit.SALT_OCTETS, 32)


@pytest.mark.parametrize("password", ["", "a\0b", "a\nb", "a\rb", "\ufffd", "x" * 1025, "ä" * 513, "\ud800"])
def test_unfit(password: str) -> None:
    with pytest.raises(PasswordUnfit):
        check_fit(password)


@pytest.mark.parametrize("password", ["a", " ", "x" * 1024, "\U0001f98a\u200d\u2642", "a\tb"])
def test_fit(password: str) -> None:
    check_fit(password)


@pytest.mark.parametrize("argon2", [True, False])
def test_proves_with_and_without_argon2(argon2: bool) -> None:
    values = make_credentials("s\u00e9cret", SeededChance(), argon2=argon2)
    nobody = false_hash(SeededChance(1))
    assert ("argon2" in values) is argon2
    assert proves(values, nobody, "s\u00e9cret")
    assert proves(values, nobody, "se\u0301cret")
    assert not proves(values, nobody, "secret")


def test_nobody_proves_nothing() -> None:
    assert not proves({}, false_hash(SeededChance()), "x")


def test_a_scram_verifier_does_not_stand_in_for_argon2() -> None:
    """Where both are kept, one truth decides."""
    values = {**make_credentials("new", SeededChance()), "argon2": hash_password("other", bytes(16))}
    assert not proves(values, false_hash(SeededChance()), "new")


def test_something_is_always_kept() -> None:
    assert set(make_credentials("x", SeededChance(), argon2=False, scram=False)) == {"argon2"}


def test_quick_ones_are_right_and_outdated() -> None:
    values = make_quick_credentials("s\u00e9cret", SeededChance())
    assert set(values) == {"scram-sha-1", "scram-sha-256"}
    assert {parse_verifier(value).iterations for value in values.values()} == {limit.SCRAM_IMPORT_ITERATIONS} == {4_096}
    nobody = false_hash(SeededChance(1))
    assert proves(values, nobody, "se\u0301cret")
    assert not proves(values, nobody, "secret")
    assert is_outdated(values)


def test_outdated() -> None:
    today = make_credentials("x", SeededChance())
    cost = f"m={limit.ARGON2_MEMORY_KIB},t={limit.ARGON2_PASSES},p=1"

    def with_argon2(kind: str, cost: str) -> dict[str, bytes]:
        return today | {"argon2": f"${kind}$v=19${cost}$c2FsdHNhbHQ$aGFzaA".encode()}

    slow = make_credentials("x", SeededChance(), iterations=limit.SCRAM_ITERATIONS + 1)
    for values, wanted in (
        (today, False),
        (make_credentials("x", SeededChance(), scram=False), False),
        (slow, False),
        (with_argon2("argon2id", cost), False),
        (with_argon2("argon2id", "m=65536,t=3,p=4"), False),
        (with_argon2("argon2id", "m=4096,t=3,p=1"), True),
        (with_argon2("argon2i", cost), True),
        (today | make_quick_credentials("x", SeededChance()), True),
    ):
        assert is_outdated(values) is wanted, values
    assert has_scram(today)
    assert not has_scram({"argon2": b"", "cleartext": b""})


def test_all_that_is_not_the_password_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted and not timed: one Argon2id, and as many iterations, whoever it is."""
    work: list[object] = []

    def salted(hash_name: str, password: str, salt: bytes, iterations: int) -> bytes:
        work.append(iterations)
        return bytes(32)

    def matches(value: bytes, password: str) -> bool:
        work.append("argon2")
        return False

    people: list[dict[str, bytes]] = [
        {},
        make_credentials("x", SeededChance()),
        make_quick_credentials("x", SeededChance()),
        make_credentials("x", SeededChance(), scram=False),
    ]
    monkeypatch.setattr("posthaus.proto.sasl.scram.salted_password", salted)
    monkeypatch.setattr("posthaus.flow.credential.salted_password", salted)
    monkeypatch.setattr("posthaus.flow.credential.is_password", matches)
    for values in people:
        work.clear()
        assert not proves(values, b"nobody", "wrong")
        assert work[0] == "argon2"
        assert sum(n for n in work if isinstance(n, int)) == limit.SCRAM_ITERATIONS
