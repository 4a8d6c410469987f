"""Records: every mechanism, and every way to get one wrong."""

import pytest

from posthaus.check.spfrecord import Mechanism, RecordFault, is_record, parse_record


def one(term: str) -> Mechanism:
    (found,) = parse_record(f"v=spf1 {term}".encode()).mechanisms
    return found


def test_which_records_are_ours() -> None:
    # RFC 7208 §4.5
    assert [is_record(text) for text in (b"v=spf1", b"V=SPF1 all", b"v=spf10", b" v=spf1", b"spf2.0/pra")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_qualifiers() -> None:
    assert [one(q + "all").result for q in ("", "+", "-", "~", "?")] == ["pass", "pass", "fail", "softfail", "neutral"]


def test_prefix_lengths() -> None:
    for term, four, six in (
        ("a", 32, 128), ("a/24", 24, 128), ("a//64", 32, 64), ("mx:b.test/0//0", 0, 0), ("A:b.test/8//128", 8, 128),
    ):  # fmt: skip
        found = one(term)
        assert (found.four, found.six) == (four, six), term
    assert str(one("ip4:192.0.2.9/24").network) == "192.0.2.0/24"
    assert str(one("ip6:2001:db8::1/32").network) == "2001:db8::/32"


def test_modifiers() -> None:
    record = parse_record(b"v=spf1  a   redirect=b.test EXP=c.test other=%{d}  ")
    assert (record.redirect, record.explanation, len(record.mechanisms)) == (("b.test",), ("c.test",), 1)


WRONG = [
    "all:b.test", "all/8", "a/33", "a//129", "a/08", "a/", "a:", "a:b", "mx/24/64", "include", "include:", "include/24",
    "exists", "ptr/24", "ptr:", "ip4", "ip4:", "ip4:1.2.3", "ip4:1.2.3.4/33", "ip4:1.2.3.4/", "ip4:01.2.3.4", "ip4/8",
    "ip6:1.2.3.4", "ip6:::1/129", "ip6:::1/064", "unknown", "unknown:b.test", "-", "--all", "redirect=", "exp=b",
    "redirect=b.test redirect=b.test", "other=%", "=x", "a:%{c}.test", "\u00e4",
]  # fmt: skip


@pytest.mark.parametrize("term", WRONG)
def test_wrong(term: str) -> None:
    with pytest.raises(RecordFault):
        parse_record(f"v=spf1 {term} -all".encode())
