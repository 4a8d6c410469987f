"""Dates: tables both ways, and what the calendar does not have."""

from datetime import date

import pytest

from posthaus.proto.imap.date import parse_date, parse_date_time, render_date_time
from posthaus.proto.imap.fault import ParseFault


@pytest.mark.parametrize(
    ("octets", "day"),
    [
        (b"1-Feb-1994", date(1994, 2, 1)),
        (b"01-feb-1994", date(1994, 2, 1)),
        (b"29-FEB-2024", date(2024, 2, 29)),
    ],
)
def test_date(octets: bytes, day: date) -> None:
    assert parse_date(octets) == day


@pytest.mark.parametrize(
    "octets", [b"", b"1-Feb-94", b"30-Feb-2024", b"1-Foo-2024", b"1 Feb 2024", b"0-Jan-2024", b"1-Jan-0000"]
)
def test_no_date(octets: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_date(octets)


@pytest.mark.parametrize(
    ("octets", "seconds"),
    [
        (b"17-Jul-1996 02:44:25 -0700", 837596665),
        (b" 1-Jan-1970 00:00:00 +0000", 0),
        (b" 1-Jan-1970 00:00:00 +0100", -3600),
        (b"1-Jan-1970 00:00:00 +0000", 0),
        (b"31-Dec-2016 23:59:60 +0000", 1483228799),
        (b" 1-Jan-0001 00:00:00 +1400", -62135596800 - 14 * 3600),
    ],
)
def test_date_time(octets: bytes, seconds: int) -> None:
    assert parse_date_time(octets) == seconds


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"17-Jul-1996 02:44:25",
        b"17-Jul-1996 24:00:00 +0000",
        b"31-Apr-2020 00:00:00 +0000",
        b"17-Jul-1996 02:44:25 +0060",
        b"17-Jul-1996 02:44:25 GMT",
        b"17-Jul-1996  02:44:25 +0000",
    ],
)
def test_no_date_time(octets: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_date_time(octets)


@pytest.mark.parametrize(
    ("seconds", "octets"),
    [
        (837596665, b'"17-Jul-1996 09:44:25 +0000"'),
        (0, b'" 1-Jan-1970 00:00:00 +0000"'),
        (-1, b'"31-Dec-1969 23:59:59 +0000"'),
        (-(10**18), b'" 1-Jan-0001 00:00:00 +0000"'),
        (10**18, b'"31-Dec-9999 23:59:59 +0000"'),
    ],
)
def test_render(seconds: int, octets: bytes) -> None:
    assert render_date_time(seconds) == octets
