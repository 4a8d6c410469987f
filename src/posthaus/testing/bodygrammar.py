"""A strict reader of ENVELOPE, BODYSTRUCTURE and BODY, to hold our answers against the grammar.

It shares nothing with the code that renders them.

Standards: RFC 9051 §9 (envelope, body, body-extension, string, literal).
Faults:    GrammarFault (ValueError) with the place.
"""

import re
from collections.abc import Callable

_QUOTED = re.compile(rb'"((?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(0|[1-9][0-9]*)\}\r\n")
_NUMBER = re.compile(rb"0|[1-9][0-9]*")


class GrammarFault(ValueError):
    """What does not follow the grammar, and where."""


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0
        self.extensions: list[tuple[int, int]] = []  # where extension data begin and end, with the space before them

    def fault(self, wanted: str) -> GrammarFault:
        return GrammarFault(f"{wanted} wanted at {self.at}: {self.octets[self.at : self.at + 60]!r}")

    def sees(self, octets: bytes) -> bool:
        return self.octets.startswith(octets, self.at)

    def take(self, octets: bytes) -> None:
        if not self.sees(octets):
            raise self.fault(repr(octets))
        self.at += len(octets)

    def string(self) -> bytes:
        if found := _QUOTED.match(self.octets, self.at):
            self.at = found.end()
            return re.sub(rb"\\(.)", rb"\1", found[1])
        if found := _LITERAL.match(self.octets, self.at):
            end = found.end() + int(found[1])
            text = self.octets[found.end() : end]
            if end > len(self.octets) or b"\0" in text:
                raise self.fault("literal")
            self.at = end
            return text
        raise self.fault("string")

    def nil(self) -> bool:
        if self.sees(b"NIL"):
            self.at += 3
            return True
        return False

    def nstring(self) -> bytes | None:
        return None if self.nil() else self.string()

    def number(self) -> int:
        found = _NUMBER.match(self.octets, self.at)
        if not found or int(found[0]) > 2**63 - 1:
            raise self.fault("number")
        self.at = found.end()
        return int(found[0])

    def end(self) -> None:
        if self.at != len(self.octets):
            raise self.fault("end")

    def envelope(self) -> None:
        self.take(b"(")
        self.nstring()  # env-date
        self.take(b" ")
        self.nstring()  # env-subject
        for _ in range(6):  # env-from to env-bcc
            self.take(b" ")
            self.addresses()
        self.take(b" ")
        self.nstring()  # env-in-reply-to
        self.take(b" ")
        self.nstring()  # env-message-id
        self.take(b")")

    def addresses(self) -> None:
        if self.nil():
            return
        self.take(b"(")
        in_group = False
        while True:
            self.take(b"(")
            fields = [self.nstring()]
            for _ in range(3):
                self.take(b" ")
                fields.append(self.nstring())
            self.take(b")")
            _, _, localpart, domain = fields
            if domain is None:
                if in_group == (localpart is not None):
                    raise self.fault("group start or end in its place")
                in_group = localpart is not None
            elif localpart is None:
                raise self.fault("addr-mailbox")
            if self.sees(b")"):
                break
        self.take(b")")
        if in_group:
            raise self.fault("end of group")

    def parameters(self) -> None:
        if self.nil():
            return
        self.take(b"(")
        while True:
            self.string()
            self.take(b" ")
            self.string()
            if self.sees(b")"):
                break
            self.take(b" ")
        self.take(b")")

    def body(self, extended: bool) -> None:
        self.take(b"(")
        if self.sees(b"("):
            while self.sees(b"("):
                self.body(extended)
            self.take(b" ")
            self.string()
            if extended:
                self.extension(self.parameters)
        else:
            self.one_part(extended)
        self.take(b")")

    def one_part(self, extended: bool) -> None:
        type_ = self.string().upper()
        self.take(b" ")
        subtype = self.string().upper()
        self.take(b" ")
        self.parameters()
        self.take(b" ")
        self.nstring()  # body-fld-id
        self.take(b" ")
        self.nstring()  # body-fld-desc
        self.take(b" ")
        self.string()  # body-fld-enc
        self.take(b" ")
        self.number()  # body-fld-octets
        if type_ == b"MULTIPART":
            raise self.fault("parts of a multipart")
        if type_ == b"MESSAGE" and subtype in (b"RFC822", b"GLOBAL"):
            self.take(b" ")
            self.envelope()
            self.take(b" ")
            self.body(extended)
        if type_ == b"TEXT" or (type_ == b"MESSAGE" and subtype in (b"RFC822", b"GLOBAL")):
            self.take(b" ")
            self.number()  # body-fld-lines
        if extended:
            self.extension(self.nstring)  # body-fld-md5

    def extension(self, first: Callable[[], object]) -> None:
        begin = self.at
        self.take(b" ")
        first()
        self.take(b" ")
        if not self.nil():  # body-fld-dsp
            self.take(b"(")
            self.string()
            self.take(b" ")
            self.parameters()
            self.take(b")")
        self.take(b" ")
        if self.sees(b"("):  # body-fld-lang
            self.take(b"(")
            self.string()
            while not self.sees(b")"):
                self.take(b" ")
                self.string()
            self.take(b")")
        else:
            self.nstring()
        self.take(b" ")
        self.nstring()  # body-fld-loc
        self.extensions.append((begin, self.at))


def check_envelope(octets: bytes) -> None:
    """envelope"""
    reader = _Reader(octets)
    reader.envelope()
    reader.end()


def check_bodystructure(octets: bytes) -> bytes:
    """body, with all its extension data; the same without them."""
    reader = _Reader(octets)
    reader.body(True)
    reader.end()
    ends = [0, *(end for _, end in reader.extensions)]
    begins = [*(begin for begin, _ in reader.extensions), len(octets)]
    return b"".join([octets[end:begin] for end, begin in zip(ends, begins, strict=True)])


def check_body(octets: bytes) -> None:
    """body, without extension data"""
    reader = _Reader(octets)
    reader.body(False)
    reader.end()
