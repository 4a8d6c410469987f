"""`posthaus network`, in this process."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cli.shell import Shell, make_house

from posthaus.store import network
from posthaus.store.store import open_store
from posthaus.testing.storehouse import NOW


def test_stopped_and_released(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(make_house(tmp_path / "house"), capsys)

    async def stop(*clients: str) -> None:
        store = await open_store("sqlite:", shell.folder / "store")
        for client in clients:
            await store.write(network.stop, client, NOW)
        await store.close()

    asyncio.run(stop("192.0.2.9", "2001:db8::/64"))
    code, out, _ = shell.run("network", "stopped", "--json")
    assert (code, [one["client"] for one in json.loads(out)]) == (0, ["192.0.2.9", "2001:db8::/64"])
    assert shell.run("queue", "list", "--client", "192.0.2.9") == (0, "", "")
    assert shell.run("network", "release", "2001:db8::17")[0] == 0  # one of that network
    assert shell.run("network", "release", "192.0.2.9")[0] == 0
    assert shell.run("network", "release", "192.0.2.9") == (1, "", "posthaus: 192.0.2.9 was not stopped\n")
    assert shell.run("network", "stopped")[1] == ""
