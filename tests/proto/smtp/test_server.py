"""The SMTP engine by dialogues: each is fed whole, octet by octet, and with a tail behind it."""

import base64
from dataclasses import dataclass, field

import pytest

from posthaus.proto.line import NEED_DATA
from posthaus.proto.misuse import Misuse
from posthaus.proto.smtp import event, reply
from posthaus.proto.smtp.event import Event, Quirk
from posthaus.proto.smtp.keyword import KEYWORDS, Offer
from posthaus.proto.smtp.order import Limits
from posthaus.proto.smtp.reply import Reply
from posthaus.proto.smtp.server import Server

HELLO = b"EHLO c.example\r\n"
MAIL = b"MAIL FROM:<a@b.example>\r\n"
RCPT = b"RCPT TO:<c@d.example>\r\n"
OPEN = HELLO + MAIL + RCPT


@dataclass
class Heard:
    """What came out: reply codes, all octets, events that count, and messages."""

    out: bytes = b""
    events: list[Event] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    @property
    def codes(self) -> list[int]:
        return [int(line[:3]) for line in self.out.split(b"\r\n") if line[3:4] == b" "]


ANSWERS: dict[type[Event], Reply] = {
    event.Ehlo: reply.OK,
    event.Mail: reply.SENDER_OK,
    event.Rcpt: reply.RECIPIENT_OK,
    event.DataStart: reply.START_DATA,
    event.ChunkEnd: reply.CHUNK_OK,
    event.DataEnd: reply.accepted("t1"),
    event.Rset: reply.OK,
    event.Noop: reply.OK,
    event.Help: reply.HELP,
    event.Vrfy: reply.CANNOT_VRFY,
    event.Expn: reply.NO_EXPN,
    event.Quit: reply.BYE,
    event.StartTls: reply.READY_FOR_TLS,
    event.Auth: reply.challenge(b"?"),
    event.AuthResponse: reply.AUTHENTICATED,
}


def drive(server: Server, pieces: list[bytes], answers: dict[type[Event], Reply] | None = None) -> Heard:
    heard, content = Heard(), b""
    says = {**ANSWERS, **(answers or {})}
    for piece in pieces:
        server.receive(piece)
        while (found := server.next_event()) is not NEED_DATA:
            assert not isinstance(found, type(NEED_DATA))
            if isinstance(found, event.DataChunk):
                content += found.octets
                continue
            heard.events.append(found)
            if isinstance(found, event.DataEnd):
                if found.refused is None:
                    heard.messages.append(content)
                content = b""
                if found.refused is not None:
                    continue
            if type(found) in says:
                server.send(says[type(found)])
        heard.out += server.outgoing()
    return heard


def server(offer: Offer | None = None, **how: object) -> Server:
    made = Server("mx.example", offer=offer or Offer(), **how)  # type: ignore[arg-type]
    made.greet(reply.greeting("mx.example"))
    assert made.outgoing() == b"220 mx.example ESMTP\r\n"
    return made


def say(
    octets: bytes, offer: Offer | None = None, answers: dict[type[Event], Reply] | None = None, **how: object
) -> Heard:
    """Whole; octet by octet must give the same; a tail must change nothing of what came before it."""
    whole = drive(server(offer, **how), [octets], answers)
    single = drive(server(offer, **how), [octets[i : i + 1] for i in range(len(octets))], answers)
    assert single == whole
    tailed = drive(server(offer, **how), [octets + b"NO"], answers)
    assert (tailed.out, tailed.events) == (whole.out, whole.events)
    return whole


# -- order ---------------------------------------------------------------------------------------------------------

