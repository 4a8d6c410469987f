"""Responses: tables of values and their octets."""

from array import array

import pytest

from posthaus.proto.imap import render as r


@pytest.mark.parametrize(
    ("octets", "string", "astring"),
    [
        (b"", b'""', b'""'),
        (b"abc", b'"abc"', b"abc"),
        (b"a]b", b'"a]b"', b"a]b"),
        (b"nil", b'"nil"', b'"nil"'),
        (b"a b", b'"a b"', b'"a b"'),
        (b'a"\\', b'"a\\"\\\\"', b'"a\\"\\\\"'),
        (b"a\r\nb", b"{4}\r\na\r\nb", b"{4}\r\na\r\nb"),
        (b"a\n", b"{2}\r\na\n", b"{2}\r\na\n"),
        (b"\x00", b"{1}\r\n\x00", b"{1}\r\n\x00"),
        ("ü".encode(), b"{2}\r\n\xc3\xbc", b"{2}\r\n\xc3\xbc"),
        (b"x" * 5000, b"{5000}\r\n" + b"x" * 5000, b"x" * 5000),
    ],
)
def test_strings(octets: bytes, string: bytes, astring: bytes) -> None:
    assert r.string(octets) == r.nstring(octets) == string
    assert r.astring(octets) == astring


def test_nil_and_binary() -> None:
    assert r.nstring(None) == b"NIL"
    assert r.binary(b"a\0") == b"~{2}\r\na\0"
    assert r.binary(b"a") == b'"a"'


@pytest.mark.parametrize(
    ("name", "rev1", "rev2"),
    [
        ("INBOX", b"INBOX", b"INBOX"),
        ("a b", b'"a b"', b'"a b"'),
        ("", b'""', b'""'),
        ("NIL", b'"NIL"', b'"NIL"'),
        ("a&b", b"a&-b", b"a&b"),
        ("台北", b"&U,BTFw-", b'"\xe5\x8f\xb0\xe5\x8c\x97"'),
        ('ü"', b'"&APw-\\""', b'"\xc3\xbc\\""'),
        ("50%", b'"50%"', b'"50%"'),
        ("ü\n", b"&APwACg-", b"{3}\r\n\xc3\xbc\n"),
        ("\ud800", b"?", b"?"),
    ],
)
def test_mailbox(name: str, rev1: bytes, rev2: bytes) -> None:
    assert r.mailbox(name) == rev1
    assert r.mailbox(name, utf8=True) == rev2


def test_text_is_one_line_of_ascii() -> None:
    assert r.text("a\r\nb \u2026 \0") == b"a b ?  "
    assert r.text("") == b"-"


@pytest.mark.parametrize(
    ("uids", "octets"),
    [
        ([], b""),
        ([7], b"7"),
        ([1, 2], b"1:2"),
        ([1, 2, 3, 5], b"1:3,5"),
        ([1, 3, 5, 6, 9], b"1,3,5:6,9"),
        ([4294967294, 4294967295], b"4294967294:4294967295"),
        (list(range(5, 1000)), b"5:999"),
    ],
)
def test_uids(uids: list[int], octets: bytes) -> None:
    assert r.render_uids(uids) == r.render_uids(array("I", uids)) == octets


@pytest.mark.parametrize(
    ("line", "octets"),
    [
        (r.exists(23), b"* 23 EXISTS\r\n"),
        (r.recent(0), b"* 0 RECENT\r\n"),
        (r.expunge(44), b"* 44 EXPUNGE\r\n"),
        (r.vanished(b"300:310"), b"* VANISHED 300:310\r\n"),
        (r.vanished(b"41", earlier=True), b"* VANISHED (EARLIER) 41\r\n"),
        (r.flags_line([b"\\Seen", b"x"]), b"* FLAGS (\\Seen x)\r\n"),
        (r.flags_line([]), b"* FLAGS ()\r\n"),
        (r.search([2, 3, 6]), b"* SEARCH 2 3 6\r\n"),
        (r.search([]), b"* SEARCH\r\n"),
        (r.search([2], 917162500), b"* SEARCH 2 (MODSEQ 917162500)\r\n"),
        (
            r.esearch(b"A282", uid=False, results=[(b"MIN", b"2"), (b"COUNT", b"3")]),
            b'* ESEARCH (TAG "A282") MIN 2 COUNT 3\r\n',
        ),
        (
            r.esearch(b'a"b', uid=True, results=[(b"ALL", b""), (b"COUNT", b"0")]),
            b'* ESEARCH (TAG "a\\"b") UID COUNT 0\r\n',
        ),
        (r.list_line([b"\\Noselect"], "/", ""), b'* LIST (\\Noselect) "/" ""\r\n'),
        (r.list_line([], None, "INBOX", word=b"LSUB"), b"* LSUB () NIL INBOX\r\n"),
        (
            r.list_line([b"\\NonExistent"], "/", "Foo", childinfo=[b"SUBSCRIBED"]),
            b'* LIST (\\NonExistent) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))\r\n',
        ),
        (
            r.list_line([], "/", "new", old_name="ü", utf8=True),
            b'* LIST () "/" new ("OLDNAME" ("\xc3\xbc"))\r\n',
        ),
        (
            r.status("a b", {b"MESSAGES": 231, b"APPENDLIMIT": None, b"MAILBOXID": b"(F2)"}),
            b'* STATUS "a b" (MESSAGES 231 APPENDLIMIT NIL MAILBOXID (F2))\r\n',
        ),
        (r.namespace([("", "/")]), b'* NAMESPACE (("" "/")) NIL NIL\r\n'),
        (
            r.namespace([("", "/")], [("~", "/")], [("#shared/", "/"), ("#a b/", ".")]),
            b'* NAMESPACE (("" "/")) (("~" "/")) (("#shared/" "/")("#a b/" "."))\r\n',
        ),
        (r.id_line([]), b"* ID NIL\r\n"),
        (r.id_line([(b"name", b"x"), (b"os", None)]), b'* ID ("name" "x" "os" NIL)\r\n'),
        (r.enabled([b"IMAP4REV2"]), b"* ENABLED IMAP4REV2\r\n"),
        (r.enabled([]), b"* ENABLED\r\n"),
        (r.capability((b"IMAP4rev2", b"IDLE")), b"* CAPABILITY IMAP4rev2 IDLE\r\n"),
    ],
)
def test_lines(line: bytes, octets: bytes) -> None:
    assert line == octets


def test_acl() -> None:
    # RFC 4314 §3.6 to §3.8
    assert r.acl("INBOX", [("fred", "lr"), ("-fred", ""), ('"a b"@x', "w")]) == (
        b'* ACL INBOX fred lr -fred "" "\\"a b\\"@x" w\r\n'
    )
    assert r.acl("x", []) == b"* ACL x\r\n"
    assert r.list_rights("a b", b"smith", "la", ["r", "swicdkxte"]) == (b'* LISTRIGHTS "a b" smith la r swicdkxte\r\n')
    assert r.list_rights("x", b"anyone", "", ["l"]) == b'* LISTRIGHTS x anyone "" l\r\n'
    assert r.my_rights("Entwürfe", "", utf8=True) == '* MYRIGHTS "Entwürfe" ""\r\n'.encode()
