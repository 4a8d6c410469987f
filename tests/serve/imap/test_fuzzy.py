"""FUZZY: words instead of substrings, and how well a message fits."""

import threading
from collections.abc import Callable

import pytest

from posthaus.flow.index import Indexer
from posthaus.mail.stem import Query
from posthaus.testing.imaphouse import Client, ImapHouse

MAILS = [
    ("Invoice 4711", "Please pay the invoice; the invoices of last year are paid."),
    ("Lunch", "The invoicing department meets at noon."),
    ("Voice", "A voice in the dark."),
    ("Meetings", "Nothing else."),
    ("Réunion", "Die Straße nach Köln."),
]


async def filled(house: ImapHouse, *, indexed: bool = False) -> Client:
    client = await house.login()
    for subject, body in MAILS:
        head = f"Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        await client.append("INBOX", f"{head}{body}\r\n".encode())
    for _ in range(30):
        await client.append("INBOX", b"Subject: -\r\nContent-Type: image/png\r\n\r\nx\r\n")
    if indexed:
        assert await house.site.index.own()
        await Indexer(house.store, house.site.blobs, house.site.index, house.clock).round()
    await client.ok("SELECT INBOX")
    return client


@pytest.mark.parametrize("indexed", [False, True])
async def test_words(house: ImapHouse, indexed: bool) -> None:
    # RFC 6203 §3
    client = await filled(house, indexed=indexed)
    for asked, wanted in [
        ("FUZZY BODY invoice", "1 2"),
        ("FUZZY TEXT meeting", "2 4"),
        ("FUZZY SUBJECT meeting", "4"),
        ('FUZZY BODY "pays invoice"', "1"),
        ('FUZZY BODY "paying nobody"', ""),
        ('FUZZY BODY "paid invoice"', "1"),
        ("FUZZY BODY voice", "3"),
        ("BODY voic", "1 2 3"),
        ('FUZZY BODY "straßen KÖLN"', ""),
        ('FUZZY BODY "köln straße"', "5"),
        ('FUZZY SUBJECT "réunions"', ""),
        ('FUZZY SUBJECT "RÉUNION"', "5"),
        ('FUZZY SUBJECT "!"', ""),
        ("FUZZY (BODY invoices SUBJECT lunch)", "2"),
        ("FUZZY OR SUBJECT voices SUBJECT meet", "3 4"),
        ("FUZZY NOT BODY invoice 1:5", "3 4 5"),
        ("FUZZY SEEN", ""),
        ("FUZZY FUZZY BODY invoice", "1 2"),
    ]:
        (line,) = await client.ok(f"SEARCH {asked}")
        assert line == f"* SEARCH {wanted}".rstrip(), asked


async def test_relevancy(house: ImapHouse) -> None:
    # RFC 6203 §4, §5
    client = await filled(house)

    async def told(command: str) -> str:
        (line,) = await client.ok(command)
        return line.partition(") ")[2]

    answer = await told("SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT invoice")
    assert answer.startswith("ALL 1:2 RELEVANCY (100 ")
    assert 1 <= int(answer.split()[-1].rstrip(")")) < 100
    assert await told("SEARCH RETURN (RELEVANCY COUNT) FUZZY TEXT nobody") == "COUNT 0"
    assert await told("SEARCH RETURN (RELEVANCY PARTIAL 1:1) FUZZY TEXT invoice") == "PARTIAL (1:1 1) RELEVANCY (100)"
    assert (await told("UID SORT RETURN (ALL RELEVANCY) (RELEVANCY) UTF-8 FUZZY TEXT invoice")).startswith(
        "UID ALL 1:2 RELEVANCY (100 "
    )
    assert await client.ok("SORT (REVERSE RELEVANCY) UTF-8 FUZZY TEXT invoice") == ["* SORT 2 1"]
    (line,) = await client.ok("ESEARCH IN (personal) RETURN (RELEVANCY) FUZZY TEXT invoice")
    assert " UID RELEVANCY (100 " in line
    (refused,) = [
        one for one in await client.ok("UID SORT RETURN (UPDATE) (RELEVANCY) UTF-8 FUZZY TEXT a") if "NO" in one
    ]
    assert refused.startswith("* NO [NOUPDATE ")


@pytest.mark.parametrize(
    "command",
    ["SEARCH FUZZY", "SEARCH RETURN (RELEVANCY) BODY x", "SORT (RELEVANCY) UTF-8 ALL", "SEARCH RETURN (RELEVANCY) ALL"],
)
async def test_fault(house: ImapHouse, command: str) -> None:
    client = await house.login(select="INBOX")
    assert (await client.do(command))[-1].startswith("BAD")


async def test_a_message_of_headers_alone_in_the_index(house: ImapHouse) -> None:
    client = await filled(house, indexed=True)
    assert await client.ok("SEARCH BODY xy") == ["* SEARCH"]
    assert await client.ok("SEARCH FUZZY BODY image") == ["* SEARCH"]


async def test_large_texts_are_looked_through_in_a_thread(house: ImapHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty words of twenty keys in megabytes take seconds; nobody else waits for them."""
    client = await filled(house)
    await client.append("INBOX", b"Subject: -\r\n\r\n" + b"many words " * 10_000)
    assert await house.site.index.own()
    await Indexer(house.store, house.site.blobs, house.site.index, house.clock).round()
    seen: set[tuple[str, bool, bool]] = set()
    for name in ("matches", "counts"):
        real = getattr(Query, name)

        def watched(query: Query, text: str, *, name: str = name, real: Callable[..., object] = real) -> object:
            is_apart = threading.current_thread() is not threading.main_thread()
            seen.add((name, len(text) > 100_000, is_apart))
            return real(query, text)

        monkeypatch.setattr(Query, name, watched)
    (line,) = await client.ok("SEARCH RETURN (ALL RELEVANCY) OR FUZZY BODY word FUZZY BODY voice")
    assert line.endswith("ALL 3,36 RELEVANCY (30 100)")
    matched, counted = (
        {(is_long, is_apart) for one, is_long, is_apart in seen if one == name} for name in ("matches", "counts")
    )
    assert matched == {(False, False), (True, True)}
    assert counted == {(False, False), (True, True), (False, True)}  # the last: the header of the long one
