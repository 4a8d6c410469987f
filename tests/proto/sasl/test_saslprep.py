"""SASLprep: the examples of RFC 4013 §3 and each of its rules."""

import pytest

from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.saslprep import prepare, prepare_password

EXAMPLES = [
    ("I\u00adX", "IX"),
    ("user", "user"),
    ("USER", "USER"),
    ("\u00aa", "a"),
    ("\u2168", "IX"),
    ("a\u00a0b", "a b"),
    ("", ""),
    ("p\u00e4ss", "p\u00e4ss"),
    ("pa\u0308ss", "p\u00e4ss"),
    ("\u0627\u0031\u0628", "\u06271\u0628"),
]


@pytest.mark.parametrize(("text", "wanted"), EXAMPLES)
def test_prepare(text: str, wanted: str) -> None:
    assert prepare(text) == wanted


@pytest.mark.parametrize(
    "text", ["\u0007", "\u0627\u0031", "a\u0000", "\u0627a\u0628", "\ue000", "\ufffd", "a\u200e\u00e4"]
)
def test_prohibited(text: str) -> None:
    with pytest.raises(SaslFault):
        prepare(text)
    assert prepare_password(text) == text


def test_unassigned_only_in_queries() -> None:
    assert prepare("\U0001f98a") == "\U0001f98a"
    with pytest.raises(SaslFault):
        prepare("\U0001f98a", stored=True)
    assert prepare("\u00e4", stored=True) == "\u00e4"


def test_preparing_twice_changes_nothing() -> None:
    for text, _ in EXAMPLES:
        assert prepare_password(prepare_password(text)) == prepare_password(text)
