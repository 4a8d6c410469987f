"""`posthaus network`: clients that submit without log-in.

Standards: none.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace

from posthaus.base import rate
from posthaus.base.error import Refusal
from posthaus.cli.opening import print_rows, with_store
from posthaus.mail.date import render_utc
from posthaus.store import network
from posthaus.store.store import Store


def stopped(options: Namespace) -> int:
    async def act(store: Store) -> list[tuple[str, int]]:
        return await store.read(network.stopped)

    rows = [(client, render_utc(since)) for client, since in with_store(options, act)]
    print_rows(("client", "since"), rows, as_json=options.json)
    return 0


def release(options: Namespace) -> int:
    client = options.client if "/" in options.client else rate.network(options.client)

    async def act(store: Store) -> bool:
        return await store.write(network.release, client, int(time.time()))

    if not with_store(options, act):
        raise Refusal(f"{client} was not stopped")
    return 0
