"""What a session can do wrong with its engine.

Standards: none.
Faults:    this module names it.
"""


class Misuse(RuntimeError):
    """The session spoke out of turn, or answered what was not asked: a defect of ours, whatever the peer did."""