DIALOGUES: list[tuple[str, bytes, list[int]]] = [
    ("empty line", HELLO + b"\r\n", [250, 500]),
    ("unknown", HELLO + b"XYZZY\r\n", [250, 500]),
    ("lower case", b"ehlo c\r\nmail from:<a@b.c>\r\nrcpt to:<d@e.f>\r\nquit\r\n", [250, 250, 250, 221]),
    ("mail before hello", MAIL, [503]),
    ("rcpt before hello", RCPT, [503]),
    ("rcpt before mail", HELLO + RCPT, [250, 503]),
    ("data before mail", HELLO + b"DATA\r\n", [250, 503]),
    ("data before rcpt", HELLO + MAIL + b"DATA\r\n", [250, 250, 503]),
    ("nested mail", HELLO + MAIL + MAIL, [250, 250, 503]),
    ("rset ends the transaction", OPEN + b"RSET\r\nDATA\r\n", [250, 250, 250, 250, 503]),
    ("ehlo ends the transaction", OPEN + HELLO + b"DATA\r\n", [250, 250, 250, 250, 503]),
    ("rset before hello", b"RSET\r\nMAIL FROM:<>\r\n", [250, 503]),
    ("noop, help, vrfy, expn any time", b"NOOP\r\nNOOP x\r\nHELP\r\nVRFY a\r\nEXPN b\r\n", [250, 250, 214, 252, 502]),
    ("vrfy needs somebody", HELLO + b"VRFY\r\nEXPN \r\n", [250, 501, 501]),
    ("hello needs a name", b"EHLO\r\nHELO  \r\nEHLO a b\r\n", [501, 501, 501]),
    ("helo", b"HELO c.example\r\n" + MAIL + RCPT + b"DATA\r\nx\r\n.\r\n", [250, 250, 250, 354, 250]),
    ("two messages", (OPEN + b"DATA\r\nx\r\n.\r\n") * 2, [250, 250, 250, 354, 250] * 2),
    ("lhlo is not smtp", b"LHLO c\r\n", [500]),
    ("starttls not on offer", HELLO + b"STARTTLS\r\n", [250, 502]),
    ("auth not on offer", HELLO + b"AUTH PLAIN\r\n", [250, 502]),
    ("nul and controls", HELLO + b"MAIL FROM:<a\0b@c>\r\nRCPT\x01\r\n", [250, 501, 500]),
    ("nothing after quit", HELLO + b"QUIT\r\nNOOP\r\n", [250, 221]),
]


@pytest.mark.parametrize(("octets", "codes"), [case[1:] for case in DIALOGUES], ids=[case[0] for case in DIALOGUES])
def test_order(octets: bytes, codes: list[int]) -> None:
    assert say(octets).codes == codes


HTTP_VERBS = [b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"HEAD /", b"PUT /x", b"OPTIONS *", b"CONNECT a:25", b"DELETE /"]


@pytest.mark.parametrize("verb", HTTP_VERBS)
def test_another_protocol_is_hung_up_at_once(verb: bytes) -> None:
    heard = say(verb + b"\r\nHost: x\r\n\r\n" + OPEN + b"DATA\r\nx\r\n.\r\n")
    assert heard.codes == [521]
    assert isinstance(heard.events[-1], event.Closing)
    assert heard.messages == []


def test_http_words_after_ehlo_are_only_unknown() -> None:
    assert say(HELLO + b"GET /\r\nNOOP\r\n").codes == [250, 500, 250]


# -- paths and quirks ----------------------------------------------------------------------------------------------

