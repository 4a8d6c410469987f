"""HTML as text: what a reader would see, with lines where blocks begin and end.

The parser is Lexbor's. Its time grows with the square of the depth, so what has very many tags is read by a plainer way
that cuts tags out.

Standards: the WHATWG HTML Standard, as the library has it.
Faults:    none.
"""

import html
import re
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from posthaus.base.limit import HTML_TAGS
from posthaus.mail.decode import clean

# A line end before each block keeps words of two paragraphs apart, and inline tags ("<b>W</b>ord") do not divide.
_BLOCKS: Final = (
    r"/?(?:p|div|br|hr|tr|td|th|li|ul|ol|dl|dt|dd|h[1-6]|table|blockquote|pre|section|article|header|footer|center"
    r"|title|option|address|form|fieldset|figure|figcaption|main|nav|aside)\b"
)
_BLOCK = re.compile(rf"<(?={_BLOCKS})", re.IGNORECASE)
_MARKS: Final = "\u0300-\u036f\u3099\u309a"  # of letters that are taken apart (mail/casemap.py)
# A tag that is no block, with a letter before and after it. It begins with what is rare, so the search is quick.
_TAG_IN_WORD = re.compile(
    rf"<(?<=[\w{_MARKS}]<)(?!{_BLOCKS})[^>]*+>(?:<(?!{_BLOCKS})[^>]*+>)*+[\w{_MARKS}]", re.IGNORECASE
).search
# A letter by its name; the names that are common are those of other signs. In an address "&" begins a name as well.
_NAMED_LETTER = re.compile(
    r"&(?!(?:nbsp|amp|lt|gt|quot|apos|copy|reg|hellip|[mn]dash|[rlsb][sd]?quo|[rl]aquo|middot|bull|euro|pound|zwn?j|shy)\b)"
    r"[A-Z]++[0-9]*+(?![=A-Z0-9_-])",
    re.IGNORECASE,
).search
_UNSEEN: Final = ["head", "script", "style", "template", "noembed", "noframes", "object", "iframe", "svg", "math"]
_UNSEEN_TEXT = re.compile(r"<(script|style|head|template)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta\b[^<>]*?\bcharset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE).search
_TAG = re.compile(r"</?[A-Za-z!][^<>]*+>?")


def declared_charset(octets: bytes) -> bytes:
    """The charset that a document names itself, for a part whose header names none; b"" if it does not either."""
    found = _META(octets, 0, 2_048)
    return found[1].lower() if found else b""


def html_to_text(source: str, max_tags: int = HTML_TAGS) -> str:
    """The text of an HTML document or a part of one."""
    source = _BLOCK.sub("\n<", source)
    if source.count("<") > max_tags:
        return _without_tags(source)
    tree = LexborHTMLParser(source)
    tree.strip_tags(_UNSEEN)
    body = tree.body
    return clean(body.text(separator="")) if body is not None else _without_tags(source)


def may_hide_words(source: str) -> bool:
    """Can the text have words that do not stand in the source? A tag may be inside of one, or a letter be there by its
    name or number."""
    has_letters = "&" in source and ("&#" in source or _NAMED_LETTER(source) is not None)
    return has_letters or _TAG_IN_WORD(source) is not None


def _without_tags(source: str) -> str:
    for pattern in (_COMMENT, _UNSEEN_TEXT, _TAG):
        source = pattern.sub("", source)
    return clean(html.unescape(source))
