import dataclasses

import pytest

from posthaus.mail.header import head_end, read_header
from posthaus.mail.prepare import outline, prepare
from posthaus.mail.prepared import Outline, Prepared


def test_is_a_value() -> None:
    one = prepare(b"Subject: x\r\n\r\n")
    assert one == prepare(b"Subject: x\r\n\r\n")
    assert not hasattr(one, "__dict__")


def test_fields_are_those_of_the_store() -> None:
    names = [one.name for one in dataclasses.fields(Prepared)]
    assert names[:4] == ["size_octets", "head_octets", "subject", "message_id"]
    assert len(names) == 17


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: x\r\n\r\nhello\r\n",
        b"Message-ID: <1@a.example>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?q?_au_lait?=\r\n\r\n",
        b"subject:\r\nSubject: second\r\nMessage-ID: broken\r\n\r\nMessage-ID: <2@a.example>\r\n",
    ],
)
def test_an_outline_is_a_part_of_it(octets: bytes) -> None:
    made, whole = outline(octets, read_header(octets[: head_end(octets)])), prepare(octets)
    assert made == Outline(whole.size_octets, whole.head_octets, whole.subject, whole.message_id)
