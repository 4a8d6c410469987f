"""Events: what they show of themselves."""

from posthaus.proto.imap.event import LiteralChunk, Refuse, SaslResponse


def test_secrets_and_messages_are_not_shown() -> None:
    assert "hidden" not in repr(SaslResponse(b"a", b"hidden"))
    assert "hidden" not in repr(LiteralChunk(b"hidden"))


def test_a_refusal_is_no_fault_of_grammar() -> None:
    assert Refuse("too large", b"TOOBIG") == Refuse("too large", b"TOOBIG", bad=False)
