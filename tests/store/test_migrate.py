"""Numbered migrations: one text for two dialects."""

import pytest

from posthaus.store import migrate


@pytest.mark.parametrize("names", [migrate.SQLITE, migrate.POSTGRES])
def test_all_names_are_filled_in(names: dict[str, str]) -> None:
    known = migrate.migrations(names)
    assert [number for number, _ in known] == list(range(1, len(known) + 1))
    for _, statements in known:
        assert statements
        for statement in statements:
            assert not set("{};") & set(statement)
            assert statement.startswith(("CREATE ", "ALTER ", "DROP ", "UPDATE ", "INSERT "))


def test_what_is_due() -> None:
    known = migrate.migrations(migrate.SQLITE)
    assert migrate.due(0, known) == known
    assert migrate.due(known[-1][0], known) == []
    with pytest.raises(migrate.SchemaNewer):
        migrate.due(known[-1][0] + 1, known)
