"""The table of commands: heads, UID, states."""

import pytest
from tests.proto.imap.whole import parse_command

from posthaus.proto.imap.fault import ParseFault
from posthaus.proto.imap.parse import RULES, State, find_tag, parse_head


@pytest.mark.parametrize(
    ("text", "tag", "name", "uid"),
    [
        (b"a NOOP", b"a", b"NOOP", False),
        (b"A.1-x]: noop", b"A.1-x]:", b"NOOP", False),
        (b"a uid Fetch 1 FLAGS", b"a", b"FETCH", True),
        (b"UID UID FETCH 1", b"UID", b"FETCH", True),
    ],
)
def test_head(text: bytes, tag: bytes, name: bytes, uid: bool) -> None:
    head = parse_head(text)
    assert (head.tag, head.name, head.uid) == (tag, name, uid)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"a",
        b"a ",
        b" NOOP",
        b"+ NOOP",
        b"a+b NOOP",
        b'"a" NOOP',
        b"a* NOOP",
        b"a NOPE",
        b"a UID",
        b"a UID NOOP",
        b"a  NOOP",
        b"a UID UID FETCH 1 FLAGS",
        b"a UID SELECT x",
        b"\xc3\xbc NOOP",
        b"a NOOP\x00",
        b"a NOOP(",
        b"(a NOOP",
        b"a\tNOOP",
    ],
)
def test_no_head(text: bytes) -> None:
    with pytest.raises(ParseFault):
        parse_command(text)


def test_tag() -> None:
    assert find_tag(b"a1 what ever") == b"a1"
    assert find_tag(b"a1") == b"a1"
    for text in (b"", b"* x", b"+ x", b"(a x", b"a\x00 x"):
        assert find_tag(text) is None


def test_states() -> None:
    """RFC 9051 §6: every command stands in the section of its state."""
    early = {name for name, rule in RULES.items() if State.NOT_AUTHENTICATED in rule.states}
    late = {name for name, rule in RULES.items() if rule.states == (State.SELECTED,)}
    assert early == {b"CAPABILITY", b"NOOP", b"LOGOUT", b"ID", b"STARTTLS", b"AUTHENTICATE", b"LOGIN"}
    assert late == {
        *(
            b"CANCELUPDATE",
            b"CHECK",
            b"UIDBATCHES",
            b"CLOSE",
            b"UNSELECT",
            b"EXPUNGE",
            b"SEARCH",
            b"SORT",
            b"THREAD",
            b"FETCH",
            b"STORE",
            b"COPY",
            b"MOVE",
            b"REPLACE",
        ),
    }
    assert {name for name, rule in RULES.items() if rule.uid} == {
        *(b"EXPUNGE", b"SEARCH", b"SORT", b"THREAD", b"FETCH", b"STORE", b"COPY", b"MOVE", b"REPLACE"),
    }
