"""imaplib of the standard library: all it can say, in the clear, after STARTTLS, and in TLS from the start."""

import base64
import imaplib
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.interop.clients import HOST, Office, Person, Raw, message, quote

Answer = tuple[str, list[Any]]


@contextmanager
def connected(office: Office, how: str = "plain") -> "Iterator[imaplib.IMAP4]":
    if how == "tls":
        imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(HOST, office.port(993), ssl_context=office.context, timeout=20)
    else:
        imap = imaplib.IMAP4(HOST, office.port(143), 20)
    with imap:
        if how == "starttls":
            ok(imap.starttls(office.context))
        yield imap


def ok(answer: "Answer | tuple[str, Any]") -> list[Any]:
    assert answer[0] == "OK", answer
    found: list[Any] = answer[1]
    return found


def literals(found: list[Any]) -> list[bytes]:
    return [one[1] for one in found if isinstance(one, tuple)]


def one_literal(found: list[Any]) -> bytes:
    (octets,) = literals(found)
    return octets


@pytest.fixture
def imap(office: Office, person: Person) -> "Iterator[imaplib.IMAP4]":
    with connected(office) as imap:
        imap.login(person.address, person.password)
        yield imap


@pytest.mark.parametrize("how", ["plain", "starttls", "tls"])
@pytest.mark.parametrize("mechanism", ["LOGIN command", "PLAIN", "LOGIN", "CRAM-MD5"])
def test_log_in(office: Office, person: Person, how: str, mechanism: str) -> None:
    with connected(office, how) as imap:
        assert ("STARTTLS" in imap.capabilities) == (how == "plain")
        if mechanism == "LOGIN command":
            ok(imap.login(person.address, person.password))
        elif f"AUTH={mechanism}" not in imap.capabilities:
            pytest.skip(f"{mechanism} is not offered")
        elif mechanism == "CRAM-MD5":
            ok(imap.login_cram_md5(person.address, person.password))
        elif mechanism == "PLAIN":
            ok(imap.authenticate("PLAIN", lambda challenge: f"\0{person.address}\0{person.password}".encode()))
        else:
            answers = iter([person.address.encode(), person.password.encode()])
            ok(imap.authenticate("LOGIN", lambda challenge: next(answers)))
        assert imap.state == "AUTH"
        ok(imap.select())


def test_wrong_password(office: Office, person: Person) -> None:
    with connected(office) as imap:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            imap.login(person.address, "wrong")
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            imap.authenticate("PLAIN", lambda challenge: f"\0{person.address}\0wrong".encode())
        ok(imap.login(person.address, person.password))


def test_cancelled_exchange(office: Office, person: Person) -> None:
    with connected(office) as imap:
        with pytest.raises(imaplib.IMAP4.error):
            imap.authenticate("PLAIN", lambda challenge: None)
        ok(imap.login(person.address, person.password))


