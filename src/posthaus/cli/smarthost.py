"""`posthaus smarthost`: hosts that take our mail and send it on.

Standards: RFC 8314 §3.3 (port 465).
Faults:    Refusal with one line for people.
"""

import ipaddress
import re
import time
from argparse import Namespace

from posthaus.base.error import Refusal
from posthaus.cli.opening import print_rows, read_address, read_domain, read_password, with_store
from posthaus.store import smarthost
from posthaus.store.smarthost import Kind, Scope, Smarthost
from posthaus.store.store import Store

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TLS_FIRST_PORT = 465
_SAFE = ("encrypted", "verified")


def add(options: Namespace) -> int:
    name = options.name.lower()
    if _NAME.fullmatch(name) is None:
        raise Refusal(f"{options.name!r} is not a name of letters, digits and hyphens")
    if not 0 < options.port <= 65535:
        raise Refusal("--port must be between 1 and 65535")
    host = _read_host(options.host)
    tls = options.tls or ("verified" if options.user else "opportunistic")
    is_tls_first = options.tls_first or options.port == _TLS_FIRST_PORT
    if is_tls_first and tls not in _SAFE:
        if options.tls:
            raise Refusal("TLS from the first octet is encrypted or verified")
        tls = "verified"
    if options.user and tls not in _SAFE and not _is_loopback(host):
        raise Refusal("a password goes to another host in TLS only: --tls encrypted or verified")
    made = Smarthost(
        name, host, options.port, tls, is_tls_first, options.direct_first,
        options.user or "", read_password(options) if options.user else "",
    )  # fmt: skip
    scopes = _scopes(options)

    async def act(store: Store) -> None:
        await store.write(smarthost.add, made, scopes, int(time.time()))

    with_store(options, act)
    return 0


def _read_host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return read_domain(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _scopes(options: Namespace) -> list[Scope]:
    found = [Scope(Kind.DOMAIN, read_domain(one)) for one in options.to]
    for one in options.sender:
        if "@" in one.removeprefix("@"):
            found.append(Scope(Kind.SENDER, read_address(one).key))
        else:
            found.append(Scope(Kind.SENDER_DOMAIN, read_domain(one.removeprefix("@"))))
    return list(dict.fromkeys(found)) or [Scope(Kind.ALL)]


def direct(options: Namespace) -> int:
    """Mail that goes by none of them."""
    if not (options.to or options.sender):
        raise Refusal("say which mail: --to DOMAIN, --from SENDER")
    scopes = _scopes(options)

    async def act(store: Store) -> None:
        await store.write(smarthost.add_direct, scopes, int(time.time()))

    with_store(options, act)
    return 0


def remove(options: Namespace) -> int:
    async def act(store: Store) -> None:
        await store.write(smarthost.remove, options.name.lower())

    with_store(options, act)
    return 0


_HEAD = ("name", "host", "port", "tls", "tls_first", "direct_first", "user", "to", "from")


def listing(options: Namespace) -> int:
    """Passwords are never shown."""

    async def act(store: Store) -> list[tuple[Smarthost, tuple[Scope, ...]]]:
        return await store.read(smarthost.listing)

    rows: list[tuple[object, ...]] = []
    for one, scopes in with_store(options, act):
        to = [scope.key for scope in scopes if scope.kind is Kind.DOMAIN]
        senders = [scope.key for scope in scopes if scope.kind in (Kind.SENDER, Kind.SENDER_DOMAIN)]
        head = (one.name, one.host, one.port, one.tls) if one.host else (one.name, "", "", "")
        if options.json:
            rows.append((*head, one.is_tls_first, one.is_direct_first, one.login, to, senders))
        else:
            switches = ("yes" if one.is_tls_first else "", "yes" if one.is_direct_first else "")
            rows.append((*head, *switches, one.login, ",".join(to), ",".join(senders)))
    print_rows(_HEAD, rows, as_json=options.json)
    return 0