PATHS: list[tuple[bytes, int, set[Quirk]]] = [
    (b"MAIL FROM:<>", 250, set()),
    (b"MAIL FROM:<a@b>", 250, set()),
    (b"MAIL FROM: <a@b>", 250, {Quirk.SPACE_AFTER_COLON}),
    (b"MAIL FROM:a@b", 250, {Quirk.NO_BRACKETS}),
    (b"MAIL FROM:<@x,@y:a@b>", 250, {Quirk.SOURCE_ROUTE}),
    (b"MAIL FROM:<a..b@c.example>", 250, {Quirk.ODD_DOTS}),
    (b"MAIL FROM:<a@b> ", 250, {Quirk.TRAILING_SPACE}),
    (b'MAIL FROM:<"a>b <c> \\" d"@b.example> SIZE=10', 250, set()),
    (b"MAIL FROM:<a@[192.0.2.1]>", 250, set()),
    (b"MAIL FROM:<a@[IPv6:2001:db8::1]>", 250, set()),
    (b"MAIL FROM:<a@b>SIZE=1", 501, set()),
    (b"MAIL FROM:<a@b", 501, set()),
    (b"MAIL FROM:<a b@c>", 501, set()),
    (b"MAIL FROM:<a@b>x", 501, set()),
    (b"MAIL FROM:<<a@b>>", 501, set()),
    (b"MAIL FROM:<a@b\r>", 501, set()),
    (b"MAIL FROM:<a>", 501, set()),
    (b"MAIL FROM", 501, set()),
    (b"MAIL", 501, set()),
    (b"MAIL TO:<a@b>", 501, set()),
    ("MAIL FROM:<jörg@b.example>".encode(), 550, set()),
    ("MAIL FROM:<jörg@b.example> SMTPUTF8".encode(), 250, set()),
    (b"MAIL FROM:<\xff@b.example> SMTPUTF8", 501, set()),
]


@pytest.mark.parametrize(("line", "code", "quirks"), PATHS)
def test_reverse_paths(line: bytes, code: int, quirks: set[Quirk]) -> None:
    if b"\r" in line:
        assert say(HELLO + line + b"\r\n").codes == [250, 500]
        return
    assert say(HELLO + line + b"\r\n").codes == [250, code]
    lenient = server()
    drive(lenient, [HELLO + line + b"\r\n"])
    assert lenient.quirks == quirks
    strict = say(HELLO + line + b"\r\n", strict=True).codes
    assert strict == [250, 501 if quirks else code]


def test_postmaster_needs_no_domain() -> None:
    heard = say(HELLO + MAIL + b"RCPT TO:<PostMaster>\r\nRCPT TO:<>\r\nRCPT TO:<root>\r\n")
    assert heard.codes == [250, 250, 250, 501, 501]
    found = heard.events[2]
    assert isinstance(found, event.Rcpt)
    assert (found.recipient.address.localpart, found.recipient.address.domain) == ("postmaster", "")


@pytest.mark.parametrize("name", [b"my_pc", b"192.0.2.1", b"-", b"PC\xe9", b"a.b.", b"[oddly"])
def test_odd_names_of_clients_are_taken(name: bytes) -> None:
    lenient = server()
    assert drive(lenient, [b"EHLO " + name + b"\r\n"]).codes == [250]
    if name != b"192.0.2.1":
        assert lenient.quirks == {Quirk.ODD_NAME}
        assert say(b"EHLO " + name + b"\r\n", strict=True).codes == [501]


# -- EHLO ----------------------------------------------------------------------------------------------------------


def test_ehlo_announces_the_table() -> None:
    heard = say(HELLO, Offer(size_octets=1_000, starttls=True, mechanisms=("PLAIN", "LOGIN"), recipients=7))
    assert heard.out == (
        b"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
        b"250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n250-STARTTLS\r\n"
        b"250-AUTH PLAIN LOGIN\r\n250 LIMITS RCPTMAX=7 MAILMAX=1000\r\n"
    )
    assert say(b"HELO c\r\n").out == b"250 mx.example\r\n"
    plain = say(HELLO).out
    assert b"STARTTLS" not in plain and b"AUTH" not in plain
    assert len({keyword.name for keyword in KEYWORDS}) == len(KEYWORDS)


# -- limits --------------------------------------------------------------------------------------------------------


def test_size_is_refused_at_mail_and_at_the_end() -> None:
    small = Offer(size_octets=10)
    assert say(HELLO + b"MAIL FROM:<> SIZE=11\r\n" + MAIL, small).codes == [250, 552, 250]
    heard = say(OPEN + b"DATA\r\n" + b"x" * 20 + b"\r\n.\r\nNOOP\r\n", small)
    assert heard.codes == [250, 250, 250, 354, 552, 250]
    assert heard.messages == []
    assert say(OPEN + b"DATA\r\n12345678\r\n.\r\n", small).messages == [b"12345678\r\n"]


