"""Text that every database can hold: what comes from mail or from a peer may have more in it.

PostgreSQL has no NUL in text, and neither driver can write half a surrogate pair; both become U+FFFD.

Standards: none.
Faults:    none.
"""

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub("\ufffd", text)
