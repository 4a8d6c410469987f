"""The SMTP client engine: dialogues as tables, fed whole, octet by octet, and with a tail.

"S" is what the host says, "C" what must have been said since, and a word in between what the session does or is told.
"""

from collections.abc import Iterator

import pytest

from posthaus.base import limit
from posthaus.proto.line import NEED_DATA
from posthaus.proto.misuse import Misuse
from posthaus.proto.sasl.client import choose
from posthaus.proto.smtp.client import Client
from posthaus.proto.smtp.heard import Ask, Broken, ContentDue, Gone, Replied, Settled, Told
from posthaus.proto.smtp.replyread import Heard

MAIL, BOB, CAT = b"MAIL FROM:<a@c.example>\r\n", b"RCPT TO:<bob@b.example>\r\n", b"RCPT TO:<cat@b.example>\r\n"
FULL = b"250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE\r\n"
PIPED = b"250-mx\r\n250 PIPELINING\r\n"
CHUNKED = b"250-mx\r\n250 CHUNKING\r\n"
BARE = b"250 mx\r\n"
BODY = b"x: y\r\n\r\n.z\r\n"
SIZES = [10**6, 1, 7]


class Play:
    """An engine, and what it has told."""

    def __init__(self, size: int, ehlo: bytes = b"") -> None:
        self.engine = Client("client.example")
        self.size = size
        if ehlo:
            assert self.hear(b"220 hi\r\n") == [Replied(Ask.GREETING, Heard(220, "", ("hi",)))]
            self.engine.hello()
            assert self.said() == b"EHLO client.example\r\n"
            assert len(self.hear(ehlo)) == 1

    def hear(self, octets: bytes) -> list[Told]:
        """All that is told of these octets."""
        told: list[Told] = list(self.events())
        for at in range(0, len(octets), self.size):
            self.engine.receive(octets[at : at + self.size])
            told += self.events()
        return told

    def events(self) -> Iterator[Told]:
        while (told := self.engine.next_event()) is not NEED_DATA:
            yield told
            if isinstance(told, Gone):
                return

    def said(self) -> bytes:
        return self.engine.outgoing()

    def codes(self, told: list[Told]) -> list[tuple[str, int] | None]:
        """What was settled, in short."""
        (settled,) = told
        assert isinstance(settled, Settled)
        return [None if one is None else (one[0].name, one[1].code) for one in settled.verdicts]


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> int:
    return int(request.param)


# -- the way in ----------------------------------------------------------------------------------------------------


def test_greeting_and_ehlo(size: int) -> None:
    play = Play(size, FULL)
    assert (play.engine.offered.pipelining, play.engine.offered.chunking, play.engine.offered.dsn) == (1, 1, 0)
    assert play.engine.awaited is None


def test_a_host_that_knows_no_ehlo(size: int) -> None:
    """RFC 5321 §3.2"""
    play = Play(size)
    play.hear(b"220 hi\r\n")
    play.engine.hello()
    play.said()
    assert play.hear(b"502 what?\r\n") == []
    assert play.said() == b"HELO client.example\r\n"
    assert play.hear(b"250 mx.example\r\n") == [Replied(Ask.HELO, Heard(250, "", ("mx.example",)))]
    assert play.engine.offered.name == "mx.example"


def test_a_host_that_defers_ehlo_is_not_asked_again(size: int) -> None:
    play = Play(size)
    play.hear(b"220 hi\r\n")
    play.engine.hello()
    play.said()
    assert play.hear(b"451 later\r\n") == [Replied(Ask.EHLO, Heard(451, "", ("later",)))]
    assert play.said() == b""


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request\r\n", b"* OK IMAP\r\n", b"\x15\x03\x01\r\n"])
def test_what_is_no_smtp(size: int, octets: bytes) -> None:
    play = Play(size)
    assert play.hear(octets) == [Broken("the host does not speak SMTP")]
    assert play.engine.is_over


