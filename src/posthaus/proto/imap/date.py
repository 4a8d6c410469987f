"""Dates of IMAP: date of SEARCH, date-time of APPEND and INTERNALDATE.

A date-time is Unix seconds here; its zone is not kept, and what we render is in UTC. A date that the calendar does not
have is a fault, not a guess.

Standards: RFC 9051 §9 (date, date-time), RFC 9051 §2.3.3.
Faults:    ParseFault.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from posthaus.proto.imap.fault import ParseFault

_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_MONTH = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}
_DATE = re.compile(rb"(\d{1,2})-([A-Za-z]{3})-(\d{4})").fullmatch
_DATE_TIME = re.compile(
    rb"([ \d]?\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)",
).fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_date(octets: bytes) -> date:
    """date-text = date-day "-" date-month "-" date-year"""
    m = _DATE(octets)
    if m is None:
        raise ParseFault("a date is dd-Mon-yyyy")
    try:
        return date(int(m[3]), _MONTH.get(m[2].lower(), 0), int(m[1]))
    except ValueError as e:
        raise ParseFault("the calendar has no such date") from e


def parse_date_time(octets: bytes) -> int:
    """date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE, without the quotes.

    A day of one digit is read too; whether that is tolerated is the caller's (Quirk.SHORT_DAY).
    """
    m = _DATE_TIME(octets)
    if m is None:
        raise ParseFault('a date-time is "dd-Mon-yyyy hh:mm:ss +zzzz"')
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = m.groups()
    leap = second == b"60"  # RFC 5322 §3.3 allows it; the second before it is near enough
    if int(zone_minutes) > 59:
        raise ParseFault("a zone has at most 59 minutes")
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        at = datetime(
            int(year),
            _MONTH.get(month.lower(), 0),
            int(day),
            int(hour),
            int(minute),
            59 if leap else int(second),
            tzinfo=UTC,
        )
    except ValueError as e:
        raise ParseFault("the calendar has no such date") from e
    # Seconds, not a shifted datetime: the first day of year 1 minus a zone is no datetime.
    seconds = int((at - _EPOCH).total_seconds())
    return seconds - int(offset.total_seconds()) if sign == b"+" else seconds + int(offset.total_seconds())


def render_date_time(seconds: int) -> bytes:
    """Unix seconds as a quoted date-time in UTC; what no four-digit year can hold is brought to its border."""
    days, rest = divmod(min(max(seconds, -62135596800), 253402300799), 86_400)
    return b'"%s %02d:%02d:%02d +0000"' % (_render_day(days), rest // 3600, rest // 60 % 60, rest % 60)


@lru_cache(maxsize=4096)
def _render_day(days: int) -> bytes:
    day = date.fromordinal(719_163 + days)  # ordinal of 1-Jan-1970
    return b"%2d-%s-%04d" % (day.day, _MONTHS[day.month - 1], day.year)
