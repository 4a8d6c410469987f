"""imap: URLs of messages."""

import pytest

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.section import Section, Text
from posthaus.proto.imap.url import MessageUrl, parse_url

_WHOLE = Section(b"BODY[]", peek=True)
_HEADER = Section(b"BODY[HEADER]", text=Text.HEADER, peek=True)


@pytest.mark.parametrize(
    ("octets", "url"),
    [
        (b"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", MessageUrl("Drafts", 385759045, 20, _HEADER)),
        (b"/a/b/;UID=1", MessageUrl("a/b", None, 1, _WHOLE)),
        (b"/Entw%C3%BCrfe/;uid=1", MessageUrl("Entw\u00fcrfe", None, 1, _WHOLE)),
        (b"/;UID=1", MessageUrl(None, None, 1, _WHOLE)),
        (b";UID=7", MessageUrl(None, None, 7, _WHOLE)),
        (b"imap://Anna%40X@Mail.test:143/x/;UID=1", MessageUrl("x", None, 1, _WHOLE, "mail.test", "Anna@X")),
        (b"imap://mail.test/x/;UID=1", MessageUrl("x", None, 1, _WHOLE, "mail.test", None)),
        (b"imap://;AUTH=*@mail.test/x/;UID=1", MessageUrl("x", None, 1, _WHOLE, "mail.test", None)),
    ],
)
def test_url(octets: bytes, url: MessageUrl) -> None:
    assert parse_url(octets) == url


def test_section_and_partial() -> None:
    section = parse_url(b"/x/;UID=1/;SECTION=1.2.MIME/;PARTIAL=3.5").section
    assert section.path == (1, 2) and section.text is Text.MIME and section.partial == (3, 5)
    fields = parse_url(b"/x/;UID=1/;SECTION=HEADER.FIELDS%20(To%20From)").section
    assert fields.fields == (b"to", b"from")
    assert parse_url(b"/x/;UID=1/;PARTIAL=9").section.partial == (9, 1 << 63)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"/x",
        b"/x/;UID=0",
        b"/x/;UID=*",
        b"x/;UID=1",
        b"http://mail.test/x/;UID=1",
        b"/x/;UID=1/;SECTION=NONE",
        b"/x/;UID=1/;SECTION=HEADER%5D%3C0.5%3E",
        b"/x/;UID=1/;SECTION=HEADER.FIELDS%20(%00)",
        b"/x/;UID=1/;PARTIAL=x",
        b"/%FF/;UID=1",
        b"/x/;UID=1;URLAUTH=anonymous",
        b"/" + b"/x" * 30_000,
    ],
)
def test_fault(octets: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_url(octets)
