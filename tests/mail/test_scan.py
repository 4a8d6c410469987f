import time

import pytest

from posthaus.mail.decode import decode_body
from posthaus.mail.scan import scan
from posthaus.mail.structure import Part


def _shape(part: Part) -> str:
    name = f"{part.type.decode()}/{part.subtype.decode()}"
    return f"{name}({', '.join(_shape(inner) for inner in part.parts)})" if part.parts else name


def _multipart(boundary: str, *parts: str, kind: str = "mixed", end: str = "--\r\n") -> str:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{body}--{boundary}{end}"


PLAIN = "\r\nplain"
HTML = "Content-Type: text/html\r\n\r\n<p>"
PNG = "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw=="

SHAPES = [
    ("", "text/plain"),
    (PLAIN, "text/plain"),
    (_multipart("b", PLAIN, HTML), "multipart/mixed(text/plain, text/html)"),
    (
        _multipart("b", _multipart("c", PLAIN, HTML, kind="alternative"), PNG),
        "multipart/mixed(multipart/alternative(text/plain, text/html), image/png)",
    ),
    (_multipart("b", PLAIN, end=""), "multipart/mixed(text/plain, text/plain)"),
    ("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "text/plain"),
    ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", "text/plain"),
    ("Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\nx\r\n----\r\n", "text/plain"),
    ('Content-Type: multipart/mixed; boundary="b "\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n', "multipart/mixed(text/plain)"),
    ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--B\r\n\r\nx\r\n--B--\r\n", "text/plain"),
    ("Content-Type: multipart/mixed; boundary=b\r\n\r\n --b\r\n\r\nx\r\n--b\r\n", "multipart/mixed(text/plain)"),
    ("Content-Type: message/rfc822\r\n\r\n" + _multipart("b", PLAIN), "message/rfc822(multipart/mixed(text/plain))"),
    ("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==", "application/octet-stream"),
    ("Content-Type: message/rfc822\r\n\r\n", "message/rfc822(text/plain)"),
    ("Content-Type: message/partial\r\n\r\nA: b\r\n\r\n", "message/partial"),
    (
        _multipart("b", "\r\nSubject: x\r\n\r\ny", PNG, kind="digest"),
        "multipart/digest(message/rfc822(text/plain), image/png)",
    ),
]


@pytest.mark.parametrize(("text", "wanted"), SHAPES)
@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_shape(text: str, wanted: str, line_end: str) -> None:
    assert _shape(scan(text.replace("\r\n", line_end).encode())) == wanted


def test_offsets_and_lines() -> None:
    octets = _multipart("b", "\r\none\r\ntwo\r\n", PNG).encode()
    root = scan(octets)
    first, second = root.parts
    assert octets[first.header_start : first.body_start] == b"\r\n"
    assert octets[first.body_start : first.body_end] == b"one\r\ntwo\r\n"
    assert (first.lines, second.lines, root.lines) == (2, 0, 0)
    assert decode_body(octets[second.body_start : second.body_end], second.encoding) == b"\x89PNG"
    assert (root.header_start, root.body_end) == (0, len(octets))


def test_lines_within_messages() -> None:
    inner = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n1\r\n2\r\n3"
    root = scan(_multipart("b", PLAIN, "Content-Type: message/rfc822\r\n\r\n" + inner, HTML + "\r\n").encode())
    message = root.parts[1]
    assert message.lines == inner.count("\n")
    assert message.parts[0].lines == 4  # message/rfc822 directly in message/rfc822
    assert message.parts[0].parts[0].lines == 2
    assert root.parts[2].lines == 1


def _deep(depth: int, form: str) -> bytes:
    if form == "message":
        return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"\r\nx\r\n"
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth)
    )


@pytest.mark.parametrize("form", ["message", "multipart"])
def test_depth_has_a_limit(form: str) -> None:
    part, depth = scan(_deep(1_000, form)), 1
    while part.parts:
        part, depth = part.parts[0], depth + 1
    assert 100 <= depth <= 102
    assert (part.type, part.subtype) == (b"application", b"octet-stream")


def test_parts_have_a_limit() -> None:
    octets = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000 + b"--b--\n"
    root = scan(octets)
    assert len(root.parts) == 9_999  # with the multipart itself 10,000
    last = root.parts[-1]
    assert (last.type, last.subtype, last.body_end) == (b"application", b"octet-stream", len(octets))
    assert len(scan(octets, max_parts=3).parts) == 2


def test_false_delimiters_have_a_limit() -> None:
    head = b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n"
    root = scan(head + b"--x\n" * 5 + b"--b\n\nfound\n", max_false_delimiters=5)
    assert _shape(root) == "multipart/mixed(multipart/mixed(text/plain))"
    root = scan(head + b"--x\n" * 6 + b"--b\n\nlost\n", max_false_delimiters=5)
    assert _shape(root) == "multipart/mixed(text/plain)"


HEAVY = [
    b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 200_000,
    b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: x/y\n" * 200_000,
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + b"--c\n" * 500_000,
    _deep(100, "multipart") + b"--c\n" * 500_000,
    _deep(99, "multipart") + b"\n" + b"x\n--b" * 300_000,
    _deep(99, "message") + b"\n" + b"x\n" * 1_000_000,
    b"\n".join([b"A: b"] * 500_000),
    b" " * 2_000_000,
    b"\r" * 2_000_000,
    b"Content-Type: " + b"a/b;" * 500_000,
    b"Content-Type: multipart/mixed; boundary=" + b"b" * 1_000_000 + b"\n\n" + b"--b\n" * 200_000,
]


@pytest.mark.parametrize("number", range(len(HEAVY)))
def test_time_is_bounded(number: int) -> None:
    began = time.process_time()
    scan(HEAVY[number])
    assert time.process_time() - began < 5.0  # a tenth of a second at rest; what is quadratic takes minutes
