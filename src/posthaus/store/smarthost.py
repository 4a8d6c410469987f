"""Smart hosts: hosts that take our mail and send it on, and whose mail goes by which.

destination() is asked once, when a recipient is put into the queue, and gives the key under which it waits there:

    mx/b.test             the hosts of the recipient's domain
    mx/b.test/NAME        the same, and the smart host where none of them can be reached
    anyway/b.test         the hosts of the recipient's domain, whatever is demanded of TLS there
    smarthost/NAME        the smart host alone

The name `direct` is no host: mail of its scopes goes to the hosts of the recipient's domain, whatever is said of
other mail.

Standards: RFC 5321 §2.3.10 (relays), RFC 6409.
Faults:    NoSuchSmarthost, SmarthostExists, ScopeTaken.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from posthaus.mail.address import Address
from posthaus.store.error import NoSuchSmarthost, ScopeTaken, SmarthostExists
from posthaus.store.text import storable
from posthaus.store.tx import Tx

DIRECT = "direct"
_COLUMNS = "name, host, port, tls, tls_first, direct_first, login, password"


class Kind(enum.IntEnum):
    """Of a scope; the highest that fits decides."""

    ALL = 0
    SENDER_DOMAIN = 1
    SENDER = 2
    DOMAIN = 3  # of the recipient


@dataclass(frozen=True, slots=True)
class Scope:
    kind: Kind
    key: str = ""  # a domain, or an address's key; "" for all


@dataclass(frozen=True, slots=True)
class Smarthost:
    name: str
    host: str  # A-label or IP address
    port: int
    tls: str  # flow/hop.py's Demand
    is_tls_first: bool = False
    is_direct_first: bool = False
    login: str = ""  # "" where we need not log in
    password: str = ""


async def destination(tx: Tx, address: Address, reverse_path: Address | None, *, is_tls_optional: bool = False) -> str:
    """Under which key mail from there to this recipient waits in the queue. is_tls_optional: to arrive is more than to
    be secret, as with a report of failing TLS (RFC 8460 §5.3, RFC 8689 §3)."""
    sender, sender_domain = ("", "") if reverse_path is None else (reverse_path.key, reverse_path.domain)
    row = await tx.one(
        "SELECT h.name, h.direct_first FROM smarthost_scope s JOIN smarthost h ON h.name=s.smarthost"
        " WHERE (s.kind=0 AND s.key='') OR (s.kind=1 AND s.key=$1) OR (s.kind=2 AND s.key=$2)"
        " OR (s.kind=3 AND s.key=$3) ORDER BY s.kind DESC LIMIT 1",
        storable(sender_domain), storable(sender), storable(address.domain),
    )  # fmt: skip
    if row is None or row[0] == DIRECT:
        return f"{'anyway' if is_tls_optional else 'mx'}/{address.domain}"
    name, is_direct_first = row
    return f"mx/{address.domain}/{name}" if is_direct_first else f"smarthost/{name}"


async def get(tx: Tx, name: str) -> Smarthost:
    row = await tx.one(f"SELECT {_COLUMNS} FROM smarthost WHERE name=$1", name)
    if row is None:
        raise NoSuchSmarthost(name)
    return _made(row)


async def add(tx: Tx, smarthost: Smarthost, scopes: Sequence[Scope], now: int) -> None:
    if smarthost.name == DIRECT or await _is_there(tx, smarthost.name):
        raise SmarthostExists(smarthost.name)
    await _insert(tx, smarthost, now)
    await _add_scopes(tx, smarthost.name, scopes)


async def add_direct(tx: Tx, scopes: Sequence[Scope], now: int) -> None:
    """Further mail that goes by no smart host."""
    if not await _is_there(tx, DIRECT):
        await _insert(tx, Smarthost(DIRECT, "", 0, "none"), now)
    await _add_scopes(tx, DIRECT, scopes)


async def _is_there(tx: Tx, name: str) -> bool:
    return await tx.one("SELECT 1 FROM smarthost WHERE name=$1", name) is not None


async def _insert(tx: Tx, smarthost: Smarthost, now: int) -> None:
    await tx.run(
        f"INSERT INTO smarthost ({_COLUMNS}, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        smarthost.name, smarthost.host, smarthost.port, smarthost.tls, int(smarthost.is_tls_first),
        int(smarthost.is_direct_first), smarthost.login, smarthost.password, now,
    )  # fmt: skip


async def _add_scopes(tx: Tx, name: str, scopes: Sequence[Scope]) -> None:
    for scope in scopes:
        row = await tx.one("SELECT smarthost FROM smarthost_scope WHERE kind=$1 AND key=$2", int(scope.kind), scope.key)
        if row is not None:
            raise ScopeTaken(f"{scope.key or 'all mail'} goes by {row[0]} already")
        await tx.run(
            "INSERT INTO smarthost_scope (kind, key, smarthost) VALUES ($1, $2, $3)",
            int(scope.kind), scope.key, name,
        )  # fmt: skip


async def remove(tx: Tx, name: str) -> None:
    await tx.run("DELETE FROM smarthost_scope WHERE smarthost=$1", name)
    if not await tx.run("DELETE FROM smarthost WHERE name=$1", name):
        raise NoSuchSmarthost(name)


async def listing(tx: Tx) -> list[tuple[Smarthost, tuple[Scope, ...]]]:
    """All of them with their scopes."""
    scopes: dict[str, list[Scope]] = {}
    for kind, key, name in await tx.all("SELECT kind, key, smarthost FROM smarthost_scope ORDER BY kind, key"):
        scopes.setdefault(name, []).append(Scope(Kind(kind), key))
    rows = await tx.all(f"SELECT {_COLUMNS} FROM smarthost ORDER BY name")
    return [(_made(row), tuple(scopes.get(row[0], ()))) for row in rows]


def _made(row: Sequence[object]) -> Smarthost:
    name, host, port, tls, tls_first, direct_first, login, password = row
    return Smarthost(
        str(name), str(host), int(str(port)), str(tls), bool(tls_first), bool(direct_first), str(login), str(password)
    )
