"""The SMTP client engine and any octets of a host: in any pieces they give the same, and nothing raises."""

from hypothesis import given
from hypothesis import strategies as st

from posthaus.base import limit
from posthaus.proto.line import NEED_DATA
from posthaus.proto.sasl.client import choose
from posthaus.proto.smtp.client import Client
from posthaus.proto.smtp.heard import Ask, ContentDue, Replied, Settled, Told

RCPTS = [b"RCPT TO:<a@b>\r\n", b"RCPT TO:<c@b>\r\n"]
SAID = [
    b"220 hi\r\n", b"250 ok\r\n", b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n", b"250-mx\r\n250 PIPELINING\r\n",
    b"250-mx\r\n250-CHUNKING\r\n250-LIMITS RCPTMAX=1\r\n250 AUTH PLAIN LOGIN\r\n", b"354 go\r\n", b"451 4.3.0 x\r\n",
    b"550 5.1.1 x\r\n", b"550-5.1.1 x\r\n550 5.1.1 y\r\n", b"421 4.3.2 bye\r\n", b"334 \r\n", b"334 VXNlcg==\r\n",
    b"235 2.7.0 in\r\n", b"221 bye\r\n", b"250", b"-", b" ", b"\r", b"\n", b"rubbish\r\n", b"\x00\xff", b"250-x\r\n",
]  # fmt: skip
PIECES = st.lists(st.one_of(st.sampled_from(SAID), st.binary(max_size=8)), max_size=30)
START = [b"220 hi\r\n", b"250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"]
BODY = b"x: y\r\n\r\n.z"


def drive(pieces: list[bytes], size: int) -> tuple[bytes, list[object]]:
    """What is said and told by a session that goes on as long as it can: EHLO, AUTH, then one message after another."""
    engine = Client("c.example")
    said, told = b"", list[object]()
    turns = 0
    octets = b"".join(pieces)
    for at in range(0, len(octets), size):
        engine.receive(octets[at : at + size])
        while (event := engine.next_event()) is not NEED_DATA:
            told.append(event)
            turns += 1
            go_on(engine, event, turns)
        said += engine.outgoing()
    assert len(engine.verdicts()) in (0, 1, 2)
    return said, told


def go_on(engine: Client, event: Told | object, turns: int) -> None:
    if engine.is_over:
        return
    if isinstance(event, ContentDue):
        engine.content(BODY, last=True)
    elif isinstance(event, Replied) and event.ask is Ask.GREETING:
        engine.hello()
    elif isinstance(event, Replied) and turns == 3 and (sasl := choose(["LOGIN"], "ann", "pw", b"n")):
        engine.authenticate(sasl)
    elif isinstance(event, Replied | Settled):
        size = len(BODY) if turns % 2 else limit.RELAY_AHEAD_OCTETS + 1
        engine.begin(b"MAIL FROM:<>\r\n", RCPTS[: 1 + turns % 2], size, lacks_end=True)


@given(PIECES)
def test_pieces_do_not_matter(pieces: list[bytes]) -> None:
    for start in ([], START):
        whole = drive(start + pieces, 10**6)
        assert drive(start + pieces, 1) == whole
        assert drive(start + pieces, 3) == whole


@given(PIECES)
def test_settled_is_settled_for_each(pieces: list[bytes]) -> None:
    """As many verdicts as recipients, each positive at the end of the message alone."""
    _, told = drive(START + pieces, 10**6)
    for event in told:
        if isinstance(event, Settled):
            assert len(event.verdicts) in (1, 2)
            for verdict in event.verdicts:
                assert verdict is not None
                ask, reply = verdict
                assert ask in (Ask.END, Ask.DATA, Ask.NOTHING) or not reply.is_positive
