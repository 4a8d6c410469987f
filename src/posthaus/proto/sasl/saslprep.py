"""SASLprep: user names and passwords that look alike become alike.

prepare() is the plain profile. prepare_password() never fails: what SASLprep cannot take (an emoji joined by ZWJ, mixed
directions) is kept as it was typed, so that everybody can log in with what they have set.

Standards: RFC 4013, RFC 3454.
Faults:    SaslFault from prepare().
"""

import stringprep
from unicodedata import ucd_3_2_0  # RFC 4013 §2.2 with RFC 3454 §4: Unicode 3.2

from posthaus.proto.sasl.fault import SaslFault

_PROHIBITED = (  # RFC 4013 §2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def prepare(text: str, *, stored: bool = False) -> str:
    """The prepared form. A stored string may have no unassigned code points, a query may (RFC 3454 §7)."""
    if text.isascii():
        if not text.isprintable():
            raise SaslFault("saslprep-prohibited")
        return text
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    prepared = ucd_3_2_0.normalize("NFKC", mapped)
    if any(table(c) for c in prepared for table in _PROHIBITED):
        raise SaslFault("saslprep-prohibited")
    if stored and any(stringprep.in_table_a1(c) for c in prepared):
        raise SaslFault("saslprep-unassigned")
    _check_direction(prepared)
    return prepared


def prepare_password(password: str) -> str:
    """SASLprep where it can be done, else the password as it is. Code points newer than Unicode 3.2 are kept."""
    try:
        return prepare(password)
    except SaslFault:
        return password


def _check_direction(text: str) -> None:
    """RFC 3454 §6: right-to-left text begins and ends so, and holds no left-to-right letter."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise SaslFault("saslprep-direction")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise SaslFault("saslprep-direction")
