"""Two houses with a Postfix between them: mail there and back, signed, over TLS, and the notice when nobody is there.

alice@a.test and bob@b.test are at home in two servers of their own processes. The MX of both domains is a Postfix,
which relays onward over TLS; the DNS is the test's.
"""

import asyncio
import json
import re
import shutil
import smtplib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.check.keys import Zone as Keys
from tests.interop.clients import Office, Person, Raw, run, subject_of
from tests.interop.conftest import defects
from tests.interop.postfix import house, running

from posthaus.check.dkim import verify
from posthaus.testing.postfix import free_port
from posthaus.testing.process import ServerProcess, free_base
from posthaus.testing.storehouse import Databases
from posthaus.testing.zone import Records, running_zone

RELAY = "mx.relay.test"
ALICE, BOB = Person("alice@a.test", "correct horse"), Person("bob@b.test", "battery staple")

MAIN = """
mydestination =
mynetworks =
relay_domains = a.test, b.test
transport_maps = inline:{{ {{ a.test = relay:[127.0.0.1]:{a} }}, {{ b.test = relay:[127.0.0.1]:{b} }} }}
smtpd_relay_restrictions = reject_unauth_destination
smtp_tls_security_level = encrypt
"""


@dataclass(frozen=True, slots=True)
class Chain:
    a: Office
    b: Office
    keys: dict[str, str]  # what DNS has of DKIM: name -> record

    def submit(self, who: Person, whom: str, octets: bytes, *options: str, rcpt: Sequence[str] = ()) -> str:
        """The id that we gave it."""
        office = self.a if who is ALICE else self.b
        with smtplib.SMTP("localhost", office.port(587), "laptop.lan") as smtp:
            smtp.starttls(context=office.context)
            smtp.login(who.address, who.password)
            smtp.ehlo()
            for line in (f"MAIL FROM:<{who.address}> {' '.join(options)}", f"RCPT TO:<{whom}> {' '.join(rcpt)}"):
                code, said = smtp.docmd(line.rstrip())
                assert code == 250, said
            code, said = smtp.data(octets)
            assert code == 250, said
            found = re.search(rb"kept as (\S+)", said)
            assert found is not None, said
            return found[1].decode()

    def arrived(self, who: Person, subject: str) -> bytes:
        """The message with this subject, octet for octet, once it is in the INBOX: IDLE tells when to look."""
        office = self.a if who is ALICE else self.b
        with Raw(office.port(143), deadline_s=60.0) as idle:
            idle.line()
            idle.ask(f'a LOGIN {who.address} "{who.password}"')
            idle.ask("b SELECT INBOX")
            idle.send("c IDLE")
            idle.until("+ ")
            while True:
                for octets in office.messages(who):
                    if subject_of(octets) == subject:
                        return octets
                idle.until("* ")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The first house on each driver in turn."""
    url = "sqlite:"
    if request.param == "postgres":
        databases: Databases = request.getfixturevalue("databases")
        url = databases.empty()
    folder = tmp_path_factory.mktemp("chain")
    with ExitStack() as stack:
        etc = stack.enter_context(house(RELAY))
        a = ServerProcess(folder / "a", {ALICE.address: ALICE.password}, domain="a.test", store=url)
        b = ServerProcess(folder / "b", {BOB.address: BOB.password}, domain="b.test", base=other_base(a.base))
        keys = {
            one["name"]: one["value"]
            for server, domain in ((a, "a.test"), (b, "b.test"))
            for one in json.loads(server.run("dkim", "add", domain, "--now", "--json"))
        }
        records: Records = {name: {"TXT": [value]} for name, value in keys.items()}
        records |= {name: {"MX": [f"10 {RELAY}"]} for name in ("a.test", "b.test")} | {RELAY: {"A": ["127.0.0.1"]}}
        dns = stack.enter_context(running_zone(records))
        port = free_port()
        for server in (a, b):
            server.set("resolvers", f'["{dns.place}"]')
            server.set("port", str(port))
            server.set("private_hosts", "true")
            stack.enter_context(server)
        stack.enter_context(running(etc, RELAY, MAIN.format(a=a.port(25), b=b.port(25)), port))
        yield Chain(Office(a, iter(())), Office(b, iter(())), keys)
        for server in (a, b):
            server.run("verify")
            assert not defects(server)


def other_base(taken: int) -> int:
    """Ports are free until the first server listens; two may not be given the same ones."""
    while abs((base := free_base()) - taken) < 3_000:
        pass
    return base


def message(who: Person, whom: str, subject: str, *more: str) -> bytes:
    lines = [f"From: <{who.address}>", f"To: <{whom}>", f"Subject: {subject}", *more, "", ".dots and  spaces ", "", ""]
    return "\r\n".join(lines).encode()


def is_signed(octets: bytes, keys: dict[str, str], domain: str, folder: Path) -> None:
    """By both keys of its domain, as we judge it and as OpenDKIM does where it is there."""
    zone = Keys.of_txt({name: [value.encode()] for name, value in keys.items()})
    found = asyncio.run(verify(octets, zone, time.time()))
    assert [(one.value, one.domain) for one in found] == [("pass", domain)] * 2, found
    program = shutil.which("opendkim", path="/usr/sbin:/usr/bin")
    if program is not None:
        (folder / "keys").write_text("".join(f"{name} {value}\n" for name, value in keys.items()))
        (folder / "conf").write_text(f"TestPublicKeys {folder / 'keys'}\nMode v\nSocket inet:0@127.0.0.1\n")
        (folder / "message").write_bytes(octets)
        said = run(program, "-x", folder / "conf", "-t", folder / "message", "-vv").said
        assert said.count("dkim=pass") == 2, said


def received(octets: bytes) -> list[str]:
    """Latest first, each in one line."""
    header = octets.partition(b"\r\n\r\n")[0].decode()
    return re.findall(r"(?m)^Received: (.*)$", re.sub(r"\r\n[ \t]+", " ", header))


def test_there_and_back(chain: Chain, tmp_path: Path) -> None:
    chain.submit(ALICE, BOB.address, message(ALICE, BOB.address, "How are you?", "Bcc: <carol@c.test>"))
    there = chain.arrived(BOB, "How are you?")
    assert there.startswith(b"Return-Path: <alice@a.test>\r\nDelivered-To: bob@b.test\r\n")
    last, relayed, first = received(there)
    assert last.startswith(f"from {RELAY} (") and "by mail.b.test with ESMTPS (TLSv1.3" in last
    assert relayed.startswith("from mail.a.test (") and f"by {RELAY} (Postfix) with ESMTPS" in relayed
    assert first.startswith("from unknown (authenticated) by mail.a.test with ESMTPSA (TLSv1.3")
    assert b"laptop.lan" not in there and b"Bcc" not in there and b"carol" not in there
    assert there.endswith(b"\r\n\r\n.dots and  spaces \r\n\r\n")
    is_signed(there, chain.keys, "a.test", tmp_path)

    (message_id,) = re.findall(rb"(?m)^Message-ID: (<[^>]*>)\r$", there)
    reply = message(BOB, ALICE.address, "Re: How are you?", f"In-Reply-To: {message_id.decode()}")
    chain.submit(BOB, ALICE.address, reply)
    back = chain.arrived(ALICE, "Re: How are you?")
    assert back.startswith(b"Return-Path: <bob@b.test>\r\nDelivered-To: alice@a.test\r\n")
    assert [re.findall(r" by (\S+) ", one)[0] for one in received(back)] == ["mail.a.test", RELAY, "mail.b.test"]
    assert b"In-Reply-To: " + message_id in back
    is_signed(back, chain.keys, "b.test", tmp_path)


def test_nobody_is_there(chain: Chain) -> None:
    """b refuses, the Postfix tells alice, and the house of alice puts it beside what it had sent."""
    octets = message(ALICE, "nobody@b.test", "Are you there?")
    tid = chain.submit(
        ALICE, "nobody@b.test", octets, "RET=HDRS", "ENVID=QQ314159",
        rcpt=("NOTIFY=FAILURE", "ORCPT=rfc822;no+2Bbody@b.test"),
    )  # fmt: skip
    notice = chain.arrived(ALICE, "Undelivered Mail Returned to Sender")
    assert notice.startswith(b"Return-Path: <>\r\nDelivered-To: alice@a.test\r\n")
    assert b"<nobody@b.test>" in notice and b"550 5.1.1" in notice
    fields = notice.replace(b"; ", b";")
    assert b"\r\nOriginal-Envelope-Id: QQ314159\r\n" in notice
    assert b"\r\nOriginal-Recipient: rfc822;no+body@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n" in fields
    assert b"text/rfc822-headers" in notice and b"Subject: Are you there?" in notice and b".dots" not in notice
    told = chain.a.server.run("why", tid)
    assert "nobody@b.test" in told and "250" in told
    assert re.search(r"5\.1\.1", told), told  # what the Postfix said later


def test_whoever_asks_is_told_of_success(chain: Chain) -> None:
    """The Postfix offers DSN, so it is the one that tells: b offers none to it."""
    octets = message(ALICE, BOB.address, "Please confirm")
    chain.submit(ALICE, BOB.address, octets, "ENVID=QQ271828", rcpt=("NOTIFY=SUCCESS,FAILURE",))
    chain.arrived(BOB, "Please confirm")
    notice = chain.arrived(ALICE, "Successful Mail Delivery Report")
    assert b"Original-Envelope-Id: QQ271828\r\n" in notice and b"\r\nAction: relayed\r\n" in notice
