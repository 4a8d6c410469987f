"""Memory that the C library keeps for us, and that goes back to the system when nobody needs it.

glibc gives threads heaps of their own and keeps what was freed in them for good: a thread that has proved one password
by Argon2id holds 19 MB from then on, four of them more than half of a house's memory. With one heap for all threads
what is free can be given back from time to time. (To have blocks of that size never kept makes each proof half as slow
again, 35 milliseconds for 24, for its pages are made anew.) Other C libraries are left as they are.

Standards: none.
Faults:    none.
"""

import ctypes
from functools import cache

_M_ARENA_MAX = -8  # malloc.h


def share_one_heap() -> None:
    """For this process and its children, before there are threads."""
    glibc = _glibc()
    if glibc is not None:
        glibc.mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Takes some milliseconds, so in a thread."""
    glibc = _glibc()
    if glibc is not None:
        glibc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "gnu_get_libc_version") else None
    except OSError:
        return None
