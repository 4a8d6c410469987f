"""The Makefile installs what lies here, not a copy of it that the next change would leave behind."""

from pathlib import Path

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"


def test_what_is_installed_is_what_lies_here() -> None:
    lines = MAKEFILE.read_text(encoding="utf-8").splitlines()
    installing = [line.strip() for line in lines if "$(PIP) install" in line]
    assert len(installing) >= 3
    assert [line for line in installing if "--editable" not in line] == []
