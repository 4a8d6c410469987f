"""MTA-STS records and policies."""

import pytest

from posthaus.mail.sts import Mode, StsFault, StsPolicy, parse_policy, parse_record

RFC_POLICY = (
    b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\n"
    b"max_age: 604800\n"
)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),  # RFC 8461 §3.1
        ([b"v=STSv1;id=1"], "1"),
        ([b"v=STSv1 ; id=a1 ; "], "a1"),
        ([b"v=STSv1; x-more=yes; id=a1; other=1:2"], "a1"),
        ([b"v=STSv1; id=a1; other=1=2"], None),
        ([b"v=STSv1; more=yes; id=a1; other=1.2"], "a1"),
        ([b"v=spf1 -all", b"v=STSv1; id=1;", b"hello"], "1"),
        ([b"v=STSv1; id=1;", b"v=STSv1; id=1;"], None),
        ([b"v=STSv1; id=;"], None),
        ([b"v=STSv1; id=a-b;"], None),
        ([b"v=STSv1; id=" + b"1" * 33], None),
        ([b"v=STSv1;"], None),
        ([b"V=STSv1; id=1"], None),
        ([b" v=STSv1; id=1"], None),
        ([b"v=STSv12; id=1"], None),
        ([b"v=STSv1; id=1\xff"], None),
        ([], None),
    ],
)
def test_records(texts: list[bytes], wanted: str | None) -> None:
    assert parse_record(texts) == wanted


def test_the_policy_of_the_rfc() -> None:
    policy = parse_policy(RFC_POLICY)
    assert policy == StsPolicy(Mode.ENFORCE, ("mail.example.com", "*.example.net", "backupmx.example.com"), 604_800)
    assert parse_policy(RFC_POLICY.replace(b"\n", b"\r\n")) == policy


def test_a_wildcard_is_one_label() -> None:
    allows = parse_policy(RFC_POLICY).allows
    assert allows("mail.example.com") and allows("mx1.example.net") and allows("backupmx.example.com")
    assert not allows("example.net") and not allows("a.b.example.net") and not allows("other.example.com")
    assert not allows("net") and not allows("")


def test_lenient_where_the_rfc_says_so() -> None:
    text = (
        b"mode:testing  \nmax_age: 9999999999\nnew_key: \xc3\xa4\nversion:STSv1\nmode: enforce\n"
        b"mx: MX.B\xc3\xbccher.test\n\nmax_age: 1"
    )
    assert parse_policy(text) == StsPolicy(Mode.TESTING, ("mx.xn--bcher-kva.test",), 31_557_600)
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 0") == StsPolicy(Mode.NONE, (), 0)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"mode: enforce\nmx: a.test\nmax_age: 1",
        b"version: STSv2\nmode: enforce\nmx: a.test\nmax_age: 1",
        b"version: STSv1\nmx: a.test\nmax_age: 1",
        b"version: STSv1\nmode: Enforce\nmx: a.test\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmx: a.test",
        b"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: -1",
        b"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 1.5",
        b"version: STSv1\nmode: enforce\nmx: *.*.test\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmx:\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 1\n<html>",
        b"version: STSv1\nmode: enforce\nmx: \xff\nmax_age: 1",
        b"version: STSv1\nmode: enforce\nmax_age: 1\n" + b"mx: a.test\n" * 1_001,
    ],
)
def test_no_policy(text: bytes) -> None:
    with pytest.raises(StsFault):
        parse_policy(text)