def test_after_tls_all_is_forgotten(size: int) -> None:
    """RFC 3207 §4.2"""
    play = Play(size, b"250-mx\r\n250-STARTTLS\r\n250 PIPELINING\r\n")
    play.engine.start_tls()
    assert play.said() == b"STARTTLS\r\n"
    play.engine.receive(b"220 go\r\n250 injected\r\n")
    assert play.engine.next_event() == Replied(Ask.STARTTLS, Heard(220, "", ("go",)))
    assert play.engine.buffered == 14
    play.engine.after_tls()
    assert not play.engine.offered.pipelining
    assert play.engine.buffered == 0
    assert play.engine.next_event() is NEED_DATA


# -- transactions, one command after the other ---------------------------------------------------------------------


def test_step_by_step(size: int) -> None:
    play = Play(size, BARE)
    play.engine.begin(MAIL, [BOB, CAT], len(BODY))
    assert play.said() == MAIL
    assert play.hear(b"250 ok\r\n") == [] and play.said() == BOB
    assert play.hear(b"250 ok\r\n") == [] and play.said() == CAT
    assert play.hear(b"550 no\r\n") == [] and play.said() == b"DATA\r\n"
    assert play.hear(b"354 go\r\n") == [ContentDue()]
    play.engine.content(BODY, last=True)
    assert play.said() == b"x: y\r\n\r\n..z\r\n.\r\n"
    assert play.codes(play.hear(b"250 taken\r\n")) == [("END", 250), ("RCPT", 550)]
    play.engine.begin(MAIL, [BOB], 1)
    assert play.said() == MAIL  # nothing was left open


def test_mail_is_refused(size: int) -> None:
    play = Play(size, BARE)
    play.engine.begin(MAIL, [BOB, CAT], 1)
    assert play.codes(play.hear(b"550 no\r\n")) == [("MAIL", 550), ("MAIL", 550)]


def test_nobody_is_there(size: int) -> None:
    play = Play(size, BARE)
    play.engine.begin(MAIL, [BOB], 1)
    assert play.codes(play.hear(b"250 ok\r\n451 later\r\n")) == [("RCPT", 451)]
    play.said()
    play.engine.begin(MAIL, [BOB], 1)
    assert play.said() == b"RSET\r\n"
    assert play.hear(b"250 ok\r\n") == [] and play.said() == MAIL


# -- pipelining ----------------------------------------------------------------------------------------------------


def test_one_flight(size: int) -> None:
    """RFC 2920 §3.1"""
    play = Play(size, PIPED)
    play.engine.begin(MAIL, [BOB, CAT], len(BODY), lacks_end=True)
    assert play.said() == MAIL + BOB + CAT + b"DATA\r\n"
    assert play.hear(b"250 ok\r\n452 4.5.3 no\r\n250 ok\r\n354 go\r\n") == [ContentDue()]
    play.engine.content(b"a", last=False)
    play.engine.content(b"\r\n.b", last=True)
    assert play.said() == b"a\r\n..b\r\n.\r\n"
    assert play.codes(play.hear(b"250 taken\r\n")) == [("RCPT", 452), ("END", 250)]


@pytest.mark.parametrize(
    ("replies", "wanted"),
    [
        (b"550 m\r\n503 r\r\n503 r\r\n503 d\r\n", [("MAIL", 550), ("MAIL", 550)]),
        (b"250 m\r\n550 r\r\n551 r\r\n554 d\r\n", [("RCPT", 550), ("RCPT", 551)]),
        (b"250 m\r\n250 r\r\n550 r\r\n451 d\r\n", [("DATA", 451), ("RCPT", 550)]),
        (b"250 m\r\n250 r\r\n251 r\r\n250 d\r\n", [("DATA", 250), ("DATA", 250)]),
    ],
)
def test_no_message_in_a_flight(size: int, replies: bytes, wanted: list[tuple[str, int]]) -> None:
    play = Play(size, PIPED)
    play.engine.begin(MAIL, [BOB, CAT], 1)
    play.said()
    assert play.codes(play.hear(replies)) == wanted
    if not play.engine.is_over:
        play.engine.begin(MAIL, [BOB], 1)
        assert play.said() == b"RSET\r\n" + MAIL + BOB + b"DATA\r\n"
        assert play.hear(b"250 r\r\n250 m\r\n250 r\r\n354 d\r\n") == [ContentDue()]


