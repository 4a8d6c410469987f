"""`posthaus tls reports`: what others report of TLS with our hosts.

Standards: RFC 8460 §4.
Faults:    Refusal with one line for people.
"""

import time
from argparse import Namespace

from posthaus.base.error import Refusal
from posthaus.cli.opening import print_rows, read_domain, with_store
from posthaus.mail.compose import visible
from posthaus.mail.date import render_utc
from posthaus.store import tlsreport
from posthaus.store.store import Store
from posthaus.store.tlsreport import Told

_DAY_S = 86_400
_HEAD = ("domain", "from", "until", "organization", "policy", "sessions", "failed", "failures")


def reports(options: Namespace) -> int:
    if options.days < 1:
        raise Refusal("--days must be at least 1")
    domain = read_domain(options.domain) if options.domain else ""
    since = int(time.time()) - options.days * _DAY_S

    async def act(store: Store) -> list[Told]:
        return await store.read(tlsreport.listing, since, domain)

    print_rows(_HEAD, [_row(one, options.json) for one in with_store(options, act)], as_json=options.json)
    return 0


def _row(one: Told, as_json: bool) -> tuple[object, ...]:
    head = (
        one.domain, render_utc(one.begins), render_utc(one.ends), one.organization, one.policy,
        one.successes + one.failed, one.failed,
    )  # fmt: skip
    if as_json:
        names = ("kind", "sessions", "host", "reason")
        told = [dict(zip(names, (f.kind, f.sessions, f.host, f.reason), strict=True)) for f in one.failures]
        return (*head, told)
    words = "; ".join(f"{f.sessions} {f.kind} {f.host} {f.reason}".rstrip() for f in one.failures)
    return tuple(visible(str(cell)) for cell in (*head, words))
