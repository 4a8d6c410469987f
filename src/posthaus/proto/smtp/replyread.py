"""Replies of a host that we send to: octets in, whole replies out, within limits.

A reply is read as leniently as hosts are odd: a line may end with LF alone, may lack its text, and the codes of several
lines may differ (the last one counts). What is no reply at all ends the dialogue: after it nobody knows which reply
belongs to which command. Text is for people, so controls are taken out of it; an enhanced code is believed only where
its class is the reply's own.

Standards: RFC 5321 §4.2, §4.2.1 and §4.5.3.1.5, RFC 2034 §4.
Faults:    ReplyFault as a value; nothing is raised.
"""

import re
from enum import Enum
from functools import lru_cache

from posthaus.base import limit
from posthaus.base.value import value
from posthaus.proto.line import NEED_DATA, Need

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245])(\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2}))(?: |\Z)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SHORT_OCTETS = 80  # of a reply that may be remembered


class ReplyFault(Enum):
    """Why what the host says is no reply; the value is for people."""

    MALFORMED = "the host does not speak SMTP"
    TOO_LONG = "a reply without an end"


@value
class Heard:
    """One reply. `lines` are without code and enhanced code; `enhanced` is "" where none was given."""

    code: int
    enhanced: str
    lines: tuple[str, ...]

    @property
    def is_positive(self) -> bool:
        return self.code < 300

    @property
    def is_intermediate(self) -> bool:
        return 300 <= self.code < 400

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500

    @property
    def text(self) -> str:
        """For people, who need not read all that a host can say."""
        return "\n".join(self.lines)[: limit.RELAY_TEXT_CHARACTERS]


class Replies:
    """What came and is no whole reply yet."""

    __slots__ = ("_code", "_fault", "_octets", "_searched", "_size", "_start", "_texts")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all that came, half a reply included."""
        self._octets = b""
        self._start = 0  # what lies before is used up
        self._searched = 0  # no LF between start and here
        self._texts: list[bytes] = []  # of the reply that has begun
        self._code = b""
        self._size = 0  # octets of it
        self._fault: ReplyFault | None = None

    def __len__(self) -> int:
        """Octets that stand here, of whole replies or a part of one."""
        return len(self._octets) - self._start + self._size

    def receive(self, octets: bytes) -> None:
        self._octets = octets if self._start == len(self._octets) else self._octets[self._start :] + octets
        self._searched = max(0, self._searched - self._start)
        self._start = 0

    def next_reply(self) -> Heard | ReplyFault | Need:
        """The next reply; after a fault the fault again."""
        while self._fault is None:
            end = self._octets.find(b"\n", self._searched)
            if end < 0:
                self._searched = len(self._octets)
                if self._searched - self._start <= limit.RELAY_REPLY_LINE_OCTETS:
                    return NEED_DATA
                break
            start, self._start = self._start, end + 1
            self._searched = self._start
            self._size += self._start - start
            if self._size > limit.RELAY_REPLY_OCTETS or len(self._texts) >= limit.RELAY_REPLY_LINES:
                break
            match = _LINE.fullmatch(self._octets, start, end - 1 if self._octets[end - 1 : end] == b"\r" else end)
            if match is None:
                self._fault = ReplyFault.MALFORMED
                break
            self._code, more, text = match.groups()
            self._texts.append(text or b"")
            if more != b"-":
                return self._whole()
        self._fault = self._fault or ReplyFault.TOO_LONG
        self._octets, self._start, self._searched = b"", 0, 0
        return self._fault

    def _whole(self) -> Heard:
        code, texts = self._code, tuple(self._texts)
        self._texts.clear()
        self._size = 0
        return _heard(code, texts) if len(texts) == 1 and len(texts[0]) <= _SHORT_OCTETS else _read(code, texts)


def _read(code: bytes, lines: tuple[bytes, ...]) -> Heard:
    texts = tuple(_readable(line) for line in lines)
    # RFC 2034 §4: each line has it; hosts that leave it out of some lines give it in the last one.
    enhanced = _ENHANCED.match(texts[-1])
    if enhanced is None or ord(enhanced[1]) != code[0]:
        return Heard(int(code), "", texts)
    found = enhanced[1] + enhanced[2]
    return Heard(int(code), found, tuple(_without(text, found) for text in texts))


_heard = lru_cache(maxsize=256)(_read)  # hosts say the same few words to MAIL, RCPT and DATA


def _readable(text: bytes) -> str:
    shown = text.decode("utf-8", "replace")
    return shown if shown.isprintable() else _CONTROL.sub("?", shown)


def _without(text: str, enhanced: str) -> str:
    return text[len(enhanced) + 1 :] if text == enhanced or text.startswith(enhanced + " ") else text
