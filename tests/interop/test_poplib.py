"""poplib of the standard library: all it can say, in the clear, after STLS, and in TLS from the start."""

import hashlib
import poplib
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.interop.clients import HOST, Office, Person, message


@contextmanager
def connected(office: Office, how: str = "plain") -> "Iterator[poplib.POP3]":
    if how == "tls":
        pop: poplib.POP3 = poplib.POP3_SSL(HOST, office.port(995), timeout=20, context=office.context)
    else:
        pop = poplib.POP3(HOST, office.port(110), 20)
        if how == "stls":
            pop.stls(office.context)
    try:
        yield pop
    finally:
        pop.close()


def log_in(pop: poplib.POP3, who: Person) -> poplib.POP3:
    pop.user(who.address)
    pop.pass_(who.password)
    return pop


def retrieve(pop: poplib.POP3, number: int) -> bytes:
    return b"\r\n".join(pop.retr(number)[1]) + b"\r\n"


@pytest.mark.parametrize("how", ["plain", "stls", "tls"])
def test_retrieve_and_delete(office: Office, person: Person, how: str) -> None:
    mail = [message("first"), message("second", ".\r\n..two dots\r\nend\r\n"), message("third", "x" * 900 + "\r\n")]
    office.append(person, *mail)
    with connected(office, how) as pop:
        log_in(pop, person)
        assert pop.stat() == (3, sum(map(len, mail)))
        assert pop.list()[1] == [b"%d %d" % (n, len(octets)) for n, octets in enumerate(mail, 1)]
        assert [retrieve(pop, n) for n in (1, 2, 3)] == mail
        assert pop.dele(2).startswith(b"+OK")
        assert pop.stat() == (2, len(mail[0]) + len(mail[2]))
        with pytest.raises(poplib.error_proto):
            pop.retr(2)
        assert pop.quit().startswith(b"+OK")
    assert office.messages(person) == [mail[0], mail[2]]


def test_nothing_is_deleted_without_quit(office: Office, person: Person) -> None:
    office.append(person, message("stays"))
    with connected(office) as pop:
        log_in(pop, person).dele(1)
    assert office.subjects(person) == ["stays"]
    with connected(office) as pop:  # waits for the session before, which has just hung up
        log_in(pop, person).dele(1)
        pop.rset()
        assert pop.stat()[0] == 1
        pop.quit()
    assert office.subjects(person) == ["stays"]


def test_unique_ids_stay(office: Office, person: Person) -> None:
    office.append(person, message("one"), message("two"))
    with connected(office) as pop:
        first = log_in(pop, person).uidl()[1]
        assert pop.uidl(2).split()[1:] == first[1].split()
        pop.dele(1)
        pop.quit()
    office.append(person, message("three"))
    with connected(office) as pop:
        second = log_in(pop, person).uidl()[1]
        pop.quit()
    ids = [line.split()[1] for line in first], [line.split()[1] for line in second]
    assert ids[0][1] == ids[1][0]
    assert len({*ids[0], *ids[1]}) == 3
    assert all(re.fullmatch(rb"[\x21-\x7e]{1,70}", one) for one in ids[0] + ids[1])


def test_top(office: Office, person: Person) -> None:
    octets = message("top", "one\r\ntwo\r\nthree\r\n")
    office.append(person, octets)
    with connected(office) as pop:
        head, _, body = octets.partition(b"\r\n\r\n")
        lines = log_in(pop, person).top(1, 2)[1]
        assert b"\r\n".join(lines) + b"\r\n" == head + b"\r\n\r\n" + b"".join(body.splitlines(True)[:2])
        assert b"\r\n".join(pop.top(1, 0)[1]) + b"\r\n" == head + b"\r\n\r\n"
        pop.quit()


def test_capabilities(office: Office, person: Person) -> None:
    with connected(office) as pop:
        before = pop.capa()
        assert "STLS" in before
        assert {"USER", "TOP", "UIDL", "PIPELINING", "RESP-CODES", "SASL", "UTF8", "IMPLEMENTATION"} <= before.keys()
        pop.stls(office.context)
        assert "STLS" not in pop.capa()
        log_in(pop, person)
        assert "UIDL" in pop.capa()
        assert pop.noop().startswith(b"+OK")


def test_utf8(office: Office, person: Person) -> None:
    with connected(office, "tls") as pop:
        pop.utf8()
        log_in(pop, person)
        assert pop.stat()[0] == 0
        pop.quit()


def test_apop(office: Office, person: Person) -> None:
    with connected(office) as pop:
        if not re.search(rb"<[^@>]+@[^>]+>", pop.getwelcome()):
            pytest.skip("APOP is not offered")
        pop.apop(person.address, person.password)


def test_wrong_password(office: Office, person: Person) -> None:
    with connected(office) as pop:
        pop.user(person.address)
        with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
            pop.pass_("wrong")
        log_in(pop, person).quit()


def test_rpop_is_unknown(office: Office, person: Person) -> None:
    with connected(office) as pop:
        with pytest.raises(poplib.error_proto):
            pop.rpop(person.address)
        log_in(pop, person).quit()


def test_large_message(office: Office, person: Person) -> None:
    octets = message("large", "".join(f"{n:075d}\r\n" for n in range(40_000)))
    office.append(person, octets)
    with connected(office, "tls") as pop:
        log_in(pop, person)
        got = retrieve(pop, 1)
        pop.quit()
    assert hashlib.sha256(got).digest() == hashlib.sha256(octets).digest()
