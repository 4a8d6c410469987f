"""What threads are made of: the base subject, and the message-ids that a message names.

Standards: RFC 5256 §2.1, §2.2, §3 (REFERENCES); RFC 5322 §3.6.4.
Faults:    none.
"""

import re

from posthaus.base.limit import MESSAGE_ID_OCTETS, REFERENCES, SUBJECT_CHARACTERS
from posthaus.mail.decode import decode_text

# subj-blob = "[" *BLOBCHAR "]" *WSP
_BLOB = r"\[[^\[\]]*+\] *+"
# subj-trailer = "(fwd)" / WSP
_TRAILER = re.compile(r"(?:\(fwd\)| )+\Z", re.IGNORECASE)
# subj-leader = (*subj-blob subj-refwd) / WSP; subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
_LEADER = re.compile(rf" *+(?:{_BLOB})*+(?:re|fwd?) *+(?:{_BLOB})?:| +", re.IGNORECASE).match
_LEADING_BLOB = re.compile(rf"{_BLOB}(?=.)", re.DOTALL).match
_SPACE = re.compile(r"[ \t\r\n]+")
# What can have no leader, trailer or wrapper: no bracket, no parenthesis, no colon. Most subjects.
_BARE = re.compile(r"[^\[\](:]*+\Z").match

# msg-id with what real ones have inside: no brackets, and spaces only where a fold went wrong.
_MESSAGE_ID = re.compile(rb"<([^<>]+)>")
# "01KF8JCEOCBS0045PS"@example is 01KF8JCEOCBS0045PS@example (RFC 5256 §2.2)
_QUOTED_ID = re.compile(rb'"([A-Za-z0-9!#$%&\'*+/=?^_`{|}~.-]+)"(@.*)', re.DOTALL).fullmatch


def base_subject(subject: str) -> str:
    """RFC 5256 §2.1 of a decoded subject, as it is written; comparing without regard to case is the caller's."""
    return split_subject(subject)[0]


def split_subject(subject: str) -> tuple[str, bool]:
    """Base subject, and whether the subject is that of a reply or forward."""
    text = subject[:SUBJECT_CHARACTERS]
    if "\t" in text or "\r" in text or "\n" in text or "  " in text:
        text = _SPACE.sub(" ", text)  # (1)
    if _BARE(text):
        return text.strip(" "), False
    is_reply = False
    while True:
        trimmed = _TRAILER.sub("", text)  # (2)
        is_reply = is_reply or len(trimmed) < len(text.rstrip(" "))
        text, led = _without_leaders(trimmed)
        is_reply = is_reply or led
        if not (text[:5].lower() == "[fwd:" and text.endswith("]")):  # (6)
            return text, is_reply
        text, is_reply = text[5:-1], True


def _without_leaders(text: str) -> tuple[str, bool]:
    """Steps (3) to (5)."""
    is_reply = False
    at = 0
    while True:
        if found := _LEADER(text, at):  # (3)
            is_reply = is_reply or found[0].endswith(":")
            at = found.end()
        elif found := _LEADING_BLOB(text, at):  # (4), only if a subj-base stays
            at = found.end()
        else:  # (5)
            return text[at:], is_reply


def message_id(value: bytes) -> str:
    """The id of a Message-ID field without its brackets; "" if none can be meant."""
    found = _MESSAGE_ID.search(value)
    if found:
        return _normal(found[1])
    # Some senders leave the brackets out.
    return _normal(value) if b"@" in value and not value.strip().count(b" ") and b"<" not in value else ""


def message_ids(value: bytes) -> tuple[str, ...]:
    """The ids of a References or In-Reply-To field in their order, each once; the last ones if there are too many."""
    found = _MESSAGE_ID.findall(value)[-REFERENCES:]
    return tuple(dict.fromkeys([text for one in found if (text := _normal(one))]))


def _normal(octets: bytes) -> str:
    if len(octets) > MESSAGE_ID_OCTETS:
        return ""
    if octets[:1] == b'"' and (quoted := _QUOTED_ID(octets)):
        octets = quoted[1] + quoted[2]
    text = decode_text(octets)
    return text if text.isalnum() else "".join(text.split())
