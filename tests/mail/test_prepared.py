import dataclasses

import pytest

from posthaus.mail.prepare import prepare
from posthaus.mail.prepared import Prepared


def test_is_a_value() -> None:
    one = prepare(b"Subject: x\r\n\r\n")
    assert one == prepare(b"Subject: x\r\n\r\n")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.subject = "y"  # type: ignore[misc]
    assert not hasattr(one, "__dict__")


def test_fields_are_those_of_the_store() -> None:
    names = [one.name for one in dataclasses.fields(Prepared)]
    assert names[:4] == ["size_octets", "head_octets", "version", "structure"]
    assert len(names) == 17
