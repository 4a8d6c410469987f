"""FILTER: searches that are kept under a name."""

import pytest

from posthaus.base import limit
from posthaus.store import annotation
from posthaus.testing.imaphouse import Client, ImapHouse

MAIL = b"Subject: %b\r\n\r\nhello\r\n"


async def furnished(house: ImapHouse) -> Client:
    """INBOX with one, two, three; the second is seen."""
    client = await house.login()
    for subject in (b"one", b"two", b"three"):
        await client.append("INBOX", MAIL % subject)
    await client.ok("SELECT INBOX")
    await client.ok("STORE 2 +FLAGS.SILENT (\\Seen)")
    return client


async def keep(client: Client, name: str, search: str) -> None:
    await client.ok(f'SETMETADATA "" (/private/filters/values/{name} {{{len(search)}+}}\r\n{search})')


@pytest.mark.parametrize(
    ("kept", "search", "found"),
    [
        ("SEEN", "FILTER f", " 2"),
        ("SEEN", "NOT FILTER F", " 1 3"),
        ("OR SEEN UID 3", "FILTER f 1:2", " 2"),
        ("SUBJECT three", "OR FILTER f (FILTER f SEEN)", " 3"),
        ('SUBJECT "t" UNSEEN', "FILTER f", " 3"),
        ("SUBJECT {3}\r\ntwo", "FILTER f", " 2"),
        ("SUBJECT {3+}\r\ntwo SEEN", "FILTER f", " 2"),
        ("CHARSET UTF-8 SUBJECT one", "FILTER f", " 1"),
        ("1,3", "NOT SEEN FILTER f", " 1 3"),
    ],
)
async def test_it_stands_for_the_search(house: ImapHouse, kept: str, search: str, found: str) -> None:
    client = await furnished(house)
    await keep(client, "f", kept)
    assert await client.ok(f"SEARCH {search}") == [f"* SEARCH{found}"]


async def test_sort_thread_and_extended_search(house: ImapHouse) -> None:
    client = await furnished(house)
    await keep(client, "f", "UNSEEN")
    assert await client.ok("SORT (REVERSE ARRIVAL SUBJECT) UTF-8 FILTER f") == ["* SORT 1 3"]
    assert await client.ok("THREAD ORDEREDSUBJECT UTF-8 FILTER f") == ["* THREAD (1)(3)"]
    assert (await client.ok("SEARCH RETURN (COUNT) FILTER f"))[0].endswith("COUNT 2")


async def test_modseq_in_it_is_told(house: ImapHouse) -> None:
    client = await furnished(house)
    await keep(client, "f", "MODSEQ 1")
    heard = await client.ok("SEARCH FILTER f")
    assert heard[-1].startswith("* SEARCH 1 2 3 (MODSEQ ")
    assert "(MODSEQ " in (await client.ok("SORT (ARRIVAL) UTF-8 FILTER f"))[-1]


async def test_ones_own_comes_before_the_houses(house: ImapHouse) -> None:
    client = await furnished(house)
    await house.store.write(annotation.put_shared, "/shared/filters/values/f", b"SEEN")
    assert await client.ok("SEARCH FILTER f") == ["* SEARCH 2"]
    await keep(client, "f", "UNSEEN")
    assert await client.ok("SEARCH FILTER f") == ["* SEARCH 1 3"]


async def test_none_of_that_name(house: ImapHouse) -> None:
    client = await furnished(house)
    await client.ok("SEARCH RETURN (SAVE) ALL")
    for search in ("SEARCH RETURN (SAVE)", "SEARCH", "SORT (DATE) UTF-8", "THREAD REFERENCES UTF-8"):
        assert (await client.do(f"{search} FILTER none"))[-1].startswith("NO [UNDEFINED-FILTER none]")
    assert await client.ok("SEARCH UID $") == ["* SEARCH"]  # RFC 5182 §2.1


async def test_what_cannot_be_read_any_more_is_none(house: ImapHouse) -> None:
    client = await furnished(house)
    await house.store.write(annotation.put_shared, "/shared/filters/values/f", b"OUTDATED")
    assert (await client.do("SEARCH FILTER f"))[-1].startswith("NO [UNDEFINED-FILTER f]")


async def test_circles_and_crowds_end(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await furnished(house)
    await keep(client, "a", "FILTER b")
    await keep(client, "b", "NOT FILTER a")
    assert (await client.do("SEARCH FILTER a"))[-1].startswith("NO [LIMIT]")
    await keep(client, "deep", "(NOT " * 24 + "SEEN" + ")" * 24)
    nested = "(NOT " * 24 + "FILTER deep" + ")" * 24
    assert await client.ok(f"SEARCH {nested}") == ["* SEARCH 2"]
    await keep(client, "deeper", nested)
    assert (await client.do("SEARCH " + nested.replace("deep", "deeper")))[-1].startswith(("NO [LIMIT]", "OK"))
    await keep(client, "words", "FUZZY BODY a " * limit.IMAP_FUZZY_KEYS)
    await client.ok("SEARCH FILTER words")
    assert (await client.do("SEARCH FILTER words FILTER words"))[-1].startswith("NO [LIMIT]")
    assert (await client.do("SEARCH FILTER words FUZZY BODY b"))[-1].startswith("NO [LIMIT]")
    monkeypatch.setattr(limit, "IMAP_SEARCH_KEYS", 3)
    await keep(client, "many", "SEEN SEEN SEEN")
    assert (await client.do("SEARCH FILTER many"))[-1].startswith("NO [LIMIT]")