def test_mailboxes(imap: imaplib.IMAP4) -> None:
    for name in ("Work", "Work/2026", "Entw&APw-rfe", "with space"):
        ok(imap.create(quote(name)))
    assert imap.create("Work")[0] == "NO"
    listed = b"\n".join(ok(imap.list()))
    for one in (b"INBOX", b"Work", b"Work/2026", b"Entw&APw-rfe", b"with space"):
        assert re.search(rb'"/" "?%b"?(\n|$)' % re.escape(one), listed), (one, listed)
    assert len(ok(imap.list('""', "Work/%"))) == 1
    ok(imap.subscribe("Work"))
    ok(imap.subscribe("Work/2026"))
    assert len(ok(imap.lsub('""', "Work*"))) == 2
    ok(imap.unsubscribe("Work"))
    assert b"Work/2026" in ok(imap.lsub('""', "Work*"))[-1]
    ok(imap.rename("Work/2026", "Archive"))
    assert imap.delete("Work/2026")[0] == "NO"
    ok(imap.append("Archive", "", "", message("kept")))
    assert ok(imap.status("Archive", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)"))
    ok(imap.delete("Archive"))
    assert imap.select("Archive")[0] == "NO"
    assert imap.select("..")[0] == "NO"
    assert imap.create('"../up"')[0] == "NO"


def test_append_and_fetch(imap: imaplib.IMAP4) -> None:
    octets = message("appended", "Grüße\r\n.\r\nend")
    when = imaplib.Time2Internaldate(1_700_000_000)
    words = ok(imap.append("INBOX", r"(\Seen \Flagged keyword)", when, octets))
    assert b"APPENDUID" in words[0]
    assert ok(imap.select()) == [b"1"]
    assert one_literal(ok(imap.fetch("1", "(RFC822)"))) == octets
    assert one_literal(ok(imap.fetch("1", "(BODY[])"))) == octets
    assert one_literal(ok(imap.fetch("1", "(BODY[TEXT])"))) == octets.partition(b"\r\n\r\n")[2]
    assert one_literal(ok(imap.fetch("1", "(RFC822.HEADER)"))).endswith(b"\r\n\r\n")
    assert one_literal(ok(imap.fetch("1", "(BODY[]<5.10>)"))) == octets[5:15]
    assert one_literal(ok(imap.fetch("1", "BODY[HEADER.FIELDS (SUBJECT)]"))) == b"Subject: appended\r\n\r\n"
    (line,) = ok(imap.fetch("1", "(UID FLAGS INTERNALDATE RFC822.SIZE)"))
    assert imaplib.ParseFlags(line) and set(imaplib.ParseFlags(line)) >= {rb"\Seen", rb"\Flagged", b"keyword"}
    told = imaplib.Internaldate2tuple(line)
    assert told is not None and int(time.mktime(told)) == 1_700_000_000
    assert b"RFC822.SIZE %d" % len(octets) in line
    (line,) = ok(imap.fetch("1", "ALL"))
    assert b"ENVELOPE" in line
    (line,) = ok(imap.fetch("1", "(BODYSTRUCTURE)"))
    assert b'BODYSTRUCTURE ("TEXT" "PLAIN"' in line.upper()


def test_flags_expunge_copy(imap: imaplib.IMAP4) -> None:
    for n in range(5):
        ok(imap.append("INBOX", "", "", message(f"number {n}")))
    ok(imap.select())
    assert b"\\Deleted" in ok(imap.store("2:3", "+FLAGS", r"(\Deleted)"))[0]
    assert ok(imap.store("1", "FLAGS.SILENT", r"(\Seen)")) == [None]
    ok(imap.store("1", "-FLAGS", r"(\Seen)"))
    ok(imap.create("Copies"))
    assert b"COPYUID" in ok(imap.copy("1,4", "Copies"))[0]
    assert imap.copy("1", "Nowhere")[0] == "NO"
    assert b"TRYCREATE" in imap.copy("1", "Nowhere")[1][0]
    assert ok(imap.expunge()) == [b"3", b"2"]
    assert ok(imap.search(None, "ALL")) == [b"1 2 3"]
    ok(imap.uid("STORE", "4", "+FLAGS", r"(\Deleted)"))
    assert ok(imap.uid("EXPUNGE", "1:3"))[0] is None
    assert imap.response("EXPUNGE")[1] == [None]
    ok(imap.close())
    assert ok(imap.select()) == [b"2"]
    ok(imap.uid("MOVE", "1", "Copies"))
    assert ok(imap.select("Copies", readonly=True)) == [b"3"]
    assert imap.is_readonly
    assert imap.store("1", "+FLAGS", r"(\Seen)")[0] == "NO"


def test_read_only_changes_nothing(imap: imaplib.IMAP4) -> None:
    ok(imap.append("INBOX", "", "", message("unseen")))
    ok(imap.select(readonly=True))
    ok(imap.fetch("1", "(BODY[])"))
    assert b"\\Seen" not in ok(imap.fetch("1", "(FLAGS)"))[0]
    ok(imap.select())
    ok(imap.fetch("1", "(BODY[])"))
    assert b"\\Seen" in ok(imap.fetch("1", "(FLAGS)"))[0]


def test_search(imap: imaplib.IMAP4) -> None:
    ok(imap.append("INBOX", r"(\Seen)", "", message("Übung eins", "Text mit Wörtern\r\n")))
    ok(imap.append("INBOX", "", "", message("second", "plain words\r\n", sender="bert@example.org")))
    ok(imap.append("INBOX", r"(\Flagged)", "", message("third", "x" * 5_000 + "\r\n")))
    ok(imap.select())
    for keys, found in {
        "ALL": b"1 2 3",
        "UNSEEN": b"2 3",
        "NOT FLAGGED": b"1 2",
        "FROM bert": b"2",
        'SUBJECT "third"': b"3",
        "LARGER 4000": b"3",
        "NOT (SMALLER 4000 SMALLER 5000)": b"3",
        "OR FLAGGED SEEN": b"1 3",
        'HEADER Message-ID "<second@example.net>"': b"2",
        "SENTON 5-Jan-2026": b"1 2 3",
        "SINCE 1-Jan-2020 BEFORE 1-Jan-2021": b"",
        "BODY words": b"2",
        "TEXT Plain": b"2",
        "2:* UNFLAGGED": b"2",
        "UID 1:2 KEYWORD nothing": b"",
    }.items():
        assert ok(imap.search(None, keys)) == [found], keys
    imap.literal = "übung".encode()  # type: ignore[assignment]  # undocumented, and the only way for a literal
    assert ok(imap.search("UTF-8", "SUBJECT")) == [b"1"]
    assert b"BADCHARSET" in imap.search("X-UNKNOWN", "ALL")[1][0]
    assert ok(imap.uid("SEARCH", "RETURN (COUNT MIN)", "ALL")) == [None]
    assert b"COUNT 3" in imap.response("ESEARCH")[1][0]


def test_capability_namespace_noop_check(imap: imaplib.IMAP4) -> None:
    names = set(ok(imap.capability())[0].decode().split())
    assert names >= {"IMAP4rev1", "IMAP4rev2", "IDLE", "MOVE", "UIDPLUS", "NAMESPACE", "LITERAL+", "SPECIAL-USE"}
    assert ok(imap.namespace()) == [b'(("" "/")) (("Other users/" "/")) (("Shared/" "/"))']
    ok(imap.noop())
    ok(imap.select())
    ok(imap.check())
    ok(imap.unselect())
    assert imap.state == "AUTH"
    assert imap.recent() is not None
    kind, words = imap.xatom("ID", '("name" "imaplib")')
    assert kind == "OK", words


def test_enable(imap: imaplib.IMAP4) -> None:
    ok(imap.enable("IMAP4rev2"))
    assert b"IMAP4REV2" in imap.response("ENABLED")[1][0].upper()
    ok(imap.create(quote("plain")))
    ok(imap.select())


@pytest.mark.parametrize(
    ("name", "capability", "words"),
    [
        ("sort", b"SORT", ("(DATE)", "UTF-8", "ALL")),
        ("thread", b"THREAD=REFERENCES", ("REFERENCES", "UTF-8", "ALL")),
        ("getquotaroot", b"QUOTA", ("INBOX",)),
        ("getacl", b"ACL", ("INBOX",)),
        ("myrights", b"ACL", ("INBOX",)),
        ("getannotation", b"ANNOTATEMORE", ("INBOX", '"/comment"', '"value"')),
    ],
)
def test_what_is_announced_is_done_and_all_else_refused(
    imap: imaplib.IMAP4, name: str, capability: bytes, words: tuple[str, ...]
) -> None:
    ok(imap.select())
    announced = ok(imap.capability())[0].split()
    if capability in announced:
        ok(getattr(imap, name)(*words))
    else:
        with pytest.raises(imaplib.IMAP4.error, match="BAD"):
            getattr(imap, name)(*words)
    ok(imap.noop())


def test_large_message_in_every_section(office: Office, imap: imaplib.IMAP4) -> None:
    """Octets outside the database are read by ways of their own; each must agree with the octets."""
    body = base64.encodebytes(bytes(range(256)) * 2_000).replace(b"\n", b"\r\n")
    head = (
        b"From: <a@example.net>\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    octets = head + body
    ok(imap.append("INBOX", "", "", octets))
    ok(imap.select())
    wanted = {
        "BODY.PEEK[]": octets,
        "BODY.PEEK[]<100000.70>": octets[100_000:100_070],
        "BODY.PEEK[]<20.300000>": octets[20:300_020],
        "BODY.PEEK[HEADER]": head,
        "BODY.PEEK[TEXT]": body,
        "BODY.PEEK[TEXT]<1000.1000>": body[1_000:2_000],
        "BODY.PEEK[1]": body,
        "BODY.PEEK[1]<5.10>": body[5:15],
        "BODY.PEEK[HEADER.FIELDS (Subject)]": b"Subject: large\r\n\r\n",
        "BINARY.PEEK[]": octets,
        "BINARY.PEEK[1]": bytes(range(256)) * 2_000,
        "BINARY.PEEK[1]<256.256>": bytes(range(256)),
    }
    for item, part in wanted.items():
        assert one_literal(ok(imap.fetch("1", f"({item})"))) == part, item
    assert b"BINARY.SIZE[1] 512000" in ok(imap.fetch("1", "(BINARY.SIZE[1])"))[0]
    found = ok(imap.fetch("1", "(UID BODY.PEEK[] BODY.PEEK[1] FLAGS)"))
    assert literals(found) == [octets, body]


def test_many_messages(office: Office, imap: imaplib.IMAP4) -> None:
    for n in range(200):
        ok(imap.append("INBOX", "", "", message(f"number {n}")))
    assert ok(imap.select()) == [b"200"]
    assert len(literals(ok(imap.fetch("1:*", "(BODY.PEEK[])")))) == 200
    ok(imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
    assert len(ok(imap.expunge())) == 200


def test_logout(office: Office, person: Person) -> None:
    imap = imaplib.IMAP4(HOST, office.port(143), 20)
    imap.login(person.address, person.password)
    assert imap.logout()[0] == "BYE"


def test_idle(office: Office, person: Person) -> None:
    """By the library where it knows IDLE (3.14), and by hand."""
    if sys.version_info >= (3, 14):
        with connected(office) as imap:
            imap.login(person.address, person.password)
            ok(imap.select())
            with imap.idle(20) as idler:  # type: ignore[attr-defined]  # newer than the oldest Python we have
                office.append(person, message("pushed"))
                assert next(one for one in idler if one[0] == "EXISTS")[1] == [b"1"]
    before = len(office.messages(person))
    with Raw(office.port(143)) as raw:
        raw.line()
        raw.ask(f'a LOGIN {person.address} "{person.password}"')
        raw.ask("b SELECT INBOX")
        raw.send("c IDLE")
        raw.until("+ ")
        office.append(person, message("pushed by hand"))
        raw.until(f"* {before + 1} EXISTS")
        raw.send("DONE")
        raw.until("c OK")
