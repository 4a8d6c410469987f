import pytest

from posthaus.mail.html import declared_charset, html_to_text, may_hide_words

DOCUMENTS = [
    ("", ""),
    ("plain", "plain"),
    ("<p>one</p><p>two</p>", "one two"),
    ("<b>W</b>ord &amp; <i>sign</i>&nbsp;x", "Word & sign x"),
    ("a<br>b<BR/>c", "a b c"),
    ("<html><head><title>t</title><style>x{}</style></head><body>seen<script>no()</script></body></html>", "seen"),
    ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
    ("<!-- hidden -->seen", "seen"),
    ("cut <a href='x", "cut"),
    ("<frameset><frame src=x></frameset>", ""),
    ("&#0;&#xD800;&#x110000;", "\ufffd\ufffd\ufffd"),
    ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
]


@pytest.mark.parametrize(("source", "wanted"), DOCUMENTS)
@pytest.mark.parametrize("max_tags", [10_000, -1])
def test_html_to_text(source: str, wanted: str, max_tags: int) -> None:
    text = " ".join(html_to_text(source, max_tags).split())
    if max_tags < 0 and "frame" in wanted + source:
        assert text == ""
    else:
        assert text == wanted


HEAVY = [
    "<div>" * 400_000,
    "<b><i>" * 200_000,
    "<script>" * 200_000,
    "<!--" * 300_000,
    "</script  " * 200_000,
    "<" * 500_000,
]


@pytest.mark.parametrize("number", range(len(HEAVY)))
def test_time_is_bounded(number: int) -> None:
    html_to_text(HEAVY[number])


@pytest.mark.parametrize(
    ("octets", "wanted"),
    [
        (b'<html><head><meta charset="Shift_JIS">', b"shift_jis"),
        (b"<META http-equiv=Content-Type content='text/html; charset=gb2312'>", b"gb2312"),
        (b"<p>no charset=utf-8 here", b""),
        (b"", b""),
    ],
)
def test_declared_charset(octets: bytes, wanted: bytes) -> None:
    assert declared_charset(octets) == wanted


@pytest.mark.parametrize(
    ("source", "hides"),
    [
        ("plain words", False),
        ("<b>word</b> next <i>word</i>", False),
        ("one<br>two<p>three</p>four", False),
        ("in<b>vo</b>ice", True),
        ("in<b></b><i>voice", True),
        ("in<!-- x -->voice", True),
        ("in<custom-tag>voice", True),
        ("&#105;nvoice", True),
        ("a &amp; b&nbsp;c", False),
        ("f&ouml;x", True),
        ("f&OUML x", True),
        ('<a href="?a=1&b=2&utm_source=x">', False),
        ("mu\u0308<b>ller", True),
    ],
)
def test_words_that_may_be_hidden(source: str, hides: bool) -> None:
    assert may_hide_words(source) is hides
