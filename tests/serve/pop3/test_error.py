"""What a POP3 client is told of what goes wrong below."""

import inspect

import pytest

from posthaus.base.error import Refusal, Trouble
from posthaus.flow import identity
from posthaus.serve.pop3.error import reply_to
from posthaus.store import error

NAMES = [
    kind
    for module in (error, identity)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Refusal | Trouble) and kind not in (Refusal, Trouble)
]


@pytest.mark.parametrize("kind", NAMES)
def test_every_name_has_a_reply(kind: type[Refusal | Trouble]) -> None:
    said = reply_to(kind("a secret of ours"))
    assert said.startswith(b"-ERR ")
    assert b"secret" not in said
    assert (b"[SYS/TEMP]" in said) == (issubclass(kind, Trouble) or kind is identity.TooManyGuesses)
