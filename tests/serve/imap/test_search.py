"""SEARCH: texts, dates, numbers, what is returned and what is saved."""

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

PLAIN = (
    b"From: Anna M\xc3\xbcller <anna@a.example>\r\nTo: ben@b.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"\t=?utf-8?q?_aus_K=C3=B6ln?=\r\nDate: Thu, 1 Jan 2026 23:30:00 -0800\r\nX-Own: one\r\nX-Own: two words\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"U2Now7ZuZSBHcsO8w59lIGFuIGFsbGUK\r\n"  # Schöne Grüße an alle
)
HTML = (
    b"From: c@c.example\r\nSubject: Markup\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    b'<p class=3D"lead">The quick <b>brown</b> f&ouml;x&nbsp;jum=\r\nps</p>\r\n'
)
NESTED = (
    b"From: d@d.example\r\nSubject: Outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"preamble\r\n--x\r\n\r\nfirst text\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: Inner\r\n\r\ninner text\r\n--x\r\nContent-Type: image/png; name=picture.png\r\n\r\nnot searched\r\n"
    b"--x--\r\n"
)


async def filled(house: ImapHouse) -> Client:
    client = await house.login()
    await client.append("INBOX", PLAIN, '(\\Seen) "02-Jan-2026 08:00:00 +0000"')
    await client.append("INBOX", HTML, '(\\Flagged own) "05-Jan-2026 23:59:59 +0000"')
    await client.append("INBOX", NESTED, '"06-Jan-2026 00:00:00 +0000"')
    await client.ok("SELECT INBOX")
    return client


TEXTS = [
    ("ALL", "1 2 3"),
    ('SUBJECT "GRÜßE"', "1"),
    ('SUBJECT "GRÜSSE"', ""),  # RFC 5051 §2: one letter has one capital, or none
    ("SUBJECT gru", "1"),
    ('SUBJECT "grüße aus köln"', "1"),
    ("SUBJECT utf-8", ""),
    ("SUBJECT subject", ""),
    ("SUBJECT inner", ""),
    ('SUBJECT ""', "1 2 3"),
    ('FROM "müller"', "1"),
    ('FROM "ANNA@A.EXAMPLE"', "1"),
    ("TO ben", "1"),
    ("CC ben", ""),
    ('HEADER X-Own "two words"', "1"),
    ('HEADER x-own ""', "1"),
    ("HEADER X-Own three", ""),
    ('HEADER X-None ""', ""),
    ('HEADER Cc ""', ""),
    ("HEADER Content-Type html", "2"),
    ('BODY "schöne"', "1"),
    ('BODY "SCHÖNE"', "1"),
    ("BODY U2Now7Zu", ""),
    ('BODY "köln"', ""),
    ('TEXT "köln"', "1"),
    ("TEXT x-own", "1"),
    ('BODY "quick brown"', "2"),
    ('BODY "föx jumps"', "2"),
    ("BODY lead", "2"),
    ("BODY brown", "2"),
    ('BODY "brown f"', "2"),
    ('BODY "brown cow"', ""),
    ('BODY "first text"', "3"),
    ('BODY "inner text"', "3"),
    ("BODY Inner", "3"),
    ("BODY subject", ""),
    ("TEXT picture.png", "3"),
    ("BODY picture.png", ""),
    ('TEXT "not searched"', ""),
    ('TEXT "Subject: Inner"', "3"),
    ("OR BODY cow SUBJECT markup", "2"),
    ("NOT BODY text", "1 2"),
]
DATES = [
    ("SENTON 1-Jan-2026", "1"),  # as it is written, not in UTC
    ("SENTON 2-Jan-2026", ""),
    ("SENTBEFORE 2-Jan-2026", "1"),
    ("SENTSINCE 1-Jan-2026", "1"),
    ("SENTSINCE 1-Jan-2000", "1"),
    ("SENTBEFORE 1-Jan-2040", "1"),
    ("NOT SENTBEFORE 1-Jan-2040", "2 3"),  # no Date field
    ("ON 5-Jan-2026", "2"),
    ("BEFORE 6-Jan-2026", "1 2"),
    ("SINCE 6-Jan-2026", "3"),
    ("SAVEDON 1-Jan-2026", "1 2 3"),
    ("SAVEDBEFORE 1-Jan-2026", ""),
    ("SAVEDATESUPPORTED", "1 2 3"),
]
NUMBERS = [
    ("1,3", "1 3"),
    ("2:*", "2 3"),
    ("5", ""),
    ("7:*", "3"),
    ("NOT 1", "2 3"),
    ("UID 1:2", "1 2"),
    ("UID 77", ""),
    ("OR 1 UID 3", "1 3"),
    ("1:2 UID 2:3", "2"),
    ("SEEN", "1"),
    ("UNSEEN", "2 3"),
    ("SEEN UNSEEN", ""),
    ("KEYWORD own", "2"),
    ("KEYWORD OWN", "2"),
    ("UNKEYWORD own", "1 3"),
    ("KEYWORD unheard", ""),
    ("UNKEYWORD unheard", "1 2 3"),
    ("FLAGGED UNSEEN", "2"),
    ("RECENT", "1 2 3"),
    ("NEW", "2 3"),
    ("OLD", ""),
    (f"LARGER {len(HTML)}", "1 3"),
    (f"SMALLER {len(NESTED)}", "1 2" if len(PLAIN) < len(NESTED) else "2"),
    (f"NOT (SMALLER {len(HTML) + 1} SMALLER {len(NESTED)})", "1 3"),
    (f"NOT (LARGER {len(HTML)} SMALLER 1000)", "2"),
    ("EMAILID M1", "1"),
    ("EMAILID X", ""),
    ("THREADID T1", ""),
    ("MODSEQ 3", "2 3 (MODSEQ 4)"),
]


