"""Messages and commands that are small to send and might be costly to read: they are not, and nobody has to wait.

As in test_abuse.py a neighbour is served beside them, and memory is watched.
"""

import pytest

from posthaus.testing.neighbour import beside
from posthaus.testing.process import ServerProcess
from posthaus.testing.rude import (
    HEAD,
    NEIGHBOUR,
    PASSWORD,
    TARGET,
    Imap,
    Smtp,
    exchange,
    exists,
    judge,
    read,
)  # fmt: skip

# -- messages that are bombs ---------------------------------------------------------------------------------------

MULTI = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n"
BOMBS = {
    "10,000 parts": HEAD + MULTI % b"b" + b"--b\r\n\r\nx\r\n" * 10_000 + b"--b--\r\n",
    "100,000 parts": HEAD + MULTI % b"b" + b"--b\r\n\r\n" * 100_000 + b"--b--\r\n",
    "10,000 multiparts deep": HEAD + b"".join(MULTI % b"b%d" % n + b"--b%d\r\n" % n for n in range(10_000)),
    "10,000 messages deep": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 10_000,
    "one boundary, a prefix of the other": HEAD + b"".join(
        MULTI % (b"b" * n) + b"--%b\r\n" % (b"b" * n) for n in range(1, 100)) + b"\r\n--bbb" * 30_000 + b"\r\n",
    "a header of 1 MB": HEAD + b"X-Long: " + b"x" * 900_000 + b"\r\n\r\n",
    "a folded field of 1 MB": HEAD + b"X-Long:" + b" xxxxxxxxxxxxx\r\n" * 70_000 + b"\r\n",
    "a header of 20 MB": HEAD + b"X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 550_000 + b"\r\n",
    "20 MB": HEAD + b"\r\n" + (b"x" * 70 + b"\r\n") * 290_000,
    "100,000 fields": HEAD + b"a: b\r\n" * 100_000 + b"\r\n",
    "100,000 lines that are no fields": HEAD + b"ab\r\n" * 100_000 + b"\r\n",
    "100,000 addresses": b"From: " + b"a@b.example,\r\n " * 100_000 + b"c@d.example\r\n\r\n",
    "nested comments": b"From: " + b"(" * 500_000 + b")" * 500_000 + b" a@b.example\r\n\r\n",
    "a quoted string without end": b"From: \"" + b"\\\"" * 400_000 + b"\r\n\r\n",
    "groups in groups": b"To: " + b"a:" * 300_000 + b";" * 300_000 + b"\r\n\r\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?=41?=\r\n " * 40_000 + b"\r\n\r\n",
    "half an encoded word": b"Subject: " + b"=?utf-8?q?" * 90_000 + b"\r\n\r\n",
    "100,000 references": HEAD + b"References:" + b" <a@b>\r\n" * 100_000 + b"\r\n",
    "100,000 parameters": b"Content-Type: text/plain" + b";\r\n a*0=b" * 100_000 + b"\r\n\r\n",
    "re: re: re:": b"Subject: " + b"Re: [x] (fwd) " * 60_000 + b"\r\n\r\n",
    "tags": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000,
    "open tags": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<a " * 300_000,
    "white space": HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b" " * 900_000 + b"x\r\n",
    "base64 rubbish": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A" * 450_000,
}  # fmt: skip


@pytest.mark.parametrize("octets", BOMBS.values(), ids=BOMBS)
def test_bomb(server: ServerProcess, octets: bytes) -> None:
    """It is kept or refused; what is kept can be read and searched."""
    with beside(server, NEIGHBOUR, PASSWORD) as seen:
        before = exists(server)
        with Smtp(server) as smtp:
            answer = smtp.send(TARGET, octets)
        after = exists(server)
        assert after == before + (answer == b"250")
        if answer == b"250":
            read(server, after)
        else:
            assert answer[:1] == b"5"
    judge(seen, 3 * len(octets))  # a file in memory, and its copy for those who read it