@pytest.mark.parametrize("refusal", [b"550 m\r\n503 r\r\n", b"250 m\r\n550 r\r\n"])
def test_data_is_taken_though_nobody_gets_it(size: int, refusal: bytes) -> None:
    """RFC 2920 §3.1: an empty message is sent"""
    play = Play(size, PIPED)
    play.engine.begin(MAIL, [BOB], 1)
    play.said()
    assert play.hear(refusal + b"354 go\r\n") == []
    assert play.said() == b".\r\n"
    assert [one and one[1] for one in play.codes(play.hear(b"554 no\r\n"))] == [550]


def test_the_host_says_no_in_the_middle_of_data(size: int) -> None:
    play = Play(size, PIPED)
    play.engine.begin(MAIL, [BOB], 10**9)
    play.said()
    play.hear(b"250 m\r\n250 r\r\n354 d\r\n")
    play.engine.content(b"x" * 100, last=False)
    assert play.engine.wants_content
    assert play.codes(play.hear(b"552 5.3.4 too much\r\n")) == [("NOTHING", 552)]
    assert play.engine.is_over and not play.engine.wants_content


# -- chunks --------------------------------------------------------------------------------------------------------


def test_all_in_one_flight(size: int) -> None:
    """RFC 3030 §4.2"""
    play = Play(size, FULL)
    play.engine.begin(MAIL, [BOB], 5, lacks_end=True)
    assert play.hear(b"") == [ContentDue()]
    play.engine.content(b".a\r\nb", last=True)
    assert play.said() == MAIL + BOB + b"BDAT 7 LAST\r\n.a\r\nb\r\n"
    assert play.codes(play.hear(b"250 m\r\n250 r\r\n250 taken\r\n")) == [("END", 250)]
    play.engine.begin(MAIL, [BOB], 5)
    assert play.hear(b"") == [ContentDue()]
    play.engine.content(b"a\r\n", last=True)
    assert play.said().startswith(MAIL)


def test_one_flight_in_vain(size: int) -> None:
    play = Play(size, FULL)
    play.engine.begin(MAIL, [BOB, CAT], 5)
    play.hear(b"")
    play.engine.content(b"a\r\n", last=True)
    play.said()
    assert play.codes(play.hear(b"250 m\r\n550 r\r\n452 r\r\n503 b\r\n")) == [("RCPT", 550), ("RCPT", 452)]
    play.engine.begin(MAIL, [BOB], 5)
    assert play.said() == b"RSET\r\n" + MAIL + BOB


@pytest.mark.parametrize("ehlo", [FULL, CHUNKED])
def test_a_large_message_waits_for_rcpt(size: int, ehlo: bytes) -> None:
    play = Play(size, ehlo)
    play.engine.begin(MAIL, [BOB], 10**6)
    play.said()
    assert play.hear(b"250 m\r\n250 r\r\n") == [ContentDue()]
    play.said()
    play.engine.content(b"a" * 100, last=False)
    play.engine.content(b"b" * 10, last=True)
    assert play.said() == b"BDAT 100\r\n" + b"a" * 100 + b"BDAT 10 LAST\r\n" + b"b" * 10
    assert play.hear(b"250 c\r\n") == []
    assert play.codes(play.hear(b"250 taken\r\n")) == [("END", 250)]


