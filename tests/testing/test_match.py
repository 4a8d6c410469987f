"""Tests of posthaus.testing.match: holes, what they bind, and what is sent."""

import pytest

from posthaus.testing.match import PatternFault, Unbound, as_octets, as_text, fill, match, names_of

MATCHES: list[tuple[str, str, dict[str, str], dict[str, str] | None]] = [
    ("a1 OK $*", "a1 OK done", {}, {}),
    ("a1 OK $*", "a1 OK ", {}, {}),
    ("a1 OK $*", "a1 NO done", {}, None),
    ("* ${n} EXISTS", "* 17 EXISTS", {}, {"n": "17"}),
    ("* ${n} EXISTS", "* 17 EXISTS", {"n": "17"}, {}),
    ("* ${n} EXISTS", "* 18 EXISTS", {"n": "17"}, None),
    (r"${n:\d+} ${n}", "4 4", {}, {"n": "4"}),
    (r"${n:\d+} ${n}", "4 5", {}, None),
    (r"(UID ${uid:\d{1,3}})", "(UID 123)", {}, {"uid": "123"}),
    (r"(UID ${uid:\d{1,3}})", "(UID 1234)", {}, None),
    ("250${:[- ]}SIZE", "250-SIZE", {}, {}),
    ("250${:[- ]}SIZE", "250_SIZE", {}, None),
    ("(UID ${uid} FLAGS ($*))", "(UID 1 FLAGS (\\Seen))", {}, {"uid": "1"}),
    ("[${code}]", "[a]b]", {}, None),
    (".+?*()[]{5}\\", ".+?*()[]{5}\\", {}, {}),
    ("price $5", "price $5", {}, {}),
    ("$*", "a\nb", {}, {}),
    (r"${a:x\}y}", "x}y", {}, {"a": "x}y"}),
]


@pytest.mark.parametrize(("pattern", "line", "bound", "wanted"), MATCHES)
def test_match(pattern: str, line: str, bound: dict[str, str], wanted: dict[str, str] | None) -> None:
    assert match(pattern, line, bound) == wanted


@pytest.mark.parametrize("pattern", ["${", "${name", "${NAME}", "${n:(}", "${n:[a}"])
def test_faults(pattern: str) -> None:
    with pytest.raises(PatternFault):
        match(pattern, "x", {})


def test_fill_takes_what_was_bound() -> None:
    assert fill("a1 FETCH ${n} (FLAGS) $* {5}", {"n": "3"}) == "a1 FETCH 3 (FLAGS) $* {5}"


def test_fill_names_what_is_missing() -> None:
    with pytest.raises(Unbound, match="uid"):
        fill("a1 UID FETCH ${uid} FLAGS", {})


def test_names() -> None:
    assert names_of(r"${a} $* ${b:\d+} ${:x}") == {"a", "b"}


def test_octets_survive() -> None:
    octets = bytes(range(256))
    assert as_octets(as_text(octets)) == octets
    assert match("$*", as_text(octets), {}) == {}
