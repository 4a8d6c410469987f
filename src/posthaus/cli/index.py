"""`posthaus index`: how far the index of texts has come, and making it anew.

Standards: none.
Faults:    Trouble of the store.
"""

import json
from argparse import Namespace
from pathlib import Path

from posthaus.base.setting import read_settings
from posthaus.cli.opening import with_store
from posthaus.store import rescan
from posthaus.store.store import Store, open_text_index
from posthaus.store.textindex import TextIndex


def status(options: Namespace) -> int:
    async def act(store: Store) -> tuple[int, int]:
        index = await _open(options)
        try:
            return await index.upto(), await store.read(rescan.last)
        finally:
            await index.close()

    upto, last = with_store(options, act)
    if options.json:
        print(json.dumps({"indexed_to": upto, "last_message": last}))
    else:
        print("all mail is in the index" if upto >= last else f"message {upto} of {last}")
    return 0


def rebuild(options: Namespace) -> int:
    async def act(store: Store) -> None:
        index = await _open(options)
        try:
            await index.clear()
        finally:
            await index.close()

    with_store(options, act)
    print("the running house makes the index anew; searches read the mail until then")
    return 0


async def _open(options: Namespace) -> TextIndex:
    folder = Path(options.folder)
    settings = read_settings(folder)
    return await open_text_index(settings.store.url, folder / settings.store.folder)
