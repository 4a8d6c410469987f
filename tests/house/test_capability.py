"""Rules of the house about capabilities: nothing is announced that no script shows."""

from pathlib import Path

import pytest

from posthaus.proto.imap.capability import TABLE
from posthaus.proto.smtp.keyword import KEYWORDS
from posthaus.testing.script import parse_script

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"

ELSEWHERE = {
    # capability: where it is shown instead
    "INPROGRESS": "nothing takes long in a script; tests/serve/imap/test_progress.py",
    "LOGINDISABLED": "never announced to this host itself; tests/proto/imap/test_capability.py",
}


def needed(proto: str) -> set[str]:
    """The capabilities that the scripts of a protocol need, without what follows the equals sign of AUTH=PLAIN."""
    needs = {n for path in (SCRIPTS / proto).glob("*.txt") for n in parse_script(path.read_text("utf-8")).needs}
    return {need.upper() for need in needs}


@pytest.mark.parametrize("name", [keyword.name for keyword in KEYWORDS])
def test_smtp_keyword_has_a_script(name: str) -> None:
    assert name in needed("smtp")


@pytest.mark.parametrize("name", [row.name.decode() for row in TABLE])
def test_imap_capability_has_a_script(name: str) -> None:
    assert name.upper() in needed("imap") or name in ELSEWHERE


@pytest.mark.parametrize("row", [*KEYWORDS, *TABLE], ids=lambda row: str(row.name))
def test_each_names_its_rfc(row: object) -> None:
    assert getattr(row, "rfc", "").startswith("RFC ")
