"""FETCH: sections, partials, \\Seen, what lies outside."""

import re

import pytest

from posthaus.testing.imaphouse import Client, ImapHouse

HEAD = b"From: Anna <anna@a.example>\r\nSubject: parts\r\nX-Own: one\r\nMIME-Version: 1.0\r\n"
INNER = b"Subject: inner\r\nX-In: two\r\n\r\ninner text\r\n"
BASE64 = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n/w==\r\n"
_LABEL = re.compile(rb"[A-Z0-9.]+(?:\[[^\]]*\])?(?:<\d+>)? ")
ODD = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-none\r\n\r\nodd"


def mail(filler: bytes = b"") -> bytes:
    """Parts: 1 text, 2 message/rfc822, 3 base64, 4 of an encoding that nobody knows; with a filler first."""
    return b"".join(
        [
            HEAD, b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nplain text\r\n", filler,
            b"\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n", INNER, b"\r\n--x\r\n", BASE64, b"\r\n--x\r\n", ODD,
            b"\r\n--x--\r\n",
        ]
    )  # fmt: skip


async def filled(house: ImapHouse, *messages: bytes) -> Client:
    client = await house.login()
    for octets in messages:
        await client.append("INBOX", octets)
    await client.ok("SELECT INBOX")
    await client.ok("SELECT INBOX")
    return client


async def body(client: Client, section: str, number: int = 1) -> bytes | None:
    """The octets of one section of a message."""
    (line,) = await client.ok(f"FETCH {number} {section}")
    octets = line.encode("utf-8", "surrogateescape").removeprefix(b"* %d FETCH (" % number).removesuffix(b")")
    value = _LABEL.sub(b"", octets, count=1)
    if value == b"NIL":
        return None
    if value.startswith(b'"'):
        return value[1:-1]
    head, _, rest = value.partition(b"\r\n")
    assert head.lstrip(b"~") == b"{%d}" % len(rest)
    return rest


def sections(whole: bytes) -> dict[str, bytes | None]:
    text = whole[whole.index(b"\r\n\r\n") + 4 :]
    part1 = whole[whole.index(b"plain text") : whole.index(b"\r\n--x\r\nContent-Type: message")]
    return {
        "BODY.PEEK[]": whole,
        "BODY.PEEK[]<3.7>": whole[3:10],
        "BODY.PEEK[]<9999999.5>": b"",
        f"BODY.PEEK[]<{len(whole) - 3}.50>": whole[-3:],
        "BODY.PEEK[HEADER]": whole[: -len(text)],
        "BODY.PEEK[HEADER]<5.4>": whole[5:9],
        "BODY.PEEK[TEXT]": text,
        "BODY.PEEK[TEXT]<2.9>": text[2:11],
        "RFC822.HEADER": whole[: -len(text)],
        "BODY.PEEK[HEADER.FIELDS (Subject From)]": b"From: Anna <anna@a.example>\r\nSubject: parts\r\n\r\n",
        "BODY.PEEK[HEADER.FIELDS (x-own)]": b"X-Own: one\r\n\r\n",
        "BODY.PEEK[HEADER.FIELDS (None)]": b"\r\n",
        "BODY.PEEK[HEADER.FIELDS.NOT (Subject From X-Own)]": (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        ),
        "BODY.PEEK[1]": part1,
        "BODY.PEEK[1.MIME]": b"\r\n",
        "BODY.PEEK[2]": INNER,
        "BODY.PEEK[2.MIME]": b"Content-Type: message/rfc822\r\n\r\n",
        "BODY.PEEK[2.HEADER]": b"Subject: inner\r\nX-In: two\r\n\r\n",
        "BODY.PEEK[2.HEADER.FIELDS (X-In)]": b"X-In: two\r\n\r\n",
        "BODY.PEEK[2.HEADER.FIELDS (X-In)]<2.3>": b"In:",
        "BODY.PEEK[2.TEXT]": b"inner text\r\n",
        "BODY.PEEK[2.1]": b"inner text\r\n",
        "BODY.PEEK[3]": b"AAEC\r\n/w==\r\n",
        "BODY.PEEK[9]": None,
        "BODY.PEEK[1.HEADER]": None,
        "BINARY.PEEK[3]": b"\0\1\2\xff",
        "BINARY.PEEK[3]<1.2>": b"\1\2",
        "BINARY.PEEK[9]": None,
        "BINARY.PEEK[]": whole,
    }


