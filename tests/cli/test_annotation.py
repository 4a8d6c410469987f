"""`posthaus annotation`, in this process."""

import json
from pathlib import Path

import pytest

from posthaus.cli import main


def test_set_list_remove(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "house"
    assert main(["init", str(folder), "--domain", "a.test", "--loopback"]) == 0
    post = ["-C", str(folder), "annotation"]
    assert main([*post, "set", "/Shared/Comment", "closed on Sunday"]) == 0
    assert main([*post, "set", "/shared/filters/values/new", "UNSEEN"]) == 0
    capsys.readouterr()
    assert main([*post, "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"entry": "/shared/comment", "value": "closed on Sunday"},
        {"entry": "/shared/filters/values/new", "value": "UNSEEN"},
    ]
    assert main([*post, "remove", "/shared/comment"]) == 0
    capsys.readouterr()
    assert main([*post, "list"]) == 0
    assert "comment" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("/private/comment", "x"),
        ("comment", "x"),
        ("/shared//x", "x"),
        ("/shared/x", "x" * 40_000),
        ("/shared/filters/values/f", "NO SUCH SEARCH"),
    ],
)
def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: str, value: str) -> None:
    folder = tmp_path / "house"
    assert main(["init", str(folder), "--domain", "a.test", "--loopback"]) == 0
    assert main(["-C", str(folder), "annotation", "set", entry, value]) == 1
    assert capsys.readouterr().err
