"""Who has selected another's mailbox, and has no right to it any more."""

from collections.abc import Callable
from typing import Any

import pytest

from posthaus.flow import access
from posthaus.store import account as accounts
from posthaus.store.error import StoreDown
from posthaus.testing.imaphouse import Client, ImapHouse

ANNA, BEN = "anna@example.test", "ben@example.test"
OTHERS = f"Other users/{ANNA}"
MAIL = b"Subject: x\r\n\r\nwords\r\n"
BYE = "* BYE [NOPERM] The mailbox may not be read any more"
MESSAGES = "(MessageNew MessageExpunge)"


async def reader(house: ImapHouse, before: str = "NOOP") -> tuple[Client, Client]:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    await anna.append("INBOX", MAIL)
    await anna.ok(f"SETACL INBOX {BEN} lrswi")
    await ben.ok(before)
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    return anna, ben


async def cut_off(ben: Client) -> None:
    """He hears it, and is read no more to."""
    ben.send(b"t1 FETCH 1 FLAGS\r\nt2 FETCH 1 BODY[]\r\n")
    heard = [await ben.hear()]
    while heard[-1] != BYE:
        heard.append(await ben.hear())
    await ben.over
    assert b"words" not in "".join(heard).encode() + ben.stream.out


@pytest.mark.parametrize(
    "before",
    [
        "ENABLE METADATA QRESYNC",
        "NOTIFY NONE",
        f"NOTIFY SET (personal {MESSAGES})",
        f'NOTIFY SET (subtree "Other users" {MESSAGES})',
        f'NOTIFY SET (selected {MESSAGES}) (subtree "Other users" {MESSAGES})',
    ],
)
async def test_whatever_he_wants_to_hear_he_is_cut_off(house: ImapHouse, before: str) -> None:
    anna, ben = await reader(house, before)
    await anna.ok('SETMETADATA INBOX (/shared/x "1")')
    await anna.ok(f"SETACL INBOX {BEN} l")
    await cut_off(ben)


async def test_who_hears_of_nothing_does_not_hear_of_flags_that_he_may_set(house: ImapHouse) -> None:
    anna, ben = await reader(house, "NOTIFY NONE")
    await anna.ok(f"SETACL INBOX {BEN} lr")
    assert await ben.ok("NOOP") == []
    assert "\\Seen" not in "".join(await ben.ok("FETCH 1 (FLAGS BODY[])"))  # it counts all the same


async def test_he_is_cut_off_though_the_store_could_not_be_read_at_first(
    house: ImapHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = await reader(house)
    read = type(house.store).read
    asked: list[Any] = []

    async def once(self: Any, function: Callable[..., Any], *args: Any) -> Any:
        if function is access.by_id and not asked:
            asked.append(args)
            raise StoreDown
        return await read(self, function, *args)

    monkeypatch.setattr(type(house.store), "read", once)
    await anna.ok(f"DELETEACL INBOX {BEN}")
    assert BYE in await ben.ok("NOOP")
    assert asked


@pytest.mark.parametrize("whom", [BEN, "anyone"])
async def test_who_is_removed_himself_is_cut_off(house: ImapHouse, whom: str) -> None:
    anna, ben = await house.login(ANNA), await house.login(BEN)
    other = await house.login(BEN)
    await anna.append("INBOX", MAIL)
    await anna.ok(f"SETACL INBOX {whom} lrswi")
    await ben.ok(f'SELECT "{OTHERS}/INBOX"')
    await house.store.write(accounts.mark_removed, house.names.accounts[BEN])
    assert await other.ok('LIST "" "Other users*"') == []
    assert (await other.do(f'SELECT "{OTHERS}/INBOX"'))[-1].startswith("NO [NONEXISTENT]")
    assert (await other.append(f'"{OTHERS}/INBOX"', MAIL)).startswith("NO")
    await cut_off(ben)


async def test_where_the_owner_is_removed_the_messages_go(house: ImapHouse) -> None:
    _, ben = await reader(house)
    await house.store.write(accounts.mark_removed, house.names.accounts[ANNA])
    assert "* 1 EXPUNGE" in await ben.ok("NOOP")
    assert (await ben.do("FETCH 1 BODY[]"))[-1].startswith("BAD")  # no message has that number


async def test_what_happens_in_the_own_account_cuts_nobody_off(house: ImapHouse) -> None:
    _, ben = await reader(house)
    await ben.append("INBOX", MAIL)
    assert await ben.ok("NOOP") == []
