"""PLAIN of RFC 4616."""

import pytest

from posthaus.proto.sasl.fault import SaslFault
from posthaus.proto.sasl.plain import Plain, parse_plain, render_plain

GOOD = [
    (b"\0tim\0tanstaaftanstaaf", Plain("", "tim", "tanstaaftanstaaf")),  # RFC 4616 §4
    (b"Ursel\0Kurt\0xipj3plmq", Plain("Ursel", "Kurt", "xipj3plmq")),
    ("\0jürgen\0pässwörd".encode(), Plain("", "jürgen", "pässwörd")),
    (b"\0a\0 b c ", Plain("", "a", " b c ")),
]


@pytest.mark.parametrize(("message", "wanted"), GOOD)
def test_parse(message: bytes, wanted: Plain) -> None:
    assert parse_plain(message) == wanted
    assert render_plain(wanted.authcid, wanted.password, wanted.authzid) == message


@pytest.mark.parametrize("message", [b"", b"\0", b"a\0b", b"\0\0p", b"\0u\0", b"\0u\0p\0", b"\0u\0\xff", b"tim"])
def test_faults(message: bytes) -> None:
    with pytest.raises(SaslFault):
        parse_plain(message)
