"""Importing more than one batch: all that can be is made, the rest is told in order, and it can be done again."""

import asyncio
import json
from pathlib import Path

import pytest

from posthaus.cli import main
from posthaus.cli.bulk import _BATCH
from posthaus.flow.credential import false_hash, is_outdated, proves
from posthaus.store import account
from posthaus.store.store import open_store
from posthaus.testing.chance import SeededChance

COUNT = 2 * _BATCH + 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "house"
    assert main(["init", str(folder), "--domain", "example.test", "--loopback", "--port-base", "10000"]) == 0
    return folder


def lines_of(first: int, last: int) -> list[str]:
    return [f"u{n}@example.test,secret {n}" for n in range(first, last + 1)]


def test_several_batches(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(1, COUNT)
    lines[3] = "no comma"
    lines[_BATCH + 1] = "u1@example.test,twice in one file"
    lines[_BATCH + 2] = lines[_BATCH + 3] = "same@example.test,twice in one batch"
    lines[-1] = "x@elsewhere.test,x"
    (tmp_path / "people").write_text("\n".join(lines))
    capsys.readouterr()
    assert main(["-C", str(folder), "account", "import", str(tmp_path / "people")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "posthaus: line 4: is not `address,password`",
        f"posthaus: line {_BATCH + 2}: the account u1@example.test is there already",
        f"posthaus: line {_BATCH + 4}: the account same@example.test is there already",
        f"posthaus: line {COUNT}: there is no domain elsewhere.test; `posthaus domain add` makes one",
    ]
    assert main(["-C", str(folder), "account", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == COUNT - 4
    assert main(["-C", str(folder), "verify"]) == 0


def test_again_makes_what_is_missing(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for last in (_BATCH // 2, COUNT, COUNT):
        (tmp_path / "people").write_text("\n".join(lines_of(1, last) + lines_of(1, 1)))
        capsys.readouterr()
        assert main(["-C", str(folder), "account", "import", "--skip-existing", str(tmp_path / "people")]) == 0
        assert capsys.readouterr() == ("", "")
        assert main(["-C", str(folder), "account", "list", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)) == last


def test_everybody_has_his_own_password(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "people").write_text("\n".join(lines_of(1, 60)))
    assert main(["-C", str(folder), "account", "import", str(tmp_path / "people")]) == 0

    async def look() -> list[dict[str, bytes]]:
        store = await open_store("sqlite:", folder / "store")
        ids = [(await store.read(account.find, f"u{n}@example.test")) for n in (1, 26, 60)]
        found = [await store.read(account.credentials, one.id) for one in ids if one is not None]
        await store.close()
        return found

    nobody = false_hash(SeededChance())
    for n, values in zip((1, 26, 60), asyncio.run(look()), strict=True):
        assert proves(values, nobody, f"secret {n}")
        assert not proves(values, nobody, "secret 2")
        assert is_outdated(values)


def test_no_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["-C", str(folder), "account", "import", "/no/file"]) == 1
    assert "cannot be read" in capsys.readouterr().err
