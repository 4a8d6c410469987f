"""Tag lists: what they are, and what makes the whole list worth nothing."""

import pytest

from posthaus.check.taglist import TagFault, base64_of, list_of, number_of, parse_tags

GOOD = [
    (b"v=1; a=b", {"v": "1", "a": "b"}),
    (b" v = 1 ;\r\n\ta=b c;\r\n ", {"v": "1", "a": "b c"}),
    (b"a=", {"a": ""}),
    (b"a=b=c", {"a": "b=c"}),
    ("d=ü.test".encode(), {"d": "ü.test"}),
    (b"", {}),
]
BAD = [b"a", b"a=1;;b=2", b"=1", b"1a=2", b"a=1; a=1", b"a=\x00", b"a-b=1", b"a=\xff"]


@pytest.mark.parametrize(("octets", "wanted"), GOOD)
def test_good(octets: bytes, wanted: dict[str, str]) -> None:
    assert parse_tags(octets) == wanted


@pytest.mark.parametrize("octets", BAD)
def test_bad(octets: bytes) -> None:
    # RFC 6376 §3.2
    with pytest.raises(TagFault):
        parse_tags(octets)


def test_values() -> None:
    tags = parse_tags(b"b=aGFs\r\n\tbG8=; l=12; x=-1; h= From :To; c=!")
    assert base64_of(tags, "b") == b"hallo"
    assert number_of(tags, "l") == 12
    assert number_of(tags, "t") is None
    assert list_of(tags["h"]) == ("from", "to")
    for wrong in (lambda: base64_of(tags, "c"), lambda: base64_of(tags, "z"), lambda: number_of(tags, "x")):
        with pytest.raises(TagFault):
            wrong()
