"""Values: compared and hashed by what they hold, without room for anything else, and changed by nobody."""

from dataclasses import field, replace

import pytest

from posthaus.base.value import value


@value
class Point:
    x: int
    y: int = 0
    names: tuple[str, ...] = field(default=(), compare=False)


@value(eq=False)
class Known:
    x: int


def test_equal_by_what_they_hold() -> None:
    assert Point(1, 2, ("a",)) == Point(1, 2) != Point(1, 3)
    assert {Point(1, 2): "here"}[replace(Point(5, 2), x=1)] == "here"


def test_equal_by_identity() -> None:
    one = Known(1)
    assert one == one != Known(1)
    assert len({one, one, Known(1)}) == 2


def test_no_room_for_anything_else() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 3  # type: ignore[attr-defined]


def test_a_change_is_found_by_mypy_alone() -> None:
    one = Point(1)
    one.x = 3  # type: ignore[misc]  # mypy complains of this comment where it finds no fault here
    assert one == Point(3)
