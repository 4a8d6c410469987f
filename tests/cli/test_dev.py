"""`posthaus dev`: nothing leaves the machine by itself, and the words say so."""

from argparse import Namespace
from pathlib import Path

import pytest

import posthaus.main
from posthaus.base.setting import read_settings
from posthaus.cli import house, whytext
from posthaus.mail.address import Address
from posthaus.mail.envelope import Envelope, Recipient
from posthaus.store.queue import NEVER, Errand, Parcel, State
from posthaus.store.record import Entry, Kind


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


def test_why_says_so() -> None:
    parcel = Parcel(1, "t1", Envelope(None), 1, "", 9, 0, 9, 0)
    otto = Recipient(Address("otto", "b.test"))
    errand = Errand(1 << 16, 1, otto, "mx/b.test", 0, NEVER, State.HELD, None)
    assert whytext.of_errand(parcel, errand, 0) == "otto@b.test: in the queue, held back until it is released."
    queued = Entry("t1", 0, Kind.QUEUED, "otto@b.test", {"to": "mx/b.test", "held": 1})
    assert whytext.of_entry(queued, {}).endswith(
        "the servers of b.test, held there by the settings until it is released."
    )
