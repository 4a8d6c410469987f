"""Routes: the rules in their order, on a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthaus.flow.route import Alias, Here, Local, Refused, Relay, Route, find_route, is_own, locals_of, relays_of
from posthaus.mail.address import Address, parse_address
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.reply import Reply
from posthaus.store import account, directory
from posthaus.store.drivers.sqlite import SqliteStore
from posthaus.store.tx import Tx

HERE = Here("mx.example.test", frozenset({"[192.0.2.25]", "[IPv6:2001:db8::25]"}))

ACCOUNTS = ["anna@example.test", "ben@example.test", "müller@example.test", "exact+detail@example.test", "eve@two.test"]
ALIASES = [
    ("info@example.test", ["anna@example.test", "ben@example.test"]),
    ("nested@example.test", ["info@example.test", "Anna@example.test", "eve@two.test"]),
    ("loop1@example.test", ["loop2@example.test"]),
    ("loop2@example.test", ["loop1@example.test"]),
    ("loop3@example.test", ["loop3@example.test", "anna@example.test"]),
    ("out@example.test", ["x@elsewhere.example"]),
    ("partly@example.test", ["x@elsewhere.example", "anna@example.test"]),
    ("nowhere@example.test", ["nobody@example.test"]),
    ("detailed@example.test", ["anna+lists@example.test"]),
    ("broken@example.test", ["not an address"]),
    ("full@example.test", ["anna@example.test", "filled@example.test"]),
    *[(f"deep{n}@example.test", [f"deep{n + 1}@example.test"]) for n in range(11)],
    ("deep11@example.test", ["anna@example.test"]),
]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = await SqliteStore.open(tmp_path)
    for domain in ("example.test", "two.test", "three.test"):
        await made.write(directory.add_domain, domain, 1)
    for address in ACCOUNTS:
        await made.write(account.create, address, address, address.rpartition("@")[2], {}, 0, 1)
    await made.write(account.create, "filled@example.test", "filled@example.test", "example.test", {}, 1, 1)
    await made.write(_fill)
    for key, targets in ALIASES:
        for target in targets:
            await made.write(directory.add_alias, key, "example.test", target)
    await made.write(directory.set_catch_all, "two.test", "eve@two.test")
    yield made
    await made.close()


async def _fill(tx: Tx) -> None:
    await tx.run("UPDATE account SET used_octets=5 WHERE key='filled@example.test'")


def told(found: Route) -> tuple[str, ...] | Reply:
    return found.reply if isinstance(found, Refused) else tuple(str(local.address) for local in locals_of(found))


ANNA, BEN, EVE = ("anna@example.test",), ("ben@example.test",), ("eve@two.test",)

ROUTES: list[tuple[str, tuple[str, ...] | Reply]] = [
    ("anna@example.test", ANNA),
    ("ANNA@EXAMPLE.TEST", ANNA),
    ("MÜLLER@example.test", ("müller@example.test",)),
    ("mu\u0308ller@example.test", ("müller@example.test",)),
    ("anna+x+y@example.test", ANNA),
    ("exact+detail@example.test", ("exact+detail@example.test",)),
    ("exact+other@example.test", reply.NO_SUCH_USER),
    ("info@example.test", ANNA + BEN),
    ("info+x@example.test", ANNA + BEN),
    ("nested@example.test", ANNA + EVE + BEN),
    ("loop1@example.test", reply.NO_SUCH_USER),
    ("loop3@example.test", ANNA),
    ("out@example.test", ()),
    ("partly@example.test", ANNA),
    ("nowhere@example.test", reply.NO_SUCH_USER),
    ("broken@example.test", reply.NO_SUCH_USER),
    ("detailed@example.test", ANNA),
    ("deep2@example.test", ANNA),
    ("deep0@example.test", reply.ALIAS_LOOP),
    ("filled@example.test", reply.OVER_QUOTA),
    ("full@example.test", reply.OVER_QUOTA),
    ("nobody@example.test", reply.NO_SUCH_USER),
    ("anybody@two.test", EVE),
    ("anybody+x@two.test", EVE),
    ("x@elsewhere.example", reply.RELAYING_DENIED),
    ("x@[192.0.2.99]", reply.RELAYING_DENIED),
    ("postmaster@example.test", ANNA),
    ("Postmaster@two.test", EVE),
    ("postmaster@three.test", ANNA),
    ("postmaster@mx.example.test", ANNA),
    ("anna@mx.example.test", reply.RELAYING_DENIED),
    ("postmaster@[192.0.2.25]", ANNA),
    ("postmaster@[IPv6:2001:db8::25]", ANNA),
    ("anna@[192.0.2.25]", reply.NO_SUCH_USER),
]


@pytest.mark.parametrize(("address", "wanted"), ROUTES)
async def test_routes(store: SqliteStore, address: str, wanted: tuple[str, ...] | Reply) -> None:
    assert told(await store.read(find_route, parse_address(address.encode(), smtputf8=True), HERE)) == wanted


async def test_postmaster_without_a_domain(store: SqliteStore) -> None:
    assert told(await store.read(find_route, Address("postmaster", ""), HERE)) == ANNA
    await store.write(directory.add_alias, "postmaster@example.test", "example.test", "ben@example.test")
    assert told(await store.read(find_route, Address("postmaster", ""), HERE)) == BEN


async def test_the_first_domain_is_asked_for_when_it_is_needed(tmp_path: Path) -> None:
    made = await SqliteStore.open(tmp_path)
    bare = Address("postmaster", "")
    assert told(await made.read(find_route, bare, HERE)) == reply.RELAYING_DENIED
    for at, (domain, name) in enumerate((("new.test", "nora@new.test"), ("a.test", "emil@a.test"))):
        await made.write(directory.add_domain, domain, at)
        await made.write(account.create, name, name, domain, {}, 0, at)
        assert told(await made.read(find_route, bare, HERE)) == ("nora@new.test",)
    await made.close()


async def test_details(store: SqliteStore) -> None:
    found = await store.read(find_route, parse_address(b"anna+lists@example.test", smtputf8=False), HERE)
    assert isinstance(found, Local) and found.detail == "lists"
    aliased = await store.read(find_route, parse_address(b"detailed@example.test", smtputf8=False), HERE)
    assert isinstance(aliased, Alias) and aliased.targets[0].detail == "lists"
    plain = Here("mx.example.test", separator="")
    assert (
        told(await store.read(find_route, parse_address(b"anna+x@example.test", smtputf8=False), plain))
        is reply.NO_SUCH_USER
    )


OUTWARD = [
    ("partly@example.test", ["x@elsewhere.example"]),
    ("out@example.test", ["x@elsewhere.example"]),
    ("twice@example.test", ["x@elsewhere.example", "y@elsewhere.example"]),
    ("anna@example.test", []),
    ("self@example.test", []),
]


@pytest.mark.parametrize(("address", "wanted"), OUTWARD)
async def test_an_alias_may_lead_out(store: SqliteStore, address: str, wanted: list[str]) -> None:
    for target in ("out@example.test", "X@elsewhere.example", "y@elsewhere.example"):
        await store.write(directory.add_alias, "twice@example.test", "example.test", target)
    await store.write(directory.add_alias, "self@example.test", "example.test", "x@mx.example.test")
    found = await store.read(find_route, parse_address(address.encode(), smtputf8=False), HERE)
    assert sorted(str(relay.address).lower() for relay in relays_of(found)) == wanted
    assert not isinstance(found, Alias) or str(found.address) == address


FOREIGN = [("x@elsewhere.example", True), ("x@[192.0.2.99]", True), ("anna@mx.example.test", False)]


@pytest.mark.parametrize(("address", "is_relay"), FOREIGN)
async def test_who_may_send_may_send_elsewhere(store: SqliteStore, address: str, is_relay: bool) -> None:
    parsed = parse_address(address.encode(), smtputf8=False)
    found = await store.read(find_route, parsed, HERE, may_relay=True)
    assert found == (Relay(parsed) if is_relay else Refused(reply.RELAYING_DENIED, "relaying"))
    assert isinstance(await store.read(find_route, parsed, HERE), Refused)


async def test_who_owns_an_address(store: SqliteStore) -> None:
    ids = {row.address: row.id for row in await store.read(account.listing)}

    async def owns(owner: str, address: str) -> bool:
        return await store.read(is_own, parse_address(address.encode(), smtputf8=True), ids[owner], HERE)

    assert await owns("anna@example.test", "anna@example.test")
    assert await owns("anna@example.test", "info@example.test")
    assert await owns("eve@two.test", "anything@two.test")
    assert await owns("filled@example.test", "filled@example.test")
    assert not await owns("ben@example.test", "anna@example.test")
    assert not await owns("anna@example.test", "x@elsewhere.example")
