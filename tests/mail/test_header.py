import pytest

from posthaus.base import limit
from posthaus.mail.header import head_end, is_crowded, read_header, unfold, value_of

ENDS = [
    (b"", 0),
    (b"\r\n", 2),
    (b"\n", 1),
    (b"\r\nbody", 2),
    (b"\nbody", 1),
    (b"A: b\r\n\r\nbody", 8),
    (b"A: b\n\nbody", 6),
    (b"A: b\n\r\nbody", 7),
    (b"A: b\r\n\nbody", 7),
    (b"A: b\r\n", 6),
    (b"A: b", 4),
    (b"A: b\r\n \r\nB: c\r\n\r\n", 17),  # a line of white space folds, it does not end
    (b"A: b\r\rB: c\r\n\r\nx", 14),
]


@pytest.mark.parametrize(("octets", "wanted"), ENDS)
def test_head_end(octets: bytes, wanted: int) -> None:
    assert head_end(octets) == wanted


FIELDS = [
    (b"", [], b""),
    (b"\r\n", [], b"\r\n"),
    (b"A: b\r\nC: d\r\n\r\n", [(b"a", b"A: b\r\n"), (b"c", b"C: d\r\n")], b"\r\n"),
    (b"A: b\nC: d\n\n", [(b"a", b"A: b\n"), (b"c", b"C: d\n")], b"\n"),
    (b"A: b\r\n\tc\r\n d\r\nE:f\r\n", [(b"a", b"A: b\r\n\tc\r\n d\r\n"), (b"e", b"E:f\r\n")], b""),
    (b"A: b\r\nC: cut", [(b"a", b"A: b\r\n"), (b"c", b"C: cut")], b""),
    (b"Subject : x\r\n\r\n", [(b"subject", b"Subject : x\r\n")], b"\r\n"),  # RFC 5322 §4.5
    (b"no colon\r\nA: b\r\n", [(b"", b"no colon\r\n"), (b"a", b"A: b\r\n")], b""),
    (b": no name\r\n", [(b"", b": no name\r\n")], b""),
    (b"From\r\n", [(b"", b"From\r\n")], b""),
    (b" fold first\r\nA: b\r\n", [(b"", b" fold first\r\n"), (b"a", b"A: b\r\n")], b""),
    (b"A: b\rB: c\r\n", [(b"a", b"A: b\rB: c\r\n")], b""),
]


@pytest.mark.parametrize(("head", "fields", "blank"), FIELDS)
def test_fields(head: bytes, fields: list[tuple[bytes, bytes]], blank: bytes) -> None:
    header = read_header(head)
    assert list(zip(header.names, header.raws, strict=True)) == fields
    assert header.blank == blank
    assert b"".join(header.raws) + header.blank == head


def test_values() -> None:
    header = read_header(b"To: a\r\nSubject:  one\r\n two \r\nto : b\r\nSubject: three\r\n\r\n")
    assert header.value(b"subject") == b"one two"
    assert header.values(b"to") == [b"a", b"b"]
    assert header.value(b"from") is None
    assert header.values(b"from") == []


def test_larger_than_the_limit_keeps_whole_fields() -> None:
    header = read_header(b"A: b\r\nC: d\r\n e\r\nF: g\r\n\r\n", limit_octets=16)
    assert header.raws == [b"A: b\r\n"] or header.raws == [b"A: b\r\n", b"C: d\r\n e\r\n"]
    assert header.blank == b"\r\n"
    assert read_header(b"A: b\r\nC: d\r\n e\r\nF: g\r\n\r\n", limit_octets=13).raws == [b"A: b\r\n"]
    assert read_header(b"A: no end in sight\r\n\r\n", limit_octets=5).raws == []


def test_more_fields_than_are_read() -> None:
    one = b"A: b\r\n c\r\n"
    assert not is_crowded(one * limit.HEADER_FIELDS + b"\r\n" + b"A: b\r\n" * limit.HEADER_FIELDS)
    assert is_crowded(one * (limit.HEADER_FIELDS + 1) + b"\r\n")
    assert not is_crowded(one * limit.HEADER_FIELDS)
    assert is_crowded(one * (limit.HEADER_FIELDS + 1) + b"A: b")
    assert not is_crowded(b"") and not is_crowded(b"\r\n" * 2 * limit.HEADER_FIELDS)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [(b"A:b\r\n", b"b"), (b"A: \r\n b\r\n", b"b"), (b"A: b\r\n\tc\r\n", b"b\tc"), (b"A:\r\n", b""), (b"A: b", b"b")],
)
def test_value_of(raw: bytes, wanted: bytes) -> None:
    assert value_of(raw) == wanted


def test_unfold() -> None:
    assert unfold(b"a\r\n b\n\tc\rd") == b"a b\tc\rd"
