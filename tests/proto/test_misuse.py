"""An engine of any protocol tells a session that speaks out of turn, and a defect of ours is all that it can be."""

from collections.abc import Callable

import pytest

from posthaus.proto.imap.capability import Offer as ImapOffer
from posthaus.proto.imap.server import Engine
from posthaus.proto.misuse import Misuse
from posthaus.proto.pop3.server import Offer as Pop3Offer
from posthaus.proto.pop3.server import Pop3Server
from posthaus.proto.smtp import reply
from posthaus.proto.smtp.client import Client
from posthaus.proto.smtp.server import Server

OUT_OF_TURN: list[Callable[[], object]] = [
    lambda: Engine(ImapOffer()).ok(b"a", "done"),
    lambda: Pop3Server(Pop3Offer()).send(b"+OK\r\n"),
    lambda: Server("mx.example").send(reply.OK),
    lambda: Client("c.example").hello(),
]


@pytest.mark.parametrize("speak", OUT_OF_TURN, ids=("imap", "pop3", "smtp", "smtp client"))
def test_speaking_before_anything_was_asked(speak: Callable[[], object]) -> None:
    with pytest.raises(Misuse):
        speak()