def test_too_many_recipients_is_no_error() -> None:
    engine = server(Offer(recipients=2))
    heard = drive(engine, [OPEN + RCPT * 3])
    assert heard.codes == [250, 250, 250, 250, 452, 452]
    assert engine.errors == 0


def test_too_many_errors_close() -> None:
    heard = say(HELLO + b"XYZZY\r\n" * 5 + OPEN, limits=Limits(errors=2))
    assert heard.codes == [250, 500, 500, 421]
    assert heard.events[-1] == event.Closing(reply.TOO_MANY_ERRORS.text)


def test_refused_recipients_count_as_errors() -> None:
    heard = say(OPEN + RCPT * 5, answers={event.Rcpt: reply.NO_SUCH_USER}, limits=Limits(errors=2))
    assert heard.codes == [250, 250, 550, 550, 550, 421]


def test_commands_without_a_message_close() -> None:
    heard = say(HELLO + b"NOOP\r\n" * 9, limits=Limits(fruitless=4))
    assert heard.codes == [250, 250, 250, 250, 421]
    many = say((OPEN + b"DATA\r\nx\r\n.\r\n") * 9 + b"NOOP\r\n", limits=Limits(fruitless=4))
    assert 421 not in many.codes


def test_transactions_are_limited() -> None:
    heard = say(HELLO + (MAIL + RCPT + b"DATA\r\nx\r\n.\r\n") * 2 + MAIL, Offer(transactions=2))
    assert heard.codes[-1] == 421
    assert len(heard.messages) == 2


def test_long_lines() -> None:
    limits = Limits(command_octets=64, auth_line_octets=100, text_line_octets=20)
    assert say(HELLO + b"NOOP " + b"x" * 100 + b"\r\nNOOP\r\n", limits=limits).codes == [250, 500, 250]
    heard = say(OPEN + b"DATA\r\n" + b"x" * 21 + b"\r\n.\r\nNOOP\r\n", limits=limits)
    assert heard.codes == [250, 250, 250, 354, 554, 250]
    assert say(OPEN + b"DATA\r\n" + b"x" * 19 + b"\r\n.\r\n", limits=limits).codes[-1] == 250
    # Octets without any end of line are a flood.
    assert say(HELLO + b"x" * 64 * 65, limits=limits).codes == [250, 500]


def test_a_bare_lf_hangs_up_and_a_bare_cr_does_not() -> None:
    assert say(HELLO + b"NOOP\nMAIL FROM:<>\r\n").codes == [250, 521]
    assert say(HELLO + b"NOOP\rNOOP\r\nNOOP\r\n").codes == [250, 500, 250]


# -- BDAT ----------------------------------------------------------------------------------------------------------


def test_chunks_make_a_message_of_any_octets() -> None:
    heard = say(OPEN + b"BDAT 5\r\na\r.\nbBDAT 5 LAST\r\n\r\n.\r\nNOOP\r\n")
    assert heard.codes == [250, 250, 250, 250, 250, 250]
    assert heard.messages == [b"a\r.\nb\r\n.\r\n"]
    assert say(OPEN + b"BDAT 2\r\nhiBDAT 0 last\r\n").messages == [b"hi"]


def test_a_refused_chunk_is_swallowed() -> None:
    inner = b"MAIL FROM:<>\r\nQUIT\r\n"
    chunk = b"BDAT %d LAST\r\n" % len(inner) + inner
    assert say(chunk + b"NOOP\r\n").codes == [503, 250]
    assert say(HELLO + MAIL + chunk + b"NOOP\r\n").codes == [250, 250, 503, 250]
    heard = say(OPEN + chunk + b"NOOP\r\n", answers={event.Rcpt: reply.NO_SUCH_USER})
    assert heard.codes == [250, 250, 550, 503, 250]
    refused = say(OPEN + b"BDAT 1\r\nxBDAT 3\r\nabcNOOP\r\n", answers={event.ChunkEnd: reply.NO_SPACE})
    assert refused.codes == [250, 250, 250, 452, 503, 250]


