import pytest

from posthaus.mail.headerpick import pick, pick_not

HEAD = b"From: a\r\nX: b\r\n c\r\nno colon\r\nfrom : d\r\nSubject: e\r\n\r\n"

CASES = [
    (HEAD, (b"From",), b"From: a\r\nfrom : d\r\n\r\n", b"X: b\r\n c\r\nno colon\r\nSubject: e\r\n\r\n"),
    (HEAD, (), b"\r\n", HEAD),
    (HEAD, (b"x", b"SUBJECT"), b"X: b\r\n c\r\nSubject: e\r\n\r\n", b"From: a\r\nno colon\r\nfrom : d\r\n\r\n"),
    (HEAD, (b"no colon",), b"\r\n", HEAD),
    (HEAD, (b"",), b"no colon\r\n\r\n", HEAD),
    (b"", (b"a",), b"", b""),
    (b"\r\n", (b"a",), b"\r\n", b"\r\n"),
    (b"A: b", (b"a",), b"A: b", b""),
    (b"A: b\nC: d\n\n", (b"a",), b"A: b\n\n", b"C: d\n\n"),
]


@pytest.mark.parametrize(("head", "names", "picked", "rest"), CASES)
def test_pick(head: bytes, names: tuple[bytes, ...], picked: bytes, rest: bytes) -> None:
    assert pick(head, names) == picked
    assert pick_not(head, names) == rest
