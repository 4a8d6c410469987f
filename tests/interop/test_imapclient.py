"""IMAPClient, the library of many Python programs: SORT, THREAD, MODSEQs, VANISHED and IDLE."""

from collections.abc import Iterator

import imapclient
import pytest
from tests.interop.clients import DEADLINE_S, HOST, Office, Person, message


def connect(office: Office, who: Person) -> imapclient.IMAPClient:
    client = imapclient.IMAPClient(
        HOST, port=office.port(993), ssl_context=office.context, timeout=DEADLINE_S, use_uid=True
    )
    client.login(who.address, who.password)
    return client


@pytest.fixture
def client(office: Office, person: Person) -> Iterator[imapclient.IMAPClient]:
    made = connect(office, person)
    yield made
    made.logout()


def test_sort_thread_and_search(office: Office, person: Person, client: imapclient.IMAPClient) -> None:
    office.append(person, message("b"), message("Re: a"), message("a", sender="zoe@example.net"), message("grüße"))
    client.select_folder("INBOX")
    assert client.sort(["SUBJECT", "REVERSE ARRIVAL"]) == [2, 3, 1, 4]
    assert client.sort("REVERSE SIZE", ["FROM", "zoe"]) == [3]
    assert client.thread("ORDEREDSUBJECT", ["SUBJECT", "a"]) == ((2, 3),)
    assert sorted(map(sorted, client.thread("REFERENCES"))) == [[1], [2, 3], [4]]
    assert list(client.search(["SUBJECT", "grüße"], charset="UTF-8")) == [4]
    assert list(client.search(["NOT", ["OR", "UID", "1:2", "FROM", "zoe"]])) == [4]


def test_modseqs(office: Office, person: Person, client: imapclient.IMAPClient) -> None:
    office.append(person, *[message(f"m{n}") for n in range(4)])
    client.enable("CONDSTORE")
    opened = client.select_folder("INBOX")
    highest = opened[b"HIGHESTMODSEQ"]
    assert imapclient.FLAGGED in client.add_flags([2], [imapclient.FLAGGED])[2]
    changed = client.fetch([1, 2, 3, 4], ["FLAGS"], [f"CHANGEDSINCE {highest}"])
    assert set(changed) == {2}
    assert changed[2][b"MODSEQ"][0] > highest
    assert changed.keys() == set(client.search(["MODSEQ", str(highest + 1)]))


def test_moves_are_told_by_uid(office: Office, person: Person, client: imapclient.IMAPClient) -> None:
    office.append(person, *[message(f"m{n}") for n in range(4)])
    assert b"QRESYNC" in client.enable("QRESYNC")
    client.create_folder("Archive")
    client.select_folder("INBOX")
    client.move([2, 3], "Archive")
    assert list(client.search()) == [1, 4]
    assert client.folder_status("Archive", ["MESSAGES", "UIDNEXT"]) == {b"MESSAGES": 2, b"UIDNEXT": 3}
    client.select_folder("Archive")
    assert client.fetch([1, 2], ["ENVELOPE"])[2][b"ENVELOPE"].subject == b"m2"


def test_idle(office: Office, person: Person, client: imapclient.IMAPClient) -> None:
    client.select_folder("INBOX")
    client.idle()
    office.append(person, message("new"))
    heard: list[tuple[object, ...]] = []
    while (1, b"EXISTS") not in heard:
        news = client.idle_check(timeout=DEADLINE_S)
        assert news, "nothing was told"
        heard += news
    client.idle_done()
    assert list(client.search("UNSEEN")) == [1]
