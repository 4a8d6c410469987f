"""From root to another user: only the look-up can be tried without losing what we are."""

import os

import pytest

from posthaus.base.error import Refusal
from posthaus.base.user import become, find_user


def test_nobody_named_is_nobody_else() -> None:
    assert find_user("") is None
    become("")


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_root_must_name_somebody_who_is_there() -> None:
    with pytest.raises(Refusal, match="there is no user 'no-such-user'"):
        find_user("no-such-user")
    user = find_user("root")
    assert user is not None
    assert user.pw_uid == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root")
def test_others_stay_who_they_are() -> None:
    assert find_user("root") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_a_child_becomes_nobody_for_good() -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            become("nobody")
            os.setuid(0)
        except PermissionError:
            code = 0 if os.geteuid() != 0 and 0 not in os.getgroups() else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
