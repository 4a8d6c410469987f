"""Pages that siblings look into."""

from pathlib import Path

from posthaus.store.drivers.attention import Attention, Glance


def test_seen_by_siblings(tmp_path: Path) -> None:
    own = Attention(str(tmp_path / "wish"))
    other = Glance(own.path)
    own.begin(7)
    own.begin(7)
    own.wants_lock(True)
    assert other.wants([6, 7, 8]) == [7] and other.wants_lock()
    own.end(7)
    assert other.wants([7]) == [7]
    own.end(7)
    own.wants_lock(False)
    assert not other.wants([7]) and not other.wants_lock()
    other.close()
    own.close()
    assert not list(tmp_path.iterdir())


def test_the_page_has_its_place_on_the_disk(tmp_path: Path) -> None:
    """A hole in it would be filled later, and on a full disk that is the end of the process (SIGBUS)."""
    own = Attention(str(tmp_path / "wish"))
    there = Path(own.path).stat()
    assert there.st_blocks * 512 >= there.st_size > 0
    own.close()
