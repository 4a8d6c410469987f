"""What every command on the store needs: settings, the right user, the store, addresses and passwords as typed.

Standards: none.
Faults:    Refusal with one line for people.
"""

import asyncio
import getpass
import json
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from posthaus.base.error import Refusal
from posthaus.base.setting import Settings, read_settings
from posthaus.base.unit import parse_size
from posthaus.base.user import become
from posthaus.mail.address import Address, AddressFault, parse_address
from posthaus.mail.domain import to_ascii
from posthaus.store.store import Store, open_store

T = TypeVar("T")


def with_store(options: Namespace, act: Callable[[Store], Awaitable[T]]) -> T:
    """Opens the store of the house, acts, closes it. Works while the house runs."""
    folder = Path(options.folder)
    return on_store(folder, read_settings(folder), act)


def on_store(folder: Path, settings: Settings, act: Callable[[Store], Awaitable[T]]) -> T:
    become(settings.server.user)  # files that root makes could not be written by the workers

    async def run() -> T:
        store = await open_store(settings.store.url, folder / settings.store.folder)
        try:
            return await act(store)
        finally:
            await store.close()

    return asyncio.run(run())


def read_address(text: str) -> Address:
    try:
        return parse_address(text.encode("utf-8", "replace"), smtputf8=True)
    except AddressFault as fault:
        raise Refusal(f"{text!r} is not an address: {fault}") from None


def read_domain(text: str) -> str:
    try:
        return to_ascii(text)
    except ValueError as fault:
        raise Refusal(f"{text!r} is not a domain: {fault}") from None


def read_quota(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as fault:
        raise Refusal(str(fault)) from None


def quota_of(options: Namespace) -> int:
    """--quota, or what the settings say."""
    if options.quota is not None:
        return read_quota(options.quota)
    return read_settings(Path(options.folder)).mail.quota


def read_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refusal(f"{text!r} is not a number of messages")
    return int(text)


def messages_of(options: Namespace) -> int:
    """--messages, or what the settings say."""
    if options.messages is not None:
        return read_count(options.messages)
    return read_settings(Path(options.folder)).mail.quota_messages


def read_password(options: Namespace) -> str:
    """From the file, or standard input, or asked for twice on a terminal. One line end at its end is not part of it."""
    if options.password_file is not None:
        try:
            text = Path(options.password_file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise Refusal(f"{options.password_file}: cannot be read: {fault}") from None
    elif sys.stdin.isatty():
        text = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != text:
            raise Refusal("these are two different passwords")
    else:
        text = sys.stdin.read()
    return text.removesuffix("\n").removesuffix("\r")


def print_rows(head: Sequence[str], rows: Iterable[Sequence[object]], *, as_json: bool) -> None:
    """A table for people, or a list of objects for programs."""
    if as_json:
        print(json.dumps([dict(zip(head, row, strict=True)) for row in rows], ensure_ascii=False, indent=1))
        return
    table = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in table)]) for at, name in enumerate(head)]
    for row in [[name.upper().replace("_", " ") for name in head], *table] if table else []:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