@pytest.mark.parametrize("filler", [b"", b"f" * 1_000, b"f" * 20_000, b"f" * 300_000], ids=len)
async def test_sections(house: ImapHouse, filler: bytes) -> None:
    """In the row, packed, and outside."""
    whole = mail(filler)
    client = await filled(house, whole)
    for section, expected in sections(whole).items():
        assert await body(client, section) == expected, section
    assert await client.ok("FETCH 1 BINARY.SIZE[3]") == ["* 1 FETCH (BINARY.SIZE[3] 4)"]
    assert (await client.do("FETCH 1 BINARY.PEEK[4]"))[-1].startswith("NO [UNKNOWN-CTE]")
    (line,) = await client.ok("FETCH 1 (UID BODY.PEEK[3] FLAGS BODY.PEEK[2.TEXT] RFC822.SIZE)")
    assert line == (
        "* 1 FETCH (UID 1 BODY[3] {12}\r\nAAEC\r\n/w==\r\n FLAGS () BODY[2.TEXT] {12}\r\ninner text\r\n"
        f" RFC822.SIZE {len(whole)})"
    )


async def test_seen_is_set_and_told(house: ImapHouse) -> None:
    client = await filled(house, mail(), mail(), mail())
    assert await client.ok("FETCH 1 (BODY.PEEK[1] FLAGS)") != []
    assert (await client.ok("FETCH 1 FLAGS")) == ["* 1 FETCH (FLAGS ())"]
    heard = await client.ok("FETCH 1:2 BODY[3]")
    assert [line[-14:] for line in heard] == ["FLAGS (\\Seen))"] * 2
    assert not [line for line in await client.ok("FETCH 1 BODY[3]") if "FLAGS" in line]  # no change, no word
    for attribute in ("RFC822", "RFC822.TEXT", "BINARY[3]", "BODY[HEADER]"):
        await client.ok("STORE 3 -FLAGS.SILENT (\\Seen)")
        assert "FLAGS (\\Seen)" in (await client.ok(f"FETCH 3 {attribute}"))[0], attribute
    await client.ok("STORE 3 -FLAGS.SILENT (\\Seen)")
    for attribute in ("RFC822.HEADER", "BODY", "ENVELOPE", "FULL"):
        await client.ok(f"FETCH 3 {attribute}")
    assert await client.ok("STATUS INBOX (UNSEEN)") == ["* STATUS INBOX (UNSEEN 1)"]


async def test_own_seen_is_not_told_twice(house: ImapHouse) -> None:
    client = await filled(house, mail())
    other = await house.login(select="INBOX")
    await client.ok("FETCH 1 BODY[1]")
    assert await client.ok("NOOP") == []
    assert await other.ok("NOOP") == ["* 1 FETCH (UID 1 FLAGS (\\Seen))"]


async def test_macros(house: ImapHouse) -> None:
    client = await filled(house, b"Subject: x\r\n\r\nhello\r\n")
    (line,) = await client.ok("FETCH 1 FULL")
    assert line.startswith(
        '* 1 FETCH (FLAGS () INTERNALDATE " 1-Jan-2026 00:00:00 +0000" RFC822.SIZE 21 ENVELOPE (NIL "x"'
    )
    assert line.endswith(' BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 7 1))') or "BODY (" in line
    assert await client.ok("UID FETCH 1 (UID)") == ["* 1 FETCH (UID 1)"]
    (line,) = await client.ok("FETCH 1 (EMAILID THREADID SAVEDATE PREVIEW)")
    assert line.startswith("* 1 FETCH (EMAILID (M") and 'PREVIEW "hello"' in line


