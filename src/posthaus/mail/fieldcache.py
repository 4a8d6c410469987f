"""The header fields that clients ask for again and again, kept apart with an index, and picked in a microsecond.

`fields` holds the raw octets of the fields named in COMMON, in the order of the header, and then its empty line.
`field_index` holds for n fields n octets, each the number of a name in COMMON, and n 32-bit ends of the fields. The
first n octets are the signature: mail of one origin has the same, so which slices a request needs is worked out once
for a signature and remembered.

Answers are to the octet those of mail/headerpick.py on the header itself. No name stands here that our own prefix may
bring (Return-Path, Received, Delivered-To, Authentication-Results): those are asked of the header.

Standards: RFC 9051 §6.4.5 (HEADER.FIELDS).
Faults:    none; None where a name is asked for that is not kept.
"""

import struct
from collections.abc import Callable, Collection
from typing import Final

from posthaus.mail.header import Header

# A number here is stored with every message: names are only ever added at the end, or VERSION of the structure raised.
COMMON: Final = (
    b"from", b"to", b"cc", b"bcc", b"reply-to", b"sender", b"subject", b"date", b"message-id", b"in-reply-to",
    b"references", b"content-type", b"content-transfer-encoding", b"mime-version", b"list-id", b"list-post",
    b"x-priority", b"importance", b"priority", b"x-msmail-priority", b"disposition-notification-to", b"user-agent",
    b"x-mailer", b"newsgroups", b"autocrypt", b"list-unsubscribe", b"list-unsubscribe-post", b"list-subscribe",
    b"list-help", b"list-archive", b"list-owner", b"content-disposition", b"content-description", b"content-language",
    b"content-id", b"content-class", b"precedence", b"auto-submitted", b"mail-followup-to", b"mail-reply-to",
    b"resent-from", b"resent-to", b"resent-date", b"resent-message-id", b"lines", b"organization", b"keywords",
    b"comments", b"thread-topic", b"thread-index", b"x-label", b"x-draft-info", b"x-identity-key",
    b"x-mozilla-draft-info",
    b"x-mozilla-status", b"x-mozilla-status2", b"x-mozilla-keys", b"followup-to", b"x-universally-unique-identifier",
    b"x-uniform-type-identifier", b"x-apple-base-url", b"x-forwarded-message-id", b"original-message-id", b"face",
    b"x-face", b"openpgp", b"bimi-selector", b"x-google-smtp-source", b"errors-to", b"return-receipt-to",
    b"x-confirm-reading-to", b"archived-at", b"x-spam-flag", b"x-spam-status", b"x-spam-level", b"x-spam-score",
)  # fmt: skip
_NUMBER: Final = {name: number for number, name in enumerate(COMMON)}
_MEMO: Final = 4_096  # signatures remembered for one request

Pick = Callable[[bytes, bytes], bytes]


def build(header: Header) -> tuple[bytes, bytes]:
    """`fields` and `field_index` of a header."""
    signature = bytearray()
    kept: list[bytes] = []
    ends: list[int] = []
    end = 0
    for name, raw in zip(header.names, header.raws, strict=True):
        number = _NUMBER.get(name)
        if number is not None:
            signature.append(number)
            kept.append(raw)
            end += len(raw)
            ends.append(end)
    kept.append(header.blank)
    return b"".join(kept), bytes(signature) + struct.pack(f"<{len(ends)}I", *ends)


def compile(wanted: Collection[bytes]) -> Pick | None:
    """A function (fields, field_index) -> the wanted fields and the empty line; None if not all are kept here."""
    numbers = frozenset(_NUMBER.get(name.lower(), -1) for name in wanted)
    if -1 in numbers:
        return None
    memo: dict[bytes, Pick] = {}

    def pick(fields: bytes, index: bytes) -> bytes:
        signature = index[: len(index) // 5]
        cut = memo.get(signature)
        if cut is None:
            if len(memo) >= _MEMO:
                memo.clear()
            cut = memo[signature] = _cutter(signature, numbers)
        return cut(fields, index)

    return pick


def pick(fields: bytes, index: bytes, wanted: Collection[bytes]) -> bytes | None:
    """The wanted fields and the empty line, for one message; None if not all are kept here."""
    compiled = compile(wanted)
    return None if compiled is None else compiled(fields, index)


def is_repeated(index: bytes, name: bytes) -> bool:
    """Does the header have several fields of this name, one of COMMON?"""
    return index.count(_NUMBER[name], 0, len(index) // 5) > 1


def _cutter(signature: bytes, numbers: frozenset[int]) -> Pick:
    """Cuts the wanted fields out of `fields` of this signature: runs of neighbours, the last one to the end."""
    count = len(signature)
    edges: list[int] = []  # where wanted and unwanted meet, as the field before which that is
    inside = False
    for place in range(count + 1):
        is_wanted = place == count or signature[place] in numbers  # the empty line at the end always is
        if is_wanted != inside:
            edges.append(place)
            inside = is_wanted
    from_start = edges[0] == 0
    if from_start:
        del edges[0]
    return _slicer(from_start, _reader(count, edges), len(edges))


def _reader(count: int, edges: list[int]) -> Callable[[bytes], tuple[int, ...]]:
    """Reads those ends out of an index that are edges of a run."""
    form = f"<{count}x"
    at = 0
    for edge in edges:  # the end of field edge - 1
        form += f"{(edge - 1 - at) * 4}xI"
        at = edge
    return struct.Struct(form).unpack_from


def _slicer(from_start: bool, read: Callable[[bytes], tuple[int, ...]], edges: int) -> Pick:
    def none(fields: bytes, index: bytes) -> bytes:
        return fields

    def last(fields: bytes, index: bytes) -> bytes:
        return fields[read(index)[0] :]

    def first_last(fields: bytes, index: bytes) -> bytes:
        a, b = read(index)
        return fields[:a] + fields[b:]

    def middle_last(fields: bytes, index: bytes) -> bytes:
        a, b, c = read(index)
        return fields[a:b] + fields[c:]

    def first_middle_last(fields: bytes, index: bytes) -> bytes:
        a, b, c, d = read(index)
        return fields[:a] + fields[b:c] + fields[d:]

    def two_last(fields: bytes, index: bytes) -> bytes:
        a, b, c, d, e = read(index)
        return fields[a:b] + fields[c:d] + fields[e:]

    def first_two_last(fields: bytes, index: bytes) -> bytes:
        a, b, c, d, e, f = read(index)
        return fields[:a] + fields[b:c] + fields[d:e] + fields[f:]

    def three_last(fields: bytes, index: bytes) -> bytes:
        a, b, c, d, e, f, g = read(index)
        return fields[a:b] + fields[c:d] + fields[e:f] + fields[g:]

    def first_three_last(fields: bytes, index: bytes) -> bytes:
        a, b, c, d, e, f, g, h = read(index)
        return fields[:a] + fields[b:c] + fields[d:e] + fields[f:g] + fields[h:]

    def many(fields: bytes, index: bytes) -> bytes:
        ends = (0, *read(index)) if from_start else read(index)
        return b"".join(map(fields.__getitem__, map(slice, ends[::2], (*ends[1::2], None))))

    # By the number of edges: an even one begins with the first field, and those usual are spelled out for speed.
    usual = (
        none,
        last,
        first_last,
        middle_last,
        first_middle_last,
        two_last,
        first_two_last,
        three_last,
        first_three_last,
    )
    return usual[edges] if edges < len(usual) else many
