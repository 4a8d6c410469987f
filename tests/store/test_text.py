"""Text that every database can hold."""

import pytest

from posthaus.store.text import storable


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ("äé\U0001f600", "äé\U0001f600"), ("a\0b", "a\ufffdb"), ("\ud800x\udfff", "\ufffdx\ufffd")],
)
def test_storable(text: str, expected: str) -> None:
    assert storable(text) == expected
    storable(text).encode()