def test_a_chunk_without_a_size_hangs_up() -> None:
    for argument in (b"", b" ", b" x", b" -1", b" 1 FIRST", b" 1.5", b" 0x10", b" " + b"9" * 30):
        assert say(OPEN + b"BDAT" + argument + b"\r\nMAIL FROM:<>\r\n").codes == [250, 250, 250, 501]


def test_data_and_chunks_do_not_mix() -> None:
    assert say(OPEN + b"BDAT 1\r\nxDATA\r\nRCPT TO:<a@b>\r\n").codes == [250, 250, 250, 250, 503, 503]
    binary = HELLO + b"MAIL FROM:<> BODY=BINARYMIME\r\n" + RCPT + b"DATA\r\n"
    assert say(binary).codes == [250, 250, 250, 503]


def test_chunks_beyond_the_size() -> None:
    heard = say(OPEN + b"BDAT 8\r\n12345678BDAT 8\r\n12345678BDAT 1 LAST\r\nxNOOP\r\n", Offer(size_octets=10))
    assert heard.codes == [250, 250, 250, 250, 552, 503, 250]
    assert heard.messages == []


def test_too_many_refused_octets_hang_up() -> None:
    limits = Limits(discard_octets=1_000)
    engine = server(limits=limits)
    heard = drive(engine, [b"BDAT 99999999999999999999\r\n", *[b"x" * 600] * 3])
    assert heard.codes == [421]


# -- STARTTLS and AUTH ---------------------------------------------------------------------------------------------


def test_starttls_forgets_what_was_injected() -> None:
    engine = server(Offer(starttls=True))
    engine.receive(HELLO + b"STARTTLS\r\nMAIL FROM:<evil@b.example>\r\n")
    assert isinstance(engine.next_event(), event.Ehlo)
    engine.send(reply.OK)
    assert isinstance(engine.next_event(), event.StartTls)
    engine.send(reply.READY_FOR_TLS)
    engine.outgoing()
    assert engine.buffered == 28
    engine.after_tls()
    engine.offer = Offer()
    assert engine.next_event() is NEED_DATA
    assert drive(engine, [MAIL + HELLO + b"STARTTLS\r\n"]).codes == [503, 250, 503]


def test_starttls_takes_no_argument_and_no_transaction() -> None:
    offer = Offer(starttls=True)
    assert say(b"STARTTLS\r\n" + HELLO + b"STARTTLS now\r\n", offer).codes == [503, 250, 501]
    assert say(HELLO + MAIL + b"STARTTLS\r\n", offer).codes == [250, 250, 503]
    assert say(HELLO + b"AUTH PLAIN\r\n", offer).codes == [250, 538]


AUTH = Offer(mechanisms=("PLAIN", "LOGIN"))


def test_auth_exchange() -> None:
    heard = say(HELLO + b"AUTH plain\r\n" + base64.b64encode(b"\0a\0b") + b"\r\nAUTH PLAIN\r\n", AUTH)
    assert heard.codes == [250, 334, 235, 503]
    assert heard.events[1:3] == [event.Auth("PLAIN", None), event.AuthResponse(b"\0a\0b")]
    assert b"334 Pw==\r\n" in heard.out


@pytest.mark.parametrize(
    ("line", "initial"), [(b"AUTH PLAIN =", b""), (b"AUTH PLAIN AGEAYg==", b"\0a\0b"), (b"AUTH PLAIN", None)]
)
def test_initial_response(line: bytes, initial: bytes | None) -> None:
    assert say(HELLO + line + b"\r\n", AUTH).events[1] == event.Auth("PLAIN", initial)


