"""`posthaus suppression`, in this process."""

import json
from pathlib import Path

import pytest
from tests.cli.shell import Shell, make_house


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(make_house(tmp_path / "house"), capsys)
    shell.add("anna@a.test")
    return shell


def test_add_list_remove(shell: Shell) -> None:
    assert shell.run("suppression", "add", "Otto@b.test")[0] == 0
    assert shell.run("suppression", "add", "Otto@b.test", "--account", "anna@a.test", "--reason", "he left")[0] == 0
    code, out, _ = shell.run("suppression", "list", "--json")
    assert code == 0
    found = json.loads(out)
    assert [(one["account"], one["reason"], one["until"]) for one in found] == [
        ("-", "an administrator said so", "for good"),
        ("anna@a.test", "he left", "for good"),
    ]
    assert shell.run("suppression", "list", "--account", "anna@a.test")[1].count("\n") == 2
    assert shell.run("suppression", "remove", "otto@b.test", "--account", "anna@a.test")[0] == 0
    assert shell.run("suppression", "remove", "otto@b.test") == (0, "", "")
    assert shell.run("suppression", "remove", "otto@b.test") == (
        1, "", "posthaus: mail to otto@b.test is not suppressed\n"
    )  # fmt: skip
    assert shell.run("suppression", "list")[1] == ""


def test_nobody(shell: Shell) -> None:
    for arguments in (("list",), ("add", "o@b.test"), ("remove", "o@b.test")):
        code, out, err = shell.run("suppression", *arguments, "--account", "ben@a.test")
        assert (code, out, err) == (1, "", "posthaus: there is no account ben@a.test\n")