@pytest.mark.parametrize("cases", [TEXTS, DATES, NUMBERS], ids=["texts", "dates", "numbers"])
async def test_keys(house: ImapHouse, cases: list[tuple[str, str]]) -> None:
    client = await filled(house)
    for keys, expected in cases:
        *_, line = await client.ok(f"SEARCH {keys}")
        assert line.removeprefix("* SEARCH").strip() == expected, keys


async def test_within(house: ImapHouse) -> None:
    client = await filled(house)
    house.clock.jump(4 * 86_400)  # now it is 5 January 2026, 00:00
    assert await client.ok("SEARCH YOUNGER 200000") == ["* SEARCH 2 3"]
    assert await client.ok("SEARCH OLDER 200000") == ["* SEARCH 1"]


@pytest.mark.parametrize(
    ("charset", "octets"),
    [("UTF-8", "köln".encode()), ("ISO-8859-1", "köln".encode("latin-1")), ("windows-1252", "köln".encode("cp1252"))],
)
async def test_charsets(house: ImapHouse, charset: str, octets: bytes) -> None:
    client = await filled(house)
    command = b"SEARCH CHARSET %b SUBJECT {%d+}\r\n%b" % (charset.encode(), len(octets), octets)
    assert await client.ok(command) == ["* SEARCH 1"]
    (answer,) = await client.do("SEARCH CHARSET X-NONE SUBJECT x")
    assert answer.startswith("NO [BADCHARSET (US-ASCII UTF-8")


async def test_returns(house: ImapHouse) -> None:
    client = await filled(house)
    await client.append("INBOX", PLAIN)
    await client.ok("STORE 2 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")  # UIDs 1, 3, 4
    n = 0

    async def esearch(command: str) -> str:
        nonlocal n
        n += 1
        client.send(f"e{n} {command}\r\n".encode())
        heard = await client.answers(f"e{n}")
        assert len(heard) <= 2 and heard[-1].startswith(f"e{n} OK")
        return heard[0].removeprefix(f'* ESEARCH (TAG "e{n}")') if len(heard) == 2 else ""

    assert await esearch("SEARCH RETURN (MIN MAX COUNT ALL) ALL") == " MIN 1 MAX 3 ALL 1:3 COUNT 3"
    assert await esearch("UID SEARCH RETURN (MIN MAX COUNT ALL) ALL") == " UID MIN 1 MAX 4 ALL 1,3:4 COUNT 3"
    assert await esearch("SEARCH RETURN () UNSEEN") == " ALL 2:3"
    assert await esearch("SEARCH RETURN (MIN) UNSEEN") == " MIN 2"
    assert await esearch("SEARCH RETURN (MIN MAX ALL COUNT) DRAFT") == " COUNT 0"
    assert await esearch("UID SEARCH RETURN (ALL) DRAFT") == " UID"
    assert await esearch("SEARCH RETURN (SAVE) 1,3") == ""
    await client.ok("ENABLE IMAP4rev2")
    assert await esearch("UID SEARCH UNSEEN") == " UID ALL 3:4"
    assert await esearch("SEARCH NEW") == ""  # nothing is recent to rev2: a response without results


@pytest.mark.parametrize(
    ("returns", "saved"),
    [
        ("SAVE", "1 2 3"),
        ("SAVE ALL", "1 2 3"),
        ("SAVE COUNT", "1 2 3"),
        ("SAVE MIN", "1"),
        ("SAVE MAX", "3"),
        ("SAVE MIN MAX", "1 3"),
        ("SAVE MIN COUNT", "1 2 3"),
        ("SAVE MIN MAX ALL", "1 2 3"),
    ],
)
async def test_save(house: ImapHouse, returns: str, saved: str) -> None:
    """RFC 5182 §2.4"""
    client = await filled(house)
    await client.do(f"SEARCH RETURN ({returns}) ALL")
    assert await client.ok("SEARCH $") == [f"* SEARCH {saved}"]
    assert await client.ok("UID SEARCH UID $ UNSEEN") == [
        "* SEARCH" + "".join(f" {n}" for n in saved.split() if n != "1")
    ]
    assert [line.split()[1] for line in await client.ok("FETCH $ UID")] == saved.split()
    await client.ok("SEARCH RETURN (SAVE) DRAFT")
    assert await client.ok("SEARCH $") == ["* SEARCH"]
    assert await client.ok("FETCH $ UID") == []


