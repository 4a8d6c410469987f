"""The SMTP engine and any octets: whole, octet by octet and in any pieces give the same, and nothing raises."""

from hypothesis import given, settings
from hypothesis import strategies as st

from posthaus.proto.line import NEED_DATA
from posthaus.proto.smtp import event, reply
from posthaus.proto.smtp.keyword import Offer
from posthaus.proto.smtp.order import Limits
from posthaus.proto.smtp.reply import Reply
from posthaus.proto.smtp.server import Server

LIMITS = Limits(command_octets=80, auth_line_octets=90, text_line_octets=60, errors=50, fruitless=60)
OFFER = Offer(size_octets=200, mechanisms=("PLAIN",), recipients=3, transactions=3)

ANSWERS: dict[type, Reply] = {
    event.Ehlo: reply.OK,
    event.Mail: reply.SENDER_OK,
    event.Rcpt: reply.RECIPIENT_OK,
    event.DataStart: reply.START_DATA,
    event.ChunkEnd: reply.CHUNK_OK,
    event.DataEnd: reply.OK,
    event.Rset: reply.OK,
    event.Noop: reply.OK,
    event.Help: reply.HELP,
    event.Vrfy: reply.CANNOT_VRFY,
    event.Expn: reply.NO_EXPN,
    event.Quit: reply.BYE,
    event.StartTls: reply.TLS_NOT_AVAILABLE,
    event.Auth: reply.challenge(b""),
    event.AuthResponse: reply.BAD_CREDENTIALS,
}

COMMANDS = [
    b"EHLO c.example\r\n", b"HELO c\r\n", b"MAIL FROM:<a@b>\r\n", b"MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n",
    b"RCPT TO:<c@d>\r\n", b"RCPT TO:<Postmaster> NOTIFY=NEVER\r\n", b"DATA\r\n", b"x\r\n", b".\r\n", b"..\r\n",
    b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\r\n.\n", b".", b"\r", b"\n", b"\r\n", b"BDAT 3\r\n", b"BDAT 4 LAST\r\n",
    b"BDAT 0 LAST\r\n",
    b"BDAT 300\r\n", b"abc", b"RSET\r\n", b"NOOP\r\n", b"AUTH PLAIN\r\n", b"AUTH PLAIN =\r\n", b"AGEAYg==\r\n",
    b"*\r\n", b"QUIT\r\n", b"VRFY a\r\n", b"GET / HTTP/1.1\r\n", b"x" * 70, b"\x00\xff",
]  # fmt: skip

PIECES = st.lists(st.one_of(st.sampled_from(COMMANDS), st.binary(max_size=12)), max_size=30)
START = b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"

Heard = tuple[bytes, list[object]]


def drive(pieces: list[bytes]) -> Heard:
    engine = Server("mx", offer=OFFER, limits=LIMITS)
    engine.greet(reply.greeting("mx"))
    out, told, content = engine.outgoing(), list[object](), b""
    for piece in pieces:
        engine.receive(piece)
        while (found := engine.next_event()) is not NEED_DATA:
            if isinstance(found, event.DataChunk):
                content += found.octets
                continue
            told.append(found)
            if isinstance(found, event.DataEnd):
                # Of a refused message only the refusal counts.
                told.append(content if found.refused is None else b"")
                content = b""
                if found.refused is not None:
                    continue
            answer = ANSWERS.get(type(found))
            if answer is not None:
                engine.send(answer)
        out += engine.outgoing()
    return out, told


@given(PIECES, st.booleans())
@settings(max_examples=300, deadline=None)
def test_pieces_make_no_difference(pieces: list[bytes], begun: bool) -> None:
    octets = (START if begun else b"") + b"".join(pieces)
    whole = drive([octets] if octets else [])  # b"" would be the end of the stream
    assert drive([octets[i : i + 1] for i in range(len(octets))]) == whole
    assert drive(([START] if begun else []) + [piece for piece in pieces if piece]) == whole


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=300, deadline=None)
def test_data_comes_back(content: bytes, chunked: bool) -> None:
    if chunked:
        wire = b"BDAT %d LAST\r\n" % len(content) + content
    else:
        content = content.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n"
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        wire = b"DATA\r\n" + stuffed + b".\r\n"
    _, told = drive([START + wire + b"NOOP\r\n"])
    assert told[-1] == event.Noop()
    end = next(one for one in told if isinstance(one, event.DataEnd))
    assert (end.refused is reply.TOO_LARGE) is (len(content) > 200)
    if end.refused is None:
        assert content in told
