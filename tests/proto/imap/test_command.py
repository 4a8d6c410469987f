"""Commands are values: equal by content, fit for keys, silent about secrets."""

from typing import get_args

import pytest

from posthaus.proto.imap import command as c


def test_equal_by_content() -> None:
    assert c.Select(b"a", "INBOX") == c.Select(b"a", "INBOX", read_only=False)
    assert len({c.Noop(b"a"), c.Noop(b"a"), c.Noop(b"b")}) == 2


@pytest.mark.parametrize("kind", get_args(c.Command), ids=lambda kind: str(kind.__name__))
def test_every_command_has_a_tag_and_no_dictionary(kind: type[c.Command]) -> None:
    assert next(iter(kind.__dataclass_fields__)) == "tag"
    assert hasattr(kind, "__slots__")


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr(c.Login(b"a", b"joe", b"hidden"))
    assert "hidden" not in repr(c.Authenticate(b"a", "PLAIN", b"hidden"))
