"""What a peculiarity of a client is called and why it is known; each protocol has its own in its quirk.py.

Every one is a name with a script: tests/scripts/<protocol>/quirk-<name>.txt shows what comes and what we answer.

Standards: RFC 1122 §1.2.2 (be liberal in what you accept).
Faults:    none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    client: str
    does: str  # what comes from it, or what it expects
    answer: str  # what we do
    source: str  # where it was seen
