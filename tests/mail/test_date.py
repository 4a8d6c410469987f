import pytest

from posthaus.mail.date import DateTime, parse_date, render_date

JAN_5 = 1_767_571_203  # 2026-01-05 00:00:03 UTC

DATES = [
    (b"Mon, 05 Jan 2026 00:00:03 +0000", JAN_5, 0),
    (b"5 Jan 2026 00:00:03 -0000", JAN_5, 0),
    (b"Mon, 5 Jan 2026 01:00:03 +0100 (CET)", JAN_5, 60),
    (b"Sun, 04 Jan 2026 16:00:03 PST", JAN_5, -480),
    (b"Mon, 5 Jan 26 00:00:03 GMT", JAN_5, 0),
    (b"Mon,5 Jan 2026 00:00:03 Z", JAN_5, 0),
    (b"Monday, 05-Jan-26 00:00:03 UT", JAN_5, 0),
    (b"Mon, 05 January 2026 00:00:03 +0000", JAN_5, 0),
    (b"Mon Jan  5 00:00:03 2026", JAN_5, 0),
    (b"Mon Jan  5 01:00:03 CET 2026", JAN_5 + 3_600, 0),  # RFC 5322 §4.3: a name nobody knows is -0000
    (b"Mon Jan 5 00:00:03 2026 +0000", JAN_5, 0),
    (b"Mon, Jan 5 2026 00:00:03", None, None),
    (b"2026-01-05T00:00:03Z", JAN_5, 0),
    (b"2026-01-05 02:00:03 +02:00", JAN_5, 120),
    (b"Mon, 05 Jan 2026 02:00:03 GMT+0200", JAN_5, 120),
    (b"Mon, 05 Jan 2026 00:00 +0000", JAN_5 - 3, 0),
    (b"Mon, 05 Jan 2026 00.00.03 +0000", JAN_5, 0),
    (b"Mon, 05 Jan 2026 00:00:03 + 100", JAN_5 - 3_600, 60),
    (b"Mon, 05 Jan 2026 00:00:03 +9999", JAN_5, 0),
    (b"Mon, (a day) 05 (b) Jan 2026 00:00:03 +0000", JAN_5, 0),
    # RFC 5322 §A.1 to §A.6
    (b"Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706, -360),
    (b"Tue, 1 Jul 2003 10:52:37 +0200", 1_057_049_557, 120),
    (b"Thu, 13 Feb 1969 23:32:54 -0330", -27_723_426, -210),
    (b"Thu,\t13\t  Feb\t    1969\t23:32\t\t\t-0330 (Newfoundland Time)", -27_723_480, -210),
    (b"21 Nov 97 09:55:06 GMT", 880_106_106, 0),
    (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", None, None),
    (b"1 Jan 1600 00:00:00 +0000", -11_676_096_000, 0),
    (b"1 Jan 102 00:00:00 +0000", 1_009_843_200, 0),  # a program that printed tm_year
    (b"30 Feb 2026 00:00:00 +0000", None, None),
    (b"5 Foo 2026 00:00:00 +0000", None, None),
    (b"5 Jan 2026 24:00:00 +0000", None, None),
    (b"5 Jan 2026 23:59:60 +0000", JAN_5 - 3 + 86_400, 0),
    (b"5 Jan 0001 00:00:00 +0000", None, None),
    (b"Mon, 05 Jan 0126 00:00:03 +0000", JAN_5, 0),
    (b"5 Jan 9999 00:00:00 +0000", None, None),
    (b"yesterday", None, None),
    (b"", None, None),
    (b"\xff" * 1_000, None, None),
]


@pytest.mark.parametrize(("value", "seconds", "offset"), DATES)
def test_parse_date(value: bytes, seconds: int | None, offset: int | None) -> None:
    wanted = None if seconds is None or offset is None else DateTime(seconds, offset)
    assert parse_date(value) == wanted


@pytest.mark.parametrize("seconds", [0, -1, JAN_5, 951_782_400, -27_723_426])
@pytest.mark.parametrize("offset", [0, 60, -210, 840, -720])
def test_render_and_parse(seconds: int, offset: int) -> None:
    assert parse_date(render_date(seconds, offset)) == DateTime(seconds, offset)


def test_render() -> None:
    assert render_date(JAN_5) == b"Mon, 05 Jan 2026 00:00:03 +0000"
    assert render_date(JAN_5, -210) == b"Sun, 04 Jan 2026 20:30:03 -0330"


def test_day_is_that_of_the_writer() -> None:
    sent = parse_date(b"Mon, 05 Jan 2026 23:30:00 -0800")
    assert sent is not None
    assert sent.day == JAN_5 // 86_400
