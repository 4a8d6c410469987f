"""Whether a process of this host is alive.

Standards: none.
Faults:    none.
"""

import os


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
