"""The name of a house on its host: made once, different for another house."""

from pathlib import Path

import pytest

from posthaus.base.chance import SystemChance
from posthaus.base.error import Refusal
from posthaus.node import node_name


def test_a_name_is_made_once(tmp_path: Path) -> None:
    for house in ("one", "two"):
        (tmp_path / house / "run").mkdir(parents=True)
    one = node_name(tmp_path / "one", SystemChance())
    assert one and "/" not in one
    assert node_name(tmp_path / "one", SystemChance()) == one
    assert node_name(tmp_path / "two", SystemChance()) != one


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="cannot be read or written"):
        node_name(tmp_path, SystemChance())
