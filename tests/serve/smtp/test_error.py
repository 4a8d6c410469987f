"""Every name that the store and log-in raise has its reply."""

from posthaus.base.error import Refusal, Trouble
from posthaus.flow import identity
from posthaus.proto.smtp import reply
from posthaus.serve.smtp.error import AUTH_REPLIES, REPLIES, auth_reply_of, reply_of
from posthaus.store import error


def names(module: object) -> set[type]:
    found = {value for value in vars(module).values() if isinstance(value, type)}
    return {value for value in found if issubclass(value, Refusal | Trouble) and value not in (Refusal, Trouble)}


def test_no_name_is_missing() -> None:
    assert names(error) <= set(REPLIES)
    assert names(identity) - {identity.PasswordUnfit} <= set(AUTH_REPLIES)


def test_unknown_names_may_be_tried_again() -> None:
    assert reply_of(Refusal()).code // 100 == 4
    assert auth_reply_of(Trouble()) is reply.AUTH_TROUBLE
    assert auth_reply_of(Refusal()) is reply.BAD_CREDENTIALS
