"""Tests of posthaus.testing.script: the grammar, and the judge of what a server says."""

import pytest

from posthaus.testing.script import Expectation, Kind, Mismatch, Script, ScriptFault, Step, parse_script

EXAMPLE = """\
# RFC 9051 §7.5.1  EXPUNGE is not sent while FETCH is answered
# a second comment
state: selected            # reached before the first step
mail: six-plain.mbox
clients: 2
needs: -

1C: a1 EXPUNGE
# in between
1S? * $*
1S: a1 OK $*
2C> 'b1 FETCH {1}\\r\\n2'
2!: * 1 EXPUNGE
2S: b1 OK $*
WAIT 5m
MAIL <> alice@example.test plain.eml
2CLOSE
"""


def test_parse() -> None:
    script = parse_script(EXAMPLE)
    assert script.title == "RFC 9051 §7.5.1  EXPUNGE is not sent while FETCH is answered"
    assert (script.state, script.mail, script.clients, script.needs) == ("selected", "six-plain.mbox", 2, ())
    assert script.steps == (
        Step(8, 1, Kind.SEND, "a1 EXPUNGE"),
        Step(10, 1, Kind.MAY, "* $*"),
        Step(11, 1, Kind.LINE, "a1 OK $*"),
        Step(12, 2, Kind.OCTETS, "b1 FETCH {1}\r\n2"),
        Step(13, 2, Kind.NEVER, "* 1 EXPUNGE"),
        Step(14, 2, Kind.LINE, "b1 OK $*"),
        Step(15, 1, Kind.WAIT, seconds=300),
        Step(16, 1, Kind.MAIL, words=("<>", "alice@example.test", "plain.eml")),
        Step(17, 2, Kind.CLOSE),
    )


def test_octets_of_both_kinds() -> None:
    script = parse_script("# x\n\nC> '\\u00e9'\nC> b'\\xff'\nS: ok\n")
    assert [step.text for step in script.steps[:2]] == ["é", "\udcff"]


def test_empty_line_to_send() -> None:
    assert parse_script("# x\n\nC:\nS: ok\n").steps[0] == Step(3, 1, Kind.SEND, "")


def test_headers() -> None:
    script = parse_script("# x\nneeds: IDLE AUTH=PLAIN\npipeline: yes\nservice: mx\nways: whole tls\n\nC: a\nS: ok\n")
    assert script.needs == ("IDLE", "AUTH=PLAIN")
    assert script.service == "mx"
    assert script.ways == ("whole", "tls")


FAULTS = [
    ("C: a\nS: b\n", "first comment"),
    ("# x\nstat: auth\n\nS: b\n", "header"),
    ("# x\nstate: auth\nstate: auth\n\nS: b\n", "header"),
    ("# x\nstate: asleep\n\nS: b\n", "state"),
    ("# x\nways: fast\n\nS: b\n", "ways"),
    ("# x\n\nhello\n", "line 3"),
    ("# x\n\n2C: a\nS: b\n", "clients"),
    ("# x\n\nC: a\n", "nothing is expected"),
    ("# x\n\nC> 5\nS: b\n", "line 3"),
    ("# x\n\nC> 'a\nS: b\n", "line 3"),
    ("# x\n\nS: ${a:(}\n", "line 3"),
    ("# x\n\nWAIT long\nS: b\n", "line 3"),
    ("# x\n\nMAIL a b\nS: b\n", "line 3"),
    ("# x\n\nTLS now\nS: b\n", "line 3"),
    ("# x\n\nSLEEP\nS: b\n", "line 3"),
    ("# x\npipeline: yes\n\nS: ${a}\nC: ${a}\n", "line 5"),
    ("# x\npipeline: yes\n\nC: x\nTLS\nS: y\n", "line 5"),
]


@pytest.mark.parametrize(("text", "told"), FAULTS)
def test_faults(text: str, told: str) -> None:
    with pytest.raises(ScriptFault, match=told):
        parse_script(text)


WAYS: list[tuple[str, dict[str, bool]]] = [
    ("# x\n\nS: b\n", {"whole": True, "octets": True, "piece": False, "tls": True}),
    ("# x\npipeline: yes\n\nS: b\n", {"piece": True}),
    ("# x\npipeline: yes\nclients: 2\n\nS: b\n", {"piece": False}),
    ("# x\nstate: connected\n\nS: b\n", {"tls": False}),
    ("# x\n\nTLS\nS: b\n", {"tls": False}),
    ("# x\nways: whole\n\nS: b\n", {"whole": True, "octets": False, "tls": False}),
]


@pytest.mark.parametrize(("text", "wanted"), WAYS)
def test_ways(text: str, wanted: dict[str, bool]) -> None:
    script = parse_script(text)
    assert {way: script.can(way) for way in wanted} == wanted


def judge(text: str, *lines: str) -> dict[str, str]:
    """Feed the lines to all expectations of the steps, as the player would; gives what was bound."""
    steps: tuple[Step, ...] = parse_script("# x\n\n" + text).steps
    expectation = Expectation({})
    expectation.may.extend(step for step in steps if step.kind is Kind.MAY)
    expectation.never.extend(step for step in steps if step.kind is Kind.NEVER)
    expectation.want(*(step for step in steps if step.kind in (Kind.ANY_ORDER, Kind.LINE)))
    for line in lines:
        expectation.hear(line)
    if not expectation.met:
        raise Mismatch(expectation.missed("the connection ended"))
    return expectation.bound


GOOD: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
    ("S: * ${n} EXISTS", ("* 4 EXISTS",), {"n": "4"}),
    ("S~ a\nS~ b", ("b", "a"), {}),
    ("S~ a ${x}\nS~ b ${x}", ("b 1", "a 1"), {"x": "1"}),
    ("S? * $*\nS: a1 OK", ("* 1", "* 2", "a1 OK"), {}),
    ("S? * $*\nS: * 5", ("* 5",), {}),
    ("!: * 1 EXPUNGE\nS? * $*\nS: a1 OK", ("* 2 FETCH", "a1 OK"), {}),
]


@pytest.mark.parametrize(("text", "lines", "bound"), GOOD)
def test_expectation_met(text: str, lines: tuple[str, ...], bound: dict[str, str]) -> None:
    assert judge(text, *lines) == bound


BAD: list[tuple[str, tuple[str, ...], str]] = [
    ("S: a", ("b",), "another line came"),
    ("S~ a\nS~ b", ("a", "a"), "wanted S~ b"),
    ("S~ a ${x}\nS~ b ${x}", ("b 1", "a 2"), "wanted S~ a"),
    ("!: * 1 EXPUNGE\nS? * $*\nS: a1 OK", ("* 1 EXPUNGE",), "must not come"),
    ("S? * $*\nS: a1 OK", ("* 1",), "the connection ended"),
]


@pytest.mark.parametrize(("text", "lines", "told"), BAD)
def test_expectation_missed(text: str, lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(Mismatch, match=told.replace("*", r"\*")):
        judge(text, *lines)


def test_forbidden_ends_with_the_next_line() -> None:
    expectation = Expectation({})
    expectation.never.append(Step(1, 1, Kind.NEVER, "* 1 EXPUNGE"))
    expectation.want(Step(2, 1, Kind.LINE, "a1 OK"))
    expectation.hear("a1 OK")
    expectation.want(Step(3, 1, Kind.LINE, "* 1 EXPUNGE"))
    expectation.hear("* 1 EXPUNGE")
    assert expectation.met


def test_default_ways_are_all() -> None:
    assert Script("x", ()).ways == ("whole", "octets", "piece", "tls")
