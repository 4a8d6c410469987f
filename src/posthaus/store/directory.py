"""Domains and aliases: which addresses are ours, and where they lead.

Standards: RFC 5321 §3.6.2 (what is local), §4.5.1 (postmaster).
Faults:    NoSuchDomain, DomainExists, DomainInUse, NoSuchAlias, AliasExists.
"""

from dataclasses import dataclass

from posthaus.store import account as accounts
from posthaus.store import acl
from posthaus.store.error import AliasExists, DomainExists, DomainInUse, NoSuchAlias, NoSuchDomain
from posthaus.store.text import storable
from posthaus.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Domain:
    name: str
    catch_all: str  # address, or ""
    accounts: int
    aliases: int


@dataclass(frozen=True, slots=True)
class Alias:
    key: str
    target: str


async def domain_exists(tx: Tx, domain: str) -> bool:
    return await tx.one("SELECT 1 FROM domain WHERE name=$1", domain) is not None


async def sole_domain(tx: Tx) -> str | None:
    """The one domain, where there is just one: a log-in name may then go without it."""
    rows = await tx.all("SELECT name FROM domain WHERE name<'/' OR name>='0' LIMIT 2")  # no graves: see remove_domain
    return rows[0][0] if len(rows) == 1 else None


async def first_domain(tx: Tx) -> str:
    """The domain of the house: the one that was made first; "" where there is none."""
    row = await tx.one("SELECT name FROM domain WHERE name<'/' OR name>='0' ORDER BY created, name LIMIT 1")
    return "" if row is None else row[0]


async def add_domain(tx: Tx, domain: str, now: int) -> None:
    if await domain_exists(tx, domain):
        raise DomainExists(domain)
    await tx.run("INSERT INTO domain (name, catch_all, created) VALUES ($1, '', $2)", domain, now)


async def remove_domain(tx: Tx, domain: str) -> None:
    """Its accounts must be gone; its aliases, its keys and the rights that waited for its addresses go with it."""
    await accounts.hold_still(tx, domain)
    if await tx.one("SELECT 1 FROM account WHERE domain=$1 AND state=0 LIMIT 1", domain) is not None:
        raise DomainInUse(domain)
    await tx.run("DELETE FROM alias WHERE domain=$1", domain)
    await tx.run("DELETE FROM dkim_key WHERE domain=$1", domain)
    await acl.forget_awaited(tx, domain)
    if await tx.one("SELECT 1 FROM account WHERE domain=$1 LIMIT 1", domain) is None:
        await tx.run("DELETE FROM domain WHERE name=$1", domain)
        return
    # accounts that are being removed still name it: they move under a name that no address can have
    grave = f"/{domain}"
    if not await domain_exists(tx, grave):
        await tx.run("INSERT INTO domain (name, catch_all, created) VALUES ($1, '', 0)", grave)
    await tx.run("UPDATE account SET domain=$2 WHERE domain=$1", domain, grave)
    await tx.run("DELETE FROM domain WHERE name=$1", domain)


async def set_catch_all(tx: Tx, domain: str, address: str) -> None:
    """address: where mail for unknown localparts goes, or "" for nowhere."""
    if not await tx.run("UPDATE domain SET catch_all=$2 WHERE name=$1", domain, address):
        raise NoSuchDomain(domain)


async def catch_all(tx: Tx, domain: str) -> str | None:
    row = await tx.one("SELECT catch_all FROM domain WHERE name=$1", domain)
    return row[0] if row is not None and row[0] else None


async def domains(tx: Tx) -> list[Domain]:
    rows = await tx.all(
        "SELECT name, catch_all, (SELECT count(*) FROM account WHERE account.domain=domain.name AND state=0),"
        " (SELECT count(DISTINCT key) FROM alias WHERE alias.domain=domain.name) FROM domain ORDER BY name"
    )
    return [Domain(*row) for row in rows if not row[0].startswith("/")]


async def first_account(tx: Tx, domain: str) -> str | None:
    """The account that was made first in a domain: postmaster, where nobody else is (RFC 5321 §4.5.1)."""
    row = await tx.one("SELECT address FROM account WHERE domain=$1 AND state=0 ORDER BY id LIMIT 1", domain)
    return None if row is None else row[0]


# -- aliases -------------------------------------------------------------------------------------------------------


async def add_alias(tx: Tx, key: str, domain: str, target: str) -> None:
    if not await domain_exists(tx, domain):
        raise NoSuchDomain(domain)
    if await tx.one("SELECT 1 FROM alias WHERE key=$1 AND target=$2", key, target) is not None:
        raise AliasExists(f"{key} {target}")
    await tx.run("INSERT INTO alias (key, target, domain) VALUES ($1, $2, $3)", key, target, domain)


async def remove_alias(tx: Tx, key: str, target: str | None = None) -> None:
    """One target of an alias, or all."""
    if target is None:
        gone = await tx.run("DELETE FROM alias WHERE key=$1", key)
    else:
        gone = await tx.run("DELETE FROM alias WHERE key=$1 AND target=$2", key, target)
    if not gone:
        raise NoSuchAlias(key)


async def alias_targets(tx: Tx, key: str) -> tuple[str, ...]:
    rows = await tx.all("SELECT target FROM alias WHERE key=$1 ORDER BY target", storable(key))
    return tuple(row[0] for row in rows)


async def aliases(tx: Tx) -> list[Alias]:
    return [Alias(*row) for row in await tx.all("SELECT key, target FROM alias ORDER BY key, target")]
