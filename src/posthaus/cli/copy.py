"""`posthaus backup` and `restore`: the store with the settings and certificates beside it.

A backup is a folder: store/ (see store/backup.py), posthaus.toml, tls/. The settings are copied last, so what has them
is whole, and a restored house can be served as it is.

Standards: none.
Faults:    Refusal with one line for people; Trouble of the store.
"""

import asyncio
import shutil
import sys
from argparse import Namespace
from pathlib import Path

from posthaus.base.error import Refusal
from posthaus.base.setting import FILE_NAME, Settings, parse_house, read_settings
from posthaus.base.user import become
from posthaus.store import backup as store_backup

_STORE, _TLS = "store", "tls"


def backup(options: Namespace) -> int:
    folder, dest = Path(options.folder), Path(options.destination)
    settings = read_settings(folder)
    become(settings.server.user)
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise Refusal(f"{dest}: is not an empty folder")
    text = (folder / FILE_NAME).read_text("utf-8")
    asyncio.run(store_backup.backup(settings.store.url, folder / settings.store.folder, dest / _STORE))
    _copy_tls(folder / settings.tls.folder, dest / _TLS)
    (dest / FILE_NAME).write_text(text, "utf-8")
    return 0


def restore(options: Namespace) -> int:
    """Exit code 1 also when the restored store is broken, which is told in words; it is in place all the same."""
    source, folder = Path(options.source), Path(options.folder)
    if not (source / FILE_NAME).exists():
        raise Refusal(f"{source}: is no backup, or one that was not finished")
    if (folder / FILE_NAME).exists():
        raise Refusal(f"{folder / FILE_NAME}: there is a house already; nothing was changed")
    text = (source / FILE_NAME).read_text("utf-8")
    settings: Settings = parse_house(text, source / FILE_NAME)
    folder.mkdir(parents=True, exist_ok=True)
    become(settings.server.user)
    restoring = store_backup.restore(source / _STORE, settings.store.url, folder / settings.store.folder)
    broken = asyncio.run(restoring)
    _copy_tls(source / _TLS, folder / settings.tls.folder)
    (folder / FILE_NAME).write_text(text, "utf-8")
    for words in broken:
        print(words, file=sys.stderr)
    return 1 if broken else 0


def _copy_tls(source: Path, dest: Path) -> None:
    shutil.copytree(source, dest, dirs_exist_ok=True)
