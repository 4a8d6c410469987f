"""`posthaus smarthost`, in this process."""

import json
from pathlib import Path

import pytest

from posthaus.cli import main


class Shell:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main(["-C", str(self.folder), "smarthost", *arguments])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def done(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert (code, err) == (0, ""), arguments
        return out

    def refused(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert (code, out, err.count("\n")) == (1, "", 1), arguments
        return err.removeprefix("posthaus: ").rstrip("\n")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    folder = tmp_path / "house"
    assert main(["init", str(folder), "--domain", "a.test", "--loopback"]) == 0
    (tmp_path / "secret").write_text("correct horse\n")
    return Shell(folder, capsys)


def test_add_list_remove(shell: Shell) -> None:
    secret = ("--password-file", str(shell.folder.parent / "secret"))
    shell.done("add", "Relay", "SMTP.Relay.test", "--port", "465", "--user", "anna", *secret)
    shell.done(
        "add", "lan", "192.0.2.7", "--to", "b.test", "--from", "a.test", "--from", "Carl@a.test", "--direct-first"
    )
    assert shell.done("list") == (
        "NAME   HOST             PORT  TLS            TLS FIRST  DIRECT FIRST  USER  TO      FROM\n"
        "lan    192.0.2.7        25    opportunistic             yes                 b.test  a.test,carl@a.test\n"
        "relay  smtp.relay.test  465   verified       yes                      anna\n"
    )
    text = shell.done("list", "--json")
    assert "correct horse" not in text
    assert json.loads(text)[0] == {
        "name": "lan",
        "host": "192.0.2.7",
        "port": 25,
        "tls": "opportunistic",
        "tls_first": False,
        "direct_first": True,
        "user": "",
        "to": ["b.test"],
        "from": ["a.test", "carl@a.test"],
    }
    shell.done("remove", "RELAY")
    assert [one["name"] for one in json.loads(shell.done("list", "--json"))] == ["lan"]


def test_refusals(shell: Shell) -> None:
    secret = ("--password-file", str(shell.folder.parent / "secret"))
    assert "not a name" in shell.refused("add", "a/b", "relay.test")
    assert "not a domain" in shell.refused("add", "a", "re lay")
    assert "--port" in shell.refused("add", "a", "relay.test", "--port", "0")
    assert "in TLS only" in shell.refused("add", "a", "relay.test", "--user", "x", "--tls", "opportunistic", *secret)
    assert "TLS from the first" in shell.refused("add", "a", "relay.test", "--port", "465", "--tls", "none")
    assert shell.refused("remove", "a") == "there is no smart host a"
    shell.done("add", "a", "127.0.0.1", "--user", "x", "--tls", "none", *secret)
    assert shell.refused("add", "a", "relay.test") == "the smart host a is there already"
    assert shell.refused("add", "b", "relay.test") == "all mail goes by a already"


def test_port_465_is_verified(shell: Shell) -> None:
    shell.done("add", "a", "relay.test", "--port", "465")
    (one,) = json.loads(shell.done("list", "--json"))
    assert (one["tls"], one["tls_first"]) == ("verified", True)