def test_a_chunk_is_refused(size: int) -> None:
    """RFC 3030 §2: the rest is of no use"""
    play = Play(size, FULL)
    play.engine.begin(MAIL, [BOB, CAT], 10**6)
    play.said()
    play.hear(b"250 m\r\n250 r\r\n550 r\r\n")
    play.engine.content(b"a", last=False)
    assert play.hear(b"250 c\r\n") == []
    play.engine.content(b"a", last=False)
    play.engine.content(b"a", last=False)
    play.said()
    assert play.hear(b"452 4.3.1 full\r\n") == []
    assert not play.engine.wants_content
    assert play.codes(play.hear(b"503 what?\r\n")) == [("CHUNK", 452), ("RCPT", 550)]
    play.engine.begin(MAIL, [BOB], 10**6)
    assert play.said() == b"RSET\r\n" + MAIL + BOB


# -- the end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replies", "wanted"),
    [
        (b"421 m\r\n", [("MAIL", 421), ("MAIL", 421)]),
        (b"250 m\r\n421 r\r\n", [("RCPT", 421), ("RCPT", 421)]),
        (b"250 m\r\n250 r\r\n421 r\r\n", [("RCPT", 421), ("RCPT", 421)]),
        (b"250 m\r\n550 r\r\n250 r\r\n421 d\r\n", [("RCPT", 550), ("DATA", 421)]),
    ],
)
def test_421_ends_it_anywhere(size: int, replies: bytes, wanted: list[tuple[str, int]]) -> None:
    """RFC 5321 §3.8"""
    play = Play(size, PIPED)
    play.engine.begin(MAIL, [BOB, CAT], 1)
    assert play.codes(play.hear(replies)) == wanted
    assert play.engine.is_over
    assert play.hear(b"250 more\r\n") == []


def test_421_after_the_end_of_data(size: int) -> None:
    play = Play(size, PIPED)
    play.engine.begin(MAIL, [BOB], 1)
    play.hear(b"250 m\r\n250 r\r\n354 d\r\n")
    play.engine.content(b"a\r\n", last=True)
    assert play.codes(play.hear(b"421 4.3.2 bye\r\n")) == [("END", 421)]


def test_421_unasked(size: int) -> None:
    play = Play(size, PIPED)
    assert play.hear(b"421 4.4.2 timeout\r\n") == [Replied(Ask.NOTHING, Heard(421, "4.4.2", ("timeout",)))]
    assert play.engine.is_over


@pytest.mark.parametrize(
    ("replies", "wanted"),
    [
        (b"", [None, None]),
        (b"250 m\r\n", [None, None]),
        (b"250 m\r\n250 r\r\n550 r\r\n", [None, ("RCPT", 550)]),
        (b"550 m\r\n", [("MAIL", 550), ("MAIL", 550)]),
        (b"250 m\r\n550 r", [None, None]),
    ],
)
def test_what_is_known_when_the_connection_is_lost(
    size: int, replies: bytes, wanted: list[tuple[str, int] | None]
) -> None:
    play = Play(size, PIPED)
    play.engine.begin(MAIL, [BOB, CAT], 1)
    assert play.hear(replies) == []
    play.engine.receive(b"")
    assert play.hear(b"") == [Gone()]
    assert [one and (one[0].name, one[1].code) for one in play.engine.verdicts()] == wanted
    assert play.engine.is_over


def test_quit(size: int) -> None:
    play = Play(size, BARE)
    play.engine.quit()
    assert play.said() == b"QUIT\r\n"
    assert play.hear(b"421 bye\r\n") == [Replied(Ask.QUIT, Heard(421, "", ("bye",)))]


def test_a_probe_is_no_message(size: int) -> None:
    play = Play(size, PIPED)
    for line in (MAIL, BOB):
        play.engine.probe(line)
        assert play.said() == line
        assert play.hear(b"250 ok\r\n") == [Replied(Ask.PROBE, Heard(250, "", ("ok",)))]
    play.engine.reset()
    assert play.said() == b"RSET\r\n"


