"""Dates of mail: the Date field in and out. IMAP's own dates are in proto/imap/date.py.

Reading is lenient, for what senders really write. What names no possible instant is None, and the caller takes the
internal date instead (RFC 5256 §3).

Standards: RFC 5322 §3.3, §4.3; RFC 3339 §5.6.
Faults:    none; None for what cannot be read.
"""

import re
from datetime import date
from typing import Final, NamedTuple

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MONTH_NAMES: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_DAY_NAMES: Final = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS: Final = {name.lower(): number for number, name in enumerate(_MONTH_NAMES, 1)}
# RFC 5322 §4.3. All other names, the military letters too, mean -0000: nobody knows.
_ZONES: Final = {
    b"edt": -240, b"est": -300, b"cdt": -300, b"cst": -360, b"mdt": -360, b"mst": -420, b"pdt": -420, b"pst": -480,
}  # fmt: skip

_TIME = rb"(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:[.,]\d+)?)?"
_ZONE = rb"[ \t]*+([+-][ ]?\d{1,4}(?!\d)|[A-Za-z]{1,9}(?:[+-]\d{4})?)?"
# date-time, with day name, seconds and zone optional, hyphens for spaces, and a year of two to four digits
_MAIL = re.compile(
    rb"\s*+(?:[A-Za-z]{2,9}[.,]?[\s,]*+)?(\d{1,2})[\s-]++([A-Za-z]{3})[A-Za-z]{0,6}[.,]?[\s-]++(\d{2,4})[\s,]++"
    + _TIME
    + _ZONE
).match
# what ctime() prints, with the zone before or after the year or nowhere
_CTIME = re.compile(
    rb"\s*+[A-Za-z]{2,9},?\s++([A-Za-z]{3})[A-Za-z]{0,6}\s++(\d{1,2}),?\s++"
    + _TIME
    + rb"(?:\s++([A-Z]{1,4}))?\s++(\d{4})"
    + _ZONE
).match
# ISO 8601, from web forms and scripts
_ISO = re.compile(
    rb"\s*+(\d{4})-(\d\d)-(\d\d)[T\s]\s*+(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?[ ]?(?:([+-]\d\d):?(\d\d))?"
).match

_UTC = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?[Zz]").fullmatch
_COMMENT = re.compile(rb"\([^()]*\)")


class DateTime(NamedTuple):
    """An instant, and the offset of the zone in which it was written."""

    seconds: int  # Unix
    offset_minutes: int

    @property
    def day(self) -> int:
        """The day as written, as days since 1970-01-01: what SENTON compares, disregarding time and zone."""
        return (self.seconds + self.offset_minutes * 60) // 86_400


def parse_date(value: bytes) -> DateTime | None:
    """date-time = [ day-of-week "," ] date time [CFWS]"""
    value = value[:200]  # the longest that can be meant; garbage is not searched
    if b"(" in value:
        value = _COMMENT.sub(b" ", value)
    if found := _MAIL(value):
        day, month, year, hour, minute, second, zone = found.groups()
        return _instant(_full_year(year), _MONTHS.get(month.lower(), 0), day, hour, minute, second, _offset(zone))
    if found := _CTIME(value):
        month, day, hour, minute, second, before, year, after = found.groups()
        return _instant(int(year), _MONTHS.get(month.lower(), 0), day, hour, minute, second, _offset(before or after))
    if found := _ISO(value):
        year, month, day, hour, minute, second, zone_hour, zone_minute = found.groups()
        zone = zone_hour + zone_minute if zone_hour else None
        return _instant(int(year), int(month), day, hour, minute, second, _offset(zone))
    return None


def render_date(seconds: int, offset_minutes: int = 0) -> bytes:
    """The Date field's value: `Mon, 05 Jan 2026 00:00:03 +0000`."""
    days, rest = divmod(seconds + offset_minutes * 60, 86_400)
    day = date.fromordinal(days + _EPOCH_DAY)
    return b"%b, %02d %b %04d %b %b" % (
        _DAY_NAMES[day.weekday()], day.day, _MONTH_NAMES[day.month - 1], day.year, _clock(rest), _zone(offset_minutes),
    )  # fmt: skip


def parse_utc(value: bytes) -> int | None:
    """date-time of RFC 3339 in UTC, `2026-01-05T00:00:03Z`, as Unix seconds."""
    found = _UTC(value)
    if not found:
        return None
    year, month, day, hour, minute, second = found.groups()
    instant = _instant(int(year), int(month), day, hour, minute, second, 0)
    return None if instant is None else instant.seconds


def render_utc(seconds: int) -> str:
    """The same out."""
    days, rest = divmod(seconds, 86_400)
    return f"{date.fromordinal(days + _EPOCH_DAY).isoformat()}T{_clock(rest).decode()}Z"


def _instant(
    year: int, month: int, day: bytes, hour: bytes, minute: bytes, second: bytes | None, offset_minutes: int
) -> DateTime | None:
    days = _day(year, month, int(day))
    hours, minutes, seconds = int(hour), int(minute), int(second or b"0")
    if days is None or hours > 23 or minutes > 59 or seconds > 60:  # 60 is a leap second
        return None
    # A day inside the years 2 to 9998, so that no zone leads out of what can be rendered.
    if not 2 <= year <= 9_998:
        return None
    return DateTime(days * 86_400 + hours * 3_600 + minutes * 60 + seconds - offset_minutes * 60, offset_minutes)


def _day(year: int, month: int, day: int) -> int | None:
    try:
        return date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None


def _full_year(digits: bytes) -> int:
    # RFC 5322 §4.3: 00 to 49 are 2000 to 2049; 50 to 999 count from 1900. So does 0102, which old programs wrote.
    year = int(digits)
    if len(digits) == 4 and not 100 <= year < 200:
        return year
    return year + 2_000 if len(digits) == 2 and year < 50 else year + 1_900


def _offset(zone: bytes | None) -> int:
    if not zone:
        return 0
    if zone[0] in b"+-":
        digits = zone[1:].strip().rjust(4, b"0") if len(zone) != 3 else zone[1:] + b"00"
        hours, minutes = int(digits[:2]), int(digits[2:])
        if hours > 23 or minutes > 59:
            return 0
        return -(hours * 60 + minutes) if zone[:1] == b"-" else hours * 60 + minutes
    if len(zone) > 5 and zone[-5] in b"+-":  # "GMT+0200", from old Java
        return _offset(zone[-5:])
    return _ZONES.get(zone.lower(), 0)


def _clock(seconds: int) -> bytes:
    return b"%02d:%02d:%02d" % (seconds // 3_600, seconds // 60 % 60, seconds % 60)


def _zone(offset_minutes: int) -> bytes:
    return b"%b%02d%02d" % (b"-" if offset_minutes < 0 else b"+", abs(offset_minutes) // 60, abs(offset_minutes) % 60)
