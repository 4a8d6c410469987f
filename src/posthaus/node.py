"""DIR/run/node: a name for this house on this host, made once.

Hostnames will not do: the nodes behind one load balancer may all have the same. A backup leaves it out.

Standards: none.
Faults:    Refusal when it cannot be written.
"""

import os
from pathlib import Path

from posthaus.base.chance import Chance
from posthaus.base.error import Refusal

_LETTERS = 12


def node_name(folder: Path, chance: Chance) -> str:
    """By the supervisor, who is alone in the folder."""
    path = folder / "run" / "node"
    try:
        name = path.read_text("ascii").strip() if path.exists() else ""
        if not name:
            name = f"{os.uname().nodename}-{chance.name(_LETTERS)}".replace("/", "-")
            path.write_text(f"{name}\n", "ascii")
    except (OSError, UnicodeError) as fault:
        raise Refusal(f"{path}: cannot be read or written: {fault}") from None
    return name
