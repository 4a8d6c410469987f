import pytest

from posthaus.mail.addresslist import GROUP_END, HeaderAddress, display_list, parse_address_list

A = HeaderAddress


def _bare(localpart: bytes, domain: bytes, name: bytes | None = None) -> HeaderAddress:
    return A(name, None, localpart, domain)


def _group(name: bytes, *members: HeaderAddress) -> list[HeaderAddress]:
    return [A(None, None, name, None), *members, GROUP_END]


LISTS = [
    (b"", []),
    (b"   ", []),
    # RFC 5322 §A.1.1, §A.1.2, §A.1.3
    (b"John Doe <jdoe@machine.example>", [_bare(b"jdoe", b"machine.example", b"John Doe")]),
    (b"Mary Smith <mary@example.net>", [_bare(b"mary", b"example.net", b"Mary Smith")]),
    (b'"Joe Q. Public" <john.q.public@example.com>', [_bare(b"john.q.public", b"example.com", b"Joe Q. Public")]),
    (
        b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
        [_bare(b"mary", b"x.test", b"Mary Smith"), _bare(b"jdoe", b"example.org"), _bare(b"one", b"y.test", b"Who?")],
    ),
    (
        b'<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
        [_bare(b"boss", b"nil.test"), _bare(b"sysservices", b"example.net", b'Giant; "Big" Box')],
    ),
    (
        b"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
        _group(
            b"A Group",
            _bare(b"c", b"a.test", b"Ed Jones"),
            _bare(b"joe", b"where.test"),
            _bare(b"jdoe", b"one.test", b"John"),
        ),
    ),
    (b"Undisclosed recipients:;", _group(b"Undisclosed recipients")),
    # RFC 5322 §A.5
    (
        b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        [_bare(b"pete", b"silly.test", b"Pete")],
    ),
    (
        b"A Group(Some people)     :Chris Jones <c@(Chris's host.)public.example>,  joe@example.org,"
        b" John <jdoe@one.test> (my dear friend); (the end of the group)",
        _group(
            b"A Group",
            _bare(b"c", b"public.example", b"Chris Jones"),
            _bare(b"joe", b"example.org"),
            _bare(b"jdoe", b"one.test", b"John"),
        ),
    ),
    (b"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", _group(b"Hidden recipients")),
    # RFC 5322 §A.6.1, §A.6.3
    (b"Joe Q. Public <john.q.public@example.com>", [_bare(b"john.q.public", b"example.com", b"Joe Q. Public")]),
    (
        b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
        [A(b"Mary Smith", b"@node.test", b"mary", b"example.net"), _bare(b"jdoe", b"test.example")],
    ),
    (b"John Doe <jdoe@machine(comment).  example>", [_bare(b"jdoe", b"machine.example", b"John Doe")]),
    (b"<@a.test, @b.test:c@d.test>", [A(None, b"@a.test,@b.test", b"c", b"d.test")]),
    # what is odd
    (b"pete@a.test (Pete)", [_bare(b"pete", b"a.test", b"Pete")]),
    (b"<pete@a.test> (Pete)", [_bare(b"pete", b"a.test", b"Pete")]),
    (b"a@b.test; c@d.test", [_bare(b"a", b"b.test"), _bare(b"c", b"d.test")]),
    (b"a@b.test c@d.test", [_bare(b"a", b"b.test"), _bare(b"c", b"d.test")]),
    (b"Joe Doe joe@a.test", [_bare(b"joe", b"a.test", b"Joe Doe")]),
    (b'"a b"@c.test', [_bare(b"a b", b"c.test")]),
    (b'"a@b" <c@d.test>', [_bare(b"c", b"d.test", b"a@b")]),
    (b"a@b <c@d.test>", [_bare(b"c", b"d.test", b"a@b")]),
    (b"a@b@c.test", [_bare(b"a@b", b"c.test")]),
    (b"a . b @ c . test", [_bare(b"a.b", b"c.test")]),
    (b"a@[192.0.2.1]", [_bare(b"a", b"[192.0.2.1]")]),
    (b"a@[IPv6:2001:db8::1]", [_bare(b"a", b"[IPv6:2001:db8::1]")]),
    (b"=?utf-8?Q?Doe,_(Joe)?= <j@a.test>", [_bare(b"j", b"a.test", b"=?utf-8?Q?Doe,_(Joe)?=")]),
    (b'"never ends <a@b.test>', [_bare(b"never ends <a@b.test>", b"MISSING_DOMAIN")]),
    (b"<a@b.test", [_bare(b"a", b"b.test")]),
    (b"<a@b.test, c@d.test", [_bare(b"a", b"b.test"), _bare(b"c", b"d.test")]),
    (b"<<a@b.test>>", [_bare(b"a", b"b.test")]),
    (b"<a@b.test> <c@d.test>", [_bare(b"a", b"b.test")]),
    (b"a@b.test (never ends", [_bare(b"a", b"b.test", b"never ends")]),
    (b"root", [_bare(b"root", b"MISSING_DOMAIN")]),
    (b"<>", [_bare(b"MISSING_MAILBOX", b"MISSING_DOMAIN")]),
    (b"@a.test", [_bare(b"MISSING_MAILBOX", b"a.test")]),
    (b"a@", [_bare(b"a", b"MISSING_DOMAIN")]),
    (b",,;,", []),
    (b")>,<", [_bare(b"MISSING_MAILBOX", b"MISSING_DOMAIN")]),
    (b"group: a@b.test", _group(b"group", _bare(b"a", b"b.test"))),
    (b":;", _group(b"")),
    (b"g: h: a@b.test;", _group(b"g", _bare(b"a", b"b.test", b"h:"))),
    ("Jörg <jörg@bücher.test>".encode(), [_bare("jörg".encode(), "bücher.test".encode(), "Jörg".encode())]),
    (b"Joe  \t Doe <j@a.test>", [_bare(b"j", b"a.test", b"Joe Doe")]),
    (b"a\0b <j@a.test>", [_bare(b"j", b"a.test", b"a\0b")]),
]


@pytest.mark.parametrize(("value", "wanted"), LISTS)
def test_parse(value: bytes, wanted: list[HeaderAddress]) -> None:
    assert parse_address_list(value) == wanted


def test_long_lists_are_cut() -> None:
    assert len(parse_address_list(b"a@b.test, " * 20_000)) == 10_000
    assert len(parse_address_list(b"a b@b.test (c), " * 20_000)) == 10_000


HEAVY = [b"(" * 500_000, b"<" * 500_000, b'"' * 500_001, b"x " * 300_000 + b"@" + b" :" * 100_000, b"[" * 500_000]
HEAVY += [b"=?a?q?" * 100_000, b"a:" * 300_000, b"<a," * 200_000, b"\\" * 500_000, b" " * 1_000_000 + b"x"]


@pytest.mark.parametrize("number", range(len(HEAVY)))
def test_heavy_lists_take_linear_time(number: int) -> None:
    parse_address_list(HEAVY[number])


DISPLAYS = [
    (b"Joe <a@b.test>, c@d.test", "Joe <a@b.test>, c@d.test"),
    (b"=?utf-8?q?J=C3=B6rg?= <a@b.test>", "Jörg <a@b.test>"),
    (b"g: a@b.test;", "g:, a@b.test"),
    (b"undisclosed-recipients:;", "undisclosed-recipients:"),
    (b"", ""),
]


@pytest.mark.parametrize(("value", "wanted"), DISPLAYS)
def test_display_list(value: bytes, wanted: str) -> None:
    assert display_list(parse_address_list(value)) == wanted
