"""`posthaus transport test`, in this process: the dialogue with a remote MX that a DNS of the test's own leads to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthaus.cli import main
from posthaus.testing.remote import DROP, Remote, running_remote_mx
from posthaus.testing.zone import Zone, running_zone


class Shell:
    def __init__(self, folder: Path, dns: Zone, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.dns = dns
        self.capsys = capsys

    def set(self, **values: str) -> None:
        path = self.folder / "posthaus.toml"
        text = path.read_text()
        for key, value in values.items():
            text, count = re.subn(rf"(?m)^#? ?{key} = .*(?=\n(?:.|\n)*)", f"{key} = {value}", text)
            assert count, key
        path.write_text(text)

    def leads_to(self, mx: Remote) -> None:
        self.dns.records["b.example"] = {"MX": ["10 mx.example"]}
        self.dns.records["mx.example"] = {"A": [mx.host]}
        path = self.folder / "posthaus.toml"
        head, send, rest = path.read_text().partition("[send]\n")
        lines = [line for line in rest.split("\n") if not re.match(r"#? ?(?:resolvers|port|private_hosts) = ", line)]
        told = f'resolvers = ["{self.dns.place}"]\nport = {mx.port}\nprivate_hosts = true\n'
        path.write_text(head + send + told + "\n".join(lines))

    def run(self, *arguments: str) -> tuple[int, list[str], str]:
        code = main(["-C", str(self.folder), "transport", "test", *arguments])
        said = self.capsys.readouterr()
        return code, said.out.splitlines(), said.err


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    folder = tmp_path / "house"
    assert main(["init", str(folder), "--domain", "a.test", "--loopback", "--port-base", "10000"]) == 0
    with running_zone({}) as dns:
        yield Shell(folder, dns, capsys)


def test_the_dialogue_is_shown(shell: Shell) -> None:
    with running_remote_mx() as mx:
        shell.leads_to(mx)
        code, lines, err = shell.run("bob@b.example", "--from", "ann@a.test")
        assert (code, err) == (0, "")
        assert lines[0] == "* mail for bob@b.example waits for mx/b.example"
        assert "C EHLO mail.a.test" in lines
        assert any(line.startswith("* TLSv1.3") for line in lines)
        assert "C MAIL FROM:<ann@a.test> SIZE=0" in lines
        assert lines[-3:] == ["C QUIT", "S 221 2.0.0 Bye", "* bob@b.example is taken: 250 2.1.5 OK"]
        assert not mx.messages and "RSET" in mx.commands


def test_a_message_is_sent_where_it_is_wanted(shell: Shell) -> None:
    with running_remote_mx() as mx:
        shell.leads_to(mx)
        code, lines, err = shell.run("bob@b.example", "--send")
        assert code == 0, (err, lines)
        assert (code, lines[-1]) == (0, "* the message was taken: 250 2.0.0 Taken")
        (message,) = mx.messages
        assert message.reverse_path == ""
        assert b"\r\nTo: <bob@b.example>\r\n" in message.octets


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ({"RCPT": "550 5.1.1 No such user"}, "bob@b.example is not taken: 550 5.1.1 No such user"),
        ({"MAIL": "451 4.7.1 Later"}, "for now bob@b.example is not taken: 451 4.7.1 Later"),
        ({"GREETING": "554 5.7.1 On a list"}, "for now bob@b.example is not taken: 554 On a list"),
        ({"RCPT": DROP}, "for now bob@b.example is not taken: 4.4.2 the connection was lost after MAIL or RCPT"),
    ],
)
def test_what_is_not_taken(shell: Shell, orders: dict[str, str], words: str) -> None:
    with running_remote_mx(orders) as mx:
        shell.leads_to(mx)
        code, _, err = shell.run("bob@b.example")
        assert (code, err) == (1, f"posthaus: {words}\n")


def test_no_way(shell: Shell) -> None:
    with running_remote_mx() as mx:
        shell.leads_to(mx)
        assert "5.1.2" in shell.run("bob@nowhere.example")[2]
        assert shell.run("bob@a.test")[2] == "posthaus: mail for a.test stays here\n"
        assert "is not an address" in shell.run("bob")[2]
        assert mx.connections == 0
