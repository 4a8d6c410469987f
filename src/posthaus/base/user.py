"""From root to the user who owns the mail.

Standards: none.
Faults:    Refusal when there is no such user.
"""

import os
import pwd

from posthaus.base.error import Refusal


def find_user(name: str) -> pwd.struct_passwd | None:
    """None when no user is named, or when we are not root and stay who we are."""
    if not name or os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise Refusal(f"server.user: there is no user {name!r} on this host") from None


def become(name: str) -> None:
    """From root to this user, for good."""
    user = find_user(name)
    if user is not None:
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
