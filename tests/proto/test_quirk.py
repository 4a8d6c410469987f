"""Every peculiarity of a client has a script that shows it and a row in docs/compatibility.md."""

from enum import Enum
from pathlib import Path

import pytest

from posthaus.proto.imap import quirk as imap
from posthaus.proto.pop3 import quirk as pop3
from posthaus.proto.quirk import Case

ROOT = Path(__file__).resolve().parents[2]
NAMED: list[tuple[str, Enum]] = [
    *[("imap", one) for kind in (imap.Quirk, imap.Need) for one in kind],
    *[("pop3", one) for kind in (pop3.Quirk, pop3.Need) for one in kind],
]


@pytest.mark.parametrize(("proto", "one"), NAMED, ids=str)
def test_shown_and_told(proto: str, one: Enum) -> None:
    case = one.value
    assert isinstance(case, Case)
    assert all((case.client, case.does, case.answer, case.source))
    script = ROOT / "tests" / "scripts" / proto / f"quirk-{one.name.lower().replace('_', '-')}.txt"
    assert f"{type(one).__name__}.{one.name}" in script.read_text(encoding="utf-8").split("\n", 1)[0]
    assert f"`{one.name}`" in (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")


def test_no_two_are_the_same() -> None:
    for kind in (imap.Quirk, imap.Need, pop3.Quirk, pop3.Need):
        assert len(kind) == len(kind.__members__)  # equal values would make one an alias of the other


def test_scripts_name_what_there_is() -> None:
    stems = {f"{proto}/quirk-{one.name.lower().replace('_', '-')}" for proto, one in NAMED}
    found = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "tests" / "scripts").glob("*/quirk-*.txt")}
    assert found == stems
