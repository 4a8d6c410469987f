"""Domains and aliases."""

import pytest

from posthaus.store import account, directory
from posthaus.store.error import AliasExists, DomainExists, DomainInUse, NoSuchAlias, NoSuchDomain
from posthaus.store.store import Store
from posthaus.testing.storehouse import NOW, person


async def test_domains(store: Store) -> None:
    assert await store.read(directory.sole_domain) is None
    assert await store.read(directory.first_domain) == ""
    await store.write(directory.add_domain, "a.example", NOW)
    assert await store.read(directory.sole_domain) == "a.example"
    with pytest.raises(DomainExists):
        await store.write(directory.add_domain, "a.example", NOW)
    await store.write(directory.add_domain, "b.example", NOW)
    assert await store.read(directory.sole_domain) is None
    assert await store.read(directory.first_domain) == "a.example"
    await store.write(directory.set_catch_all, "b.example", "x@a.example")
    assert await store.read(directory.catch_all, "b.example") == "x@a.example"
    assert await store.read(directory.catch_all, "a.example") is None
    assert [(d.name, d.catch_all) for d in await store.read(directory.domains)] == [
        ("a.example", ""),
        ("b.example", "x@a.example"),
    ]
    await store.write(directory.remove_domain, "b.example")
    assert not await store.read(directory.domain_exists, "b.example")


@pytest.mark.parametrize("name", ["b.example", "[192.0.2.1]"])
async def test_what_is_not_there(store: Store, name: str) -> None:
    with pytest.raises(NoSuchDomain):
        await store.write(directory.remove_domain, name)
    with pytest.raises(NoSuchDomain):
        await store.write(directory.set_catch_all, name, "")
    with pytest.raises(NoSuchDomain):
        await store.write(directory.add_alias, f"x@{name}", name, "y@a.example")
    with pytest.raises(NoSuchAlias):
        await store.write(directory.remove_alias, f"x@{name}")


async def test_aliases(store: Store) -> None:
    await store.write(directory.add_domain, "a.example", NOW)
    for target in ("z@c.example", "y@b.example"):
        await store.write(directory.add_alias, "x@a.example", "a.example", target)
    with pytest.raises(AliasExists):
        await store.write(directory.add_alias, "x@a.example", "a.example", "y@b.example")
    assert await store.read(directory.alias_targets, "x@a.example") == ("y@b.example", "z@c.example")
    assert [d.aliases for d in await store.read(directory.domains)] == [1]
    await store.write(directory.remove_alias, "x@a.example", "y@b.example")
    assert await store.read(directory.alias_targets, "x@a.example") == ("z@c.example",)
    await store.write(directory.remove_alias, "x@a.example")
    assert await store.read(directory.aliases) == []


async def test_postmaster_is_the_first_account(store: Store) -> None:
    assert await store.read(directory.first_account, "a.example") is None
    anna = await person(store, "anna")
    await person(store, "aaron")
    assert await store.read(directory.first_account, "a.example") == "anna@a.example"
    await store.write(account.mark_removed, anna.id)
    assert await store.read(directory.first_account, "a.example") == "aaron@a.example"


async def test_a_domain_goes_while_its_removed_accounts_are_still_there(store: Store) -> None:
    anna = await person(store, "anna")
    await person(store, "ben", "b.example")
    await store.write(directory.add_alias, "x@a.example", "a.example", "anna@a.example")
    with pytest.raises(DomainInUse):
        await store.write(directory.remove_domain, "a.example")
    await store.write(account.mark_removed, anna.id)
    await store.write(directory.remove_domain, "a.example")
    assert not await store.read(directory.domain_exists, "a.example")
    assert [d.name for d in await store.read(directory.domains)] == ["b.example"]
    assert await store.read(directory.sole_domain) == "b.example"
    assert await store.read(directory.aliases) == []
    await person(store, "anna")  # the name can be had again, also twice
    again = await store.read(account.find, "anna@a.example")
    assert again is not None
    await store.write(account.mark_removed, again.id)
    await store.write(directory.remove_domain, "a.example")
    assert [d.name for d in await store.read(directory.domains)] == ["b.example"]
