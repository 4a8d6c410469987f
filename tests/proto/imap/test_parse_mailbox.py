"""SELECT, CREATE, LIST, STATUS and their like: the examples of the RFCs, and what is no command."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.base.limit import IMAP_LIST_PATTERNS
from posthaus.proto.imap import command as c
from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.number import parse_set
from posthaus.proto.imap.quirk import STRICT


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b"A142 SELECT INBOX", c.Select(b"A142", "INBOX")),
        (b"A932 EXAMINE blurdybloop", c.Select(b"A932", "blurdybloop", read_only=True)),
        (b"A142 SELECT inbox (CONDSTORE)", c.Select(b"A142", "INBOX", condstore=True)),  # RFC 7162 §3.1.8
        (
            b"A02 SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",  # RFC 7162 §3.2.5
            c.Select(b"A02", "INBOX", qresync=c.QResync(67890007, 20050715194045000, parse_set(b"41,43:211,214:541"))),
        ),
        (
            b"B04 SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1,3,5 41,43,50)))",
            c.Select(
                b"B04",
                "INBOX",
                qresync=c.QResync(
                    67890007,
                    90060115194045000,
                    parse_set(b"41:211,214:541"),
                    (parse_set(b"1,3,5"), parse_set(b"41,43,50")),
                ),
            ),
        ),
        (b"a SELECT x (CONDSTORE QRESYNC (1 2))", c.Select(b"a", "x", False, True, c.QResync(1, 2))),
        (
            b"a SELECT x (QRESYNC (1 2 (3 4)))",
            c.Select(b"a", "x", qresync=c.QResync(1, 2, None, (parse_set(b"3"), parse_set(b"4")))),
        ),
        (b"A003 CREATE owatagusiam/", c.Create(b"A003", "owatagusiam/")),
        (b"t2 CREATE MySpecial (USE (\\Drafts \\Sent))", c.Create(b"t2", "MySpecial", (b"\\Drafts", b"\\Sent"))),
        (b"t2 CREATE x (USE ())", c.Create(b"t2", "x")),
        (b"A683 DELETE blurdybloop", c.Delete(b"A683", "blurdybloop")),
        (b"A683 RENAME INBOX old-mail", c.Rename(b"A683", "INBOX", "old-mail")),
        (b"A002 SUBSCRIBE #news.comp.mail.mime", c.Subscribe(b"A002", "#news.comp.mail.mime")),
        (b"A002 UNSUBSCRIBE #news.comp.mail.mime", c.Unsubscribe(b"A002", "#news.comp.mail.mime")),
        (b'A101 LIST "" ""', c.List(b"A101", "", ("",))),
        (b'A103 LIST /usr/staff/jones ""', c.List(b"A103", "/usr/staff/jones", ("",))),
        (b"A202 LIST ~/Mail/ %", c.List(b"A202", "~/Mail/", ("%",))),
        (b'a LIST "" Entw&APw-*', c.List(b"a", "", ("Entwü*",))),
        (
            b'A04 LIST (SUBSCRIBED) "" "*"',  # RFC 5258 §5
            c.List(b"A04", "", ("*",), frozenset({b"SUBSCRIBED"}), extended=True),
        ),
        (
            b'A07 LIST (REMOTE SUBSCRIBED) "" "*" RETURN (CHILDREN)',
            c.List(b"A07", "", ("*",), frozenset({b"REMOTE", b"SUBSCRIBED"}), frozenset({b"CHILDREN"}), extended=True),
        ),
        (
            b'BBB LIST "" ("INBOX" "Drafts" "Sent/%")',
            c.List(b"BBB", "", ("INBOX", "Drafts", "Sent/%"), extended=True),
        ),
        (
            b'C02 LIST (RECURSIVEMATCH SUBSCRIBED) "" "*"',
            c.List(b"C02", "", ("*",), frozenset({b"RECURSIVEMATCH", b"SUBSCRIBED"}), extended=True),
        ),
        (
            b'A01 LIST "" % RETURN (STATUS (MESSAGES UNSEEN) special-use)',  # RFC 5819 §2
            c.List(
                b"A01",
                "",
                ("%",),
                frozenset(),
                frozenset({b"STATUS", b"SPECIAL-USE"}),
                (b"MESSAGES", b"UNSEEN"),
                True,
            ),
        ),
        (b'a LIST () "" x RETURN ()', c.List(b"a", "", ("x",), extended=True)),
        (b'A002 LSUB "#news." "comp.mail.*"', c.Lsub(b"A002", "#news.", "comp.mail.*")),
        (
            b"A042 STATUS blurdybloop (UIDNEXT MESSAGES uidnext)",
            c.Status(b"A042", "blurdybloop", (b"UIDNEXT", b"MESSAGES")),
        ),
        (
            b"a STATUS x (RECENT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ APPENDLIMIT MAILBOXID DELETED-STORAGE)",
            c.Status(
                b"a",
                "x",
                (
                    b"RECENT",
                    b"UIDVALIDITY",
                    b"UNSEEN",
                    b"DELETED",
                    b"SIZE",
                    b"HIGHESTMODSEQ",
                    b"APPENDLIMIT",
                    b"MAILBOXID",
                    b"DELETED-STORAGE",
                ),
            ),
        ),
    ],
)
def test_valid(text: bytes, command: c.Command) -> None:
    assert parse_command(text, quirks=STRICT) == command


@pytest.mark.parametrize(
    "text",
    [
        b"a SELECT",
        b"a SELECT ",
        b"a SELECT x y",
        b"a SELECT x ()",
        b"a SELECT x (NOPE)",
        b"a SELECT x (CONDSTORE",
        b"a SELECT x (QRESYNC)",
        b"a SELECT x (QRESYNC ())",
        b"a SELECT x (QRESYNC (1))",
        b"a SELECT x (QRESYNC (0 1))",
        b"a SELECT x (QRESYNC (1 0))",
        b"a SELECT x (QRESYNC (1 2 3:*))",
        b"a SELECT x (QRESYNC (1 2 3 (4)))",
        b"a SELECT x (QRESYNC (1 2 3 (4 5 6)))",
        b"a SELECT x (QRESYNC (4294967296 2))",
        b"a SELECT x*",
        b"a CREATE",
        b"a CREATE x (USE)",
        b"a CREATE x (USE \\Sent)",
        b"a CREATE x (USE (Sent))",
        b"a CREATE x (FOO (y))",
        b"a CREATE x (USE (\\Sent)",
        b"a DELETE",
        b"a DELETE x y",
        b"a RENAME x",
        b"a RENAME x y z",
        b"a SUBSCRIBE",
        b'a LIST ""',
        b'a LIST "" ()',
        b'a LIST "" (x',
        b'a LIST (NOPE) "" x',
        b'a LIST (RECURSIVEMATCH) "" x',
        b'a LIST (RECURSIVEMATCH REMOTE) "" x',
        b'a LIST "" x RETURN',
        b'a LIST "" x RETURN (NOPE)',
        b'a LIST "" x y',
        b'a LIST "" x RETURN (STATUS)',
        b'a LIST "" x RETURN (STATUS ())',
        b'a LIST "" x RETURN (STATUS (NOPE))',
        b'a LIST "" x{y',
        b'a LSUB "" (x)',
        b'a LSUB ""',
        b"a STATUS x",
        b"a STATUS x ()",
        b"a STATUS x MESSAGES",
        b"a STATUS x (MESSAGES",
        b"a STATUS x (NOPE)",
        b"a STATUS x (MESSAGES ) ",
    ],
)
def test_fault(text: bytes) -> None:
    with pytest.raises(ParseFault) as caught:
        parse_command(text, quirks=STRICT)
    assert caught.value.bad


def test_name_that_will_never_do() -> None:
    with pytest.raises(ParseFault) as caught:
        parse_command(b"a SELECT &x")
    assert not caught.value.bad


def test_too_many_patterns() -> None:
    for count, allowed in ((IMAP_LIST_PATTERNS, True), (IMAP_LIST_PATTERNS + 1, False)):
        text = b'a LIST "" (' + b" ".join([b"x"] * count) + b")"
        if allowed:
            assert isinstance(parse_command(text), c.List)
            continue
        with pytest.raises(ParseFault) as caught:
            parse_command(text)
        assert caught.value.code == b"LIMIT"


def test_utf8_names() -> None:
    assert parse_command(b'a SELECT "\xe5\x8f\xb0"', utf8=True, quirks=STRICT) == c.Select(b"a", "台")
    assert parse_command(b"a SELECT &U,BTFw-", utf8=True) == c.Select(b"a", "&U,BTFw-")