def test_a_loop_of_received(near: ServerProcess) -> None:
    received = b"Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    with Smtp(near) as smtp:
        assert smtp.send(TARGET, received * 50 + HEAD + b"\r\n") == b"250"
        assert smtp.send(TARGET, received * 101 + HEAD + b"\r\n") == b"554"
        assert smtp.send(TARGET, received * 30_000 + HEAD + b"\r\n") == b"554"


# -- commands that are bombs ---------------------------------------------------------------------------------------

COMMANDS = {
    "LIST of stars": b'LIST "" "' + b"%*" * 200 + b'x"',
    "LIST of stars and letters": b'LIST "" "' + b"*a%b" * 200 + b'"',
    "LIST of many patterns": b'LIST "" (' + b" ".join([b'"*a*a*a*a*a*a*b"'] * 100) + b")",
    "LIST without end": b'LIST "" "' + b"*" * 60_000 + b'"',
    "SEARCH NOT NOT": b"SEARCH " + b"NOT " * 10_000 + b"ALL",
    "SEARCH OR OR": b"SEARCH " + b"OR ALL " * 5_000 + b"ALL",
    "SEARCH in parentheses": b"SEARCH " + b"(" * 20_000 + b"ALL" + b")" * 20_000,
    "SEARCH many texts": b"SEARCH " + b'TEXT "aaaaaaaaaaaaaaab" ' * 1_500 + b"ALL",
    "SEARCH many texts that are not there": b"SEARCH 1:200 " + b'NOT TEXT "aaaab" ' * 1_500,
    "SEARCH many headers": b"SEARCH " + b'OR HEADER x-none "aaab" ' * 49 + b"ALL",
    "SEARCH a long text": b'SEARCH BODY "' + b"ab" * 30_000 + b'"',
    "SEARCH many ranges": b"SEARCH " + b",".join(b"%d" % n for n in range(1, 12_000)),
    "FETCH many ranges": b"FETCH " + b",".join([b"1:*"] * 9_000) + b" (FLAGS)",
    "FETCH many attributes": b"FETCH 1:* (" + b" ".join([b"BODY.PEEK[HEADER.FIELDS (A B C)]"] * 1_500) + b")",
    "FETCH a deep section": b"FETCH 1:* (BODY.PEEK[" + b"1." * 30_000 + b"1])",
    "FETCH in parentheses": b"FETCH 1 " + b"(" * 30_000,
    "STORE many keywords": b"STORE 1 +FLAGS (" + b" ".join(b"k%d" % n for n in range(8_000)) + b")",
    "huge numbers": b"FETCH 1:4294967295,4294967295:1,99999999999999999999 FLAGS",
    "UID ranges of all": b"UID FETCH 1:4294967295 (UID)",
    "UID ranges again and again": b"UID SEARCH UID " + b",".join([b"1:4294967295"] * 4_000),
    "CREATE deep": b'CREATE "' + b"a/" * 30_000 + b'"',
    "ID": b"ID (" + b'"a" "b" ' * 5_000 + b")",
    "quoted without end": b'LOGIN "' + b"\\\\" * 30_000,
}


@pytest.fixture(scope="module")
def many(server: ServerProcess) -> bytes:
    """A mailbox of 2,000 messages, among 200 others whose names are long."""
    mail = HEAD + b"\r\n" + b"a" * 500 + b"\r\n"
    with Imap(server) as imap:
        commands = b"".join(b"c CREATE %b%03d\r\n" % (b"a" * 200, n) for n in range(200)) + b"c CREATE Many\r\n"
        commands += b"c APPEND Many {%d+}\r\n%b\r\n" % (len(mail), mail) * 2_000
        assert exchange(imap, commands).count(b"c OK") == 2_201
    return b"Many"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_costly_command(many: bytes, near: ServerProcess, command: bytes) -> None:
    with Imap(near, many.decode()) as imap:
        assert imap.ask(command)[-1].startswith((b"a OK", b"a NO", b"a BAD"))
        assert imap.ask(b"NOOP")[-1].startswith(b"a OK")
