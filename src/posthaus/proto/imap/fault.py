"""What the grammar says when it cannot read a command.

A ParseFault carries the text of the answer; the engine answers "tag BAD text" or, where the grammar is kept but the
value can never do (a mailbox name that is no modified UTF-7, an unknown charset), "tag NO [code] text".

Standards: RFC 9051 §7.1.
Faults:    ParseFault is the only exception that leaves a parser.
"""


class ParseFault(Exception):
    """The command is not in the grammar; `text` is ASCII and holds nothing that the peer has sent."""

    __slots__ = ("bad", "code", "text")

    def __init__(self, text: str, *, code: bytes | None = None, bad: bool = True) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.bad = bad