def test_auth_faults() -> None:
    assert say(HELLO + b"AUTH\r\nAUTH X\r\nAUTH PLAIN !\r\n", AUTH).codes == [250, 501, 504, 501]
    assert say(HELLO + b"AUTH PLAIN\r\n*\r\nNOOP\r\n", AUTH).codes == [250, 334, 501, 250]
    assert say(HELLO + b"AUTH PLAIN\r\n!!\r\nNOOP\r\n", AUTH).codes == [250, 334, 501, 250]
    assert say(b"AUTH PLAIN\r\n" + HELLO + MAIL + b"AUTH PLAIN\r\n", AUTH).codes == [503, 250, 250, 503]
    long = b"A" * 13_000
    assert say(HELLO + b"AUTH PLAIN\r\n" + long + b"\r\nNOOP\r\n", AUTH).codes == [250, 334, 500, 250]


def test_a_long_initial_response_is_only_for_auth() -> None:
    long = base64.b64encode(b"x" * 6_000)
    heard = say(HELLO + b"AUTH PLAIN " + long + b"\r\n", AUTH)
    assert heard.events[1] == event.Auth("PLAIN", b"x" * 6_000)
    assert say(HELLO + b"NOOP " + long + b"\r\n", AUTH).codes == [250, 500]


# -- LMTP, the session's manners, ends -----------------------------------------------------------------------------


def test_lmtp_answers_each_recipient() -> None:
    engine = server(lmtp=True)
    assert drive(engine, [HELLO, b"LHLO c\r\n", MAIL, RCPT, RCPT]).codes == [500, 250, 250, 250, 250]
    engine.receive(b"DATA\r\nx\r\n.\r\n")
    assert isinstance(engine.next_event(), event.DataStart)
    engine.send(reply.START_DATA)
    assert isinstance(engine.next_event(), event.DataChunk)
    assert isinstance(engine.next_event(), event.DataEnd)
    with pytest.raises(Misuse):
        engine.send_each([reply.OK])
    engine.send_each([reply.OK, reply.OVER_QUOTA])
    assert engine.outgoing() == b"354 End data with <CR><LF>.<CR><LF>\r\n" + reply.OK.wire + reply.OVER_QUOTA.wire


def test_the_session_answers_in_turn() -> None:
    engine = server()
    with pytest.raises(Misuse):
        engine.send(reply.OK)
    engine.receive(HELLO + b"NOOP\r\n")
    engine.next_event()
    with pytest.raises(Misuse):
        engine.next_event()
    with pytest.raises(Misuse):
        engine.greet(reply.OK)


def test_a_negative_greeting_closes() -> None:
    engine = Server("mx.example")
    engine.greet(reply.Reply(554, "5.7.1", ("No SMTP service here",)))
    assert isinstance(engine.next_event(), event.Closing)
    engine.receive(HELLO)
    assert engine.next_event() is NEED_DATA


def test_the_end_of_the_stream_is_told_once() -> None:
    engine = server()
    engine.receive(HELLO + b"NOO")
    engine.next_event()
    engine.send(reply.OK)
    engine.receive(b"")
    assert engine.next_event() == event.Gone()
    assert engine.next_event() is NEED_DATA


def test_a_refused_data_keeps_the_transaction() -> None:
    heard = say(OPEN + b"DATA\r\nRSET\r\n", answers={event.DataStart: reply.CANNOT_NOW})
    assert heard.codes == [250, 250, 250, 451, 250]


def test_a_small_message_is_one_chunk() -> None:
    engine = server()
    drive(engine, [OPEN + b"DATA\r\n"])
    engine.receive(b"Subject: x\r\n\r\nhello\r\n" * 100 + b".\r\nNOOP\r\n")
    first = engine.next_event()
    assert isinstance(first, event.DataChunk) and len(first.octets) == 2_100
    assert engine.next_event() == event.DataEnd(2_100)
