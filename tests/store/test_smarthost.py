"""Smart hosts: whose mail goes by which."""

import pytest

from posthaus.mail.address import Address
from posthaus.store import smarthost
from posthaus.store.error import NoSuchSmarthost, ScopeTaken, SmarthostExists
from posthaus.store.smarthost import Kind, Scope, Smarthost
from posthaus.store.store import Store

BEN = Address("Ben", "b.test")
ANNA = Address("Anna", "a.test")


async def make(store: Store, name: str, *scopes: Scope, is_direct_first: bool = False) -> Smarthost:
    made = Smarthost(name, "relay.test", 587, "verified", False, is_direct_first, "user", "pass word")
    await store.write(smarthost.add, made, scopes, 0)
    return made


async def destination(store: Store, sender: Address | None = ANNA, to: Address = BEN) -> str:
    return await store.read(smarthost.destination, to, sender)


async def test_without_any(store: Store) -> None:
    assert await destination(store) == "mx/b.test"
    assert await destination(store, to=Address("x", "[192.0.2.1]")) == "mx/[192.0.2.1]"
    assert await destination(store, Address("a\0b", "a.test")) == "mx/b.test"
    assert await store.read(smarthost.destination, BEN, None, is_tls_optional=True) == "anyway/b.test"


async def test_the_nearest_decides(store: Store) -> None:
    await make(store, "all", Scope(Kind.ALL))
    assert await destination(store) == await destination(store, None) == "smarthost/all"
    assert await store.read(smarthost.destination, BEN, None, is_tls_optional=True) == "smarthost/all"
    await make(store, "ours", Scope(Kind.SENDER_DOMAIN, "a.test"))
    assert await destination(store) == "smarthost/ours"
    assert await destination(store, None) == "smarthost/all"
    await make(store, "anna", Scope(Kind.SENDER, "anna@a.test"))
    assert await destination(store) == "smarthost/anna"
    assert await destination(store, Address("carl", "a.test")) == "smarthost/ours"
    await make(store, "theirs", Scope(Kind.DOMAIN, "b.test"), is_direct_first=True)
    assert await destination(store) == "mx/b.test/theirs"
    assert await destination(store, to=Address("x", "c.test")) == "smarthost/anna"


async def test_some_mail_goes_directly(store: Store) -> None:
    """Though all other mail goes by a smart host."""
    await make(store, "all", Scope(Kind.ALL))
    await store.write(smarthost.add_direct, [Scope(Kind.DOMAIN, "b.test")], 0)
    await store.write(smarthost.add_direct, [Scope(Kind.SENDER, "anna@a.test")], 0)
    assert await destination(store, None) == "mx/b.test"
    assert await store.read(smarthost.destination, BEN, None, is_tls_optional=True) == "anyway/b.test"
    assert await destination(store, to=Address("x", "c.test")) == "mx/c.test"
    assert await destination(store, None, Address("x", "c.test")) == "smarthost/all"
    with pytest.raises(ScopeTaken, match=r"b\.test goes by direct"):
        await make(store, "theirs", Scope(Kind.DOMAIN, "b.test"))
    with pytest.raises(SmarthostExists):
        await make(store, smarthost.DIRECT)
    await store.write(smarthost.remove, smarthost.DIRECT)
    assert await destination(store, None) == "smarthost/all"


async def test_add_get_list_remove(store: Store) -> None:
    scopes = (Scope(Kind.SENDER, "anna@a.test"), Scope(Kind.DOMAIN, "b.test"))
    made = await make(store, "one", *scopes)
    assert await store.read(smarthost.get, "one") == made
    assert await store.read(smarthost.listing) == [(made, scopes)]
    with pytest.raises(SmarthostExists):
        await make(store, "one")
    with pytest.raises(ScopeTaken, match=r"b\.test goes by one"):
        await make(store, "two", Scope(Kind.ALL), Scope(Kind.DOMAIN, "b.test"))
    assert await destination(store, None, Address("x", "c.test")) == "mx/c.test"  # nothing of it was kept
    await store.write(smarthost.remove, "one")
    assert await store.read(smarthost.listing) == []
    assert await destination(store) == "mx/b.test"
    with pytest.raises(NoSuchSmarthost):
        await store.write(smarthost.remove, "one")
    with pytest.raises(NoSuchSmarthost):
        await store.read(smarthost.get, "one")
