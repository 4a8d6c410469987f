"""`posthaus init`, `serve`, `dev`, `config`, `verify`.

Standards: none.
Faults:    Refusal with one line for people.
"""

import dataclasses
import shlex
import sys
import time
from argparse import Namespace
from pathlib import Path

from posthaus.base.error import Refusal
from posthaus.base.setting import (
    FILE_NAME,
    ListenSetting,
    SendSetting,
    Settings,
    StoreSetting,
    loopback,
    read_settings,
    render_default,
    render_house,
    store_url_fault,
)

DEV_DOMAIN = "example.test"
DEV_ACCOUNTS = ("alice", "bob")
DEV_PASSWORD = "secret"


def init(options: Namespace) -> int:
    if not 0 <= options.port_base <= 60000:
        raise Refusal("--port-base must be between 0 and 60000")
    store = StoreSetting() if options.store is None else StoreSetting(url=options.store)
    if (wrong := store_url_fault(store.url)) is not None:
        raise Refusal(f"--store {wrong}")
    settings = Settings(listen=ListenSetting(port_base=options.port_base), store=store)
    _make(Path(options.house), options.domain, options.hostname, settings, on_loopback=options.loopback)
    return 0


def _make(folder: Path, domain: str, hostname: str | None, settings: Settings, *, on_loopback: bool) -> None:
    from posthaus.cli.opening import on_store, read_domain
    from posthaus.net.tls import write_self_signed
    from posthaus.store import directory
    from posthaus.store.store import Store

    domain = read_domain(domain)
    hostname = read_domain(hostname) if hostname else f"mail.{domain}"
    settings = dataclasses.replace(settings, hostname=hostname)
    settings = loopback(settings) if on_loopback else settings
    names = (hostname, domain, "localhost", "127.0.0.1", "::1") if on_loopback else (hostname, domain)
    _refuse_overwriting(folder)
    folder.mkdir(parents=True, exist_ok=True)

    async def add_domain(store: Store) -> None:
        await store.write(directory.add_domain, domain, int(time.time()))

    on_store(folder, settings, add_domain)  # first, because a database may refuse; the folder is still empty then
    write_self_signed(folder / settings.tls.folder, hostname, tuple(dict.fromkeys(names)), time.time())
    # Last, because a folder with settings counts as a house, and half a house could not be made again.
    with (folder / FILE_NAME).open("x", encoding="utf-8") as out:
        out.write(render_house(settings))


def _refuse_overwriting(folder: Path) -> None:
    if (folder / FILE_NAME).exists():
        raise Refusal(f"{folder / FILE_NAME}: there is a house already; nothing was changed")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"{folder}: is not an empty folder; nothing was changed")


def serve(options: Namespace) -> int:
    if options.workers < 0:
        raise Refusal("--workers must not be negative")
    from posthaus.main import serve as run

    return run(Path(options.folder), options.workers)


def config(options: Namespace) -> int:
    print(render_default(), end="")
    return 0


def verify(options: Namespace) -> int:
    from posthaus.cli.opening import print_rows, with_store
    from posthaus.store import verify as check
    from posthaus.store.store import Store

    async def act(store: Store) -> list[str]:
        return await store.read(check.verify)

    broken = with_store(options, act)
    if options.json:
        print_rows(("broken",), [(words,) for words in broken], as_json=True)
    else:
        for words in broken:
            print(words)
        print(f"{len(broken)} broken" if broken else "sound")
    return 1 if broken else 0


def dev(options: Namespace) -> int:
    """A house with two accounts and a catch-all, made on the first run and kept for the next ones."""
    from posthaus.main import serve as run

    folder = Path(options.house)
    if not (folder / FILE_NAME).exists():
        settings = Settings(listen=ListenSetting(port_base=options.port_base), send=SendSetting(hold=True))
        _make(folder, DEV_DOMAIN, "localhost", settings, on_loopback=True)
        _add_people(folder)
    settings = read_settings(folder)
    print(f"Accounts {', '.join(f'{name}@{DEV_DOMAIN}' for name in DEV_ACCOUNTS)}, password {DEV_PASSWORD!r};")
    print(f"everything else at {DEV_DOMAIN} goes to {DEV_ACCOUNTS[0]}. On 127.0.0.1 and ::1:")
    for field in dataclasses.fields(ListenSetting):
        port = getattr(settings.listen, field.name)
        if isinstance(port, int) and port and field.name != "port_base":
            print(f"  {port + settings.listen.port_base:5}  {field.metadata['help'].partition('. ')[0].rstrip('.')}")
    if settings.send.hold:
        print("Mail for other domains is taken, and waits: nothing leaves this machine by itself. See it, let it go:")
        print(f"  posthaus -C {shlex.quote(str(folder))} queue list")
        print(f"  posthaus -C {shlex.quote(str(folder))} queue release --all")
    sys.stdout.flush()
    return run(folder, 1)


def _add_people(folder: Path) -> None:
    from posthaus.base.chance import SystemChance
    from posthaus.cli.opening import on_store
    from posthaus.flow.credential import make_credentials
    from posthaus.store import account, directory
    from posthaus.store.store import Store

    async def act(store: Store) -> None:
        now = int(time.time())
        for name in DEV_ACCOUNTS:
            address = f"{name}@{DEV_DOMAIN}"
            credentials = make_credentials(DEV_PASSWORD, SystemChance())
            await store.write(account.create, address, address, DEV_DOMAIN, credentials, 0, now)
        await store.write(directory.set_catch_all, DEV_DOMAIN, f"{DEV_ACCOUNTS[0]}@{DEV_DOMAIN}")

    on_store(folder, read_settings(folder), act)
