"""A session that agrees to everything, and three ways of hearing it: whole, octet by octet, with a tail."""

from collections.abc import Callable

import pytest

from posthaus.proto.imap import command as c
from posthaus.proto.imap.capability import Offer
from posthaus.proto.imap.event import (
    Accept,
    End,
    Event,
    IdleEnd,
    LiteralChunk,
    LiteralDropped,
    LiteralHeader,
    Refuse,
    SaslCancelled,
    SaslResponse,
)
from posthaus.proto.imap.literal import DEFAULT_LIMITS, Limits
from posthaus.proto.imap.parse import State
from posthaus.proto.imap.quirk import LENIENT, Quirk
from posthaus.proto.imap.server import Engine
from posthaus.proto.line import NEED_DATA

SPOOLED_OCTETS = 100  # a message above this is spooled
REFUSED_OCTETS = 1_000  # and above this refused
Heard = tuple[list[Event], bytes]


def answer(engine: Engine, event: Event) -> None:
    """Agree."""
    match event:
        case LiteralHeader(size=size) if size > REFUSED_OCTETS:
            engine.literal(Refuse("too large", b"TOOBIG"))
        case LiteralHeader(size=size):
            engine.literal(Accept.SPOOL if size > SPOOLED_OCTETS else Accept.MEMORY)
        case c.Authenticate(tag=tag, mechanism=mechanism, initial=None):
            engine.challenge(b"" if mechanism == "PLAIN" else b"who?")
        case SaslResponse(tag=tag, octets=b"more"):
            engine.challenge(b"and?")
        case SaslResponse(tag=tag, octets=b"wrong"):
            engine.no(tag, "no", b"AUTHENTICATIONFAILED")
        case c.Idle():
            engine.idle()
        case IdleEnd(done=False) | LiteralChunk() | LiteralDropped() | SaslCancelled() | End():
            pass
        case c.Select(tag=tag, mailbox="nowhere"):
            engine.no(tag, "no such mailbox", b"NONEXISTENT")
        case c.Enable(tag=tag, names=names):
            engine.enabled(names)
            engine.ok(tag, "enabled")
        case c.Logout(tag=tag):
            engine.bye("until soon")
            engine.ok(tag, "bye")
        case _:
            engine.ok(event.tag, "done")


def play(engine: Engine, octets: bytes, size: int) -> Heard:
    """Feed in pieces; chunks of one literal are put together, for where they are cut means nothing."""
    events: list[Event] = []
    out = b""
    for start in range(0, len(octets), size):
        engine.receive(octets[start : start + size])
        while (event := engine.next_event()) is not NEED_DATA:
            if isinstance(event, LiteralChunk) and events and isinstance(events[-1], LiteralChunk):
                events[-1] = LiteralChunk(events[-1].octets + event.octets)
            else:
                events.append(event)
            answer(engine, event)
        out += engine.outgoing()
    return events, out


@pytest.fixture
def dialogue() -> Callable[..., Heard]:
    """Hear the octets whole, octet by octet and with a tail; all three must be the same."""

    def hear(
        octets: bytes,
        *,
        state: State = State.SELECTED,
        limits: Limits = DEFAULT_LIMITS,
        quirks: frozenset[Quirk] = LENIENT,
        offer: Offer | None = None,
        ends: bool = False,  # the connection is over after these octets, or waits within a literal
    ) -> Heard:
        def engine() -> Engine:
            made = Engine(offer or Offer(clear_allowed=True, mechanisms=("PLAIN",)), limits=limits, quirks=quirks)
            made.state = state
            return made

        whole = play(engine(), octets, max(1, len(octets)))
        assert play(engine(), octets, 1) == whole
        if not ends:
            events, out = play(engine(), octets + b"zz NOOP\r\n", len(octets) + 9)
            assert events == [*whole[0], c.Noop(b"zz")]
            assert out == whole[1] + b"zz OK done\r\n"
        return whole

    return hear