async def test_more_than_a_batch(house: ImapHouse) -> None:
    client = await house.login()
    small = b"Subject: %d\r\n\r\nhello\r\n"
    client.send(b"".join([b"p APPEND INBOX {%d+}\r\n%b\r\n" % (len(small % i), small % i) for i in range(700)]))
    for _ in range(700):
        assert " OK " in await client.hear()
    await client.ok("SELECT INBOX")
    await client.ok("STORE 100:199,650 +FLAGS.SILENT (\\Deleted)")
    await client.ok("EXPUNGE")
    heard = await client.ok("FETCH 1:* (UID ENVELOPE BODY.PEEK[TEXT])")
    uids = [n for n in range(1, 701) if not (100 <= n <= 199 or n == 650)]
    assert len(heard) == len(uids)
    for number, (line, uid) in enumerate(zip(heard, uids, strict=True), 1):
        assert line.startswith(f'* {number} FETCH (UID {uid} ENVELOPE (NIL "{uid - 1}" ')


async def test_a_body_beside_other_attributes(house: ImapHouse) -> None:
    """Lines with bodies are put together in another way; a name of a field may look like a place of a format."""
    client = await filled(house, b"x%b: one\r\n\r\nhello\r\n", b"x%d: two\r\n\r\nyou\r\n")
    fields = 'BODY[HEADER.FIELDS ("x%b" "x%d" "%%")]'
    heard = await client.ok(f"FETCH 1:2 (FLAGS {fields.replace('BODY', 'BODY.PEEK')} UID BODY.PEEK[] RFC822.SIZE)")
    assert heard == [
        f"* 1 FETCH (FLAGS () {fields} {{12}}\r\nx%b: one\r\n\r\n UID 1 BODY[] {{19}}\r\nx%b: one\r\n\r\nhello\r\n"
        " RFC822.SIZE 19)",
        f"* 2 FETCH (FLAGS () {fields} {{12}}\r\nx%d: two\r\n\r\n UID 2 BODY[] {{17}}\r\nx%d: two\r\n\r\nyou\r\n"
        " RFC822.SIZE 17)",
    ]


async def test_octets_that_are_gone_for_good(house: ImapHouse) -> None:
    """RFC 9051 §7.1: EXPUNGEISSUED."""
    client, other = await filled(house, mail(), mail()), await house.login(select="INBOX")
    await other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    await other.ok("EXPUNGE")
    await house.store.write(lambda tx: tx.run("DELETE FROM tombstone"))
    heard = await client.do("FETCH 1:2 UID")
    assert heard[0] == "* 2 FETCH (UID 2)" and heard[-1].startswith("NO [EXPUNGEISSUED]")


async def test_changed_since(house: ImapHouse) -> None:
    # RFC 7162 §3.1.4.1: only what changed after that MODSEQ, with its MODSEQ
    client = await filled(house, mail(), mail(), mail())
    told, *lines = await client.ok("FETCH 1:* (MODSEQ)")
    assert told.startswith("* OK [HIGHESTMODSEQ ")  # the first word of MODSEQs
    highest = max(int(line.split("MODSEQ (")[1].split(")")[0]) for line in lines)
    assert any(f"[HIGHESTMODSEQ {highest}]" in line for line in await client.ok("SELECT INBOX (CONDSTORE)"))
    assert await client.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {highest})") == []
    (line,) = await client.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
    assert line == f"* 2 FETCH (UID 2 MODSEQ ({highest + 1}))"  # RFC 7162 §3.1.3, §3.2.4
    (line,) = await client.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {highest})")
    assert line.startswith("* 2 FETCH (UID 2 FLAGS (\\Flagged")
    assert int(line.split("MODSEQ (")[1].split(")")[0]) > highest


@pytest.mark.parametrize(
    "command",
    ["FETCH 1 FLAGS", "UID FETCH 1:2 (FLAGS MODSEQ)", "FETCH 1 (BODY[TEXT] FLAGS)", "STORE 1 +FLAGS (\\Draft)"],
)
@pytest.mark.parametrize("size", [10, 300_000])
async def test_a_keyword_that_was_made_just_now_has_its_name(house: ImapHouse, command: str, size: int) -> None:
    """RFC 9051 §7.3.5: it is told before a flag shows it."""
    client = await filled(house, mail(b"y" * size), mail())
    other = await house.login(select="INBOX")
    await other.ok("STORE 1 +FLAGS (new)")
    heard = await client.ok(command)
    at = next(number for number, line in enumerate(heard) if line.startswith("* 1 FETCH"))
    assert "new" in heard[at].rpartition("FLAGS (")[2]
    assert heard[at - 2].startswith("* FLAGS (") and "new" in heard[at - 2]
