"""UIDs that are no more, as bitmaps; written by EXPUNGE alone.

A mailbox is the range 1..UIDNEXT-1 without its bitmaps, so opening it reads no placement, however many there are
(measured: one million UIDs in 19 to 45 ms, against 267 ms by rows).
"""

import re
from collections.abc import Iterable, Sequence

from posthaus.mail.uidset import Range, Ranges
from posthaus.store.tx import Tx

CHUNK = 4_096  # UIDs in a bitmap
_ZEROS = re.compile("0+")


async def mark(tx: Tx, mailbox: int, ranges: Iterable[Range]) -> None:
    """These UIDs are gone."""
    for chunk, mask in masks(ranges).items():
        row = await tx.one("SELECT bits FROM gone WHERE mailbox=$1 AND chunk=$2", mailbox, chunk)
        whole = mask | (int.from_bytes(row[0], "little") if row is not None else 0)
        await tx.run(
            "INSERT INTO gone (mailbox, chunk, bits) VALUES ($1, $2, $3)"
            " ON CONFLICT (mailbox, chunk) DO UPDATE SET bits=excluded.bits",
            mailbox,
            chunk,
            whole.to_bytes(CHUNK // 8, "little"),
        )


def masks(ranges: Iterable[Range]) -> dict[int, int]:
    """chunk -> the bits of these UIDs in it."""
    bits: dict[int, int] = {}
    for first, last in ranges:
        while first <= last:
            chunk, start = divmod(first, CHUNK)
            n = min(last - first + 1, CHUNK - start)
            bits[chunk] = bits.get(chunk, 0) | ((1 << n) - 1) << start
            first += n
    return bits


def present(uidnext: int, chunks: Sequence[tuple[int, bytes]]) -> Ranges:
    """The UIDs that are there, as ranges."""
    ranges: Ranges = []
    at = 1  # the first UID not yet looked at
    for chunk, bits in chunks:
        start = chunk * CHUNK
        if at < start:
            _add(ranges, at, start - 1)
        # bit 0 is the last digit: turned round, digit i stands for UID start + i
        digits = f"{int.from_bytes(bits, 'little'):0{CHUNK}b}"[::-1]
        for zeros in _ZEROS.finditer(digits):
            first, last = max(start + zeros.start(), 1), min(start + zeros.end() - 1, uidnext - 1)
            if first <= last:
                _add(ranges, first, last)
        at = start + CHUNK
    if at < uidnext:
        _add(ranges, at, uidnext - 1)
    return ranges


def _add(ranges: Ranges, first: int, last: int) -> None:
    if ranges and ranges[-1][1] + 1 == first:
        ranges[-1] = (ranges[-1][0], last)
    else:
        ranges.append((first, last))
