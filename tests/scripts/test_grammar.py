"""Tests of the scripts as such: each can be read, cites its section, and finds the mail that it names."""

from pathlib import Path

import pytest

from posthaus.testing.player import read_mail
from posthaus.testing.script import Kind, parse_script

HERE = Path(__file__).parent
SCRIPTS = sorted(path.relative_to(HERE) for path in HERE.glob("*/*.txt"))


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_script(path: Path) -> None:
    script = parse_script((HERE / path).read_text(encoding="utf-8"))
    assert script.title.startswith("RFC "), "the first comment names the section that the script carries out"
    names = [step.words[2] for step in script.steps if step.kind is Kind.MAIL] + ([script.mail] if script.mail else [])
    assert all(read_mail(name, HERE / "mail") for name in names)


def test_there_are_many() -> None:
    number = {proto: len(list((HERE / proto).glob("*.txt"))) for proto in ("smtp", "imap", "pop3")}
    assert number["smtp"] >= 25
    assert number["imap"] >= 60
    assert number["pop3"] >= 25
