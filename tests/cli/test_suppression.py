"""`posthaus suppression`, in this process."""

import json
from pathlib import Path

import pytest

from posthaus.cli import main


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main(["-C", str(self.folder), *arguments])
        said = self.capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    folder, secret = tmp_path / "house", tmp_path / "secret"
    secret.write_text("correct horse\n")
    assert main(["init", str(folder), "--domain", "a.test", "--loopback"]) == 0
    assert main(["-C", str(folder), "account", "add", "anna@a.test", "--password-file", str(secret)]) == 0
    capsys.readouterr()
    return Shell(folder, capsys)


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
