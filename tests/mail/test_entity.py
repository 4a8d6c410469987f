import pytest

from posthaus.mail.entity import DIGEST, PLAIN, US_ASCII, entity_of, parse_disposition, parse_type
from posthaus.mail.parameter import Parameters

TYPES: list[tuple[bytes, bytes, bytes, Parameters]] = [
    (b"text/plain", b"text", b"plain", ()),
    (b"Text/HTML; charset=utf-8", b"text", b"html", ((b"charset", b"utf-8"),)),
    (b"image / png;name=x", b"image", b"png", ((b"name", b"x"),)),
    (b"(c) text/plain (d) ; a=b", b"text", b"plain", ((b"a", b"b"),)),
    (b"text", b"text", b"plain", ()),
    (b"multipart; boundary=x; a=b", b"text", b"plain", ((b"a", b"b"),)),
    (b"", b"text", b"plain", ()),
    (b"/", b"text", b"plain", ()),
    (b"\xff/\xff", b"text", b"plain", ()),
]


@pytest.mark.parametrize(("value", "type_", "subtype", "parameters"), TYPES)
def test_parse_type(value: bytes, type_: bytes, subtype: bytes, parameters: Parameters) -> None:
    assert parse_type(value) == (type_, subtype, parameters)


DISPOSITIONS: list[tuple[bytes, bytes | None, Parameters]] = [
    (b"inline", b"inline", ()),
    (b"ATTACHMENT; filename=a.b", b"attachment", ((b"filename", b"a.b"),)),
    (b"filename=a.b", b"attachment", ((b"filename", b"a.b"),)),
    (b"", None, ()),
    (b"; filename=a.b", None, ()),
]


@pytest.mark.parametrize(("value", "disposition", "parameters"), DISPOSITIONS)
def test_parse_disposition(value: bytes, disposition: bytes | None, parameters: Parameters) -> None:
    assert parse_disposition(value) == (disposition, parameters)


def test_defaults() -> None:
    entity = entity_of(b"")
    assert (entity.type, entity.subtype, entity.parameters) == (b"text", b"plain", US_ASCII)
    assert entity_of(b"", DIGEST).type == b"message"
    assert entity_of(b"Content-Type: image/png\r\n", DIGEST).type == b"image"


ENCODINGS = [
    (b"Base64", b"base64"),
    (b"quoted-printable (as ever)", b"quoted-printable"),
    (b'"base64"', b"base64"),
    (b"(c) 8bit", b"8bit"),
    (b"", b"7bit"),
    (b"\xff", b"7bit"),
]


@pytest.mark.parametrize(("value", "wanted"), ENCODINGS)
def test_encoding(value: bytes, wanted: bytes) -> None:
    assert entity_of(b"Content-Transfer-Encoding: " + value + b"\r\n\r\n").encoding == wanted


CHARSETS = [
    (b"text/plain", b"", US_ASCII),
    (b"text/html", b"", ()),
    (b"text/plain; charset=UTF-8", b"utf-8", ((b"charset", b"UTF-8"),)),
    (b'text/plain; charset="two words"', b"", ((b"charset", b"two words"),)),
    (b"text/plain; charset=", b"", ((b"charset", b""),)),
]


@pytest.mark.parametrize(("value", "charset", "parameters"), CHARSETS)
def test_charset(value: bytes, charset: bytes, parameters: Parameters) -> None:
    entity = entity_of(b"Content-Type: " + value + b"\r\n")
    assert (entity.charset, entity.parameters) == (charset, parameters)


def test_all_fields() -> None:
    entity = entity_of(
        b'Content-Type: multipart/mixed; boundary="b "\r\nContent-ID: <x>\r\nContent-Description: d\r\n'
        b"Content-MD5: m\r\nContent-Language: en, de (x)\r\nContent-Location: l\r\nContent-Disposition: inline\r\n\r\n"
    )
    assert (entity.boundary, entity.content_id, entity.description) == (b"b", b"<x>", b"d")
    assert (entity.md5, entity.languages, entity.location) == (b"m", (b"en", b"de"), b"l")
    assert entity.disposition == b"inline"


def test_equal_headers_are_read_once() -> None:
    head = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    assert entity_of(head) is entity_of(bytes(bytearray(head)))
    assert entity_of(head) is not entity_of(head, DIGEST)
    long = head[:-2] + b"X-Long: " + b"x" * 1_000 + b"\r\n\r\n"
    assert entity_of(long) is not entity_of(long)
    assert PLAIN.is_remembered is False