def test_time_for_each_reply() -> None:
    """RFC 5321 §4.5.3.2"""
    play = Play(10**6, PIPED)
    play.engine.begin(MAIL, [BOB], 1)
    seen = []
    for octets in (b"250 m\r\n", b"250 r\r\n", b"354 d\r\n"):
        seen.append((play.engine.awaited, play.engine.patience_s))
        play.hear(octets)
    play.engine.content(b"", last=True)
    seen.append((play.engine.awaited, play.engine.patience_s))
    assert seen == [
        (Ask.MAIL, limit.RELAY_COMMAND_TIMEOUT_S),
        (Ask.RCPT, limit.RELAY_COMMAND_TIMEOUT_S),
        (Ask.DATA, limit.RELAY_DATA_TIMEOUT_S),
        (Ask.END, limit.RELAY_END_TIMEOUT_S),
    ]


# -- AUTH ----------------------------------------------------------------------------------------------------------


def authenticate(play: Play, mechanism: str) -> bytes:
    sasl = choose([mechanism], "ann", "pw", b"fyko+d2lbbFgONRv9qkxdawL")
    assert sasl is not None
    play.engine.authenticate(sasl)
    return play.said()


def test_auth_plain(size: int) -> None:
    play = Play(size, BARE)
    assert authenticate(play, "PLAIN") == b"AUTH PLAIN AGFubgBwdw==\r\n"
    assert play.hear(b"235 2.7.0 in\r\n") == [Replied(Ask.AUTH, Heard(235, "2.7.0", ("in",)))]


def test_auth_login(size: int) -> None:
    play = Play(size, BARE)
    assert authenticate(play, "LOGIN") == b"AUTH LOGIN\r\n"
    assert play.hear(b"334 VXNlcm5hbWU6\r\n") == [] and play.said() == b"YW5u\r\n"
    assert play.hear(b"334 UGFzc3dvcmQ6\r\n") == [] and play.said() == b"cHc=\r\n"
    assert play.hear(b"535 5.7.8 no\r\n") == [Replied(Ask.AUTH, Heard(535, "5.7.8", ("no",)))]


@pytest.mark.parametrize(
    ("mechanism", "replies"),
    [
        ("PLAIN", b"334 more\r\n"),
        ("LOGIN", b"334 !!\r\n"),
        ("SCRAM-SHA-256", b"334 bm9uc2Vuc2U=\r\n"),
        ("SCRAM-SHA-256", b"235 in without a proof\r\n"),
    ],
)
def test_auth_with_a_host_that_errs(size: int, mechanism: str, replies: bytes) -> None:
    play = Play(size, BARE)
    authenticate(play, mechanism)
    (told,) = play.hear(replies)
    assert isinstance(told, Broken) and told.why.startswith("log-in failed")


def test_trace_has_no_secrets() -> None:
    lines: list[tuple[str, str]] = []
    engine = Client("c.example", trace=lambda side, text: lines.append((side, text)))
    engine.receive(b"220-a\r\n220 2.0.0 b\r\n")
    engine.next_event()
    sasl = choose(["PLAIN"], "ann", "pw", b"n")
    assert sasl is not None
    engine.authenticate(sasl)
    engine.receive(b"235\r\n")
    engine.next_event()
    engine.begin(MAIL, [BOB], 3)
    engine.receive(b"250 m\r\n250 r\r\n354 d\r\n")
    engine.next_event()
    engine.content(b"secret", last=True)
    assert lines[:6] == [
        ("S", "220-2.0.0 a"), ("S", "220 2.0.0 b"), ("C", "AUTH PLAIN ***"), ("S", "235"),
        ("C", "MAIL FROM:<a@c.example>"), ("S", "250 m"),
    ]  # fmt: skip
    assert lines[-1] == ("C", "(6 octets of the message)")


# -- misuse --------------------------------------------------------------------------------------------------------


def test_speaking_out_of_turn() -> None:
    with pytest.raises(Misuse):
        Client("c.example").hello()  # before the greeting
    play = Play(10**6, PIPED)
    with pytest.raises(Misuse):
        play.engine.content(b"a", last=True)
    play.engine.begin(MAIL, [BOB], 1)
    with pytest.raises(Misuse):
        play.engine.begin(MAIL, [BOB], 1)
