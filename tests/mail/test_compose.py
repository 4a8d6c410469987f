"""Messages that we write: nothing that a peer says makes another field or part, and all is read back as it was."""

import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from posthaus.mail import compose
from posthaus.mail.address import Address
from posthaus.mail.decode import decode_body, decode_text
from posthaus.mail.header import read_header
from posthaus.mail.scan import scan
from posthaus.mail.word import decode_words

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(_TEXT)
def test_fields_cannot_be_left(text: str) -> None:
    octets = compose.field("Subject", text)
    header = read_header(octets)
    assert header.names == [b"subject"]
    assert octets.endswith(b"\r\n")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert "".join(decode_words(header.value(b"subject") or b"").split()) == "".join(compose.visible(text).split())


def test_folding() -> None:
    assert compose.raw_field("A", b"b c") == b"A: b c\r\n"
    octets = compose.field("Subject", "many words " * 30)
    assert all(len(line) <= 76 for line in octets.split(b"\r\n"))
    assert compose.field("X", "y" * 2_000).count(b"\r\n ") == 3
    words = compose.field("Subject", "Grüße " * 30)
    assert all(len(line) <= 76 for line in words.split(b"\r\n"))


def test_addresses() -> None:
    anna = Address("anna", "b.example")
    assert compose.address_field("To", "", anna) == b"To: <anna@b.example>\r\n"
    assert compose.address_field("To", "Anna B.", anna) == b'To: "Anna B." <anna@b.example>\r\n'
    assert compose.address_field("To", "Änne", anna).startswith(b"To: =?utf-8?")
    assert "änne@".encode() in compose.address_field("To", "", Address("änne", "b.example"))


def test_line_ends() -> None:
    same = b"a\r\nb\r\n"
    assert compose.crlf(same) is same
    assert compose.crlf(b"a\nb\rc\r\n\n") == b"a\r\nb\r\nc\r\n\r\n"


def test_one_long_line_is_broken_with_cr_lf() -> None:
    octets = compose.text_part("é" * 400)
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r") > 30


@given(st.lists(_TEXT, min_size=1, max_size=4))
def test_parts_are_read_back(texts: list[str]) -> None:
    entity = compose.multipart("mixed", [compose.text_part(text) for text in texts], "b0undary" * 3)
    octets = compose.message([compose.field("Subject", "x")], entity)
    root = scan(octets)
    assert len(root.parts) == len(texts)
    for text, part in zip(texts, root.parts, strict=True):
        body = decode_body(octets[part.body_start : part.body_end], part.encoding)
        wanted = compose.crlf(text.encode())
        assert decode_text(body, part.charset) == decode_text(wanted, b"utf-8")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))


def test_the_standard_library_reads_it() -> None:
    parts = [
        compose.text_part("Grüße\n"),
        compose.part("message/rfc822", b"Subject: \xc3\xbc\r\n\r\nx\r\n", description="Ä"),
    ]
    octets = compose.message([compose.field("Subject", "Grüße")], compose.multipart("report", parts, "b" * 20))
    read = email.message_from_bytes(octets, policy=email.policy.default)
    assert read["subject"] == "Grüße"
    first, second = read.iter_parts()
    assert first.get_content() == "Grüße\r\n"
    assert second["content-transfer-encoding"] == "8bit" and read["content-transfer-encoding"] == "8bit"
