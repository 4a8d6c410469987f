"""`posthaus smarthost`, in this process."""

import json
from pathlib import Path

import pytest
from tests.cli.shell import Shell, make_house


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(make_house(tmp_path / "house"), capsys, "smarthost")


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


def test_direct(shell: Shell) -> None:
    shell.done("add", "relay", "relay.test")
    shell.done("direct", "--to", "B.test")
    shell.done("direct", "--from", "anna@a.test")
    assert shell.done("list") == (
        "NAME    HOST        PORT  TLS            TLS FIRST  DIRECT FIRST  USER  TO      FROM\n"
        "direct" + " " * 66 + "b.test  anna@a.test\n"
        "relay   relay.test  25    opportunistic\n"
    )
    assert "say which mail" in shell.refused("direct")
    assert shell.refused("add", "direct", "relay.test") == "the smart host direct is there already"
    shell.done("remove", "direct")
    assert "direct " not in shell.done("list")


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
