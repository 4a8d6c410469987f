"""The command line in this process, on one house: exit codes, listings, refusals in one line."""

from pathlib import Path

import pytest

from posthaus.cli import main


class Shell:
    """Runs commands on one house. `command`: what stands before the arguments of each, such as "queue"."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], *command: str) -> None:
        self.folder = folder
        self.secret = folder.parent / "secret"
        self.secret.write_text("correct horse\n")
        self.capsys = capsys
        self._command = command
        capsys.readouterr()

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main(["-C", str(self.folder), *self._command, *arguments])
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

    def add(self, address: str, *more: str) -> None:
        """An account."""
        assert (
            main(["-C", str(self.folder), "account", "add", address, "--password-file", str(self.secret), *more]) == 0
        )
        assert self.capsys.readouterr() == ("", "")


def make_house(folder: Path, domain: str = "a.test", port_base: int = 10_000) -> Path:
    assert main(["init", str(folder), "--domain", domain, "--loopback", "--port-base", str(port_base)]) == 0
    return folder
