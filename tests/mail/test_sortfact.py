"""What SORT looks at: the quick ways say what the long ones say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthaus.base.limit import ADDRESS_LIST_OCTETS
from posthaus.mail.addresslist import first_address, parse_address_list
from posthaus.mail.prepare import prepare
from posthaus.mail.sortfact import COLUMNS, NUMBERS, TEXTS, columns_of, facts

NAMES = (*NUMBERS, *TEXTS)


def told(head: bytes, *names: bytes) -> list[str]:
    p = prepare(head + b"\r\n")
    return [facts(name, [(p.fields,), (p.field_index,)])[0] for name in names]


def test_each_of_several_messages() -> None:
    assert facts(b"ARRIVAL", [(3, 1)]) == (3, 1)
    assert facts(b"SIZE", [(3, 1)]) == (3, 1)
    assert facts(b"DATE", [(7, None), (3, 1)]) == [7, 1]  # without one that can be read: when it came
    assert facts(b"SUBJECT", [("Übung", "b", "Übung")]) == ["U\u0308BUNG", "B", "U\u0308BUNG"]


@pytest.mark.parametrize(
    ("head", "mailbox", "display"),
    [
        (b"From: Zoe <anna@x.example>\r\n", "ANNA", "ZOE"),
        (b'From: "Zoe, again" <anna@x.example>, b@x\r\n', "ANNA", "ZOE, AGAIN"),
        (b"From: =?utf-8?q?Zo=C3=AB?= <anna@x.example>\r\n", "ANNA", "ZOE\u0308"),
        (b"From: =?utf-8?q?Zo=C3=AB?=\r\n =?utf-8?q?_B?= <anna@x.example>\r\n", "ANNA", "ZOE\u0308 B"),
        (b"From:\r\n anna@x.example\r\n", "ANNA", "ANNA@X.EXAMPLE"),
        (b"From: anna@x.example (Zoe)\r\n", "ANNA", "ZOE"),
        (b"From: Friends: zoe@x.example;\r\n", "FRIENDS", "FRIENDS"),
        (b"From: one@x.example\r\nFrom: two@x.example\r\n", "ONE", "ONE@X.EXAMPLE"),  # the first field counts
        (b"From:\r\nFrom: two@x.example\r\n", "", ""),
        (b"From: ,, late@x.example\r\n", "LATE", "LATE@X.EXAMPLE"),
        (b"From: nobody\r\n", "NOBODY", "NOBODY@MISSING_DOMAIN"),
        (b"From: \r\n", "", ""),
        (b"", "", ""),
    ],
)
def test_addresses(head: bytes, mailbox: str, display: str) -> None:
    assert told(head + b"X-Other: 1\r\n", b"FROM", b"DISPLAYFROM") == [mailbox, display]
    assert told(b"Subject: s\r\n" + head.replace(b"From", b"Cc"), b"CC") == [mailbox]


def test_columns() -> None:
    assert columns_of([b"DATE", b"FROM", b"TO", b"ARRIVAL"]) == ("sent_at", "received", "fields", "field_index")
    assert set(COLUMNS) == set(NAMES)


LISTS = st.lists(
    st.sampled_from(
        [b"a@b", b"Ann <a@b>", b'"A, B" <a@b>', b",", b";", b":", b"<", b">", b"(c)", b" ", b"\\", b'"', b"="]
    )
)


@given(LISTS.map(b"".join) | st.binary(max_size=40))
def test_the_first_address_is_that_of_the_list(value: bytes) -> None:
    assert first_address(value) == next(iter(parse_address_list(value)), None)


def test_the_first_address_of_a_long_list() -> None:
    for value in (b"a@b," * ADDRESS_LIST_OCTETS, b"a" * ADDRESS_LIST_OCTETS + b"@b"):
        assert first_address(value) == parse_address_list(value)[0]
