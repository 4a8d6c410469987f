"""The kit that our tests and our users' tests share: a real server in a few lines.

    async with posthaus.testing.server() as office: ...
    with posthaus.testing.running() as office: ...
    async with posthaus.testing.remote_mx() as mx: ...

pytest has the same as the fixture `posthaus`. What is heavy is loaded when it is first asked for.

Standards: none.
Faults:    none of its own.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posthaus.testing.chance import SeededChance
    from posthaus.testing.clock import JumpClock
    from posthaus.testing.fault import Answer, Crumbs, Cut
    from posthaus.testing.kit import AsyncOffice, Defects, Office, running, server
    from posthaus.testing.remote import DROP, ENDLESS, HANG, Arrived, Last, Raw, Remote, remote_mx, running_remote_mx

__all__ = [
    "DROP",
    "ENDLESS",
    "HANG",
    "Answer",
    "Arrived",
    "AsyncOffice",
    "Crumbs",
    "Cut",
    "Defects",
    "JumpClock",
    "Last",
    "Office",
    "Raw",
    "Remote",
    "SeededChance",
    "remote_mx",
    "running",
    "running_remote_mx",
    "server",
]

_WHERE = {
    "JumpClock": "clock",
    "SeededChance": "chance",
    **dict.fromkeys(("Answer", "Crumbs", "Cut"), "fault"),
    **dict.fromkeys(("DROP", "ENDLESS", "HANG", "Arrived", "Last", "Raw", "Remote"), "remote"),
    **dict.fromkeys(("remote_mx", "running_remote_mx"), "remote"),
}


def __getattr__(name: str) -> Any:
    """Loads the module of a name of __all__ when it is first used: the plugin must cost a stranger's pytest nothing."""
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"posthaus.testing.{_WHERE.get(name, 'kit')}"), name)
