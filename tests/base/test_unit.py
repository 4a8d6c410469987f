"""Sizes and durations as people write them."""

import pytest

from posthaus.base.unit import parse_duration, parse_size, render_duration, render_size


@pytest.mark.parametrize(
    ("text", "octets"),
    [("50 MB", 50 * 1024**2), ("1.5 KB", 1536), ("0 B", 0), ("2gb", 2 * 1024**3), ("1 TB", 1024**4), (" 7 B ", 7)],
)
def test_size(text: str, octets: int) -> None:
    assert parse_size(text) == octets
    assert parse_size(render_size(octets)) == octets


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("14 days", 1_209_600.0),
        ("1 day", 86_400.0),
        ("2 weeks", 1_209_600.0),
        ("30 s", 30.0),
        ("5 min", 300.0),
        ("5 minutes", 300.0),
        ("1h", 3600.0),
        ("2 hours", 7200.0),
        ("0 s", 0.0),
        ("250 ms", 0.25),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert parse_duration(render_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "50", "MB", "50 XB", "-1 MB", "1 2 MB", "50 M B"])
def test_not_a_size(text: str) -> None:
    with pytest.raises(ValueError, match="50 MB"):
        parse_size(text)


@pytest.mark.parametrize("text", ["", "14", "days", "14 dogs", "-1 s"])
def test_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="14 days"):
        parse_duration(text)


def test_rendered_in_the_largest_unit() -> None:
    assert [render_size(n) for n in (0, 1000, 2048, 50 * 1024**2)] == ["0 B", "1000 B", "2 KB", "50 MB"]
    assert [render_duration(n) for n in (0, 90, 60, 7200, 86400, 1209600, 0.5)] == [
        "0 s",
        "90 s",
        "1 min",
        "2 h",
        "1 day",
        "14 days",
        "500 ms",
    ]
