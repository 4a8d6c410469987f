"""Keys that sign: what is made can be read again, and proves itself."""

import pytest

from posthaus.check.keyrecord import KeyFault, parse_key_record, render_key_record
from posthaus.check.signingkey import ALGORITHMS, is_signature, make_private, read_signing_key


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_made_read_and_used(algorithm: str) -> None:
    key = read_signing_key("a.test", "s", make_private(algorithm))
    assert key.algorithm == f"{algorithm}-sha256"
    public = parse_key_record(render_key_record(key.public).encode()).public
    signature = key.sign(b"octets")
    assert is_signature(public, signature, b"octets")
    assert not is_signature(public, signature, b"other octets")
    assert not is_signature(public, b"", b"octets")


def test_not_a_key() -> None:
    with pytest.raises(KeyFault):
        read_signing_key("a.test", "s", b"nothing")
