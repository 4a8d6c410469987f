"""Canonical forms: the examples of the RFC, and a slow and obvious model beside the bulk replacements."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.check import canonical
from posthaus.check.canonical import (
    canonical_body,
    canonical_field,
    hash_body,
    pick_fields,
    split_message,
    unsigned_field,
)

# RFC 6376 §3.4.5
EXAMPLE = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n"


def body_of(body: bytes, relaxed: bool) -> bytes:
    return b"".join(canonical_body(body, relaxed=relaxed))


def model(body: bytes, relaxed: bool) -> bytes:
    """RFC 6376 §3.4.3 and §3.4.4, line by line."""
    lines = body.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    if relaxed:
        lines = [re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in lines]
    while lines and lines[-1] == b"":
        lines.pop()
    whole = b"".join(line + b"\r\n" for line in lines)
    return whole or (b"" if relaxed else b"\r\n")


def test_the_example() -> None:
    header, body = split_message(EXAMPLE)
    assert b"".join(canonical_field(raw, relaxed=True) for raw in header.raws) == b"a:X\r\nb:Y Z\r\n"
    assert b"".join(canonical_field(raw, relaxed=False) for raw in header.raws) == b"A: X\r\nB : Y\t\r\n\tZ  \r\n"
    assert body_of(bytes(body), True) == b" C\r\nD E\r\n"
    assert body_of(bytes(body), False) == b" C \r\nD \t E\r\n"


def test_hashes_of_no_body() -> None:
    # RFC 6376 §3.4.3 and §3.4.4 with erratum 5839: what SHA-256 gives for CR LF and for nothing
    assert hash_body(b"", relaxed=False).digest == hashlib.sha256(b"\r\n").digest()
    assert hash_body(b"", relaxed=True).digest == hashlib.sha256(b"").digest()


BODIES = st.lists(
    st.sampled_from([b"\r\n", b" ", b"\t", b"a", b"\r", b"\n", b"\r\n\r\n", b" \r\n", b"  \t ", b"word"]), max_size=60
).map(b"".join)


@given(body=BODIES, relaxed=st.booleans(), piece=st.integers(1, 9))
def test_as_the_model_in_pieces_of_any_size(body: bytes, relaxed: bool, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(canonical, "_PIECE_OCTETS", piece)
        assert body_of(body, relaxed) == model(body, relaxed)
    assert b"".join(canonical_body(memoryview(body), relaxed=relaxed)) == model(body, relaxed)


@given(body=BODIES, length=st.integers(0, 80))
def test_length(body: bytes, length: int) -> None:
    whole = model(body, True)
    found = hash_body(body, relaxed=True, length=length)
    assert found.digest == hashlib.sha256(whole[:length]).digest()
    assert found.size == len(whole)


def test_long_lines_and_long_runs() -> None:
    body = b"x" * 300_000 + b" " * 300_000 + b"y\r\n" + b"\r\n" * 200_000
    assert body_of(body, True) == b"x" * 300_000 + b" y\r\n"
    assert body_of(body, False) == b"x" * 300_000 + b" " * 300_000 + b"y\r\n"


OWN = [
    (b"DKIM-Signature: v=1; b=abc;\r\n\tbh=def\r\n", b"dkim-signature:v=1; b=; bh=def"),
    (b"DKIM-Signature: bh=def; b=abc\r\n def=\r\n", b"dkim-signature:bh=def; b="),
    (b"DKIM-Signature: bh=b=x;b = a b; x=1\r\n", b"dkim-signature:bh=b=x;b =; x=1"),
    (b"DKIM-Signature:b=abc\r\n", b"dkim-signature:b="),
]


@pytest.mark.parametrize(("raw", "wanted"), OWN)
def test_a_signature_signs_itself_without_its_value(raw: bytes, wanted: bytes) -> None:
    assert unsigned_field(raw, relaxed=True) == wanted


def test_fields_are_picked_from_the_end() -> None:
    header, _ = split_message(b"A: 1\r\nB: 2\r\nA: 3\r\n\r\n")
    # RFC 6376 §5.4.2
    assert list(pick_fields(header, [b"a", b"b", b"a", b"a", b"c"])) == [b"A: 3\r\n", b"B: 2\r\n", b"A: 1\r\n"]
