"""`posthaus dev`: nothing leaves the machine by itself, and the words say so."""

from argparse import Namespace
from pathlib import Path

import pytest

import posthaus.main
from posthaus.base.setting import read_settings
from posthaus.cli import house


def test_dev_holds_what_would_leave(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posthaus.main, "serve", lambda folder, workers: 0)
    folder = tmp_path / "a house"
    for _ in range(2):  # made, and found again
        assert house.dev(Namespace(house=str(folder), port_base=10_000)) == 0
        printed = capsys.readouterr().out
        assert "nothing leaves this machine by itself" in printed
        assert f"posthaus -C '{folder}' queue release --all" in printed
    assert read_settings(folder).send.hold