async def test_what_is_saved_follows_expunges(house: ImapHouse) -> None:
    client = await filled(house)
    await client.ok("SEARCH RETURN (SAVE) 2:3")
    await client.ok("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    assert await client.ok("SEARCH $") == ["* SEARCH 1"]
    await client.ok("SELECT INBOX")
    assert await client.ok("SEARCH $") == ["* SEARCH"]


async def test_only_what_the_client_knows(house: ImapHouse) -> None:
    """New messages are told with the answer, and found by the next SEARCH; withheld expunges are not found."""
    client, other = await filled(house), await house.login(select="INBOX")
    await other.append("INBOX", PLAIN)
    assert await client.ok("SEARCH ALL") == ["* SEARCH 1 2 3", "* 4 EXISTS", "* 4 RECENT"]
    assert await client.ok("SEARCH ALL") == ["* SEARCH 1 2 3 4"]
    await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.ok("EXPUNGE")
    told = "* 1 FETCH (UID 1 FLAGS (\\Seen \\Deleted \\Recent))"
    assert await client.ok("SEARCH ALL") == ["* SEARCH 2 3 4", told]  # no EXPUNGE here (RFC 9051 §7.5.1)
    assert await client.ok("UID SEARCH ALL") == ["* SEARCH 2 3 4", "* 1 EXPUNGE"]
    assert await client.ok("SEARCH ALL") == ["* SEARCH 1 2 3"]


async def test_a_large_body_lies_outside(house: ImapHouse) -> None:
    client = await filled(house)
    large = NESTED.replace(b"not searched", b"not searched\r\n" + b"x" * 300_000).replace(b"first", b"unique")
    await client.append("INBOX", large)
    assert await client.ok('SEARCH BODY "unique text"') == ["* SEARCH 4"]
    assert await client.ok('SEARCH BODY "inner text"') == ["* SEARCH 3 4"]
    assert await client.ok("SEARCH TEXT xxxxxx") == ["* SEARCH"]
    assert await client.ok("SEARCH TEXT picture") == ["* SEARCH 3 4"]


async def test_a_keyword_that_another_session_made(house: ImapHouse) -> None:
    client, other = await filled(house), await house.login(select="INBOX")
    await other.ok("STORE 3 +FLAGS (fresh)")
    heard = await client.ok("SEARCH KEYWORD fresh")
    assert "* SEARCH 3" in heard


async def test_syntax(house: ImapHouse) -> None:
    client = await filled(house)
    for command in ("SEARCH", "SEARCH COLOUR red", "SEARCH OR ALL", "SEARCH NOT", "SEARCH BEFORE 31-Feb-2026"):
        assert (await client.do(command))[-1].startswith("BAD"), command


async def test_partial_saves_and_fetches_what_it_tells(house: ImapHouse) -> None:
    # RFC 9394 §3.2, §3.3, §3.4
    client = await house.login()
    for n in range(6):
        await client.append("INBOX", b"Subject: %d\r\n\r\n.\r\n" % n)
    await client.ok("SELECT INBOX")

    async def told(command: str) -> str:
        (line,) = await client.ok(command)
        return line.partition(") ")[2]

    assert await told('UID SEARCH RETURN (PARTIAL -1:-2 SAVE) SUBJECT ""') == "UID PARTIAL (-1:-2 5:6)"
    assert await told("SEARCH RETURN (ALL) $") == "ALL 5:6"
    assert await told("SEARCH RETURN (PARTIAL 1:1) NOT DELETED") == "PARTIAL (1:1 1)"
    assert await told("UID SORT RETURN (PARTIAL 1:2 COUNT) (REVERSE SUBJECT) UTF-8 1:5") == (
        "UID PARTIAL (1:2 5,4) COUNT 5"
    )
    assert await client.ok("UID FETCH 1:* (UID) (PARTIAL 2:3)") == ["* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)"]
    (begin,) = [line for line in await client.ok("STATUS INBOX (HIGHESTMODSEQ)") if "STATUS" in line]
    modseq = int(begin.split()[-1].rstrip(")"))
    await client.ok("STORE 2:4 +FLAGS.SILENT (\\Flagged)")
    heard = await client.ok(f"UID FETCH 1:* (UID) (PARTIAL -1:-2 CHANGEDSINCE {modseq})")
    assert [line.split()[1] for line in heard] == ["3", "4"]
    assert (await told("SEARCH RETURN (PARTIAL 1:3) MODSEQ 1")).startswith("PARTIAL (1:3 1:3) MODSEQ ")
    assert await told("SEARCH RETURN (PARTIAL 9:9) MODSEQ 1") == "PARTIAL (9:9 NIL)"
